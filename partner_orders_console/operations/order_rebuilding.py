"""Merge orders anew from their stored history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from partner_orders.orders.event import RejectedError
from partner_orders.orders.rebuilding import IncompleteHistoryError
from partner_orders.orders.table import ContendedError
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import named
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack


@dataclass(frozen=True)
class Rebuilt:
    """An order and what differs by its history, before and after, by attribute; nothing where it is in order."""

    order_id: str
    changes: dict[str, tuple[Any, Any]]


def rebuild(
    stack: DeployedStack, names: Sequence[str], is_preview: bool = False, progress: Progress = silent
) -> list[Rebuilt]:
    """Merge orders anew; a preview writes nothing. Raises OperatorError before the first if one is not there, and at an
    order that cannot be merged; what was rebuilt before it stays so."""
    ids = [*dict.fromkeys(named(stack, name).order_id for name in names)]
    done = []
    for number, order_id in enumerate(ids):
        progress(f"{number} of {len(ids)} orders rebuilt")
        done.append(Rebuilt(order_id, _changes(stack, order_id, is_preview)))
    return done


def _changes(stack: DeployedStack, order_id: str, is_preview: bool) -> dict[str, tuple[Any, Any]]:
    try:
        changes = stack.orders.rebuild(order_id, is_preview)
    except IncompleteHistoryError as error:
        raise OperatorError(f"order {order_id} cannot be rebuilt: {error}", "Leave it as it is.") from None
    except RejectedError as error:
        raise OperatorError(
            f"order {order_id} cannot be rebuilt: an event cannot be parsed ({error.reason})",
            f"`partner-orders orders show {order_id}` names its problems.",
        ) from None
    except ContendedError as error:
        raise OperatorError(f"order {order_id}: {error}", "Try again in a minute.") from None
    if changes is None:
        raise OperatorError(f"order {order_id} has just expired", "Rebuild the others without it.")
    return changes
