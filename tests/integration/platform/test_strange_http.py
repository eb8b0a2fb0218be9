"""Responses that no HTTP library would send, over a real connection: each ends in time and in bounded memory, and
nothing of it reaches a log."""

import gzip
import json
import logging
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from partner_orders.clock import now
from partner_orders.logs import function_logger
from partner_orders.platform import credentials as platform_credentials
from partner_orders.platform import http
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import Failure, PartnerApiError, UnsteadyWindowError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import PlatformOrders
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.responses import MAX_BODY_BYTES
from partner_orders.platform.session import platform_session
from tests.support.raw_server import Answer, dripping, raw_server, response
from tests.support.sampling import every

LIMIT_SECONDS = 0.5
PAGE = json.dumps({"orders": [{"order_id": str(number)} for number in range(9)], "total_pages": 1}).encode()
OAUTH = json.dumps({"client_id": "ours", "client_secret": "of the client"})
MIB = 1_048_576

type Read = Callable[[Answer], int]


@pytest.fixture(params=[json.dumps({"token": "token"})])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads a window of a platform that answers so; how many orders it has. The parameter is the stored secret."""
    monkeypatch.setattr(http, "TRIES", 1)
    monkeypatch.setattr(http, "RESPONSE_SECONDS", LIMIT_SECONDS)
    monkeypatch.setattr(platform_credentials, "TIMEOUT_SECONDS", (3.05, LIMIT_SECONDS))
    secrets: Any = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": request.param})

    def read(answer: Answer) -> int:
        with raw_server(answer) as url, platform_session() as session:
            limit = RateLimit(1_000, time.monotonic, time.sleep)
            credentials = PartnerApiCredentials(secrets, "arn", url, session, limit)
            orders = PlatformOrders(PartnerApiClient(url, credentials, session, limit, now, time.sleep), "chain")
            end = now() - timedelta(hours=1)
            return sum(len(listed) for listed in orders.between("store", end - timedelta(hours=1), end))

    return read


def assert_given_up(read: Read, answer: Answer) -> None:
    threads, begun = threading.active_count(), time.monotonic()
    with pytest.raises(PartnerApiError, match=r"^no_answer:"):
        read(answer)
    assert time.monotonic() - begun < LIMIT_SECONDS + 1
    assert threading.active_count() <= threads + 2  # the server's


@pytest.mark.parametrize(
    "head",
    every(
        3,
        [
            b"HTTP/1.1 200 OK\r\nServer: one\r\nDate: Wed, 14 Oct 2026 10:00:50 GMT\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
            b" " * 200,
        ],
    ),
)
def test_dripping_headers_are_given_up(read: Read, head: bytes) -> None:
    """Headers that drip are given up in time, though each byte comes soon enough."""
    assert_given_up(read, lambda _: dripping(head))


@pytest.mark.slow
@pytest.mark.parametrize("read", [OAUTH], indirect=True)
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nServer: one of many\r\n", response(b"x" * 50)])
def test_dripping_token_is_given_up(read: Read, head: bytes) -> None:
    """A token endpoint that drips is given up in time."""
    assert_given_up(read, lambda _: dripping(head))


@pytest.mark.parametrize("read", [OAUTH], indirect=True)
@pytest.mark.parametrize("grant", [b"[" * 60_000, gzip.compress(b" " * 50 * MIB, mtime=0), b'"' + b"x" * 100_000])
def test_strange_grant_is_an_error(read: Read, grant: bytes) -> None:
    """A grant that is nested without end, or too large, is an error of the credentials."""
    encoding = ["Content-Encoding: gzip"] if grant[:1] == b"\x1f" else []
    with pytest.raises(PartnerApiError, match=r"^credentials: .*answered 200"):
        read(lambda _: [response(grant, *encoding)])


def bomb(wbits: int) -> bytes:
    packing = zlib.compressobj(wbits=wbits)
    return b"".join(packing.compress(b" " * MIB) for _ in range(40)) + packing.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b" " * (MAX_BODY_BYTES + 1), "identity"),
        (bomb(31), "gzip"),
        (bomb(15), "deflate"),
        (bomb(-15), "deflate"),
    ],
    ids=["plain", "gzip", "zlib", "raw"],
)
def test_large_body_takes_bounded_memory(
    read: Read, monkeypatch: pytest.MonkeyPatch, body: bytes, encoding: str
) -> None:
    """A body over the limit, raw or inflated, is not read on, and smaller pages and windows are for the caller."""
    monkeypatch.setattr(http, "RESPONSE_SECONDS", 20.0)
    tracemalloc.start()
    with pytest.raises(UnsteadyWindowError) as error:
        read(lambda _: [response(body, f"Content-Encoding: {encoding}")])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.value.failure is Failure.TOO_LARGE
    assert peak < 4 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("body", "encoding"), [(gzip.compress(PAGE, mtime=0), "GZIP"), (zlib.compress(PAGE), "deflate"), (PAGE, "identity")]
)
def test_encoded_page_is_read(read: Read, body: bytes, encoding: str) -> None:
    """A page in an encoding that HTTP has always had is read."""
    assert read(lambda _: [response(body, f"Content-Encoding: {encoding}")]) == 9


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PAGE, "br"),
        (gzip.compress(gzip.compress(PAGE, mtime=0), mtime=0), "gzip, gzip"),
        (PAGE, "gzip"),
        (gzip.compress(PAGE, mtime=0)[:-9], "gzip"),
        (gzip.compress(PAGE, mtime=0) * 2, "gzip"),
    ],
)
def test_unknown_encoding_is_an_error(read: Read, body: bytes, encoding: str) -> None:
    """An encoding that we did not request, a corrupt or a cut one, is no empty page."""
    with pytest.raises(PartnerApiError, match=r"^not_json:encoding$"):
        read(lambda _: [response(body, f"Content-Encoding: {encoding}")])


def test_empty_body_is_empty_in_any_encoding(read: Read) -> None:
    """A response without a body is an empty page, whatever encoding it names."""
    assert read(lambda _: [response(b"", "Content-Encoding: gzip", status="204 No Content")]) == 0


def test_redirect_body_is_not_read(read: Read) -> None:
    """A redirect is refused without its body, however large."""
    sent: list[int] = []

    def answer(first_line: str) -> Iterable[bytes]:
        yield response(b"", "Location: /elsewhere", status="302 Found").replace(b"Length: 0", b"Length: 999999999")
        for _ in range(200):
            sent.append(MIB)
            yield b" " * MIB

    with pytest.raises(PartnerApiError, match=r"^refused:302$"):
        read(answer)
    assert sum(sent) < 50 * MIB


@pytest.mark.parametrize("read", [json.dumps({"token": "token"}), OAUTH], ids=["orders", "token"], indirect=True)
def test_redirect_is_not_followed(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is not followed to the good response that it leads to, even by a session that would follow it."""
    monkeypatch.setattr(f"{__name__}.platform_session", requests.Session)
    asked: list[str] = []
    good = json.dumps(json.loads(PAGE) | {"access_token": "elsewhere"}).encode()

    def answer(first_line: str) -> Iterable[bytes]:
        asked.append(first_line)
        is_first = len(asked) == 1
        yield response(b"", "Location: /elsewhere", status="302 Found") if is_first else response(good)

    with pytest.raises(PartnerApiError, match="302"):
        read(answer)
    assert len(asked) == 1


def test_malformed_headers_reach_no_log(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    """A header line without a colon costs no page, and the HTTP library's warning about it reaches no log."""
    function_logger()
    caplog.set_level(logging.DEBUG)
    head = response(PAGE, "Set-Cookie: session=4711", "Ayesha Khan +92300123441", "X-After: x")
    assert read(lambda _: [head]) == 9
    assert caplog.text == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff" * 50,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
    ],
    ids=["nothing", "bytes", "status", "chunk", "many headers", "long header", "short body"],
)
def test_malformed_http_is_no_response(read: Read, answer: bytes) -> None:
    """What is no HTTP counts as no response, in time."""
    assert_given_up(read, lambda _: [answer])
