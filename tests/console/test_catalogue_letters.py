"""``dead-letters`` and ``logs`` of the catalogue beside a stack."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.loader.file_event import release_message
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders_console.operations.stack import DeployedStack
from tests.support.catalogue_stack import BUCKET, Catalogue, add_catalogue
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]

LINK = "https://files.example.com/1.csv?signature=secret"
CALLBACK = {"job_id": "b1f0", "status": "COMPLETED", "download_url": LINK}
RECORD = {
    "eventSource": "aws:s3",
    "eventName": "ObjectCreated:Put",
    "requestParameters": {"sourceIPAddress": "203.0.113.7"},
    "s3": {"bucket": {"name": BUCKET}, "object": {"key": "lists/148020/a+list.csv", "versionId": "v1"}},
}
URGENT = {"store_id": "148020", "sku": "WM-520955", "active": False, "note": "of Amna"}
REASON = {"DataType": "String", "StringValue": "unknown store"}


@pytest.fixture
def catalogue(stack: DeployedStack) -> Catalogue:
    return add_catalogue(stack)


@pytest.fixture
def letters(catalogue: Catalogue) -> Callable[..., None]:
    """Put a message into a dead-letter queue of the catalogue."""

    def put(queue: str, text: Any, **attributes: Any) -> None:
        body = text if isinstance(text, str) else json.dumps(text)
        url = catalogue.stack.output(f"{queue}DeadLettersUrl")
        catalogue.stack.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)

    return put


def callback(body: Any = CALLBACK) -> str:
    return OrderEventMessage(WEBHOOK, NOW, "request-7", json.dumps(body).encode()).to_text()


def texts(catalogue: Catalogue, output: str) -> list[str]:
    received = catalogue.stack.client("sqs").receive_message(QueueUrl=catalogue.stack.output(output))
    return [message["Body"] for message in received.get("Messages", [])]


def test_list_has_queues_of_both_stacks(run: Run, letters: Callable[..., None]) -> None:
    """The catalogue's queues follow those of orders, each with what its messages are about and why they are there."""
    letters("Files", {"Records": [RECORD]}, reason=REASON)
    letters("Callbacks", callback())
    letters("Urgent", URGENT, Reason=REASON)
    found = {state["queue"]: state["about"] for state in run("dead-letters", "list", "--json").json}
    assert [*found] == ["order-events", "publisher", "files", "callbacks", "urgent"]
    assert found["files"] == ["lists/148020/a list.csv: unknown store"]
    assert found["callbacks"] == ["job b1f0 COMPLETED"]
    assert found["urgent"] == ["148020 WM-520955: unknown store"]


def test_stack_without_catalogue_has_its_own_queues(run: Run) -> None:
    """Without a catalogue nothing of it is listed, and its queues are not there."""
    assert [state["queue"] for state in run("dead-letters", "list", "--json").json] == ["order-events", "publisher"]
    for command in (("dead-letters", "show", "files"), ("logs", "loader")):
        ran = run(*command)
        assert (ran.status, ran.out) == (1, "")
        assert "there is no catalogue beside the stack" in ran.err


@pytest.mark.privacy
def test_show_hides_links_and_people(run: Run, letters: Callable[..., None]) -> None:
    """A link by which anybody reads a file, and who put a file there, are shown only on demand."""
    letters("Files", {"Records": [RECORD]})
    letters("Callbacks", callback())
    letters("Urgent", URGENT)
    hidden = {"files": "203.0.113.7", "callbacks": LINK, "urgent": "Amna"}
    seen = {"files": "lists/148020/a list.csv", "callbacks": "b1f0", "urgent": "WM-520955"}
    for queue, secret in hidden.items():
        shown = run("dead-letters", "show", queue, "--json")
        assert (secret in shown.out, seen[queue] in shown.out) == (False, True)
        assert secret in run("dead-letters", "show", queue, "--json", "--show-personal-data").out


@pytest.mark.parametrize("queue", ["files", "callbacks", "urgent"])
@pytest.mark.parametrize("text", ["not JSON", "[]", "{}", '{"Records": [1, {"s3": 2}]}', '{"schema_version": 1}'])
def test_strange_messages_are_left(run: Run, letters: Callable[..., None], queue: str, text: str) -> None:
    """What is not one of our messages is shown on demand only, and is not brought back."""
    letters(queue.title(), text)
    [letter] = run("dead-letters", "show", queue, "--json").json
    assert (letter["about"], letter["content"]) == ("not one of our messages", None)
    ran = run("dead-letters", "redrive", queue)
    assert ran.status == 1
    assert f"docs/runbooks/{queue}-dead-letters.md" in ran.err


