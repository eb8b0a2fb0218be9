"""How many messages are in each queue of a stack, now."""

from dataclasses import dataclass

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
    waiting, in_work = _counts(stack, "OrderEventsQueueUrl")
    letters = {queue: sum(_counts(stack, output)) for queue, output in OUTPUTS.items() if output in stack.outputs}
    return QueueCounts(waiting, in_work, letters)


def _counts(stack: DeployedStack, output: str) -> tuple[int, int]:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=[*names])
    visible, hidden = (int(attributes["Attributes"][name]) for name in names)
    return visible, hidden
