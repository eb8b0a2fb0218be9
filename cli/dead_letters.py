"""``partner-orders dead-letters``: what could not be stored, published or started; look, and bring it back."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.errors import OperatorError
from cli.output import AsJson, print_json, print_table, say, working
from cli.stack import DeployedStack
from partner_orders.message import OrderEventMessage, UnreadableMessageError

app = typer.Typer(help="Dead letters: list, redrive.", no_args_is_help=True)

# Long enough to bring a letter back, short enough to look again soon.
_HIDDEN_SECONDS = 60


class Queue(StrEnum):
    """The stack's queues of dead letters."""

    ORDER_EVENTS = "order-events"
    PUBLISHER = "publisher"
    RECONCILIATION = "reconciliation"


_OUTPUTS = {
    Queue.ORDER_EVENTS: "OrderEventsDeadLettersUrl",
    Queue.PUBLISHER: "PublisherDeadLettersUrl",
    Queue.RECONCILIATION: "ReconciliationDeadLettersUrl",
}


@dataclass(frozen=True)
class Letter:
    """``about`` is what it is about, without anybody's data."""

    message_id: str
    handle: str
    sent_at: datetime
    text: str = field(repr=False)
    about: str


@app.command("list")
def list_letters(context: typer.Context, as_json: AsJson = False) -> None:
    """How many wait in each queue, and since when. Example: partner-orders dead-letters list"""
    stack = DeployedStack.find(context.obj)
    rows: list[dict[str, Any]] = []
    for queue, output in _OUTPUTS.items():
        if output not in stack.outputs:
            continue
        attributes = stack.client("sqs").get_queue_attributes(
            QueueUrl=stack.outputs[output],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        count = sum(map(int, attributes.values()))
        seen = list(_letters(stack, queue, at_most=10, hidden_seconds=0)) if count else []
        oldest = min((letter.sent_at for letter in seen), default=None)
        rows.append(
            {
                "queue": queue.value,
                "letters": count,
                "oldest_seen": oldest.isoformat(timespec="seconds") if oldest else None,
                "about": sorted({letter.about for letter in seen}),
            }
        )
    if as_json:
        print_json(rows)
        return
    columns = ("queue", "letters", "oldest seen", "about")
    print_table(columns, ((row["queue"], row["letters"], row["oldest_seen"], ", ".join(row["about"])) for row in rows))


@app.command()
def redrive(
    context: typer.Context,
    queue: Annotated[Queue, typer.Argument(help="which queue")],
    rate: Annotated[float, typer.Option(help="letters a second", min=0.1)] = 50.0,
    about: Annotated[str, typer.Option("--filter", help="only letters whose `about` has this text")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="show them, and change nothing")] = False,
) -> int:
    """Bring dead letters back. Order events go on their queue again; of what the bus refused, the order's present state
    is published. Safe to repeat, and to interrupt.

    Example: partner-orders dead-letters redrive order-events --rate 20
    """
    stack = DeployedStack.find(context.obj)
    if queue is Queue.RECONCILIATION:
        raise OperatorError("the next tick does what these would have done", "Purge the queue: docs/runbooks says how.")
    moved, left = 0, 0
    with working("bringing dead letters back") as shown:
        for letter in _letters(stack, queue, at_most=None, hidden_seconds=0 if preview else _HIDDEN_SECONDS):
            if about not in letter.about:
                continue
            if preview:
                say(f"{letter.sent_at:%Y-%m-%d %H:%M} {letter.about}")
                moved += 1
                continue
            if not _bring_back(stack, queue, letter):
                say(f"left where it is: {letter.about}")
                left += 1
                continue
            stack.client("sqs").delete_message(QueueUrl=stack.output(_OUTPUTS[queue]), ReceiptHandle=letter.handle)
            moved += 1
            if shown is not None:
                shown.update(f"{moved} brought back")
            time.sleep(1 / rate)
    say(f"{moved} letters {'would be' if preview else 'are'} brought back" + (f", {left} are left" if left else ""))
    return 1 if left else 0


def _letters(stack: DeployedStack, queue: Queue, at_most: int | None, hidden_seconds: int) -> Iterator[Letter]:
    """Letters of a queue, each once."""
    sqs, url = stack.client("sqs"), stack.output(_OUTPUTS[queue])
    seen: set[str] = set()
    while at_most is None or len(seen) < at_most:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=hidden_seconds,
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        fresh = [message for message in messages if message["MessageId"] not in seen]
        if not fresh:
            return
        for message in fresh:
            seen.add(message["MessageId"])
            sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
            text = message["Body"]
            yield Letter(message["MessageId"], message["ReceiptHandle"], sent_at, text, _about(queue, text))


def _about(queue: Queue, text: str) -> str:
    if queue is Queue.ORDER_EVENTS:
        try:
            message = OrderEventMessage.from_text(text)
        except UnreadableMessageError:
            return "not one of our messages"
        return f"{message.source} {message.correlation_id}"
    if queue is Queue.PUBLISHER:
        letter = _letter(text)
        facts = (letter.get("pk", "a batch of the stream"), letter.get("detail_type"), letter.get("fault"))
        return " ".join(str(fact) for fact in facts if fact)
    return "a call of the schedule"


def _letter(text: str) -> dict[str, Any]:
    try:
        letter = json.loads(text)
    except ValueError:
        return {}
    return letter if isinstance(letter, dict) else {}


def _bring_back(stack: DeployedStack, queue: Queue, letter: Letter) -> bool:
    """Whether it could be."""
    if queue is Queue.ORDER_EVENTS:
        stack.client("sqs").send_message(
            QueueUrl=stack.output("OrderEventsQueueUrl"), MessageBody=letter.text, MessageGroupId="redrive"
        )
        return True
    pk = _letter(letter.text).get("pk")
    if isinstance(pk, str) and pk.startswith("ORDER#"):
        return stack.orders.publish_again(pk.removeprefix("ORDER#"))
    if isinstance(pk, str) and pk.startswith("REJECTED#"):
        return stack.rejected.publish_again(pk.removeprefix("REJECTED#"))
    return False
