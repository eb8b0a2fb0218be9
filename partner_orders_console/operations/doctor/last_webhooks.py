"""When the last webhook came: for the stack, and for each store."""

from collections.abc import Iterator

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.last_webhooks import last_webhooks as last_of_stores
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import ago, at

_NAMED = 5


def last_webhooks(stack: DeployedStack) -> Iterator[Finding]:
    """Name the stack's last webhook, and the stores that have waited longest for one."""
    last = last_of_stores(stack, stack.stores.all())
    if not last:
        return
    known = {store_id: when for store_id, when in last.items() if when is not None}
    if not known:
        yield Finding("last webhook", note="none among the newest orders")
        return
    newest = max(known, key=lambda store_id: known[store_id])
    yield Finding("last webhook", note=f"{at(known[newest])} ({ago(known[newest], now())}), of store {newest}")
    named = [f"{store_id} {ago(when, now()) or 'none'}" for store_id, when in [*last.items()][:_NAMED]]
    more = f" and {len(last) - _NAMED} more" if len(last) > _NAMED else ""
    yield Finding("last webhook by store", note=f"longest ago first: {', '.join(named)}{more}")
