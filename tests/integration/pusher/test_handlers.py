"""The functions that send, by their environment, on moto's services and the simulated platform."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module, reload
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import jsonschema
import pytest

from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import body_of
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Outcome as PromotionOutcome
from partner_orders.pusher import parts
from partner_orders.store_status.table import StatusesTable
from partner_orders.store_status.wish import Kind, Outcome, Wish
from tests.support.aws_calls import watch_calls
from tests.support.catalogue_table import catalogue_table
from tests.support.emitted_metrics import sums
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.promotions import promotion, wish_of
from tests.support.template import TEMPLATE
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue

pytestmark = pytest.mark.slow

TABLE, STORE = "catalogue", "q7zk"
SCHEMA = json.loads((TEMPLATE.parent / "docs" / "change-event.v1.schema.json").read_text())
CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000, aws_request_id="a")


class Stack:
    """What stands around the functions."""

    def __init__(self, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs = boto3.client("sqs")
        self.tables = Tables.named(dynamodb, TABLE)
        self.time = VirtualTime(datetime.now(UTC))
        self.catalogue = Catalogue()
        self.skus = [product.sku for product in self.catalogue.fill(STORE, 5)]
        api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=600)
        api.catalogue_routes = CatalogueRoutes(self.catalogue, CHAIN_ID)
        self.session = PlatformSession(api, self.time)
        monkeypatch.setattr(parts, "platform_session", lambda: self.session)
        dynamodb.create_table(
            TableName="budget",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        )
        boto3.client("s3").create_bucket(
            Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        secret = boto3.client("secretsmanager").create_secret(Name="api", SecretString=json.dumps({"token": TOKEN}))
        boto3.client("events").create_event_bus(Name="changes")
        self.callbacks, self.callbacks_dead = self._queue("callbacks"), self._queue("callbacks-dead")
        self.urgent, self.urgent_dead = self._queue("urgent"), self._queue("urgent-dead")
        environment = {
            "CATALOGUE_TABLE_NAME": TABLE,
            "FILES_BUCKET_NAME": "files",
            "CALLBACKS_QUEUE_URL": self.callbacks,
            "CALLBACKS_DEAD_LETTERS_URL": self.callbacks_dead,
            "URGENT_QUEUE_URL": self.urgent,
            "URGENT_DEAD_LETTERS_URL": self.urgent_dead,
            "REQUEST_BUDGET_TABLE_NAME": "budget",
            "PARTNER_API_SECRET_ARN": secret["ARN"],
            "PARTNER_API_BASE_URL": BASE_URL,
            "CHAIN_ID": CHAIN_ID,
            "RATE_LIMIT_PER_MINUTE": "60",
            "CAP_FIELD": "maximum_sales_quantity",
            "JOB_LINES": "2000",
            "EVENT_BUS_NAME": "changes",
            "EXPORT_EVERY_HOURS": "0",
            "CHECK_IN": "DISABLED",
            "PRICE_STEP_PERCENT": "35",
            "SWITCHED_OFF_PERCENT": "20",
            "SHORTER_PERCENT": "20",
            "KNOWN_PERCENT": "50",
            "FEW_PRODUCTS": "20",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        self.tables.settings.put(CatalogueSettings(STORE, is_sending=True))

    def _queue(self, name: str) -> str:
        return str(self.sqs.create_queue(QueueName=name)["QueueUrl"])

    def say(self, sku: str, values: Values) -> None:
        at = datetime.now(UTC)
        self.tables.products.change(STORE, sku, lambda row: merged(row, values, at, {}))
        self.tables.changes.add(STORE, [sku], at)

    def post(self, body: bytes) -> None:
        message = OrderEventMessage(WEBHOOK, datetime.now(UTC), "c-1", body)
        self.sqs.send_message(QueueUrl=self.callbacks, MessageBody=message.to_text())

    def work(self) -> None:
        """The platform works its jobs off, and posts."""
        now = self.time.now()
        for _ in range(2):
            self.catalogue.work(now)
        for callback in self.catalogue.take_callbacks(now):
            self.post(json.dumps(callback.body).encode())

    def received(self, url: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return [dict(message) for message in found.get("Messages", [])]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with catalogue_table(TABLE) as dynamodb:
        yield Stack(dynamodb, monkeypatch)


@pytest.fixture
def pusher() -> ModuleType:
    return fresh_handler("pusher")


@pytest.fixture
def urgent() -> ModuleType:
    return reload(import_module("partner_orders.pusher.urgent_handler"))


def test_a_closing_is_sent_and_told(
    stack: Stack, pusher: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run sends what is wished of a store's status and reads it back; what became of it is told and counted, in the
    form of the schema."""
    told: list[dict[str, Any]] = []
    watch_calls(
        monkeypatch, lambda operation, asked, _: told.extend(asked["Entries"] if operation == "PutEvents" else ())
    )
    now = datetime.now(UTC)
    until = now.replace(microsecond=0) + timedelta(hours=3)
    statuses = StatusesTable(boto3.client("dynamodb"), TABLE)
    statuses.wish(
        lambda number: Wish(number, Kind.CLOSED_UNTIL, until, "OTHER", "a person", "no power", now),
        STORE,
        lambda: datetime.now(UTC),
    )
    pusher.handler({}, CONTEXT)
    status = statuses.get(STORE)
    assert (status.outcome, status.puts, status.untold) == (Outcome.SHOWN, 1, ())
    counts = sums(capsys.readouterr().out)
    assert (counts["StatusSent"], counts["StatusDiffers"], counts["StoresClosedByPlatform"]) == (1, 0, 0)
    assert {entry["DetailType"] for entry in told} == {"store.status_changed"}
    details = [json.loads(entry["Detail"]) for entry in told]
    for detail in details:
        jsonschema.validate(detail, SCHEMA)
    assert [detail["wish"] and detail["wish"]["outcome"] for detail in details] == [None, "shown"]
    assert details[0]["old_shown"]["status"] == "OPEN"
    assert "a person" not in json.dumps(details)
    assert "no power" not in json.dumps(details)


