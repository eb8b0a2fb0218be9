"""A store that is left out of reconciliation on purpose."""

from collections.abc import Iterable

from partner_orders.clock import now, to_text
from partner_orders.stores.store import Store, StoreSettings
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted


def pause_store(stack: DeployedStack, store: Store, reason: str = "") -> None:
    """Leave a store out of reconciliation, and record who did so, when and why. Its webhooks are stored as ever."""
    settings = StoreSettings(
        is_paused=True, paused_at=to_text(now()), paused_by=caller(stack), paused_reason=reason.strip()
    )
    stack.stores.set(store.store_id, settings)


def resume_store(stack: DeployedStack, store: Store) -> None:
    """Reconcile a store again."""
    stack.stores.set(store.store_id, StoreSettings(is_paused=False, paused_at="", paused_by="", paused_reason=""))


def paused_among(stores: Iterable[Store]) -> str:
    """The paused of these stores, each with since when, by whom and why as far as its row tells; empty without any."""
    paused = [store for store in stores if store.is_paused]
    return f"{counted(len(paused), 'store')} not reconciled: {'; '.join(map(_pause_of, paused))}" if paused else ""


def _pause_of(store: Store) -> str:
    """``148020 since 2026-03-14 08:15:02 by ... (...)``."""
    since, by, reason = at(store.paused_at), store.paused_by, store.paused_reason
    facts = (f"since {since}" if since else "", f"by {by}" if by else "", f"({reason})" if reason else "")
    return " ".join([store.store_id, *filter(None, facts)])
