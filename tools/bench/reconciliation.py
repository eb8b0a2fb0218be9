"""What a tick of the reconciler costs that finds every order in step, and what an order costs it from its creation on:
requests to the Partner API, and DynamoDB's requests and read units on DynamoDB Local. Time is virtual: how long a tick
waits for the rate limit is counted, not waited for."""

import io
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import requests
from urllib3 import HTTPResponse

from partner_orders.order_events.message import OrderEventMessage
from partner_orders.order_events.queue import Backlog
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import PAGE_SIZE, PlatformOrders
from partner_orders.platform.rate_limit import RateLimit, workers_share
from partner_orders.reconciler.comparison import Comparison
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.run import Reconciler
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.reconciler.windows import DAILY_CHECK_EVERY, DAILY_CHECK_REACH, Position
from partner_orders.stores.table import StoresTable
from tools.bench.events import RECEIVED_AT
from tools.bench.write_costs import START, Meter
from tools.local.simulated_platform.lives import Life, to_text, trading_hour
from tools.local.simulated_platform.partner_api import Request, SimulatedPartnerApi
from tools.local.up import CHAIN_ID
from tools.simulation.table import DynamoDB

REGION = "eu-central-1"
RATE_LIMIT = 60
RETENTION = timedelta(days=400)
TOKEN = "the-token-of-the-bench"  # noqa: S105 (nobody's)
BASE_URL = "https://partner-api.example.com"
KEYS_IN_ONE_READ = 100
TICK = timedelta(minutes=5)


@dataclass(frozen=True)
class Tick:
    """The fewest requests are those that the sizes of a page and of a BatchGetItem make necessary for the orders;
    ``read_units_again`` are those of the same worker's next tick."""

    orders: int
    stores: int
    api_requests: int
    dynamodb_requests: int
    read_units: float
    read_units_again: float
    write_units: float
    seconds_waited: float
    fewest_api_requests: int
    fewest_dynamodb_requests: int


class VirtualTime:
    """A clock that moves only where somebody waits."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds

    def advance_to(self, moment: datetime) -> None:
        self._seconds = max(self._seconds, (moment - self._start).total_seconds())


class Session(requests.Session):
    """A requests session that the simulated platform answers."""

    def __init__(self, api: SimulatedPartnerApi, time: VirtualTime) -> None:
        super().__init__()
        self._api = api
        self._time = time

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        **_: Any,
    ) -> requests.Response:
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        target = f"{urlsplit(url).path}?{urlencode(params or {})}"
        given = self._api.handle(Request(method, target, lower, data or b""), self._time.now())
        answer = requests.Response()
        answer.status_code = given.status
        answer.headers.update(given.headers)
        answer.raw = HTTPResponse(io.BytesIO(given.body), preload_content=False)
        return answer


class Secrets:
    """Secrets Manager with the token of the simulated platform."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": f'{{"token": "{TOKEN}"}}'}


class _Queue:
    """Keeps what is put on it."""

    def __init__(self) -> None:
        self.messages: list[OrderEventMessage] = []

    def backlog(self) -> Backlog:
        return Backlog(0, 0)

    def send_all(self, messages: Sequence[OrderEventMessage]) -> None:
        self.messages += messages


def tick(emulated: DynamoDB, url: str, orders: int, stores: int) -> Tick:
    """A round over so many stores whose last hour holds so many orders, all stored: what their webhooks brought, and
    what the platform shows in the end."""
    table, time = emulated.new_table(), VirtualTime(RECEIVED_AT)
    lives = _lives(max(orders, stores), stores)
    api = SimulatedPartnerApi(CHAIN_ID, TOKEN, RATE_LIMIT)
    api.show(lives)
    # With no orders asked for, the one that there is was created before the window.
    found = _store(emulated.client, table, api, lives, time, START if orders else RECEIVED_AT)
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
    meter, reconciler = Meter(client, emulated.client), _reconciler(client, table, api, time, _Queue())
    with meter.measured() as cost:
        report = reconciler.run("bench", lambda: 900.0)
    waited = (time.now() - RECEIVED_AT).total_seconds()
    time.advance_to(time.now() + TICK)
    with meter.measured() as again:
        reconciler.run("bench", lambda: 900.0)
    if report.counts["in_step"] != orders or report.stopped or report.failed_stores:
        raise AssertionError(f"not the tick that was to be measured: {report.to_json()}")
    by_store = Counter(life.shop.store_id for life in lives) if orders else Counter()
    bound = (
        sum(max(1, math.ceil(by_store[store] / PAGE_SIZE)) for store in found),
        sum(math.ceil(count / KEYS_IN_ONE_READ) for count in by_store.values()),
    )
    return Tick(
        orders,
        len(found),
        report.counts["requests"],
        cost.requests,
        cost.read_units,
        again.read_units,
        cost.write_units,
        waited,
        *bound,
    )


