"""Each right that a function's own calls need is needed: without it something fails that works with it."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.clock import now
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from tests.support.deployed import Answer, cold, eventually, invoke
from tests.support.deployed_roles import Roles
from tests.support.orders import as_bytes, order
from tools.local.events import queue_batch, stream_batch
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def roles(stack: Stack) -> Roles:
    return Roles(stack)


def body(**changes: Any) -> dict[str, Any]:
    made = order(**{"order_id": str(uuid4()), **changes})
    made["client"]["chain_id"] = CHAIN_ID
    return made


def large(order_id: str) -> str:
    made = body(order_id=order_id)
    line = made["items"][0]
    made["items"] = [line | {"_id": str(n), "sku": f"{n * 104729:x}{n * 7919:x}" * 3} for n in range(300)]
    return as_bytes(made).decode()


type Works = Callable[[Stack, Callable[..., Answer], bytes], bool]


def the_webhook_answers_200(stack: Stack, post: Callable[..., Answer], secret: bytes) -> bool:
    cold(stack, "Webhook")
    eventually(lambda: True if post(as_bytes(body()), secret).status in {200, 503} else None)
    return post(as_bytes(body()), secret).status == 200


def the_consumer_stores(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    return bool(invoke(stack, "Consumer", queue_batch(as_bytes(body()).decode())) == {"batchItemFailures": []})


def a_failed_message_comes_back_soon(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    """Whether the consumer may put it off: otherwise it stays hidden for as long as it was received for."""
    sqs, url = stack.client("sqs"), sqs_url(stack)
    mappings = stack.client("lambda").list_event_source_mappings(FunctionName=stack.outputs["ConsumerFunctionName"])
    [mapping] = mappings["EventSourceMappings"]
    stack.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        time.sleep(2.0)
        text = OrderEventMessage(WEBHOOK, now(), "c", as_bytes(body())).to_text()
        sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId="test")
        [message] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=300, WaitTimeSeconds=5)["Messages"]
        record = queue_batch(b"{}")["Records"][0] | {"body": text, "receiptHandle": message["ReceiptHandle"]}
        assert invoke(stack, "Consumer", {"Records": [record]})["batchItemFailures"]
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            if sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages"):
                return True
            time.sleep(0.5)
        return False
    finally:
        sqs.purge_queue(QueueUrl=url)
        stack.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def sqs_url(stack: Stack) -> str:
    return stack.outputs["OrderEventsQueueUrl"]


def the_reconciler_heals(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    cold(stack, "Reconciler")
    table, key = stack.outputs["OrdersTableName"], {"pk": {"S": "RECONCILIATION"}, "sk": {"S": "LEASE"}}
    stack.client("dynamodb").delete_item(TableName=table, Key=key)  # of the one that was killed
    report = invoke(stack, "Reconciler", {})
    if "errorType" in report or report["stopped"]:
        return False
    return not {*report["failed_stores"].values()} & {"ClientError", "AccessDenied", "AccessDeniedException"}


def the_reconciler_asks_the_platform(stack: Stack, post: Callable[..., Answer], secret: bytes) -> bool:
    """Also where no other test has registered a store."""
    assert not invoke(stack, "Consumer", queue_batch(as_bytes(body()).decode()))["batchItemFailures"]
    return the_reconciler_heals(stack, post, secret)


def the_publisher_publishes(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    sqs, url = stack.client("sqs"), stack.outputs["PublisherDeadLettersUrl"]
    sqs.purge_queue(QueueUrl=url)
    answer = invoke(stack, "Publisher", stream_batch(as_bytes(body()).decode()))
    letters = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages")
    return bool(answer == {"batchItemFailures": []} and not letters)


def the_publisher_fetches_a_large_body(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    order_id = str(uuid4())
    text = large(order_id)
    assert not invoke(stack, "Consumer", queue_batch(text))["batchItemFailures"]
    return bool(invoke(stack, "Publisher", stream_batch(text)) == {"batchItemFailures": []})


def the_publisher_buries(stack: Stack, _post: Callable[..., Answer], _secret: bytes) -> bool:
    """A row that nobody can read becomes a dead letter; if it cannot, it is held back."""
    row = {"pk": {"S": "ORDER#odd"}, "sk": {"S": "ORDER"}}
    change = {"Keys": row, "SequenceNumber": "1"}
    record = {"dynamodb": change | {"NewImage": row | {"sequence": {"N": "1"}}}}
    answer = invoke(stack, "Publisher", {"Records": [record]})
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["PublisherDeadLettersUrl"])
    return bool(answer == {"batchItemFailures": []})


NEEDED: dict[tuple[str, str], Works] = {
    ("WebhookRole", "ReadWebhookSecret"): the_webhook_answers_200,
    ("WebhookRole", "SendOrderEvents"): the_webhook_answers_200,
    ("ConsumerRole", "StoreOrders"): the_consumer_stores,
    ("ReconcilerRole", "ReadPartnerApiSecret"): the_reconciler_heals,
    ("ReconcilerRole", "CompareOrders"): the_reconciler_heals,
    ("ReconcilerRole", "WriteReconciliation"): the_reconciler_heals,
    ("ReconcilerRole", "FindOrders"): the_reconciler_heals,
    ("ReconcilerRole", "SendOrderEvents"): the_reconciler_heals,
    ("ReconcilerRole", "ShareRequestBudget"): the_reconciler_asks_the_platform,
    ("PublisherRole", "ReadLargeBodies"): the_publisher_fetches_a_large_body,
    ("PublisherRole", "PutOnBus"): the_publisher_publishes,
    ("PublisherRole", "KeepDeadLetters"): the_publisher_buries,
}


def test_every_policy_statement_is_tried(roles: Roles) -> None:
    """Every policy statement for our own calls has a test."""
    tried = {*NEEDED, ("ConsumerRole", "PutOffOrderEvents")}
    for role in ("WebhookRole", "ConsumerRole", "ReconcilerRole", "PublisherRole"):
        assert {(role, sid) for sid in roles.statements(role)} == {pair for pair in tried if pair[0] == role}


@pytest.mark.parametrize(("role", "sid"), NEEDED)
def test_policy_statement_is_needed(
    stack: Stack, roles: Roles, post: Callable[..., Answer], secret: bytes, role: str, sid: str
) -> None:
    """A function works with a policy statement and fails without it."""
    works = NEEDED[role, sid]
    assert works(stack, post, secret)
    with roles.without(role, sid):
        assert not works(stack, post, secret)
    assert works(stack, post, secret)


def test_failed_message_is_delayed_by_policy(
    stack: Stack, roles: Roles, post: Callable[..., Answer], secret: bytes
) -> None:
    """A failed message is redelivered soon only if the consumer may change its visibility."""
    with roles.without("ConsumerRole", "StoreOrders"):
        assert a_failed_message_comes_back_soon(stack, post, secret)
    with roles.without("ConsumerRole", "StoreOrders", "PutOffOrderEvents"):
        assert not a_failed_message_comes_back_soon(stack, post, secret)
