"""Merge an order anew from its stored history, by the rules of ``orders/history.py``."""

from dataclasses import replace

from partner_orders.clock import from_text
from partner_orders.orders import history
from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.stored import HistoryEntry, StoredOrder


class IncompleteHistoryError(ValueError):
    """The bodies of some events are gone or redacted, so the order's snapshot cannot be found from them."""


def latest_of(order: StoredOrder) -> tuple[OrderEvent, Arrival]:
    """The event of the history that is the snapshot, with its arrival. Raises IncompleteHistoryError; and RejectedError
    for a body that cannot be parsed any more."""
    shown_at = {entry.digest: from_text(entry.shown_at) for entry in order.history if entry.shown_at}
    head = history.merge(map(_event, order.history), shown_at).snapshot
    entry = next(entry for entry in order.history if entry.digest == head.digest)
    arrival = Arrival(entry.source, from_text(entry.received_at), entry.correlation_id, shown_at.get(head.digest))
    return head, arrival


def _event(entry: HistoryEntry) -> OrderEvent:
    """A stored event under the digest that it is stored by."""
    if entry.is_redacted:
        raise IncompleteHistoryError("its customer was erased, and the bodies with them")
    if entry.body is None:
        raise IncompleteHistoryError("the body of an event is gone")
    return replace(parse_event(entry.body), digest=entry.digest)
