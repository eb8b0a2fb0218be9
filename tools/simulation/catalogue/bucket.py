"""A versioned bucket to S3's semantics, as far as our code relies on them."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from botocore.exceptions import ClientError, ReadTimeoutError


class Troubled(Protocol):
    """Stands between a call and its effect."""

    def __call__[T](self, operation: str, effect: Callable[[], T], /) -> T: ...


class Stored(NamedTuple):
    """A version of an object. S3 knows its time to the second."""

    version_id: str
    content: bytes
    stored_at: datetime

    @property
    def etag(self) -> str:
        return f'"{md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass
class SimulatedBucket:
    """The calls of a boto3 client that our code makes. ``is_cut`` decides of each body whether its connection is cut
    after a part of it."""

    name: str
    now: Callable[[], datetime]
    call: Troubled
    is_cut: Callable[[str], bool] = lambda _: False
    objects: dict[str, list[Stored]] = field(default_factory=dict)
    _count: int = 0

    def put(self, key: str, content: bytes) -> Stored:
        """Store a version of an object, as its owner does."""
        self._count += 1
        stored = Stored(f"v{self._count:05d}", content, self.now().replace(microsecond=0))
        self.objects.setdefault(key, []).append(stored)
        return stored

    def head_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            found = self._found(Bucket, Key, VersionId, "HeadObject", "404")
            return {"ContentLength": len(found.content), "LastModified": found.stored_at, "ETag": found.etag}

        return self.call("HeadObject", effect)

    def get_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        VersionId: str = "",  # noqa: N803
        Range: str = "",  # noqa: N803
        IfMatch: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            found = self._found(Bucket, Key, VersionId, "GetObject", "NoSuchVersion" if VersionId else "NoSuchKey")
            if IfMatch and IfMatch != found.etag:
                raise _refusal("PreconditionFailed", "GetObject")
            first, last = Range.removeprefix("bytes=").split("-") if Range else ("0", "")
            content = found.content[int(first) : int(last) + 1 if last else None]
            return {"Body": _Body(content, self.is_cut(Key)), "ETag": found.etag}

        return self.call("GetObject", effect)

    def put_object(self, *, Bucket: str, Key: str, Body: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Bucket != self.name:
            raise _refusal("NoSuchBucket", "PutObject")
        content = Body if isinstance(Body, bytes) else Body.read()
        return self.call("PutObject", lambda: {"VersionId": self.put(Key, content).version_id})

    def _found(self, bucket: str, key: str, version_id: str, operation: str, code: str) -> Stored:
        versions = self.objects.get(key, []) if bucket == self.name else []
        for stored in reversed(versions):
            if version_id in ("", stored.version_id):
                return stored
        raise _refusal(code, operation)


class _Body:
    """A body as boto3 streams it."""

    def __init__(self, content: bytes, is_cut: bool) -> None:
        self._content = io.BytesIO(content[: len(content) // 2] if is_cut else content)
        self._is_cut = is_cut

    def read(self, most: int | None = None) -> bytes:
        content = self._content.read(-1 if most is None else most)
        if not content and self._is_cut:
            raise ReadTimeoutError(endpoint_url="s3")
        return content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while content := self.read(size):
            yield content

    def close(self) -> None:
        """Nothing to do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation)
