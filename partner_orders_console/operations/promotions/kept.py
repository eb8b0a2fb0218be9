"""The promotions that are known, and the bodies that are kept of them."""

from dataclasses import replace
from datetime import datetime, timedelta

from partner_orders.catalogue.product import printable
from partner_orders.clock import now
from partner_orders.promotions.bodies import BodyGoneError
from partner_orders.promotions.promotion import Promotion, body_of, promotion_of
from partner_orders.promotions.record import Record
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import NewerWishError, OtherChannelError, WrittenMeanwhileError
from partner_orders.promotions.wish import Channel, Outcome, Wish
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError

MAX_BY, MAX_WHY = 200, 300  # characters
_SHOWN_AFTER_END = timedelta(days=7)


def states_of(catalogue: CatalogueStack, since: datetime | None = None) -> dict[str, PromotionState]:
    """The promotions that end at a time or later, without one those that are not over for a week; by id. Raises
    botocore's errors."""
    return catalogue.promotions.all(now() - _SHOWN_AFTER_END if since is None else since)


def state_named(catalogue: CatalogueStack, promotion_id: str) -> PromotionState:
    """A promotion by its id. Raises OperatorError."""
    found = catalogue.promotions.get(promotion_id.strip().lower()) if promotion_id.strip() else None
    if found is None:
        raise NotFoundError(
            f"there is no promotion {promotion_id[:40]!r}", "`partner-orders promotions list` shows their ids."
        )
    return found


def body_of_state(catalogue: CatalogueStack, state: PromotionState) -> Promotion:
    """The promotion of the newest wish, as it is kept. Raises OperatorError where it cannot be read."""
    try:
        return promotion_of(catalogue.promotion_bodies.read(state.promotion_id, state.wish.digest))
    except (BodyGoneError, LookupError, TypeError, ValueError):
        raise OperatorError(
            f"the body of the promotion {state.promotion_id} cannot be read",
            f"It is in the files bucket under promotions/{state.promotion_id}/; restore an earlier version of it.",
        ) from None


def taken_before(catalogue: CatalogueStack, state: PromotionState) -> Promotion | None:
    """The promotion as the platform may have it, whose SKUs a change must name: that of the newest wish which it did
    not refuse. None where there is none, or where its body is gone."""
    digests = (one.wish.digest for one in catalogue.promotions.history(state.promotion_id) if _may_be_taken(one))
    digest = state.wish.digest if state.outcome is not Outcome.REFUSED else next(digests, "")
    try:
        return promotion_of(catalogue.promotion_bodies.read(state.promotion_id, digest)) if digest else None
    except (BodyGoneError, LookupError, TypeError, ValueError):
        return None


def _may_be_taken(record: Record) -> bool:
    return bool(record.puts) and record.outcome is not Outcome.REFUSED


def why_given(why: str) -> str:
    """Why something is done. Raises OperatorError where nothing is said, or too much."""
    given = why.strip()
    if not given:
        raise OperatorError("--why is missing", "Say why, for whoever looks at it later: --why TEXT.")
    if not 0 < len(given) <= MAX_WHY or not given.isprintable():
        raise OperatorError(
            f"--why has 1 to {MAX_WHY} printable characters", "Say why, for whoever looks at it later: --why TEXT."
        )
    return given


def who(catalogue: CatalogueStack) -> str:
    """Who wishes it, for what is recorded of it."""
    return printable(caller(catalogue.orders), MAX_BY)


def end(
    catalogue: CatalogueStack,
    state: PromotionState,
    promotion: Promotion,
    by: str,
    why: str,
    not_before: datetime | None = None,
) -> PromotionState:
    """Have the pusher end a promotion that was read, by its body that is not active. Raises OperatorError and
    botocore's errors."""
    digest = catalogue.promotion_bodies.write(state.promotion_id, body_of(promotion))
    wished = Wish(0, digest, True, by, why, now(), not_before=not_before)
    return wish(catalogue, promotion, wished, state.newest_number, state.channel)


def wish(
    catalogue: CatalogueStack, promotion: Promotion, wished: Wish, over: int, channel: Channel = Channel.API
) -> PromotionState:
    """Write a wish under its number. ``over`` is the number of the newest wish that was read, 0 where there was none.
    Raises OperatorError and botocore's errors."""
    promotion_id = promotion.promotion_id
    try:
        return catalogue.promotions.wish(
            promotion, lambda number: replace(wished, number=number), now, channel=channel, over=over
        )
    except OtherChannelError:
        raise OperatorError(other_channel(promotion_id, channel), "Nothing was changed.") from None
    except NewerWishError:
        raise OperatorError(f"somebody else changed the promotion {promotion_id} meanwhile", "Try again.") from None
    except WrittenMeanwhileError:
        raise OperatorError(f"the promotion {promotion_id} kept being changed by others", "Try again.") from None


def other_channel(promotion_id: str, channel: Channel) -> str:
    """What is wrong where a promotion was put by the other channel than its stores are sent by now."""
    return (
        f"the promotion {promotion_id} was put {by_words(other_than(channel))}, and its stores are sent"
        f" {by_words(channel)} now; end it, and put it under another name"
    )


def other_than(channel: Channel) -> Channel:
    return Channel.FILES if channel is Channel.API else Channel.API


def by_words(channel: Channel) -> str:
    return "by API" if channel is Channel.API else "by file"
