"""A deliberate pause of the consumer: events wait in their queue, which keeps them for days."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from partner_orders.aws import keys
from partner_orders.clock import now, to_text
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at

SCHEMA_VERSION = 1
_KEY = keys.pause("CONSUMER")


@dataclass(frozen=True)
class Pause:
    """Who paused the consumer, when (UTC) and why."""

    paused_at: str
    by: str
    reason: str

    def __str__(self) -> str:
        return f"since {at(self.paused_at)} by {self.by}: {self.reason}"


def present_pause(stack: DeployedStack) -> Pause | None:
    """The pause that an operator began, if nobody has ended it."""
    row = stack.table.get(_KEY)
    return None if row is None else Pause(str(row["paused_at"]), str(row["by"]), str(row["reason"]))


def pause(stack: DeployedStack, reason: str) -> Pause:
    """Stop the consumer from receiving events. Order events stay in the queue for four days.

    It is recorded before the event source is switched off, so that nothing switches it on again. Raises OperatorError
    if the consumer is paused already or has no event source.
    """
    if not reason.strip():
        raise OperatorError("a pause needs a reason", "Give one with --reason, for whoever finds the consumer paused.")
    if earlier := present_pause(stack):
        raise OperatorError(f"the consumer is already paused, {earlier}", "`partner-orders consumer resume` ends it.")
    source = _event_source(stack)
    begun = Pause(to_text(now()), caller(stack), reason.strip())
    row = {"schema_version": SCHEMA_VERSION, "paused_at": begun.paused_at, "by": begun.by, "reason": begun.reason}
    table = stack.table
    table.put(_KEY, row)
    try:
        stack.client("lambda").update_event_source_mapping(UUID=source, Enabled=False)
    except ClientError:
        # Refused, so events are still received: without this, doctor would show a pause.
        table.delete(_KEY)
        raise
    return begun


def resume(stack: DeployedStack) -> Pause:
    """Have the consumer receive events again; the pause that this ends. Raises OperatorError if there is none."""
    ended = present_pause(stack)
    if ended is None:
        raise OperatorError(
            "nobody paused the consumer", "If it does not receive events, `partner-orders doctor` says why."
        )
    stack.client("lambda").update_event_source_mapping(UUID=_event_source(stack), Enabled=True)
    stack.table.delete(_KEY)
    return ended


def _event_source(stack: DeployedStack) -> str:
    mappings = stack.event_sources("Consumer")
    if not mappings:
        raise OperatorError("the consumer has no event source", "Deploy the stack again.")
    return str(mappings[0]["UUID"])
