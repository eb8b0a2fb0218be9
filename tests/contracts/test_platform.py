"""The platform in this process answers as it does over HTTP."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.support.contracts import FAKE
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, START, TOKEN, PlatformSession, VirtualTime, lives
from tests.support.protocols import HttpSession
from tools.local.simulated_platform.server import Platform, serve

RATE_LIMIT = 3
LIVES = lives(orders=30)
QUERY = {
    "start_time": START.isoformat(),
    "end_time": (START + timedelta(hours=1)).isoformat(),
    "page": "1",
    "page_size": "5",
}

type Session = tuple[HttpSession, str]


@pytest.fixture(params=[FAKE, "HTTP"])
def session(request: pytest.FixtureRequest, time: VirtualTime) -> Iterator[Session]:
    """The session, and the address of the platform."""
    platform = Platform(CHAIN_ID, TOKEN, RATE_LIMIT, {})
    platform.api.show(LIVES)
    if request.param == FAKE:
        yield PlatformSession(platform.api, time), BASE_URL
        return
    platform.now = time.now  # type: ignore[method-assign]
    server = serve(platform, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with requests.Session() as http:
        yield http, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(session: Session, path: str, token: str = TOKEN) -> requests.Response:
    http, url = session
    return http.get(
        url + path,
        params=QUERY,
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
        allow_redirects=False,
        stream=True,
    )


def orders_path() -> str:
    return f"/v2/chains/{CHAIN_ID}/vendors/{LIVES[0].shop.store_id}/orders"


def same(answer: requests.Response) -> tuple[int, Any]:
    """What must not depend on the way: the status, and the body as the client reads it."""
    assert answer.headers["Date"]
    return answer.status_code, answer.json()


def test_page(session: Session) -> None:
    """A page of orders, with how many there are."""
    status, page = same(get(session, orders_path()))
    assert status == 200
    assert (len(page["orders"]), page["page_number"], page["page_size"]) == (5, 1, 5)
    assert {order["client"]["store_id"] for order in page["orders"]} == {LIVES[0].shop.store_id}


def test_stream(session: Session) -> None:
    """The body can be read in parts, as the client does to bound it."""
    answer = get(session, orders_path())
    parts = [*iter(lambda: answer.raw.read(1_000), b"")]
    assert len(parts) > 1
    assert b"".join(parts).startswith(b'{"orders":[')


def test_refused(session: Session) -> None:
    """A wrong token gets 401, and an unknown store 404."""
    assert same(get(session, orders_path(), "another token"))[0] == 401
    assert same(get(session, f"/v2/chains/{CHAIN_ID}/vendors/nowhere/orders"))[0] == 404


def test_rate_limit(session: Session) -> None:
    """What is over the limit is refused with the seconds to wait."""
    answers = [get(session, orders_path()) for _ in range(RATE_LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [200] * RATE_LIMIT + [429]
    assert answers[-1].headers["Retry-After"] == "60"
