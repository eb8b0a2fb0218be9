"""What a product should be in a store: each field in its newest version, and what the platform last confirmed.

A queue or a file only brings changes here. What is sent is always read from here, at the moment of sending (rule W3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from partner_orders.catalogue.product import Values

type Versions = Mapping[str, datetime]

NOTHING = Values()


class PriceInForce(NamedTuple):
    """A price that was confirmed (major units), and the time at which another one replaced it."""

    price: Decimal
    until: datetime


@dataclass(frozen=True, slots=True)
class Desired:
    """A product of a store.

    ``values`` and ``versions``: what the chain said last of each field, and when.
    ``confirmed``: the values that the platform last processed, as they were sent; a field is None while it is unknown.
    ``refused``, ``refusal``: the values that the platform refused, as they were sent, and its words; these values are
    not sent again.
    ``settled_at``: when what is confirmed changed last.
    ``past_prices``: confirmed prices of the last day that were replaced (see guards).
    ``writes``: how often its row was written.
    """

    sku: str
    values: Values = NOTHING
    versions: Versions = field(default_factory=dict)
    confirmed: Values = NOTHING
    refused: Values = NOTHING
    refusal: str = ""
    past_prices: tuple[PriceInForce, ...] = ()
    settled_at: datetime | None = None
    writes: int = field(default=0, compare=False)


def merged(row: Desired, said: Values, version: datetime, list_versions: Versions) -> Desired:
    """The row with each field that wins over its own: one of a newer version, than the field's own and than the
    store's ``list_versions`` (see StoreState). Of two values of one version the smaller wins (off before on), so that
    the order in which they came does not matter."""
    values: dict[str, Any] = {}
    for name, value in said.said.items():
        present = getattr(row.values, name)
        if present is None or (version, _less(value)) > (_version(row, name, list_versions), _less(present)):
            values[name] = value
    if not values:
        return row
    versions = {**row.versions, **dict.fromkeys(values, version)}
    return replace(row, values=replace(row.values, **values), versions=versions)


def needs_write(row: Desired, result: Desired, is_whole_list: bool) -> bool:
    """Whether what was merged has to be written. A whole list that only brings newer versions of what is there does
    not: the store's list version says as much, for all its products at once."""
    return result.values != row.values or (not is_whole_list and result.versions != row.versions)


def _version(row: Desired, name: str, list_versions: Versions) -> datetime:
    """The version of a field that has a value."""
    own = row.versions[name]
    return max(own, list_versions.get(name, own))


def _less(value: Decimal | int) -> Decimal:
    return -Decimal(value)
