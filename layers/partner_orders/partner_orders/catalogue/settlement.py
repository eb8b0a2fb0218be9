"""What becomes of a product when the outcome of what was sent is known.

A job that settles overwrites what is confirmed with its own values. If a newer value was sent meanwhile, the product
then waits again, and the newest value follows (rule W3). Of two calls that were under way together nobody knows which
the platform applied last: where they differ, the value is unknown, and the newest follows as well.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

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


class Call(NamedTuple):
    """When a call was sent, and whether others of its store were under way when its outcome came."""

    sent_at: datetime
    are_others_under_way: bool = False


def settled(
    row: Desired, sent: Values, outcome: Outcome, now: datetime, refusal: str = "", call: Call | None = None
) -> Desired:
    """The row after what was sent of it in a call came to an outcome; without ``call``, nothing else was under way."""
    match outcome:
        case Outcome.PROCESSED:
            if call is not None and row.settled_at is not None and row.settled_at > call.sent_at:
                return _contested(row, sent, now)
            result = _processed(row, sent, now)
            # In a call by itself, an unchanged product is not written for the time alone.
            is_noted = result != row or (call is not None and call.are_others_under_way)
            return replace(result, settled_at=now) if is_noted else row
        case Outcome.REFUSED:
            return replace(row, refused=_over(row.refused, sent), refusal=refusal[:MAX_REFUSAL])
        case Outcome.UNKNOWN:
            # The price may still be the one before: the guards go on measuring against it.
            return _unknown(row, sent, now)


def _unknown(row: Desired, sent: Values, now: datetime) -> Desired:
    confirmed = _without(row.confirmed, sent)
    if confirmed == row.confirmed:
        return row
    return replace(row, confirmed=confirmed, past_prices=_past_prices(row, sent, now), settled_at=now)


def _contested(row: Desired, sent: Values, now: datetime) -> Desired:
    """Another outcome was noted while this one was under way. What both agree on is confirmed."""
    differing = {name: value for name, value in sent.said.items() if getattr(row.confirmed, name) != value}
    result = _unknown(row, Values(**differing), now)
    if "price" in differing:
        # It may be in force as well as the other.
        result = replace(result, past_prices=_bounded([*result.past_prices, PriceInForce(differing["price"], now)]))
    return result


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
    """The prices that were in force within the window, and at least the last one."""
    past = row.past_prices
    if row.confirmed.price is not None and sent.price is not None:
        past = (*(one for one in past if one.price != row.confirmed.price), PriceInForce(row.confirmed.price, now))
    return _bounded([one for one in past if one.until > now - PRICE_WINDOW] or [*past[-1:]])


def submitted_price(before: Desired, after: Desired, now: datetime) -> Desired:
    """A product whose price a file replaces: the old one is remembered as one that was in force. ``before`` is the
    product as the guards measure it (guards.in_force)."""
    if after.values.price is None or after.values.price == before.confirmed.price:
        return after
    return replace(after, past_prices=_past_prices(before, after.values, now))


def _bounded(kept: list[PriceInForce]) -> tuple[PriceInForce, ...]:
    """Of too many prices the lowest and the highest stay, and the newest."""
    while len(kept) > _MOST_PRICES:
        ends = min(kept), max(kept)
        kept.remove(next(one for one in kept if one not in ends))
    return tuple(kept)


def _over(values: Values, sent: Values) -> Values:
    return replace(values, **sent.said)


def _without(values: Values, sent: Values) -> Values:
    return replace(values, **dict.fromkeys(sent.said))
