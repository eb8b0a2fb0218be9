"""``partner-orders dead-letters``: what could not be stored, published or started; look, and bring it back."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import batched
from typing import Annotated, Any

import typer

from partner_orders.clock import now
from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, parse_event
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, counted, print_json, print_table, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Dead letters: list, redrive.", no_args_is_help=True)

# While a command works through a queue, what it has seen stays out of its way; at its end that is visible again.
_HIDDEN_SECONDS = 900
# Without waiting, SQS asks some of its servers only, and an empty answer would not mean an empty queue.
_WAIT_SECONDS = 1
_AT_ONCE = 10  # SQS's most


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
    sent_at: datetime
    text: str = field(repr=False)
    about: str


class DeadLetters:
    """One queue of them."""

    def __init__(self, stack: DeployedStack, queue: Queue) -> None:
        self._sqs = stack.client("sqs")
        self._url = stack.output(_OUTPUTS[queue])
        self._queue = queue
        self._hidden: dict[str, str] = {}

    def count(self) -> int:
        """About how many there are, those that are hidden for the moment too."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(map(int, attributes.values()))

    def some(self) -> list[Letter]:
        """A few of them, hidden from nobody."""
        return [self._letter(message) for message in self._receive(hidden_seconds=0)]

    def all(self) -> Iterator[Letter]:
        """Each of them once, hidden until it is deleted or ``show_again``."""
        while messages := self._receive(_HIDDEN_SECONDS):
            for message in messages:
                is_new = message["MessageId"] not in self._hidden
                self._hidden[message["MessageId"]] = message["ReceiptHandle"]
                if is_new:
                    yield self._letter(message)

    def delete(self, letter: Letter) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._hidden[letter.message_id])
        # Its id stays known: SQS may deliver once more what was deleted.
        self._hidden[letter.message_id] = ""

    def show_again(self) -> None:
        """Make visible what was looked at and left."""
        handles = [handle for handle in self._hidden.values() if handle]
        for some in batched(handles, _AT_ONCE, strict=False):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(some)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _receive(self, hidden_seconds: int) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return list(answer.get("Messages", []))

    def _letter(self, message: dict[str, Any]) -> Letter:
        sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
        return Letter(message["MessageId"], sent_at, message["Body"], _about(self._queue, message["Body"]))


@app.command("list")
def list_letters(context: typer.Context, as_json: AsJson = False) -> None:
    """How many wait in each queue, and what some of them are. Each look counts as a receive, which has no effect here.

    Example: partner-orders dead-letters list
    """
    stack = stack_of(context)
    rows: list[dict[str, Any]] = []
    for queue, output in _OUTPUTS.items():
        if output not in stack.outputs:
            continue
        letters = DeadLetters(stack, queue)
        with working(f"looking at {queue.value}"):
            count = letters.count()
            seen = letters.some() if count else []
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
    queue: Annotated[Queue, typer.Argument(help="which queue; those of reconciliation are not worth it, and refused")],
    rate: Annotated[float, typer.Option(help="letters a second", min=0.1)] = 50.0,
    about: Annotated[
        str, typer.Option("--filter", help="only those whose `about` has this: an order's id, a source")
    ] = "",
    preview: Annotated[bool, typer.Option("--preview", help="show them, and change nothing")] = False,
) -> int:
    """Bring dead letters back. Order events go on their queue again; of what the bus refused, the order's present state
    is published. Safe to repeat, and to interrupt.

    Example: partner-orders dead-letters redrive order-events --rate 20
    """
    stack = stack_of(context)
    if queue is Queue.RECONCILIATION:
        raise OperatorError(
            "the next tick does what these would have done",
            "Purge the queue: docs/runbooks/reconciliation-dead-letters.md says how.",
        )
    letters, began, moved, left, later = DeadLetters(stack, queue), now(), 0, 0, 0
    count = letters.count()
    try:
        with working("bringing dead letters back") as shown:
            for letter in letters.all():
                if about not in letter.about:
                    continue
                if letter.sent_at > began:
                    # While the cause is there, each that is brought back becomes a letter again: no end of them.
                    later += 1
                elif preview and _names_what_to_bring_back(queue, letter):
                    say(f"{letter.sent_at:%Y-%m-%d %H:%M} {letter.about}")
                    moved += 1
                elif not preview and _bring_back(stack, queue, letter):
                    letters.delete(letter)
                    moved += 1
                    shown(f"{moved} of about {count} brought back")
                    time.sleep(1 / rate)
                else:
                    say(f"left where it is: {letter.about}")
                    left += 1
    finally:
        letters.show_again()
    done = f"{counted(moved, 'letter')} would be" if preview else counted(moved, "letter is", "letters are")
    say(f"{done} brought back" + (f", {counted(left, 'is', 'are')} left" if left else ""))
    if left:
        say(
            "Nothing brings back what is left. Once it has been looked at, and nothing else waits, purge the queue:"
            " docs/runbooks/publisher-dead-letters.md says how."
        )
    if later:
        say(f"{later} came meanwhile; has the cause been removed?")
    return 1 if left or later else 0


def _about(queue: Queue, text: str) -> str:
    if queue is Queue.ORDER_EVENTS:
        try:
            message = OrderEventMessage.from_text(text)
        except UnreadableMessageError:
            return "not one of our messages"
        return " ".join(filter(None, (message.source, _order_id(message.body), message.correlation_id)))
    if queue is Queue.PUBLISHER:
        letter = _letter(text)
        facts = (letter.get("pk") or _batch(letter), letter.get("detail_type"), letter.get("fault"))
        return " ".join(str(fact) for fact in facts if fact)
    return "a call of the schedule"


def _batch(letter: dict[str, Any]) -> str:
    """Of changes that the event source gave up. It tells how many, and when they were made, but not of what."""
    match letter.get("DDBStreamBatchInfo"):
        case {
            "batchSize": size,
            "approximateArrivalOfFirstRecord": first,
            "approximateArrivalOfLastRecord": last,
        }:
            return f"a batch of the stream, {size} from {first} to {last}"
    return "a batch of the stream"


def _order_id(body: bytes) -> str:
    """Which order it is of, if it is of one that we understand."""
    try:
        return parse_event(body).order_id
    except (RejectedError, CatalogueCallbackError):
        return ""


def _letter(text: str) -> dict[str, Any]:
    try:
        letter = json.loads(text)
    except ValueError:
        return {}
    return letter if isinstance(letter, dict) else {}


def _names_what_to_bring_back(queue: Queue, letter: Letter) -> bool:
    return queue is not Queue.PUBLISHER or _pk(letter).startswith(("ORDER#", "REJECTED#"))


def _pk(letter: Letter) -> str:
    """Whose change it was that was not published; empty in a letter of the event source."""
    return str(_letter(letter.text).get("pk") or "")


def _bring_back(stack: DeployedStack, queue: Queue, letter: Letter) -> bool:
    """Whether it could be."""
    if queue is Queue.ORDER_EVENTS:
        stack.client("sqs").send_message(
            QueueUrl=stack.output("OrderEventsQueueUrl"), MessageBody=letter.text, MessageGroupId="redrive"
        )
        return True
    pk = _pk(letter)
    if pk.startswith("ORDER#"):
        return stack.orders.publish_again(pk.removeprefix("ORDER#"))
    if pk.startswith("REJECTED#"):
        return stack.rejected.publish_again(pk.removeprefix("REJECTED#"))
    return False
