"""Callbacks about jobs: what is read of them, and what is none."""

import json

import pytest

from partner_orders.results.callback import MAX_BYTES, Callback, NoCallbackError, parse_callback


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"job_id": "0c9b", "status": "COMPLETED", "download_url": "/v2/files/1"},
            ("0c9b", "COMPLETED", "/v2/files/1"),
        ),
        ({"job_id": 4711, "job_status": "failed", "platform_vendor_id": "q7zk"}, ("4711", "FAILED", None)),
        ({"job_id": "0c9b", "status": "QUEUED", "download_url": None, "more": [{}]}, ("0c9b", "QUEUED", None)),
        ({"job_id": "0c9b", "status": "COMPLETED", "download_url": {"odd": 1}}, ("0c9b", "COMPLETED", None)),
    ],
)
def test_callback(content: object, expected: tuple[str, str, str | None]) -> None:
    """A job's id is text or a number, its status has either name, and a link may be missing or odd."""
    assert parse_callback(json.dumps(content).encode()) == Callback(*expected)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"status": "COMPLETED"}', "no job_id"),
        (b'{"job_id": true, "status": "COMPLETED"}', "no job_id"),
        (b'{"job_id": "a\\u0000b", "status": "COMPLETED"}', "no job_id"),
        (b'{"job_id": "0c9b"}', "no status"),
        (b'{"job_id": "' + b"x" * MAX_BYTES + b'", "status": "COMPLETED"}', "larger than"),
    ],
)
def test_no_callback(body: bytes, why: str) -> None:
    """What is no callback is refused with the reason."""
    with pytest.raises(NoCallbackError, match=why):
        parse_callback(body)


def test_link_is_not_shown() -> None:
    """A link may be a secret, so a callback's text leaves it out."""
    callback = parse_callback(
        b'{"job_id": "0c9b", "status": "COMPLETED", "download_url": "https://s.example/?sig=secret"}'
    )
    assert "secret" not in repr(callback)