def test_messages_go_onto_their_queues(run: Run, letters: Callable[..., None], catalogue: Catalogue) -> None:
    """Files, releases, callbacks and urgent changes that state their version are brought back unchanged."""
    release = release_message("148020", "changes/148020/a.csv", "v1")
    stated = json.dumps(URGENT | {"version": "2026-10-14T08:15:00Z"})
    for queue, text in (("Files", release), ("Callbacks", callback()), ("Urgent", stated)):
        letters(queue, text)
        assert "1 message would be" in run("dead-letters", "redrive", queue.lower(), "--preview").err
        assert run("dead-letters", "redrive", queue.lower()).status == 0
        assert texts(catalogue, f"{queue}QueueUrl") == [text]
        assert texts(catalogue, f"{queue}DeadLettersUrl") == []


@pytest.mark.parametrize("queue", ["Files", "Callbacks", "Urgent"])
def test_failed_redrive_loses_nothing(run: Run, letters: Callable[..., None], catalogue: Catalogue, queue: str) -> None:
    """A message whose queue cannot be reached stays where it is."""
    release = release_message("148020", "changes/148020/a.csv", "v1")
    stated = json.dumps(URGENT | {"version": "2026-10-14T08:15:00Z"})
    letters(queue, {"Files": release, "Callbacks": callback(), "Urgent": stated}[queue])
    catalogue.stack.client("sqs").delete_queue(QueueUrl=catalogue.stack.output(f"{queue}QueueUrl"))
    assert run("dead-letters", "redrive", queue.lower()).status != 0
    assert len(texts(catalogue, f"{queue}DeadLettersUrl")) == 1


def test_urgent_change_without_version_is_left(run: Run, letters: Callable[..., None], catalogue: Catalogue) -> None:
    """An urgent change is as new as its message: once more on the queue it would undo what was said since."""
    letters("Urgent", URGENT)
    ran = run("dead-letters", "redrive", "urgent")
    assert (ran.status, texts(catalogue, "UrgentQueueUrl")) == (1, [])
    assert "left where it is: 148020 WM-520955" in ran.err


def test_purge_empties_a_queue(run: Run, letters: Callable[..., None]) -> None:
    """``purge`` deletes the messages of a queue of the catalogue."""
    letters("Files", {"Records": [RECORD]})
    assert run("dead-letters", "purge", "files", "--yes").status == 0
    assert run("dead-letters", "show", "files", "--json").json == []


@pytest.fixture
def loader_log(catalogue: Catalogue, stack: DeployedStack) -> None:
    """A line of the loader, some minutes ago; the other functions never ran."""
    names = ("Loader", "Pusher", "Urgent", "CatalogueWebhook")
    groups = {f"{name}LogGroup": f"/logs/{name}" for name in names}
    stack.client("cloudformation").resources[catalogue.stack.name] = groups
    stack.__dict__["resources"] = {}
    client = stack.client("logs")
    client.create_log_group(logGroupName="/logs/Loader")
    client.create_log_stream(logGroupName="/logs/Loader", logStreamName="one")
    line = {"level": "INFO", "message": "file ended", "file": "lists/148020/a.csv"}
    event = {"timestamp": int(now().timestamp() * 1000) - 60_000, "message": json.dumps(line)}
    client.put_log_events(logGroupName="/logs/Loader", logStreamName="one", logEvents=[event])


@pytest.mark.usefixtures("loader_log")
def test_logs_of_the_catalogue_are_shown(run: Run) -> None:
    """A function of the catalogue is named like one of orders, and ``all`` has those of both stacks."""
    assert [line["message"] for line in run("logs", "loader", "--json").json] == ["file ended"]
    assert run("logs", "catalogue-webhook", "--json").json == []
    assert [line["function"] for line in run("logs", "all", "--json").json] == ["loader"]


def test_broken_catalogue_has_no_logs(run: Run, catalogue: Catalogue) -> None:
    """A catalogue whose first deployment failed is named, with what to do."""
    ran = run("logs", "pusher")
    assert (ran.status, ran.out) == (1, "")
    assert f"the stack {catalogue.stack.name} has no pusher" in ran.err
