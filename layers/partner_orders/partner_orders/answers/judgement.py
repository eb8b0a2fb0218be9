"""What the platform shows of an order, judged by an answer: the only thing that outcomes come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from partner_orders.answers.answer import CancelReason, Kind
from partner_orders.answers.cart import CartLine, cart_of, same_lines
from partner_orders.answers.rules import ACCEPTING_BRANDS, Brand, is_picked
from partner_orders.orders import lifecycle
from partner_orders.orders.model import Cancellation, Order


class Outcome(StrEnum):
    """How an answer ended; each answer ends in exactly one."""

    APPLIED = "applied"
    APPLIED_DIFFERENTLY = "applied_differently"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_for_a_person(self) -> bool:
        """Whether somebody has to look at the order."""
        return self in {Outcome.APPLIED_DIFFERENTLY, Outcome.EXPIRED, Outcome.UNKNOWN}


@dataclass(frozen=True)
class Target:
    """What the platform should show once an answer was applied: a status, and the lines. ``status`` is None for an
    update, which changes none."""

    kind: Kind
    status: str | None
    lines: Sequence[CartLine]
    brand: Brand
    reason: CancelReason | None = None


def judge(target: Target, shown: Order, was_sent: bool) -> Outcome | None:
    """How an answer ended by an order as the platform shows it; None if it does not show it yet. ``was_sent`` says
    whether a request of ours may have had an effect."""
    match target.kind:
        case Kind.READY:
            return _of_ready(target, shown, was_sent)
        case Kind.UPDATE:
            return _of_update(target, shown)
        case Kind.ACCEPT:
            return _of_accept(shown, was_sent)
        case Kind.CANCEL:
            return _of_cancel(target, shown, was_sent)


def _of_ready(target: Target, shown: Order, was_sent: bool) -> Outcome | None:
    if shown.status == lifecycle.CANCELLED:
        return Outcome.OVERTAKEN
    if not _has_reached(target, shown.status):
        return None
    if same_lines(target.lines, cart_of(shown.items)):
        return Outcome.APPLIED
    return Outcome.APPLIED_DIFFERENTLY if was_sent else Outcome.OVERTAKEN


def _has_reached(target: Target, status: str) -> bool:
    wanted = target.status or ""
    if wanted == lifecycle.DISPATCHED and target.brand.name in ACCEPTING_BRANDS:
        wanted = lifecycle.READY_FOR_PICKUP  # What these brands show once the store dispatched (docs/platform.md 8.1).
    return lifecycle.rank(status) >= lifecycle.rank(wanted)


def _of_update(target: Target, shown: Order) -> Outcome | None:
    if shown.status == lifecycle.CANCELLED:
        return Outcome.OVERTAKEN
    if same_lines(target.lines, cart_of(shown.items)):
        return Outcome.APPLIED
    return Outcome.OVERTAKEN if is_picked(shown.status) else None


def _of_accept(shown: Order, was_sent: bool) -> Outcome | None:
    if shown.status == lifecycle.ACCEPTED:
        return Outcome.APPLIED
    if is_picked(shown.status):
        return Outcome.APPLIED if was_sent and shown.status != lifecycle.CANCELLED else Outcome.OVERTAKEN
    return None


def _of_cancel(target: Target, shown: Order, was_sent: bool) -> Outcome | None:
    if shown.status == lifecycle.CANCELLED:
        return Outcome.APPLIED if was_sent and _is_ours(target, shown) else Outcome.OVERTAKEN
    return Outcome.OVERTAKEN if is_picked(shown.status) else None


def _is_ours(target: Target, shown: Order) -> bool:
    """Whether a cancelled order may be so by our answer: it gives our reason, or none."""
    if not isinstance(shown.cancellation, Cancellation) or not shown.cancellation.reason:
        return True
    return shown.cancellation.reason.strip().upper() == target.reason
