"""The simulated platform in this process: its Partner API behind a requests session, on a clock that tests move."""

import io
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from urllib3 import HTTPResponse

from tests.support.orders import CHAIN_ID
from tools.local.simulated_platform.lives import Life, trading_hour
from tools.local.simulated_platform.partner_api import Request, SimulatedPartnerApi

BASE_URL = "https://partner-api.example.com"
TOKEN = "token-of-the-chain"
UNDER_WAY_SECONDS = 0.1
START = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)


class VirtualTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, start: datetime = START + timedelta(hours=2)) -> None:
        self.start = start
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class Asked:
    method: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]


class PlatformSession(requests.Session):
    """A requests session that the simulated platform answers, whatever the host."""

    def __init__(self, api: SimulatedPartnerApi, time: VirtualTime, may_die: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.may_die = may_die
        self._api = api
        self._time = time
        self.asked: list[Asked] = []

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | bytes | None = None,
        **options: Any,
    ) -> requests.Response:
        assert options["allow_redirects"] is False
        assert options["timeout"]
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        self.asked.append(Asked(method, url, dict(params or {}), lower))
        target = f"{urlsplit(url).path}?{urlencode(params or {})}"
        self.may_die()
        self._time.sleep(UNDER_WAY_SECONDS)
        content = data if isinstance(data, bytes) else urlencode(data or {}).encode()
        given = self._api.handle(Request(method, target, lower, content), self._time.now())
        self._time.sleep(UNDER_WAY_SECONDS)
        self.may_die()
        patience = 20.0
        self._time.sleep(min(given.hang_seconds, patience))
        if given.hang_seconds >= patience:
            raise requests.ReadTimeout
        if not given.status:
            raise requests.ConnectionError("the connection was dropped")
        answer = requests.Response()
        answer.status_code = given.status
        answer.headers.update(given.headers)
        answer.raw = HTTPResponse(io.BytesIO(given.body), preload_content=False)
        return answer


def lives(orders: int = 12, seed: int = 7, stores: int = 2) -> list[Life]:
    """The orders of an hour that began at START."""
    copied: list[Life] = pickle.loads(_pickled_lives(orders, seed, stores))  # noqa: S301
    return copied


@cache
def _pickled_lives(orders: int, seed: int, stores: int) -> bytes:
    """Copying lives takes an eighth of the time that making them takes."""
    return pickle.dumps(trading_hour(seed, orders, stores, START, CHAIN_ID))


def truth(api: SimulatedPartnerApi, life: Life, at: datetime) -> dict[str, Any]:
    """What GET shows of an order at a time."""
    step = life.step_shown_at(at)
    assert step is not None
    shown: dict[str, Any] = json.loads(api.body_text(life, step))
    return shown
