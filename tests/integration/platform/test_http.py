"""A page that drips, over a real connection: however it is encoded, it ends, and good pages are read as ever."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.platform import http
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import PlatformOrders
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.session import platform_session
from tests.support.sampling import every

PAGE = json.dumps({"orders": [{"order_id": str(number)} for number in range(9)], "total_pages": 1}).encode()
LIMIT_SECONDS = 0.4


class Platform:
    """Answers every request with PAGE, in one of three forms; ``drips`` a byte at a time."""

    def __init__(self) -> None:
        self.form = "plain"
        self.drips = False
        self.connections: set[Any] = set()
        self.gave_up = threading.Event()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                platform.connections.add(self.client_address)
                body = gzip.compress(PAGE) if platform.form == "gzip" else PAGE
                self.send_response(200)
                if platform.form == "gzip":
                    self.send_header("Content-Encoding", "gzip")
                if platform.form == "chunked":
                    self.send_header("Transfer-Encoding", "chunked")
                else:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self._write(body)
                except OSError:
                    platform.gave_up.set()

            def _write(self, body: bytes) -> None:
                step = 1 if platform.drips else len(body)
                parts = [body[at : at + step] for at in range(0, len(body), step)]
                if platform.form == "chunked":
                    parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts] + [b"0\r\n\r\n"]
                for part in parts:
                    self.wfile.write(part)
                    if platform.drips:
                        time.sleep(0.05)

            def log_message(self, *_: object) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def api(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> PlatformOrders:
    monkeypatch.setattr(http, "TRIES", 1)
    monkeypatch.setattr(http, "RESPONSE_SECONDS", LIMIT_SECONDS)

    class Credentials:
        def token(self) -> str:
            return "token"

    url = f"http://127.0.0.1:{platform.server.server_port}"
    limit = RateLimit(1_000, time.monotonic, time.sleep)
    client = PartnerApiClient(url, Credentials(), platform_session(), limit, now, time.sleep)  # type: ignore[arg-type]
    return PlatformOrders(client, "chain")


def read(api: PlatformOrders) -> int:
    end = now() - timedelta(hours=1)
    return sum(len(orders) for orders in api.between("store", end - timedelta(hours=1), end))


@pytest.mark.slow
@pytest.mark.parametrize("form", every(3, ["plain", "chunked", "gzip"]))
def test_dripping_page_is_given_up(platform: Platform, api: PlatformOrders, form: str) -> None:
    """A page that drips is given up in time and its connection closed. The next page is read as usual."""
    platform.form, platform.drips = form, True
    begun = time.monotonic()
    with pytest.raises(PartnerApiError) as error:
        read(api)
    assert (str(error.value), error.value.retry_after) == ("no_answer:ReadTimeout", 0.0)
    assert time.monotonic() - begun < LIMIT_SECONDS + 1
    assert platform.gave_up.wait(2)
    platform.drips = False
    assert read(api) == 9


@pytest.mark.parametrize("form", ["plain", "chunked", "gzip"])
def test_normal_pages_share_one_connection(platform: Platform, api: PlatformOrders, form: str) -> None:
    """Pages that do not drip are read over one connection."""
    platform.form = form
    assert [read(api) for _ in range(3)] == [9, 9, 9]
    assert len(platform.connections) == 1
