"""What an answer takes on its way to the platform: requests to AWS, which of them the platform's request waits for, and
DynamoDB's units on DynamoDB Local."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3

from partner_orders.answers.answer import Answer, Kind
from partner_orders.answers.intake import AnswersIntake
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.rules import Brand
from partner_orders.answers.table import AnswersTable
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.aws.dynamodb import Table
from partner_orders.order_events.queue import OrderEventsQueue
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.order_exchange import OrderExchange
from partner_orders.platform.request_budget import Share
from partner_orders.sender.sending import Sender
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tools.bench.reconciliation import BASE_URL, RATE_LIMIT, REGION, RETENTION, TOKEN, Secrets, Session, VirtualTime
from tools.bench.write_costs import START, Cost, Meter
from tools.local.simulated_platform.lives import Life, to_text, trading_hour
from tools.local.simulated_platform.partner_api import SimulatedPartnerApi
from tools.local.up import CHAIN_ID
from tools.simulation.table import DynamoDB

ORDERS = 21
PUT = "PartnerApi.PutOrder"


@dataclass(frozen=True)
class AnswerCost:
    """Of one answer that is applied at once. ``calls`` are all requests in order; ``until_put`` those that lie between
    the moment at which the answer is stored and the platform's request."""

    calls: list[str]
    until_put: list[str]
    read_units: float
    write_units: float


@dataclass
class _Calls:
    """The requests so far, by the name of service and operation."""

    names: list[str] = field(default_factory=list)

    def of_dynamodb(self, model: Any, **_: Any) -> None:
        self.names.append(f"DynamoDB.{model.name}")

    def send_message(self, **_: Any) -> dict[str, Any]:
        self.names.append("SQS.SendMessage")
        return {}


class _Noted(Session):
    """The simulated platform, with its requests noted."""

    def __init__(self, api: SimulatedPartnerApi, time: VirtualTime, calls: _Calls) -> None:
        super().__init__(api, time)
        self._calls = calls

    def request(self, method: str, url: str, **options: Any) -> Any:  # type: ignore[override]
        self._calls.names.append(PUT if method == "PUT" else "PartnerApi.GetOrder")
        return super().request(method, url, **options)


def answer_cost(emulated: DynamoDB, url: str) -> AnswerCost:
    """The median answer of so many orders, by a sender that is warm."""
    return sorted(_costs(emulated, url), key=lambda cost: (len(cost.calls), cost.write_units))[ORDERS // 2]


def _costs(emulated: DynamoDB, url: str) -> Iterator[AnswerCost]:
    table, budget_table, time, calls = emulated.new_table(), emulated.new_table(), VirtualTime(START), _Calls()
    lives = _lives()
    api = SimulatedPartnerApi(CHAIN_ID, TOKEN, RATE_LIMIT * 100)
    api.show(lives)
    time.advance_to(max(life.created_at for life in lives))
    stored = OrdersTable(emulated.client, table, RETENTION)
    stores = StoresTable(emulated.client, table, CHAIN_ID, time.now)
    for life in lives:
        stored.write([(parse_event(to_text(life.steps[0].body).encode()), Arrival("webhook", time.now()))])
    stores.set(lives[0].shop.store_id, StoreSettings(is_answering=True))
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
    client.meta.events.register("before-call.dynamodb", calls.of_dynamodb)
    meter, sqs, brand = Meter(client, emulated.client), calls, Brand("foodpanda")
    answers, reads = AnswersTable(client, table, RETENTION), OrderReads(Table(client, table), time.now)
    wake_ups = WakeUps(sqs, "answers")  # type: ignore[arg-type]
    intake = AnswersIntake(reads, answers, wake_ups, brand, CHAIN_ID, time.now)
    budget = RequestBudgetTable(client, budget_table, RATE_LIMIT * 100)
    limit = BudgetedRequests(budget, Share.ANSWERS, 1, time.monotonic, time.sleep)
    session = _Noted(api, time, calls)
    credentials = PartnerApiCredentials(Secrets(), "arn", BASE_URL, session, limit)  # type: ignore[arg-type]
    exchange = OrderExchange(BASE_URL, CHAIN_ID, credentials, session, limit, time.now)
    queue = OrderEventsQueue(sqs, "order-events")  # type: ignore[arg-type]
    sender = Sender(answers, reads, exchange, queue, wake_ups, brand, time.now)
    for number, life in enumerate(lives):
        answer = Answer(f"till-{number}", 1, Kind.READY)
        with meter.measured() as cost:
            calls.names.clear()
            intake.take(life.shop.store_id, life.order_id, answer, "bench", "bench")
            sent = sender.process(life.order_id, lambda: 60.0)
            if [outcome.value for outcome, _ in sent.outcomes] != ["applied"]:
                raise AssertionError(f"not the answer that was to be measured: {sent}")
        yield _cost(calls.names, cost)
        time.sleep(1.0)


def _cost(names: list[str], cost: Cost) -> AnswerCost:
    stored = names.index("DynamoDB.UpdateItem")
    return AnswerCost([*names], names[stored + 1 : names.index(PUT)], cost.read_units, cost.write_units)


def _lives() -> list[Life]:
    kinds = {"platform_delivery": 1}
    lives = trading_hour(7, ORDERS * 4, 1, START - timedelta(minutes=50), CHAIN_ID, kinds=kinds)
    lines = [life for life in lives if all(line["pricing"]["pricing_type"] == "UNIT" for line in _items(life))]
    return [Life(life.order_id, life.shop, life.steps[:1], masked=False) for life in lines[:ORDERS]]


def _items(life: Life) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = life.steps[0].body["items"]
    return items