def in_step(emulated: DynamoDB, url: str, orders: int = 1_000) -> Tick:
    """What so many orders of one store add to a tick."""
    full, empty = tick(emulated, url, orders, 1), tick(emulated, url, 0, 1)
    return Tick(
        full.orders,
        full.stores,
        full.api_requests,
        full.dynamodb_requests - empty.dynamodb_requests,
        full.read_units - empty.read_units,
        full.read_units_again - empty.read_units_again,
        full.write_units - empty.write_units,
        full.seconds_waited - empty.seconds_waited,
        full.fewest_api_requests,
        full.fewest_dynamodb_requests,
    )


@dataclass(frozen=True)
class Watched:
    """What one order costs the reconciler: how often it is compared, and what is read for that."""

    comparisons: float
    read_units: float


def watched(emulated: DynamoDB, url: str, orders: int = 200) -> Watched:
    """An hour's orders of one store, stored as their events come, with a tick every five minutes until none is
    compared any more, and the daily checks after that. What a tick without orders reads is not in it."""
    table, time, queue = emulated.new_table(), VirtualTime(START), _Queue()
    lives, api = _lives(orders, 1), SimulatedPartnerApi(CHAIN_ID, TOKEN, RATE_LIMIT)
    api.show(lives)
    stored = OrdersTable(emulated.client, table, RETENTION)
    store = parse_event(to_text(lives[0].steps[0].body).encode()).order.client
    StoresTable(emulated.client, table, CHAIN_ID, time.now).register(store)
    store_id = lives[0].shop.store_id
    ReconciliationTable(emulated.client, table, time.now).move(
        Position(store_id, checked_until=START, daily_check_at=START, vendor_id=store_id), fencing_token=0
    )
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
    reconciler = _reconciler(client, table, api, time, queue)
    steps = sorted((step.at, to_text(step.body)) for life in lives for step in life.steps if step.by_webhook)
    meter = Meter(client, emulated.client)
    with meter.measured() as cost:
        comparisons, ticks = 0, 0
        for ticks in itertools.count(1):
            time.advance_to(START + ticks * TICK)
            while steps and steps[0][0] <= time.now():
                stored.write([(parse_event(steps.pop(0)[1].encode()), Arrival("webhook", time.now()))])
            checked = reconciler.run("bench", lambda: 900.0).counts["orders_checked"]
            for message in queue.messages:
                stored.write([(parse_event(message.body), Arrival(message.source, time.now()))])
            queue.messages.clear()
            comparisons += checked
            if not steps and not checked:
                break
    with meter.measured() as at_the_end:
        OrdersTable(client, table, RETENTION).known(life.order_id for life in lives)
    idle = tick(emulated, url, 0, 1).read_units
    daily_checks = DAILY_CHECK_REACH / DAILY_CHECK_EVERY
    return Watched(
        round(comparisons / orders + daily_checks, 2),
        round((cost.read_units - ticks * idle + daily_checks * at_the_end.read_units) / orders, 2),
    )


def _lives(orders: int, stores: int) -> list[Life]:
    """The orders of an hour, as many in each store as in any other."""
    # Which store an order is of is chance; with so many to choose from, every store has enough.
    hour = trading_hour(seed=7, orders=orders + 12 * stores, stores=stores, start=START, chain_id=CHAIN_ID)
    by_store: dict[str, list[Life]] = {}
    for life in hour:
        by_store.setdefault(life.shop.store_id, []).append(life)
    chosen = [life for lives in by_store.values() for life in lives[: orders // stores]]
    if len(chosen) != orders:
        raise AssertionError(f"{orders} orders of {stores} stores were wanted, not {len(chosen)}")
    return chosen


def _store(
    client: Any, table: str, api: SimulatedPartnerApi, lives: list[Life], time: VirtualTime, checked_until: datetime
) -> set[str]:
    """Store what the platform shows, and until when the stores were checked; gives the stores."""
    orders = OrdersTable(client, table, RETENTION)
    stores = StoresTable(client, table, CHAIN_ID, time.now)
    positions = ReconciliationTable(client, table, time.now)
    for life in lives:
        shown = api.body_text(life, life.steps[-1])
        for body in [*(to_text(step.body) for step in life.steps if step.by_webhook), shown]:
            event = parse_event(body.encode())
            orders.write([(event, Arrival("webhook", time.now()))])
        stores.register(event.order.client)
    found = {life.shop.store_id for life in lives}
    for store_id in found:
        positions.move(
            # No older look is due: two an hour are, and their windows are longer.
            Position(store_id, checked_until, daily_check_at=time.now(), vendor_id=store_id, older_look_at=time.now()),
            fencing_token=0,
        )
    return found


def _reconciler(client: Any, table: str, api: SimulatedPartnerApi, time: VirtualTime, messages: _Queue) -> Reconciler:
    session, orders = Session(api, time), OrdersTable(client, table, RETENTION)
    rate_limit = RateLimit(workers_share(RATE_LIMIT), time.monotonic, time.sleep)
    credentials = PartnerApiCredentials(Secrets(), "arn", BASE_URL, session, rate_limit, time.monotonic)  # type: ignore[arg-type]
    client_of_api = PartnerApiClient(BASE_URL, credentials, session, rate_limit, time.now, time.sleep)
    queue: Any = messages
    return Reconciler(
        client_of_api,
        PlatformOrders(client_of_api, CHAIN_ID),
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
