"""What becomes of a product when the outcome of what was sent is known.

A job that settles overwrites what is confirmed with its own values, whenever it settles: the platform may have applied
it last. If a newer value was sent meanwhile, the product then waits again, and the newest value follows (rule W3).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from partner_orders.catalogue.desired import Desired, PriceInForce
from partner_orders.catalogue.product import Values

PRICE_WINDOW = timedelta(hours=24)
_MOST_PRICES = 8
MAX_REFUSAL = 300  # characters of the platform's words


class Outcome(StrEnum):
    """What became of a line. UNKNOWN: no result came in time, or the platform's answer was lost."""

    PROCESSED = "processed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def settled(row: Desired, sent: Values, outcome: Outcome, now: datetime, refusal: str = "") -> Desired:
    """The row after what was sent of it came to an outcome."""
    match outcome:
        case Outcome.PROCESSED:
            return _processed(row, sent, now)
        case Outcome.REFUSED:
            return replace(row, refused=_over(row.refused, sent), refusal=refusal[:MAX_REFUSAL])
        case Outcome.UNKNOWN:
            # The price may still be the one before: the guards go on measuring against it.
            past_prices = _past_prices(row, sent, now)
            return replace(row, confirmed=_without(row.confirmed, sent), past_prices=past_prices)


def _processed(row: Desired, sent: Values, now: datetime) -> Desired:
    refused = _without(row.refused, sent)
    return replace(
        row,
        confirmed=_over(row.confirmed, sent),
        refused=refused,
        refusal=row.refusal if refused.are_said else "",
        past_prices=_past_prices(row, sent, now),
    )


def _past_prices(row: Desired, sent: Values, now: datetime) -> tuple[PriceInForce, ...]:
    """The prices that were in force within the window, and at least the last one. Of too many the lowest and the
    highest stay, and the newest."""
    past = row.past_prices
    if row.confirmed.price is not None and sent.price is not None:
        past = (*(one for one in past if one.price != row.confirmed.price), PriceInForce(row.confirmed.price, now))
    kept = [one for one in past if one.until > now - PRICE_WINDOW] or [*past[-1:]]
    while len(kept) > _MOST_PRICES:
        ends = min(kept), max(kept)
        kept.remove(next(one for one in kept if one not in ends))
    return tuple(kept)


def _over(values: Values, sent: Values) -> Values:
    return replace(values, **sent.said)


def _without(values: Values, sent: Values) -> Values:
    return replace(values, **dict.fromkeys(sent.said))
