"""What an operator is told once promotions were put: when each is sent, or what it waits for."""

from collections.abc import Iterator, Sequence

from partner_orders.promotions.wish import Channel
from partner_orders_console.operations.promotions.putting import Planned
from partner_orders_console.operations.words import counted


def what_follows(put: Sequence[Planned]) -> Iterator[str]:
    """A sentence for each kind of promotion."""
    for one in put:
        if one.replaces is not None:
            yield f"{one.replaces.promotion_id} is ended first, and {one.promotion_id} is sent when that is done"
    by_api = [one for one in put if one.channel is Channel.API]
    by_file = [one for one in put if one.channel is Channel.FILES]
    if sent := _are("is", "are", [one for one in by_api if one.may_be_sent]):
        yield f"{sent} sent within minutes. Customers see it after up to 50 minutes."
    if waiting := _are("waits", "wait", [one for one in by_api if not one.may_be_sent]):
        yield f"{waiting} until promotions are on in all their stores"
    if sent := _are("goes", "go", [one for one in by_file if one.may_be_sent]):
        yield f"{sent} into the next file of each store that is switched on, within five minutes"
    if waiting := _are("waits", "wait", [one for one in by_file if not one.may_be_sent]):
        yield f"{waiting} until a store of theirs is switched on"


def _are(is_: str, are: str, of: Sequence[Planned]) -> str:
    """``2 promotions are``; empty for none."""
    return counted(len(of), f"promotion {is_}", f"promotions {are}") if of else ""
