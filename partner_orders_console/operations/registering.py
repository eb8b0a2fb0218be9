"""Registering the webhook: what to paste into the plug-in, and the platform's test order that shows it works."""

import time
from dataclasses import dataclass
from datetime import datetime

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import from_text, now
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK
from partner_orders.orders.stored import events_of
from partner_orders_console.operations.changes import Changes
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Arrival:
    """What arrived first: an order with its store and status, or a rejected event by its digest."""

    order_id: str = ""
    store_id: str = ""
    status: str = ""
    rejected: str = ""

    def __str__(self) -> str:
        if self.rejected:
            return f"an event arrived and was rejected: partner-orders rejected show {self.rejected}"
        return f"an order of store {self.store_id} arrived: {self.order_id}, {self.status}"


class AwaitedOrder:
    """Waits for the platform's test order; what arrived before it was made does not count."""

    def __init__(self, stack: DeployedStack) -> None:
        self._stack = stack
        self._began = now()
        self._changes = Changes(stack)

    def wait(self, timeout: int) -> Arrival:
        """The first event that arrives within ``timeout`` seconds. Raises OperatorError if there is none, or if it is
        of another chain."""
        while (now() - self._began).total_seconds() < timeout:
            for row in self._changes.rows():
                if row["sk"] == keys.ORDER and _came_since(row, self._began):
                    return self._order(keys.order_id_of(row["pk"]), row)
                if row["sk"] == keys.REJECTED and _was_received_since(row, self._began):
                    return Arrival(rejected=keys.rejected_digest_of(row["pk"]))
            time.sleep(_PAUSE_SECONDS)
        raise OperatorError(
            "no new order arrived",
            "`partner-orders doctor` tries the webhook. Are the URL and the secret in the plug-in exactly as above?"
            " An exact repeat of an earlier event does not show here: look with `partner-orders orders find`.",
        )

    def _order(self, order_id: str, row: Row) -> Arrival:
        ours = self._stack.parameters.get("ChainId", "")
        if row.get("chain_id", ours).lower() != ours.lower():
            raise OperatorError(
                f"an order of another chain arrived: {order_id}, chain_id {row['chain_id']}",
                f"This stack is of chain {ours}. It neither registers nor reconciles the order's store. If that is"
                " wrong, deploy it again with the right ChainId (samconfig.toml).",
            )
        return Arrival(order_id, str(row.get("store_id", "(none)")), str(row.get("status")))


def _was_received_since(row: Row, began: datetime) -> bool:
    if row.get("source") == RECONCILIATION:  # By whom it came first; any order of the platform's may be unreadable.
        return False
    return "last_received_at" in row and from_text(row["last_received_at"]) >= began


def _came_since(row: Row, began: datetime) -> bool:
    events = events_of(row).values()
    return any(event["source"] == WEBHOOK and from_text(event["received_at"]) >= began for event in events)
