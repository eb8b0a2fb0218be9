"""A store that is left out of reconciliation on purpose."""

from partner_orders.clock import now, to_text
from partner_orders.stores.store import Store, StoreSettings
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.stack import DeployedStack


def pause_store(stack: DeployedStack, store: Store, reason: str = "") -> None:
    """Leave a store out of reconciliation, and record who did so, when and why. Its webhooks are stored as ever."""
    settings = StoreSettings(
        is_paused=True, paused_at=to_text(now()), paused_by=caller(stack), paused_reason=reason.strip()
    )
    stack.stores.set(store.store_id, settings)


def resume_store(stack: DeployedStack, store: Store) -> None:
    """Reconcile a store again."""
    stack.stores.set(store.store_id, StoreSettings(is_paused=False, paused_at="", paused_by="", paused_reason=""))
