"""The bucket of files: a file is read in pieces of bounded size, and its report is written beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)

from partner_orders.loader.file_event import ONLY_VERSION

CHUNK = 256 * 1024  # bytes
# Connections in a row that bring nothing, before the file is tried again later.
MOST_CUTS = 5
# Without a body, S3 names an error by its status only. 405: a delete marker. 400: no id that S3 gave a version.
_GONE = {"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed", "400"}


class FileGoneError(Exception):
    """This version of the file is not in the bucket any more."""


class FileCutError(Exception):
    """The file ended before its size."""


_CUTS = (
    AwsConnectionError,
    FileCutError,
    HTTPClientError,
    IncompleteReadError,
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in the bucket; ``size`` in bytes."""

    key: str
    version_id: str
    size: int
    stored_at: datetime
    etag: str


class FilesBucket:
    """``client`` is botocore's of S3. Every method raises botocore's errors."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def find(self, key: str, version_id: str) -> FoundFile:
        """A version of a file. Raises FileGoneError."""
        try:
            head = self._client.head_object(Bucket=self.name, Key=key, **_version(version_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise FileGoneError from None
            raise
        return FoundFile(key, version_id, head["ContentLength"], head["LastModified"].astimezone(UTC), head["ETag"])

    def chunks(self, file: FoundFile) -> Iterator[bytes]:
        """The bytes of a file in order. Where a connection is cut, the next one goes on at that byte."""
        offset, cuts = 0, 0
        while offset < file.size:
            try:
                for chunk in self._from(file, offset):
                    offset, cuts = offset + len(chunk), 0
                    yield chunk
            except _CUTS:
                cuts += 1
                if cuts == MOST_CUTS:
                    raise

    def put_report(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=content, ContentType="application/json")

    def put_file(self, key: str, file: IO[bytes]) -> None:
        """Put a file that is packed with gzip."""
        self._client.put_object(Bucket=self.name, Key=key, Body=file, ContentType="application/gzip")

    def _from(self, file: FoundFile, offset: int) -> Iterator[bytes]:
        """The bytes from an offset on, until the end or until the connection is cut."""
        response = self._client.get_object(
            Bucket=self.name,
            Key=file.key,
            Range=f"bytes={offset}-{file.size - 1}",
            # The same bytes as before, also where the bucket keeps no versions.
            IfMatch=file.etag,
            **_version(file.version_id),
        )
        with response["Body"] as body:
            left = file.size - offset
            while left > 0:
                chunk = body.read(min(CHUNK, left))
                if not chunk:
                    raise FileCutError
                left -= len(chunk)
                yield chunk


def _version(version_id: str) -> dict[str, str]:
    return {} if version_id == ONLY_VERSION else {"VersionId": version_id}
