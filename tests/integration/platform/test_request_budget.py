"""The request budget on a table of DynamoDB's: what its row holds, and how the chain's clients use it."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.aws import clients
from partner_orders.aws.dynamodb import ConditionFailedError
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import OutOfTimeError
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.order_exchange import OrderExchange
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.request_budget import Share
from partner_orders.pusher import parts
from partner_orders.pusher.handler import PusherSettings as FunctionSettings
from partner_orders.pusher.parts import SenderSettings as PusherSettings
from partner_orders.reconciler import handler
from partner_orders.sender.handler import SenderSettings
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE, dynamodb_at
from tests.support.platform import BASE_URL, START, PlatformSession, VirtualTime, lives
from tests.support.sender_world import SecretOfTest
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.partner_api import SimulatedPartnerApi


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with dynamodb_at() as client:
        yield client


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def budget(dynamodb: Any) -> RequestBudgetTable:
    return RequestBudgetTable(dynamodb, TABLE, 60)


def limit_of(budget: RequestBudgetTable, time: VirtualTime, share: Share, block_size: int = 1) -> BudgetedRequests:
    return BudgetedRequests(budget, share, block_size, time.monotonic, time.sleep, lambda: 0.5)


def requests(limit: BudgetedRequests, most: int) -> int:
    """As many requests as there are permits for now; how many."""
    for count in range(most):
        if not limit.wait(0.0):
            return count
        limit.record()
    return most


def row(dynamodb: Any) -> dict[str, Any]:
    [found] = dynamodb.scan(TableName=TABLE)["Items"]
    return dict(found)


@pytest.mark.slow
def test_workers_share_one_budget(budget: RequestBudgetTable, time: VirtualTime) -> None:
    """Two workers of a share get together what it may have; answers get the rest."""
    workers = [limit_of(budget, time, Share.RECONCILIATION) for _ in range(2)]
    assert sum(requests(worker, 16) for worker in workers) == 32
    assert [requests(worker, 1) for worker in workers] == [0, 0]
    assert requests(limit_of(budget, time, Share.ANSWERS), 60) == 24


@pytest.mark.slow
def test_full_row_stays_small(dynamodb: Any, budget: RequestBudgetTable, time: VirtualTime) -> None:
    """With every permit granted, the row is small, and holds nothing but its blocks."""
    for _ in range(60):
        limit_of(budget, time, Share.ANSWERS).wait(0.0)
    found = row(dynamodb)
    assert set(found) == {"pk", "sk", "schema_version", "version", "blocks"}
    assert len(found["blocks"]["L"]) == 56
    assert len(str(found)) < 12_000


def test_second_writer_reads_again(
    dynamodb: Any, budget: RequestBudgetTable, time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that another one overtook gets its permit after a short wait; without the time for it, none."""
    take, fails = RequestBudgetTable.take, [2]

    def overtaken(*arguments: Any) -> Any:
        if fails[0]:
            fails[0] -= 1
            raise ConditionFailedError(None)
        return take(*arguments)

    monkeypatch.setattr(RequestBudgetTable, "take", overtaken)
    limit = limit_of(budget, time, Share.ANSWERS)
    assert not limit.wait(0.0)
    assert limit.wait(1.0)
    assert 0 < sum(time.slept) < 0.2


@pytest.mark.parametrize("date", [None, "soon"])
def test_response_without_date_grants_nothing(
    dynamodb: Any, budget: RequestBudgetTable, time: VirtualTime, date: str | None
) -> None:
    """Without the service's time nothing is requested."""

    def undated(parsed: dict[str, Any], **_: Any) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers.pop("date")
        if date:
            headers["date"] = date

    dynamodb.meta.events.register("after-call.dynamodb.GetItem", undated)
    with pytest.raises(LookupError):
        limit_of(budget, time, Share.ANSWERS).wait(60.0)


