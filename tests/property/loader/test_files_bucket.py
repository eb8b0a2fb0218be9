"""A file is read in pieces of bounded size, on from the byte at which a connection broke."""

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError, ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.loader.files_bucket import CHUNK, MOST_CUTS, FileCutError, FileGoneError, FilesBucket, FoundFile
from tests.support.fixed_clock import NOW

ERRORS = [
    ReadTimeoutError(endpoint_url="https://s3.example.com"),
    ResponseStreamingError(error="broken"),
    None,  # the body ends early without a word
]


class CutBody(io.BytesIO):
    def __init__(self, content: bytes, error: Exception | None) -> None:
        super().__init__(content)
        self._error = error
        self.asked: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= CHUNK
        found = super().read(size)
        if not found and self._error is not None:
            raise self._error
        return found


class S3OfTest:
    """Cuts the connections at these many bytes after their beginning, each in its own way."""

    def __init__(self, content: bytes, cuts: list[tuple[int, int]]) -> None:
        self._content = content
        self._cuts = [*cuts]
        self.ranges: list[str] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        assert (request["VersionId"], request["IfMatch"]) == ("v", "e")
        self.ranges.append(request["Range"])
        begin, end = map(int, request["Range"].removeprefix("bytes=").split("-"))
        part = self._content[begin : end + 1]
        if self._cuts:
            length, kind = self._cuts.pop(0)
            return {"Body": CutBody(part[:length], ERRORS[kind])}
        return {"Body": CutBody(part, None)}


def found(content: bytes) -> FoundFile:
    return FoundFile("lists/q7zk/a.csv", "v", len(content), NOW, "e")


@given(
    st.integers(0, 3 * CHUNK).map(lambda size: bytes(number % 251 for number in range(size))),
    st.lists(st.tuples(st.integers(1, CHUNK + 9), st.integers(0, 2)), max_size=6),
)
def test_cut_connections(content: bytes, cuts: list[tuple[int, int]]) -> None:
    """However often the connection is cut, the bytes are those of the file, and none is read twice."""
    client = S3OfTest(content, cuts)
    assert b"".join(FilesBucket(client, "files").chunks(found(content))) == content
    assert bool(client.ranges) == bool(content)
    begins = [int(asked.removeprefix("bytes=").split("-")[0]) for asked in client.ranges]
    assert begins == sorted(set(begins))


@pytest.mark.parametrize("kind", range(3))
def test_connection_that_brings_nothing(kind: int) -> None:
    """A file of which no connection brings anything is given up for now."""
    client = S3OfTest(b"sku,price\n", [(0, kind)] * 9)
    with pytest.raises((FileCutError, ReadTimeoutError, ResponseStreamingError)):
        [*FilesBucket(client, "files").chunks(found(b"sku,price\n"))]
    assert len(client.ranges) == MOST_CUTS


@pytest.mark.parametrize(
    ("code", "is_gone"), [("404", True), ("405", True), ("400", True), ("403", False), ("503", False)]
)
def test_file_that_is_gone(code: str, is_gone: bool) -> None:
    """A version that is not there is told apart from one that cannot be read now."""

    class Client:
        def head_object(self, **request: Any) -> None:
            assert request == {"Bucket": "files", "Key": "lists/q7zk/a.csv"}
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "HeadObject")

    with pytest.raises(FileGoneError if is_gone else ClientError):
        FilesBucket(Client(), "files").find("lists/q7zk/a.csv", "null")
