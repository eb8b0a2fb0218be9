"""The promotions that are known, and the bodies that are kept of them."""

from dataclasses import replace
from datetime import datetime, timedelta

from partner_orders.catalogue.product import printable
from partner_orders.clock import now
from partner_orders.promotions.bodies import BodyGoneError
from partner_orders.promotions.promotion import Promotion, body_of, promotion_of
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import OtherChannelError, WrittenMeanwhileError
from partner_orders.promotions.wish import Wish
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError

MAX_BY, MAX_WHY = 200, 300  # characters
_SHOWN_AFTER_END = timedelta(days=7)


def states_of(catalogue: CatalogueStack, with_old: bool = False) -> dict[str, PromotionState]:
    """Every promotion by its id, those that end first first: those that are not over for a week, or all that are kept.
    Raises botocore's errors."""
    since = None if with_old else now() - _SHOWN_AFTER_END
    return catalogue.promotions.all(since)


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


def why_given(why: str) -> str:
    """Why something is done. Raises OperatorError where nothing is said, or too much."""
    given = why.strip()
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
    """Have the pusher end a promotion, by its body that is not active. Raises OperatorError and botocore's errors."""
    digest = catalogue.promotion_bodies.write(state.promotion_id, body_of(promotion))
    return wish(catalogue, promotion, Wish(0, digest, True, by, why, now(), not_before=not_before))


def wish(catalogue: CatalogueStack, promotion: Promotion, wished: Wish) -> PromotionState:
    """Write a wish under its number. Raises OperatorError and botocore's errors."""
    try:
        return catalogue.promotions.wish(promotion, lambda number: replace(wished, number=number), now)
    except OtherChannelError as error:
        raise OperatorError(
            f"the promotion {promotion.promotion_id} was made by {error}, and can be changed by that only",
            "Put the same promotion under another name, or end it first.",
        ) from None
    except WrittenMeanwhileError:
        raise OperatorError(
            f"the promotion {promotion.promotion_id} was written by others again and again", "Try again."
        ) from None
