"""What somebody paused on purpose: stores, and the consumer. A pause is no fault, and nothing reverses it unasked."""

from collections.abc import Iterator

from partner_orders.stores.store import Store
from partner_orders_console.operations.consumer_pause import present_pause
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted


def paused_consumer(stack: DeployedStack) -> Iterator[Finding]:
    """Name a deliberate pause of the consumer."""
    if pause := present_pause(stack):
        yield Finding("paused consumer", note=f"{pause}; `partner-orders consumer resume` ends it")


def paused_stores(stack: DeployedStack) -> Iterator[Finding]:
    """Name the stores that are not reconciled, as an operator paused them."""
    paused = [store for store in stack.stores.all() if store.is_paused]
    if paused:
        named = "; ".join(map(_pause_of, paused))
        yield Finding("paused stores", note=f"{counted(len(paused), 'store')} not reconciled: {named}")


def _pause_of(store: Store) -> str:
    """``148020 since 2026-03-14 08:15:02 by ...``, as far as its row tells."""
    since, by, reason = at(store.paused_at), store.paused_by, store.paused_reason
    facts = (f"since {since}" if since else "", f"by {by}" if by else "", f"({reason})" if reason else "")
    return " ".join([store.store_id, *filter(None, facts)])
