"""Orders of the simulated platform that wait for the chain's answer, and the till that answers them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from time import sleep
from typing import Any

import boto3
import requests

from partner_orders.answers.stored import StoredAnswer
from partner_orders.answers.table import AnswersTable
from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.update import Update
from partner_orders.clock import now, to_text
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.deployed import cold, eventually, invoke
from tools.local.picking import till_module
from tools.local.picks import weights
from tools.local.stack import Stack, session
from tools.local.up import CHAIN_ID, configure_platform

_SEEDS = count(1_000)


class DeployedAnswers:
    """The answers of a deployed stack, from outside."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._orders = OrdersTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], timedelta(days=400))
        self._answers = AnswersTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], timedelta(days=400))
        self._stores = StoresTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], CHAIN_ID, now)
        self.host = stack.answers_host()

    def till(self, credentials: boto3.Session | None = None) -> Any:
        """The till of docs/examples, with these credentials."""
        return till_module().Till(self.stack.endpoint_url, credentials or session(), host=self.host)

    def placed(self, orders: int = 1) -> list[dict[str, Any]]:
        """New orders of one store that answers, once they are in the table."""
        configure_platform(self.stack)
        url, content = f"{self.stack.platform_url}/_platform/place", {"orders": orders, "seed": next(_SEEDS)}
        response = requests.post(url, json={**content, "accepts": False}, timeout=30)
        made: list[dict[str, Any]] = response.json()["orders"]
        self._stores.set(made[0]["client"]["store_id"], StoreSettings(is_answering=True))
        for order in made:
            eventually(lambda order=order: self._orders.get(order["order_id"]))  # type: ignore[misc]
        return made

    def says(self, order: dict[str, Any], **said: Any) -> dict[str, Any]:
        """What a till says of an order: that all was found, unless ``said`` says otherwise."""
        return {"answer_id": "till-1", "sequence": 1, "kind": "ready", "lines": weights(order["items"])} | said

    def take(self, order: dict[str, Any]) -> int:
        """Call the answers function as its API does; the status of its response."""
        event = {
            "routeKey": "POST /stores/{store_id}/orders/{order_id}/answers",
            "pathParameters": {"store_id": order["client"]["store_id"], "order_id": order["order_id"]},
            "requestContext": {"requestId": "request-1"},
            "body": json.dumps(self.says(order)),
        }
        return int(invoke(self.stack, "Answers", event)["statusCode"])

    def stored(self, order: dict[str, Any]) -> StoredAnswer | None:
        """The first answer to an order."""
        return next(iter(self._answers.get(order["order_id"]).answers), None)

    def outcome(self, order: dict[str, Any]) -> str:
        """How the first answer to an order ended; empty while it has not."""
        stored = self.stored(order)
        return stored.ending.outcome.value if stored and stored.ending else ""

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """No wake-up reaches the sender meanwhile."""
        client = self.stack.client("lambda")
        mappings = client.list_event_source_mappings(FunctionName=self.stack.outputs["SenderFunctionName"])
        [mapping] = mappings["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        sleep(2.0)
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def sends(self) -> bool:
        """Whether a cold sender brings an answer to its outcome."""
        [order] = self.placed()
        assert self.take(order) == 202
        cold(self.stack, "Sender")
        wake_up = {"messageId": "message-1", "body": json.dumps({"order_id": order["order_id"]})}
        for _ in range(4):
            invoke(self.stack, "Sender", {"Records": [wake_up]})
            if self.outcome(order):
                break
            sleep(1.0)
        return self.outcome(order) == "applied"

    def sweeps(self) -> bool:
        """Whether the sweep wakes the sender for an answer whose own wake-up was lost."""
        [order] = self.placed()
        assert self.take(order) == 202
        self.forget_wake_ups()
        key, update = keys.answers(order["order_id"]), Update().set("listed_at", to_text(now() - timedelta(minutes=1)))
        Table(self.stack.client("dynamodb"), self.stack.outputs["OrdersTableName"]).update(key, update)
        invoke(self.stack, "Sender", {})
        return self.wake_up() is not None

    def wake_up(self) -> dict[str, Any] | None:
        """A wake-up that waits, taken off the queue."""
        sqs, url = self.stack.client("sqs"), self.stack.outputs["AnswersQueueUrl"]
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return dict(messages[0]) if messages else None

    def forget_wake_ups(self) -> None:
        self.stack.client("sqs").purge_queue(QueueUrl=self.stack.outputs["AnswersQueueUrl"])
