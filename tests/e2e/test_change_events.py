"""A subscriber in a stack of its own: it gets what the documentation says, and all of it."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from botocore.exceptions import ClientError

from partner_orders.clock import now, to_text
from partner_orders.order_events.message import RECONCILIATION, OrderEventMessage
from partner_orders.order_events.queue import OrderEventsQueue
from tests.support.deployed import Answer, eventually
from tests.support.orders import as_bytes, order
from tools.local.stack import Stack

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "change-event.v1.schema.json").read_text())
STORE = "subscribed-store"
CHANGES, CHANGES_OF_AN_ORDER = 10_000, 4


class Subscriber:
    """The worked example, deployed as the documentation says."""

    def __init__(self, stack: Stack) -> None:
        cloudformation = stack.client("cloudformation")
        self._name = f"subscriber-{uuid4().hex[:8]}"
        self._cloudformation = cloudformation
        values = {"PartnerOrdersStack": stack.stack_name, "StoreId": STORE}
        cloudformation.create_stack(
            StackName=self._name,
            TemplateBody=(DOCS / "examples" / "subscriber" / "template.yaml").read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=self._name, WaiterConfig={"Delay": 1})
        found = cloudformation.describe_stacks(StackName=self._name)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        self._sqs = stack.client("sqs")
        self._urls = {"cancelled": outputs["CancelledOrdersUrl"], "all": outputs["ChangesOfTheStoreUrl"]}

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self._name)

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """What has arrived since the last time; each held to the schema."""
        arrived: list[dict[str, Any]] = []
        while True:
            messages = self._sqs.receive_message(QueueUrl=self._urls[queue], MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                return arrived
            for message in messages:
                arrived.append(json.loads(message["Body"]))
                jsonschema.validate(arrived[-1]["detail"], SCHEMA)
            self._sqs.delete_message_batch(
                QueueUrl=self._urls[queue],
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )


@pytest.fixture(scope="module")
def subscriber(stack: Stack) -> Iterator[Subscriber]:
    made = Subscriber(stack)
    yield made
    made.delete()


def at(order_id: str, second: int, status: str, store_id: str = STORE) -> bytes:
    body = order(order_id=order_id, status=status)
    body["client"] |= {"store_id": store_id, "external_partner_config_id": f"our-{store_id}"}
    created = to_text(now())[:17]
    body["sys"] = {"created_at": f"{created}00.000Z", "updated_at": f"{created}{second:02}.000Z"}
    return as_bytes(body)


@pytest.mark.slow
def test_subscriber_gets_own_cancellations(subscriber: Subscriber, post: Callable[..., Answer], secret: bytes) -> None:
    """A subscriber gets the cancelled orders of its store, and no others."""
    ours, another, elsewhere = (str(uuid4()) for _ in range(3))
    for order_id, status, store_id in (
        (another, "RECEIVED", STORE),
        (elsewhere, "CANCELLED", "another-store"),
        (ours, "RECEIVED", STORE),
        (ours, "CANCELLED", STORE),
    ):
        assert post(at(order_id, 10 if status == "RECEIVED" else 20, status, store_id), secret).status == 200
        # Two statuses that wait together are one change.
        time.sleep(1.0)
    seen: list[dict[str, Any]] = []

    def cancelled() -> dict[str, Any] | None:
        seen.extend(subscriber.receive("cancelled"))
        return next((message for message in seen if message["detail"]["order_id"] == ours), None)

    message = eventually(cancelled)
    assert (message["source"], message["detail-type"]) == ("partner-orders", "order.cancelled")
    assert "customer" not in message["detail"]["order"]
    assert {event["detail"]["order_id"] for event in seen} == {ours}


@pytest.mark.usefixtures("subscriber")
@pytest.mark.slow
def test_subscriber_protects_the_bus(stack: Stack) -> None:
    """While a subscriber's stack imports the bus, CloudFormation refuses to delete the stack that has it."""
    with pytest.raises(ClientError, match="imported by stack subscriber"):
        stack.client("cloudformation").delete_stack(StackName=stack.stack_name)


@pytest.mark.slow
def test_burst_arrives_complete_in_sequence(stack: Stack, subscriber: Subscriber) -> None:
    """A burst of 10,000 changes arrives complete and in sequence."""
    subscriber.receive("all")
    queue = OrderEventsQueue(stack.client("sqs"), stack.outputs["OrderEventsQueueUrl"])
    ids = [str(uuid4()) for _ in range(CHANGES // CHANGES_OF_AN_ORDER)]
    for second, status in enumerate(["RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED"]):
        messages = [OrderEventMessage(RECONCILIATION, now(), "burst", at(order_id, second, status)) for order_id in ids]
        queue.send_all(messages)
    newest: dict[str, int] = defaultdict(int)
    statuses: dict[str, str] = {}
    came: dict[str, list[int]] = defaultdict(list)

    def complete() -> bool | None:
        for message in subscriber.receive("all"):
            detail = message["detail"]
            came[detail["order_id"]].append(detail["sequence"])
            if detail["sequence"] > newest[detail["order_id"]]:
                newest[detail["order_id"]], statuses[detail["order_id"]] = detail["sequence"], detail["status"]
        return True if all(statuses.get(order_id) == "DISPATCHED" for order_id in ids) else None

    eventually(complete, seconds=1_200)
    for order_id in ids:
        # Changes that waited together may be one; what there is has no gap, and came in order.
        assert sorted(set(came[order_id])) == [*range(1, newest[order_id] + 1)]
        first_times = [*dict.fromkeys(came[order_id])]
        assert first_times == sorted(first_times)
