"""What a tick of the reconciler costs that finds every order in step: requests to the Partner API, and DynamoDB's
requests and read units on DynamoDB Local. Time is virtual: nothing waits for the rate limit."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import requests

from bench.events import RECEIVED_AT
from bench.write_costs import CHAIN_ID, START, Meter
from local.simulated_platform.lives import Life, trading_hour
from local.simulated_platform.partner_api import PartnerApi as SimulatedPartnerApi
from local.simulated_platform.partner_api import Request
from partner_orders.comparison import Comparison
from partner_orders.credentials import PartnerApiCredentials
from partner_orders.event import Arrival, understand
from partner_orders.lease import Lease
from partner_orders.orders_table import OrdersTable
from partner_orders.partner_api import PAGE_SIZE, PartnerApi
from partner_orders.rate_limit import RateLimit, workers_share
from partner_orders.reconciliation import Reconciler
from partner_orders.reconciliation_table import Position, ReconciliationTable
from partner_orders.rejected_table import RejectedTable
from partner_orders.stores_table import StoresTable
from simulation.table import DynamoDB

REGION = "eu-central-1"
RATE_LIMIT = 60
RETENTION = timedelta(days=400)
TOKEN = "the-token-of-the-bench"  # noqa: S105 (nobody's)
BASE_URL = "https://partner-api.example.com"
KEYS_IN_ONE_READ = 100


@dataclass(frozen=True)
class Tick:
    """The fewest requests are those that the sizes of a page and of a BatchGetItem make necessary for the orders."""

    orders: int
    stores: int
    api_requests: int
    dynamodb_requests: int
    read_units: float
    write_units: float
    fewest_api_requests: int
    fewest_dynamodb_requests: int


class _VirtualTime:
    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds


class _Session(requests.Session):
    """A requests session that the simulated platform answers."""

    def __init__(self, api: SimulatedPartnerApi, time: _VirtualTime) -> None:
        super().__init__()
        self._api = api
        self._time = time

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> requests.Response:
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        target = f"{urlsplit(url).path}?{urlencode(params or {})}"
        given = self._api.handle(Request(method, target, lower, b""), self._time.now())
        answer = requests.Response()
        answer.status_code = given.status
        answer.headers.update(given.headers)
        answer._content = given.body  # noqa: SLF001 (what a test double has to do)
        return answer


class _Secrets:
    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": f'{{"token": "{TOKEN}"}}'}


class _Queue:
    def waiting(self) -> int:
        return 0

    def send_all(self, _: object) -> None:
        raise AssertionError("an order was not in step")


def tick(emulated: DynamoDB, url: str, orders: int, stores: int) -> Tick:
    """A round over so many stores whose last hour holds so many orders, all stored as the platform shows them."""
    table, time = emulated.new_table(), _VirtualTime(RECEIVED_AT)
    lives = trading_hour(seed=7, orders=max(orders, 1), stores=stores, start=START, chain_id=CHAIN_ID)
    api = SimulatedPartnerApi(CHAIN_ID, TOKEN, RATE_LIMIT)
    api.show(lives)
    # With no orders asked for, the one that there is was created before the window.
    found = _store(emulated.client, table, api, lives, time, START if orders else RECEIVED_AT)
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
    with Meter(client, emulated.client).measured() as cost:
        report = _reconciler(client, table, api, time).tick("bench", lambda: 900.0)
    if report.counts["in_step"] != orders or report.stopped or report.failed_stores:
        raise AssertionError(f"not the tick that was to be measured: {report.to_json()}")
    by_store = Counter(life.shop.store_id for life in lives) if orders else Counter()
    bound = (
        sum(max(1, math.ceil(by_store[store] / PAGE_SIZE)) for store in found),
        sum(math.ceil(count / KEYS_IN_ONE_READ) for count in by_store.values()),
    )
    return Tick(orders, len(found), report.counts["requests"], cost.requests, cost.read_units, cost.write_units, *bound)


def in_step(emulated: DynamoDB, url: str, orders: int = 1_000) -> Tick:
    """What so many orders of one store add to a tick."""
    full, empty = tick(emulated, url, orders, 1), tick(emulated, url, 0, 1)
    return Tick(
        full.orders,
        full.stores,
        full.api_requests,
        full.dynamodb_requests - empty.dynamodb_requests,
        full.read_units - empty.read_units,
        full.write_units - empty.write_units,
        full.fewest_api_requests,
        full.fewest_dynamodb_requests,
    )


def _store(
    client: Any, table: str, api: SimulatedPartnerApi, lives: list[Life], time: _VirtualTime, checked_until: datetime
) -> set[str]:
    """Store what the platform shows, and until when the stores were checked; gives the stores."""
    orders = OrdersTable(client, table, RETENTION, time.now)
    stores = StoresTable(client, table, CHAIN_ID, time.now)
    positions = ReconciliationTable(client, table, time.now)
    for life in lives:
        event = understand(api.body_text(life, life.steps[-1]).encode())
        orders.write([(event, Arrival("webhook", time.now()))])
        stores.register(event.order.client)
    found = {life.shop.store_id for life in lives}
    for store_id in found:
        positions.move(
            Position(store_id, checked_until=checked_until, swept_at=time.now(), vendor_id=store_id), fence=0
        )
    return found


def _reconciler(client: Any, table: str, api: SimulatedPartnerApi, time: _VirtualTime) -> Reconciler:
    session, orders = _Session(api, time), OrdersTable(client, table, RETENTION, time.now)
    rate_limit = RateLimit(workers_share(RATE_LIMIT), time.monotonic, time.sleep)
    credentials = PartnerApiCredentials(_Secrets(), "arn", BASE_URL, session, rate_limit, time.monotonic)  # type: ignore[arg-type]
    queue: Any = _Queue()
    return Reconciler(
        PartnerApi(BASE_URL, CHAIN_ID, credentials, session, rate_limit, time.now, time.sleep),
        orders,
        StoresTable(client, table, CHAIN_ID, time.now),
        Comparison(orders, RejectedTable(client, table, RETENTION, time.now), queue, time.now),
        ReconciliationTable(client, table, time.now),
        queue,
        Lease(client, table, time.now),
        RETENTION,
        time.now,
        time.sleep,
    )
