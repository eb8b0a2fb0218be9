"""How many messages are in each queue of a stack, now."""

from dataclasses import dataclass
from typing import Any

from partner_orders_console.operations.dead_letter_queue import OUTPUTS, Queue
from partner_orders_console.operations.stack import DeployedStack


@dataclass(frozen=True)
class QueueCounts:
    """About how many order events wait, and how many the consumer works on; and the dead letters of each queue that the
    stack has."""

    waiting: int
    in_work: int
    dead_letters: dict[Queue, int]


def queue_counts(stack: DeployedStack) -> QueueCounts:
    """A request for each queue. Raises OperatorError and botocore's errors."""
    sqs = stack.client("sqs")
    waiting, in_work = messages_in(sqs, stack.output("OrderEventsQueueUrl"))
    letters = {
        queue: sum(messages_in(sqs, stack.outputs[output]))
        for queue, output in OUTPUTS.items()
        if output in stack.outputs
    }
    return QueueCounts(waiting, in_work, letters)


def messages_in(sqs: Any, url: str) -> tuple[int, int]:
    """About how many messages of a queue wait, and how many are hidden for the moment. Raises botocore's errors."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[*names])
    visible, hidden = (int(attributes["Attributes"][name]) for name in names)
    return visible, hidden