@pytest.fixture
def platform() -> SimulatedPartnerApi:
    api = SimulatedPartnerApi(CHAIN_ID, "token-of-the-chain", 6_000, 7)
    api.show(lives())
    return api


def test_reconcilers_request_takes_one_permit(
    dynamodb: Any, budget: RequestBudgetTable, time: VirtualTime, platform: SimulatedPartnerApi
) -> None:
    """A request takes one permit of those at hand, and the end of a run leaves nothing else behind."""
    limit, session = limit_of(budget, time, Share.RECONCILIATION, 4), PlatformSession(platform, time)
    secrets: Any = SecretOfTest()
    credentials = PartnerApiCredentials(secrets, "arn", BASE_URL, session, limit, time.monotonic)
    api = PartnerApiClient(BASE_URL, credentials, session, limit, time.now, time.sleep)
    api.begin(RunLimits(), Handover())
    store = lives()[0].shop.store_id
    times = {
        "start_time": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{START + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    for _ in range(2):
        api.get_once(f"/v2/chains/{CHAIN_ID}/vendors/{store}/orders", times, lambda body: body)
    assert [entry["M"]["permits"]["N"] for entry in row(dynamodb)["blocks"]["L"]] == ["4"]
    api.end()
    assert [entry["M"]["permits"]["N"] for entry in row(dynamodb)["blocks"]["L"]] == ["1", "1"]


@pytest.mark.parametrize(("recent", "counted"), [(None, 60), (0, 0), (7, 7)])
def test_requests_of_the_worker_before_count(
    time: VirtualTime, platform: SimulatedPartnerApi, recent: int | None, counted: int
) -> None:
    """Without a budget a worker counts the requests of the one before it: where it did not say how many, as many as the
    limit allows."""
    limit, session = RateLimit(60, time.monotonic, time.sleep), PlatformSession(platform, time)
    secrets: Any = SecretOfTest()
    credentials = PartnerApiCredentials(secrets, "arn", BASE_URL, session, limit, time.monotonic)
    api = PartnerApiClient(BASE_URL, credentials, session, limit, time.now, time.sleep)
    api.begin(RunLimits(), Handover(last_request_at=time.now() - timedelta(seconds=20), recent_requests=recent))
    assert limit.recent() == counted
    time.sleep(41.0)
    assert limit.recent() == 0


def test_old_permit_answers_no_order(
    dynamodb: Any, budget: RequestBudgetTable, time: VirtualTime, platform: SimulatedPartnerApi
) -> None:
    """A permit that a sender got for an order, and did not use at once, sends nothing later."""
    limit, session = limit_of(budget, time, Share.ANSWERS), PlatformSession(platform, time)
    secrets: Any = SecretOfTest()
    credentials = PartnerApiCredentials(secrets, "arn", BASE_URL, session, limit, time.monotonic)
    exchange = OrderExchange(BASE_URL, CHAIN_ID, credentials, session, limit, time.now)
    exchange.make_room()
    time.sleep(600.0)
    key = {name: {"S": "REQUEST_BUDGET"} for name in ("pk", "sk")}
    dynamodb.put_item(TableName=TABLE, Item=key | {"blocks": {"S": "unreadable, so nothing is left"}})
    with pytest.raises(OutOfTimeError):
        exchange.show(lives()[0].order_id)
    assert not session.asked


def test_long_wait_keeps_the_lease(budget: RequestBudgetTable, time: VirtualTime) -> None:
    """While a run waits for permits, it renews its lease every few seconds."""
    other = limit_of(budget, time, Share.CATALOGUE, 20)
    assert other.wait(0.0)
    limit, renewed = limit_of(budget, time, Share.RECONCILIATION, 32), [time.seconds]
    assert limit.wait(0.0)
    for _ in range(12):
        limit.record()

    def give_up() -> None:
        renewed.append(time.seconds)
        if len(renewed) > 20:
            raise OutOfTimeError

    with pytest.raises(OutOfTimeError):
        limit.wait(800.0, give_up)
    assert max(later - earlier for earlier, later in pairwise(renewed)) <= 5.0


@pytest.mark.parametrize("table_name", ["", "budget"])
def test_reconciler_without_budget_keeps_its_speed(monkeypatch: pytest.MonkeyPatch, table_name: str) -> None:
    """A reconciler whose setting is empty has nine tenths of the limit for itself, and asks no table."""
    monkeypatch.setattr(clients, "client", lambda *_: SimpleNamespace())
    environment = dict.fromkeys(("RATE_LIMIT_PER_MINUTE", "ORDER_RETENTION_DAYS"), "60")
    environment |= dict.fromkeys(
        ("ORDERS_TABLE_NAME", "ORDER_EVENTS_QUEUE_URL", "PARTNER_API_SECRET_ARN", "PARTNER_API_BASE_URL", "CHAIN_ID"),
        "x",
    )
    environment["REQUEST_BUDGET_TABLE_NAME"] = table_name
    limit = handler._rate_limit(handler.ReconcilerSettings.from_environment(environment))
    assert isinstance(limit, BudgetedRequests if table_name else RateLimit)
    assert limit.per_minute == (32 if table_name else 54)


def _pusher(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pusher's minute, as its function makes it."""
    for setting in fields(FunctionSettings):
        monkeypatch.setenv(setting.name.upper(), "60" if setting.type is int else "x")
    monkeypatch.setenv("REQUEST_BUDGET_TABLE_NAME", "budget")
    return fresh_handler("pusher").worker().minute


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the sender and of the reconciler, and no client of AWS."""
    monkeypatch.setattr(clients, "client", lambda *_: SimpleNamespace())
    for name in (*fields(SenderSettings), *fields(handler.ReconcilerSettings)):
        monkeypatch.setenv(name.name.upper(), "60" if name.type is int else "x")
    monkeypatch.setenv("BRAND", "auto")
    monkeypatch.setenv("REQUEST_BUDGET_TABLE_NAME", "budget")


@pytest.mark.usefixtures("environment")
def test_every_function_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sender, reconciler and pusher, with its exports and what it sends of statuses and promotions, ask the chain's one
    table, each for its own share of the requests. So do their requests for a token."""
    catalogue = PusherSettings(
        **dict.fromkeys(("catalogue_table_name", "partner_api_secret_arn", "partner_api_base_url"), "x"),
        **dict.fromkeys(("chain_id", "cap_field"), "x"),
        request_budget_table_name="budget",
        rate_limit_per_minute=60,
    )
    made = parts.parts(catalogue, SimpleNamespace(), 1)  # type: ignore[arg-type]
    status = parts.status_parts(catalogue, made, lambda: 0.0, False)
    promotions = parts.promotion_parts(catalogue, made, lambda: 0.0, SimpleNamespace(), "x")
    reconciler = fresh_handler("reconciler")
    tried = reconciler.credentials_trial()._client_of("version")
    exchange = fresh_handler("sender").sender()._exchange
    exports = _pusher(monkeypatch)._exports
    limits: list[tuple[Any, Share]] = [(exchange._limit, Share.ANSWERS)]
    for client, share in (
        (exchange, Share.ANSWERS),
        (reconciler.reconciler()._api, Share.RECONCILIATION),
        (tried, Share.RECONCILIATION),
        (made.client, Share.CATALOGUE),
        (status.client, Share.STORE_STATUS),
        (promotions.client, Share.CATALOGUE),
        (exports._platform._client, Share.CATALOGUE),
        (exports._download.__self__._client, Share.CATALOGUE),
    ):
        limits.append((client._credentials._rate_limit, share))
        if client is not exchange:
            limits.append((client._rate_limit, share))
    assert len(limits) == 16
    for limit, share in limits:
        assert isinstance(limit, BudgetedRequests)
        assert (limit._share, limit._table.limit_per_minute, limit._table._table._name) == (share, 60, "budget")
