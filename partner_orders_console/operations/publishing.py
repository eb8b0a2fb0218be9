"""The present state of orders, published again for subscribers that missed a change."""

import sys
from collections.abc import Sequence
from datetime import datetime

from partner_orders.stores.store import Store
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.event_log import Choice, event_log
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack


def check_publishes(stack: DeployedStack) -> None:
    """Raises OperatorError for a stack without change events."""
    if "PublisherDeadLettersUrl" not in stack.outputs:
        raise OperatorError("this stack publishes nothing", "Deploy it with ChangeEvents=ENABLED.")


def orders_of_time(
    stack: DeployedStack, since: datetime, until: datetime | None, store: Store | None, progress: Progress = silent
) -> list[str]:
    """The orders with an event that was received from ``since`` on and before ``until`` (UTC; None is now), by
    their first one. Raises OperatorError where not all of them could be read."""
    choice = Choice(since, until, store, limit=sys.maxsize)
    log = event_log(stack, choice, progress)
    if log.next_created_before is not None:
        raise OperatorError(
            f"the time has more than {log.orders_read:,} orders, or reading them takes too long",
            "Give a shorter time, one after the other, or a --store.",
        )
    return [*dict.fromkeys(event.order_id for event in reversed(log.events) if event.order_id is not None)]


def publish_again(stack: DeployedStack, order_ids: Sequence[str], progress: Progress = silent) -> list[str]:
    """Have the orders published in their present state, each with its next sequence; those that have expired
    meanwhile. Raises botocore's errors."""
    expired = []
    for number, order_id in enumerate(order_ids):
        progress(f"{number} of {len(order_ids)} orders")
        if not stack.orders.publish_again(order_id):
            expired.append(order_id)
    return expired
