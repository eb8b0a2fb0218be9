"""The stores: whether any is registered, and what their rows lack."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack

# What lasts longer than this after the first deployment is a fault.
_FIRST_EVENT = timedelta(days=1)


def stores(stack: DeployedStack) -> Iterator[Finding]:
    """Count the registered stores, and those whose settings are incomplete."""
    stores = stack.stores.all()
    if not stores:
        others = stack.orders.stores_with_orders(datetime.min.replace(tzinfo=UTC), now()) - {""}
        if others:
            yield Finding("stores", "orders arrive, but none belongs to our chain", "Deploy with the right ChainId.")
        elif now() - stack.created_at < _FIRST_EVENT:
            yield Finding("stores", note="none yet: a store's first event registers it (partner-orders register)")
        else:
            yield Finding(
                "stores", "none is registered", "A store's first event registers it: partner-orders register."
            )
        return
    bare = sum(not (store.time_zone and store.trading_hours and store.currency) for store in stores)
    yield Finding(
        "stores", note=f"{len(stores)} registered" + (f", {bare} without time zone, hours or currency" if bare else "")
    )
