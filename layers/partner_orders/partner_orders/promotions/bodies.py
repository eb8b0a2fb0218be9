"""Bodies of promotions, and the documents that they were made of, byte for byte in the bucket of files: a promotion is
changed and ended by the same body."""

from enum import StrEnum
from typing import Any, Protocol

from partner_orders.aws.error_codes import code_of
from partner_orders.promotions.promotion import MAX_BODY_BYTES, digest_of

FOLDER = "promotions/"
# A document may hold several promotions, and names much that their bodies do not repeat.
MAX_DOCUMENT_BYTES = 20_000_000
# Without the right to list a bucket, a missing file is a denied one.
_GONE = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})


# For whoever looks at a promotion whose body cannot be sent.
BODY_GONE = "the body that was kept is gone; put the promotion again"


class DocumentKind(StrEnum):
    JSON = "json"
    CSV = "csv"


class BodyGoneError(Exception):
    """The body is not in the bucket, or is not the one that was written."""


class Bucket(Protocol):
    """The calls to S3 that are made; a client of boto3 satisfies it."""

    def get_object(self, *, Bucket: str, Key: str) -> Any: ...  # noqa: N803

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> Any: ...  # noqa: N803


def key_of(promotion_id: str, digest: str) -> str:
    """Where a body is in the bucket."""
    return f"{FOLDER}{promotion_id}/{digest}.json"


class Bodies:
    """Every method raises botocore's errors. What is written is there before any row names it."""

    def __init__(self, client: Bucket, bucket_name: str) -> None:
        self._client = client
        self._bucket_name = bucket_name

    def write(self, promotion_id: str, body: bytes) -> str:
        """Keep a body; its digest. Raises ValueError for one that is too long."""
        digest = digest_of(body)
        self._put(key_of(promotion_id, digest), body, DocumentKind.JSON, MAX_BODY_BYTES)
        return digest

    def write_document(self, promotion_id: str, document: bytes, kind: DocumentKind) -> str:
        """Keep a document; its name, which a wish carries. Raises ValueError for one that is too long."""
        name = f"{digest_of(document)}.document.{kind.value}"
        self._put(f"{FOLDER}{promotion_id}/{name}", document, kind, MAX_DOCUMENT_BYTES)
        return name

    def read(self, promotion_id: str, digest: str) -> bytes:
        """A body as it was written. Raises BodyGoneError."""
        return self._read(key_of(promotion_id, digest), digest, MAX_BODY_BYTES)

    def read_document(self, promotion_id: str, name: str) -> bytes:
        """A document as it was written. Raises BodyGoneError."""
        return self._read(f"{FOLDER}{promotion_id}/{name}", name.partition(".")[0], MAX_DOCUMENT_BYTES)

    def _put(self, key: str, content: bytes, kind: DocumentKind, most: int) -> None:
        if len(content) > most:
            raise ValueError(f"more than {most:,} bytes")
        content_type = "application/json" if kind is DocumentKind.JSON else "text/csv"
        self._client.put_object(Bucket=self._bucket_name, Key=key, Body=content, ContentType=content_type)

    def _read(self, key: str, digest: str, most: int) -> bytes:
        try:
            found = self._client.get_object(Bucket=self._bucket_name, Key=key)["Body"]
        except Exception as error:
            if code_of(error) in _GONE:
                raise BodyGoneError from None
            raise
        with found:
            content: bytes = found.read(most + 1)
        if len(content) > most or digest_of(content) != digest:
            raise BodyGoneError
        return content
