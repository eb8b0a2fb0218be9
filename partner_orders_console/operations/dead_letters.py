"""Dead-letter queues: what could not be stored, published or started, and how it is brought back."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from partner_orders.answers.wake_ups import WakeUps, order_id_in
from partner_orders.clock import now
from partner_orders.order_events.message import OrderEventMessage, UnreadableMessageError
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, parse_event
from partner_orders.orders.personal_data import without_personal_data
from partner_orders_console.operations.catalogue import letters as catalogue_letters
from partner_orders_console.operations.catalogue.access import catalogue_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.dead_letter_queue import CATALOGUE_OUTPUTS, OUTPUTS, Queue
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.queue_counts import messages_in
from partner_orders_console.operations.stack import DeployedStack

# While a command works through a queue, what it has seen stays out of its way; at its end that is visible again.
_HIDDEN_SECONDS = 900
# Without waiting, SQS asks some of its servers only, and an empty answer would not mean an empty queue.
_WAIT_SECONDS = 1
_AT_ONCE = 10  # SQS's most

# What the publisher's dead letters of answers are called, and what their ids have between order and answer.
_ANSWER, _ANSWERS = "order.answer_", "/answers/"
# The parts of messages that hold no customer's data, but for the order in ``detail``: the publisher's own, those that
# Lambda writes for a batch of the stream, and the schedule's call of the reconciler.
_KNOWN = {
    *("schema_version", "pk", "fault", "detail_type", "detail"),
    *("version", "timestamp", "requestContext", "responseContext", "DDBStreamBatchInfo"),
    *("from", "to", "stores", "preview"),
}
# The attributes that say why: EventBridge Scheduler's of a call that failed, the loader's, and the pusher's.
_REASONS = ("ERROR_CODE", "reason", "Reason")


@dataclass(frozen=True)
class DeadLetter:
    """A dead-letter message. ``about`` says what it is about, without personal data."""

    message_id: str
    sent_at: datetime
    text: str = field(repr=False)
    about: str


class DeadLetters:
    """One dead-letter queue of a stack, at its ``url`` if that is known. Raises OperatorError if the stack has no such
    queue."""

    def __init__(self, stack: DeployedStack, queue: Queue, url: str = "") -> None:
        self._sqs = stack.client("sqs")
        self._url = url or _url(stack, queue)
        self._queue = queue
        self._hidden: dict[str, str] = {}

    def count(self) -> int:
        """About how many messages there are, those that are hidden for the moment too."""
        return sum(messages_in(self._sqs, self._url))

    def some(self) -> list[DeadLetter]:
        """A few of them, hidden from nobody."""
        return [self._dead_letter(message) for message in self._receive(hidden_seconds=0)]

    def all(self) -> Iterator[DeadLetter]:
        """Each of them once, hidden until it is deleted or ``show_again``."""
        while received := self._receive(_HIDDEN_SECONDS):
            new = [message for message in received if message["MessageId"] not in self._hidden]
            # All of them, before the first is handed out: the caller may want no more than that.
            self._hidden |= {message["MessageId"]: message["ReceiptHandle"] for message in received}
            yield from map(self._dead_letter, new)

    def delete(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._hidden[letter.message_id])
        # Its id stays known: SQS may deliver once more what was deleted.
        self._hidden[letter.message_id] = ""

    def purge(self) -> None:
        """Delete every message for good. AWS allows it once a minute."""
        self._sqs.purge_queue(QueueUrl=self._url)

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
            MessageAttributeNames=[*_REASONS],
        )
        return list(answer.get("Messages", []))

    def _dead_letter(self, message: dict[str, Any]) -> DeadLetter:
        sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
        attributes = message.get("MessageAttributes", {})
        reasons = (attributes.get(name, {}).get("StringValue") for name in _REASONS)
        about = ": ".join(filter(None, (_about(self._queue, message["Body"]), *reasons)))
        return DeadLetter(message["MessageId"], sent_at, message["Body"], about)


def _url(stack: DeployedStack, queue: Queue) -> str:
    if queue in CATALOGUE_OUTPUTS:
        return catalogue_of(stack).output(CATALOGUE_OUTPUTS[queue][0])
    return stack.answers_output(OUTPUTS[queue]) if queue is Queue.ANSWERS else stack.output(OUTPUTS[queue])


@dataclass(frozen=True)
class QueueState:
    """A dead-letter queue: about how many messages wait, and what up to ten of them are about. ``oldest_seen`` is of
    those ten."""

    queue: str
    messages: int
    oldest_seen: datetime | None
    about: list[str]


@dataclass
class Redriven:
    """How many messages were brought back, or would be; what each that was left is about; and how many came meanwhile,
    because the cause is still there."""

    moved: list[DeadLetter] = field(default_factory=list)
    left: list[DeadLetter] = field(default_factory=list)
    later: int = 0


def states(stack: DeployedStack, progress: Progress = silent) -> list[QueueState]:
    """Each dead-letter queue of the stack, and of the catalogue beside it. A look counts as a receive, which has no
    effect in these queues.

    Raises OperatorError if the stack has no queue for order events: every stack has that one.
    """
    found = []
    for queue, url in _urls(stack).items():
        progress(f"looking at {queue.value}")
        letters = DeadLetters(stack, queue, url)
        count = letters.count()
        seen = letters.some() if count else []
        oldest = min((letter.sent_at for letter in seen), default=None)
        found.append(QueueState(queue.value, count, oldest, sorted({letter.about for letter in seen})))
    return found


def _urls(stack: DeployedStack) -> dict[Queue, str]:
    """Where each dead-letter queue of a stack is, and of the catalogue beside it."""
    queues = [queue for queue, output in OUTPUTS.items() if output in stack.outputs or queue is Queue.ORDER_EVENTS]
    beside = CatalogueStack.beside(stack)
    outputs = beside.outputs if beside else {}
    return {queue: stack.output(OUTPUTS[queue]) for queue in queues} | {
        queue: outputs[output] for queue, (output, _) in CATALOGUE_OUTPUTS.items() if output in outputs
    }


def messages(stack: DeployedStack, queue: Queue, limit: int) -> list[DeadLetter]:
    """Up to ``limit`` messages of a queue, visible again afterwards."""
    letters = DeadLetters(stack, queue)
    found: list[DeadLetter] = []
    try:
        for letter in letters.all():
            found.append(letter)
            if len(found) >= limit:
                break
    finally:
        letters.show_again()
    return sorted(found, key=lambda letter: letter.sent_at)


def content(queue: Queue, letter: DeadLetter, show_personal_data: bool) -> Any:
    """What a message holds: an order without personal data unless it is asked for. A body that cannot be parsed is
    shown only if it is asked for, and so is what nobody but a stranger would have put into the queue."""
    if queue in CATALOGUE_OUTPUTS:
        return catalogue_letters.content(queue, letter.text, show_personal_data)
    if queue is not Queue.ORDER_EVENTS:
        facts = _json(letter.text)
        return facts if show_personal_data else _impersonal(facts)
    try:
        body = OrderEventMessage.from_text(letter.text).body
        value = json.loads(body)
    except (UnreadableMessageError, ValueError, RecursionError):
        return letter.text if show_personal_data else None
    return value if show_personal_data or not isinstance(value, dict) else without_personal_data(value)


def _impersonal(facts: dict[str, Any]) -> dict[str, Any]:
    """The known parts of a message of the publisher, the event source or the schedule, its order redacted."""
    known = {name: value for name, value in facts.items() if name in _KNOWN}
    if isinstance(known.get("detail"), str):
        detail = _json(known["detail"])
        if isinstance(detail.get("order"), dict):
            detail["order"] = without_personal_data(detail["order"])
        known["detail"] = json.dumps(detail, separators=(",", ":"))
    return known


def purge(stack: DeployedStack, queue: Queue) -> None:
    """Delete every message of a dead-letter queue for good."""
    DeadLetters(stack, queue).purge()


def redrive(
    stack: DeployedStack, queue: Queue, rate: float, about: str, preview: bool, progress: Progress = silent
) -> Redriven:
    """Bring messages back whose ``about`` holds a text, ``rate`` a second: order events onto their queue; of what the
    bus refused, the order's present state is published, or the outcome of the answer; a wake-up wakes the sender. The
    catalogue's messages go onto their queues again. A preview changes nothing.

    Raises OperatorError for the reconciler's queue: its next run does what these calls would have done.
    """
    if queue is Queue.RECONCILIATION:
        raise OperatorError(
            "the next run does what these calls would have done",
            "Delete them with `partner-orders dead-letters purge reconciliation`:"
            " docs/runbooks/reconciliation-dead-letters.md.",
        )
    catalogue = catalogue_of(stack) if queue in CATALOGUE_OUTPUTS else None
    letters, began, redriven = DeadLetters(stack, queue), now(), Redriven()
    count = letters.count()
    try:
        for letter in letters.all():
            if about not in letter.about:
                continue
            if letter.sent_at > began:
                # While the cause is there, each message that is brought back comes again: there would be no end.
                redriven.later += 1
            elif preview and _names_what_to_bring_back(queue, letter, catalogue):
                redriven.moved.append(letter)
            elif not preview and _bring_back(stack, queue, letter, catalogue):
                letters.delete(letter)
                redriven.moved.append(letter)
                progress(f"{len(redriven.moved)} of about {count} brought back")
                time.sleep(1 / rate)
            else:
                redriven.left.append(letter)
    finally:
        letters.show_again()
    return redriven


def _about(queue: Queue, text: str) -> str:
    if queue is Queue.ORDER_EVENTS:
        try:
            message = OrderEventMessage.from_text(text)
        except UnreadableMessageError:
            return "not one of our messages"
        return " ".join(filter(None, (message.source, _order_id(message.body), message.correlation_id)))
    if queue is Queue.PUBLISHER:
        letter = _json(text)
        facts = (letter.get("pk") or _batch(letter), letter.get("detail_type"), letter.get("fault"))
        return " ".join(str(fact) for fact in facts if fact)
    if queue in CATALOGUE_OUTPUTS:
        return catalogue_letters.about(queue, text)
    if queue is Queue.ANSWERS:
        return order_id_in(text) or "not one of our messages"
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
    """Which order it is of, if the body can be parsed."""
    try:
        return parse_event(body).order_id
    except (RejectedError, CatalogueCallbackError):
        return ""


def _json(text: str) -> dict[str, Any]:
    try:
        letter = json.loads(text)
    except ValueError:
        return {}
    return letter if isinstance(letter, dict) else {}


def _names_what_to_bring_back(queue: Queue, letter: DeadLetter, catalogue: CatalogueStack | None) -> bool:
    if catalogue is not None:
        return catalogue_letters.can_be_taken(queue, letter.text, catalogue.output("FilesBucketName"))
    if queue is Queue.ANSWERS:
        return order_id_in(letter.text) is not None
    return queue is not Queue.PUBLISHER or _pk(letter).startswith(("ORDER#", "REJECTED#"))


def _pk(letter: DeadLetter) -> str:
    """Whose change was not published; empty in a message of the event source."""
    return str(_json(letter.text).get("pk") or "")


def _bring_back(stack: DeployedStack, queue: Queue, letter: DeadLetter, catalogue: CatalogueStack | None) -> bool:
    """Whether it was brought back."""
    if catalogue is not None:
        if not _names_what_to_bring_back(queue, letter, catalogue):
            return False
        url = catalogue.output(CATALOGUE_OUTPUTS[queue][1])
        stack.client("sqs").send_message(QueueUrl=url, MessageBody=letter.text)
        return True
    if queue is Queue.ORDER_EVENTS:
        stack.client("sqs").send_message(
            QueueUrl=stack.output("OrderEventsQueueUrl"), MessageBody=letter.text, MessageGroupId="redrive"
        )
        return True
    if queue is Queue.ANSWERS:
        return _wake(stack, order_id_in(letter.text))
    pk = _pk(letter)
    if str(_json(letter.text).get("detail_type")).startswith(_ANSWER):
        order_id, _, answer_id = str(_json(_json(letter.text)["detail"]).get("id")).partition(_ANSWERS)
        return stack.answers.publish_again(order_id, answer_id, now())
    if pk.startswith("ORDER#"):
        return stack.orders.publish_again(pk.removeprefix("ORDER#"))
    if pk.startswith("REJECTED#"):
        return stack.rejected.publish_again(pk.removeprefix("REJECTED#"))
    return False


def _wake(stack: DeployedStack, order_id: str | None) -> bool:
    """Wake the sender for an order; whether there is one to wake it for."""
    if order_id is None:
        return False
    WakeUps(stack.client("sqs"), stack.answers_output("AnswersQueueUrl")).send(order_id)
    return True