def test_a_promotion_is_sent_and_told(
    stack: Stack, pusher: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run sends a promotion's body, a later one asks for its job; what became of it is told and counted, in the form
    of the schema."""
    told: list[dict[str, Any]] = []
    watch_calls(
        monkeypatch, lambda operation, asked, _: told.extend(asked["Entries"] if operation == "PutEvents" else ())
    )
    now = datetime.now(UTC)
    promoted = promotion(
        vendors=(STORE,), skus=(stack.skus[0],), price="0.01", starts=now, ends=now + timedelta(days=1)
    )
    stack.tables.settings.put(CatalogueSettings(STORE, is_promoting=True))
    Bodies(boto3.client("s3"), "files").write(promoted.promotion_id, body_of(promoted))
    table = PromotionsTable(boto3.client("dynamodb"), TABLE)
    table.wish(promoted, wish_of(promoted, at=now - timedelta(minutes=1)), lambda: now)
    pusher.handler({}, CONTEXT)
    counts = sums(capsys.readouterr().out)
    assert (counts["PromotionsSent"], counts["PromotionsUnanswered"], counts["PromotionEndsLate"]) == (1, 0, 0)
    state = table.get(promoted.promotion_id)
    assert state is not None
    table.write(replace(state, put_at=now - timedelta(minutes=2)))
    pusher.handler({}, CONTEXT)
    state = table.get(promoted.promotion_id)
    assert state is not None
    assert (state.outcome, state.untold) == (PromotionOutcome.DONE, ())
    assert {entry["DetailType"] for entry in told} == {"promotions.outcome_changed"}
    details = [json.loads(entry["Detail"]) for entry in told]
    for detail in details:
        jsonschema.validate(detail, SCHEMA)
        assert detail.keys() == SCHEMA["$defs"]["promotions_outcome_changed"]["properties"].keys()
    assert [detail["wish"]["outcome"] for detail in details] == ["submitted", "done"]
    assert not any(word in json.dumps(details) for word in ("a person", "because"))


def message(text: str, attempt: int = 1) -> dict[str, Any]:
    sent_at = int(datetime.now(UTC).timestamp() * 1000)
    attributes = {"SentTimestamp": str(sent_at), "ApproximateReceiveCount": str(attempt)}
    return {"Records": [{"messageId": "m1", "receiptHandle": "r1", "body": text, "attributes": attributes}]}


def test_a_change_is_sent_and_settled(
    stack: Stack, pusher: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run sends what waits; the next settles it by its callback, tells of the refused line, and counts it all."""
    told: list[dict[str, Any]] = []
    watch_calls(
        monkeypatch, lambda operation, asked, _: told.extend(asked["Entries"] if operation == "PutEvents" else ())
    )
    stack.say(stack.skus[0], Values(price=Decimal(3), active=True, quantity=8))
    stack.say("NOT-THERE", Values(active=True, quantity=8))
    pusher.handler({}, CONTEXT)
    counts = sums(capsys.readouterr().out)
    assert (counts["JobsSent"], counts["LinesSent"], counts["StoresWaiting"]) == (1, 2, 0)
    stack.work()
    stack.post(b"not a callback")
    pusher.handler({}, CONTEXT)
    counts = sums(capsys.readouterr().out)
    assert (counts["LinesProcessed"], counts["LinesRefused"], counts["CallbacksUnreadable"]) == (1, 1, 1)
    assert stack.catalogue.shown(STORE)[stack.skus[0]].price == Decimal(3)
    assert stack.tables.states.get(STORE).unfinished == {}
    [dead] = stack.received(stack.callbacks_dead)
    assert dead["MessageAttributes"]["Reason"]["StringValue"]
    [entry] = told
    assert (entry["EventBusName"], entry["DetailType"]) == ("changes", "product.refused")
    detail = json.loads(entry["Detail"])
    jsonschema.validate(detail, SCHEMA)
    assert detail.keys() <= SCHEMA["$defs"]["product_refused"]["properties"].keys()
    assert (detail["sku"], detail["refusal"]) == ("NOT-THERE", "product not found in catalog")


@pytest.mark.parametrize(("setting", "checks_in"), [("ENABLED", True), ("DISABLED", False), ("", False)])
def test_stores_are_checked_in_where_it_is_on(
    stack: Stack, pusher: ModuleType, monkeypatch: pytest.MonkeyPatch, setting: str, checks_in: bool
) -> None:
    """The function checks stores in only where its setting says ENABLED."""
    assert stack.skus
    monkeypatch.setenv("CHECK_IN", setting)
    assert pusher.worker().status.statuses._checks_in is checks_in


def test_nothing_is_requested_without_a_budget(stack: Stack, pusher: ModuleType) -> None:
    """Where the request budget cannot be had, nothing is requested, and what waits stays (W7)."""
    boto3.client("dynamodb").delete_table(TableName="budget")
    stack.say(stack.skus[0], Values(active=False))
    pusher.handler({}, CONTEXT)
    assert stack.session.asked == []
    assert stack.tables.changes.first(STORE, 1)


def test_urgent_off_is_sent(stack: Stack, urgent: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """A message takes a product off sale at once, and its time is measured."""
    text = json.dumps({"store_id": STORE, "sku": stack.skus[0], "active": False})
    assert urgent.handler(message(text), CONTEXT) == {"batchItemFailures": []}
    assert stack.catalogue.shown(STORE)[stack.skus[0]].active is False
    printed = capsys.readouterr().out
    assert all(f'"{name}"' in printed for name in ("UrgentTaken", "UrgentSent", "UrgentSeconds"))


def test_late_urgent_message_loses(stack: Stack, urgent: ModuleType) -> None:
    """A message without a version has the time of its sending, however late it is delivered."""
    sku = stack.skus[0]
    newer, older = (message(json.dumps({"store_id": STORE, "sku": sku, "active": on})) for on in (False, True))
    attributes = older["Records"][0]["attributes"]
    attributes["SentTimestamp"] = str(int(attributes["SentTimestamp"]) - 60_000)
    for one in (newer, older):
        assert urgent.handler(one, CONTEXT) == {"batchItemFailures": []}
    assert stack.tables.products.many(STORE, [sku])[sku].values.active is False


def test_urgent_message_that_is_refused(stack: Stack, urgent: ModuleType) -> None:
    """It goes to the dead letters with its reason, and is done."""
    assert urgent.handler(message("no JSON"), CONTEXT) == {"batchItemFailures": []}
    dead = stack.received(stack.urgent_dead)
    assert [message["Body"] for message in dead] == ["no JSON"]
    assert dead[0]["MessageAttributes"]["Reason"]["StringValue"] != ""


@pytest.mark.parametrize(("attempt", "failed"), [(1, [{"itemIdentifier": "m1"}]), (12, [])])
def test_urgent_message_comes_again(stack: Stack, urgent: ModuleType, attempt: int, failed: list[Any]) -> None:
    """After a fault of the platform it comes again soon; noted and tried often enough, it is left to the pusher."""
    stack.catalogue.faults = {"put_error_before": 1}
    text = json.dumps({"store_id": STORE, "sku": stack.skus[0], "active": False})
    assert urgent.handler(message(text, attempt), CONTEXT) == {"batchItemFailures": failed}
    assert [wake_up.store_id for wake_up in stack.tables.changes.stores()] == [STORE]
