"""What was sent, in the bucket of files for 90 days, and the rows of promotions as they were sent."""

import gzip
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any, Protocol

from partner_orders.aws.error_codes import code_of
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.promotion_file import MAX_KEPT_BYTES
from partner_orders.uploader.spool import packed

FOLDER = "sent/"
KEPT_ROWS_FOLDER = "promotion-rows/"
# Those of one name: a file stops at MAX_KEPT_BYTES, and ends make none longer by much.
MAX_ROWS_BYTES = 2 * MAX_KEPT_BYTES
_GONE = frozenset({"NoSuchKey", "404"})


class Bucket(Protocol):
    """The calls to S3 that are made; a client of boto3 satisfies it."""

    def get_object(self, *, Bucket: str, Key: str) -> Any: ...  # noqa: N803

    def put_object(self, *, Bucket: str, Key: str, Body: IO[bytes] | bytes, ContentType: str) -> Any: ...  # noqa: N803


class Archive:
    """Every method raises botocore's errors."""

    def __init__(self, client: Bucket, bucket_name: str) -> None:
        self._client = client
        self._bucket_name = bucket_name

    def keep(self, kind: FileKind, name: str, parts: Sequence[IO[bytes]], digest: str, at: datetime) -> list[str]:
        """Keep the parts of a file; their keys."""
        keys = []
        for number, part in enumerate(parts, 1):
            end = f"-{number}" if len(parts) > 1 else ""
            key = f"{FOLDER}{name}/{kind}/{at:%Y%m%dT%H%M%SZ}-{digest[:16]}{end}.csv.gz"
            with packed(part) as content:
                self._put(key, content, "application/gzip")
            keys.append(key)
        return keys

    def kept_rows(self, name: str) -> bytes:
        """What was kept of the rows of promotions under a name; empty before the first."""
        try:
            body = self._client.get_object(Bucket=self._bucket_name, Key=_rows_key(name))["Body"]
        except Exception as error:
            if code_of(error) in _GONE:
                return b""
            raise
        with body, gzip.open(body) as content:
            return content.read(MAX_ROWS_BYTES)

    def keep_rows(self, name: str, content: bytes) -> None:
        """Raises ValueError for more than can be read."""
        if len(content) > MAX_ROWS_BYTES:
            raise ValueError(f"more than {MAX_ROWS_BYTES:,} bytes")
        self._put(_rows_key(name), gzip.compress(content, mtime=0), "application/gzip")

    def _put(self, key: str, body: IO[bytes] | bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket_name, Key=key, Body=body, ContentType=content_type)


def _rows_key(name: str) -> str:
    return f"{KEPT_ROWS_FOLDER}{name}.json.gz"
