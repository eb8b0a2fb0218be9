"""The catalogue's stack beside the orders stack: its way in for callbacks, its files, and that its functions start."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from partner_orders.order_events.message import OrderEventMessage
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from tests.support.deployed import Answer, eventually
from tools.local.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(stack: Stack) -> CatalogueStack:
    found = CatalogueStack.of(stack.deployed())
    assert found is not None
    return found


@pytest.fixture
def call_back(stack: Stack, post: Callable[..., Answer]) -> Callable[..., int]:
    """Post a callback of a job that nobody knows, with an Authorization header or without: the response's status."""

    def send(authorization: bytes | None, job_id: str = "") -> int:
        body = json.dumps({"job_id": job_id or str(uuid4()), "job_status": "COMPLETED"}).encode()
        headers = stack.catalogue_webhook_headers
        return post(body, authorization, path="/catalogue-callbacks", headers=headers).status

    return send


def waiting(catalogue: CatalogueStack, output: str) -> int:
    """How many messages are in a queue, also those that somebody works on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = catalogue.output(output)
    found = catalogue.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_outputs_are_left_for_tools(stack: Stack, catalogue: CatalogueStack) -> None:
    """What `make up` leaves for tools is what the catalogue's stack says."""
    assert stack.catalogue_outputs == catalogue.outputs
    assert stack.catalogue_webhook_url == catalogue.webhook_url
    assert stack.catalogue_webhook_headers == catalogue.webhook_headers


def test_callbacks_need_the_secret(catalogue: CatalogueStack, call_back: Callable[..., int], secret: bytes) -> None:
    """A callback without the secret or with a wrong one gets 401, and nothing is enqueued."""
    before = waiting(catalogue, "CallbacksQueueUrl")
    assert call_back(None) == 401
    assert call_back(secret[::-1]) == 401
    assert waiting(catalogue, "CallbacksQueueUrl") == before


def test_callback_is_enqueued(catalogue: CatalogueStack, call_back: Callable[..., int], secret: bytes) -> None:
    """A callback with the secret gets 200, and is on the queue as it came."""
    sqs, url, job_id = catalogue.client("sqs"), catalogue.output("CallbacksQueueUrl"), str(uuid4())
    assert call_back(secret, job_id) == 200

    def look() -> OrderEventMessage | None:
        for message in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            read = OrderEventMessage.from_text(message["Body"])
            if json.loads(read.body)["job_id"] == job_id:
                return read
        return None

    assert eventually(look).source == "webhook"


@pytest.mark.parametrize("folder", ["lists", "changes"])
def test_files_are_told_of(catalogue: CatalogueStack, folder: str) -> None:
    """A file under lists/ or changes/ is told of on the files queue, with its version; one elsewhere is not."""
    s3, bucket = catalogue.client("s3"), catalogue.output("FilesBucketName")
    before = waiting(catalogue, "FilesQueueUrl")
    for key in (f"reports/{folder}.json", f"exports/{folder}.csv.gz", f"{folder}.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    put = s3.put_object(Bucket=bucket, Key=f"{folder}/nowhere/a.csv", Body=b"sku,price\n1,2\n")
    assert put["VersionId"]
    assert eventually(lambda: waiting(catalogue, "FilesQueueUrl") - before or None) == 1


@pytest.mark.parametrize("name", ["Loader", "Pusher"])
def test_scheduled_functions_run(catalogue: CatalogueStack, name: str) -> None:
    """A run in which nothing is to be done ends well, with what the template gives the function."""
    answer = catalogue.client("lambda").invoke(FunctionName=catalogue.output(f"{name}FunctionName"), Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_urgent_message_of_an_unknown_store(catalogue: CatalogueStack) -> None:
    """An urgent change of a store that is not in the catalogue ends in the dead letters, with the reason."""
    sqs, letters = catalogue.client("sqs"), catalogue.output("UrgentDeadLettersUrl")
    sku = str(uuid4())
    body = json.dumps({"store_id": "nowhere", "sku": sku, "active": False})
    sqs.send_message(QueueUrl=catalogue.output("UrgentQueueUrl"), MessageBody=body)

    def look() -> Any:
        found = sqs.receive_message(
            QueueUrl=letters, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        return next((message for message in found.get("Messages", []) if sku in message["Body"]), None)

    assert "not in the catalogue" in eventually(look)["MessageAttributes"]["Reason"]["StringValue"]
