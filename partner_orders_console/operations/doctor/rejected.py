"""The rejected events that nobody has replayed or discarded."""

from collections.abc import Iterator

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted


def rejected_events(stack: DeployedStack) -> Iterator[Finding]:
    """Count them. It reads their index, no event."""
    count, newest_at = stack.rejected.unresolved()
    if not count:
        yield Finding("rejected events")
        return
    yield Finding(
        "rejected events",
        f"{counted(count, 'event')} could not be stored as an order; the newest first arrived at {at(newest_at)}",
        "partner-orders rejected list, then replay or discard them; docs/runbooks/rejected.md",
    )
