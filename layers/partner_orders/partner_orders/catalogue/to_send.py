"""What the platform should be told of a product: the desired values after the chain's own margins.

``active`` and ``quantity`` go together and in agreement, since the platform leaves open what one without the other
means (docs/platform.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from partner_orders.catalogue.desired import NOTHING, Desired
from partner_orders.catalogue.product import FIELDS, Values


@dataclass(frozen=True, slots=True)
class Margins:
    """What a chain keeps back in a store, with exceptions by SKU. ``safety_stock``: pieces that are not offered.
    ``cap``: the most pieces in one order, where the product itself states none or more."""

    safety_stock: int = 0
    cap: int | None = None
    safety_stock_of: Mapping[str, int] | None = None
    cap_of: Mapping[str, int] | None = None

    def of(self, sku: str) -> tuple[int, int | None]:
        safety_stock = (self.safety_stock_of or {}).get(sku, self.safety_stock)
        return safety_stock, (self.cap_of or {}).get(sku, self.cap)


NO_MARGINS = Margins()
_TOGETHER = (("price",), ("active", "quantity"), ("cap",))


def to_send(row: Desired, margins: Margins = NO_MARGINS) -> Values:
    """All that the platform should be told of a product."""
    values = row.values
    safety_stock, most = margins.of(row.sku)
    active, quantity = values.active, values.quantity
    if quantity is not None:
        left = max(0, quantity - safety_stock)
        active = active is not False and left > 0
        quantity = left if active else 0
    cap = min((cap for cap in (values.cap, most) if cap is not None), default=None)
    return Values(values.price, active, quantity, cap)


def difference(row: Desired, wanted: Values) -> Values:
    """What of ``wanted`` the platform has neither confirmed nor refused. A cap alone takes along what else is wanted,
    and waits while nothing is: the platform refuses a product without a price, active or quantity."""
    names = [name for group in _TOGETHER if _differs(row, wanted, group) for name in group]
    if names == ["cap"]:
        if (wanted.price, wanted.active) == (None, None):
            return NOTHING
        names = list(FIELDS)
    return Values(**{name: getattr(wanted, name) for name in names})


def is_waiting(row: Desired, margins: Margins = NO_MARGINS) -> bool:
    """Whether the platform has yet to be told something of a product."""
    return difference(row, to_send(row, margins)).are_said


def off_at_once(row: Desired, margins: Margins = NO_MARGINS) -> Values | None:
    """What goes at once and alone where a product has to go off sale; None where it has not, or is off already."""
    wanted = to_send(row, margins)
    return Values(active=False) if wanted.active is False and row.confirmed.active is not False else None


def _differs(row: Desired, wanted: Values, names: tuple[str, ...]) -> bool:
    """Whether fields that go together are known, and are not what the platform confirmed or refused."""
    known = tuple(name for name in names if getattr(wanted, name) is not None)
    values = _of(wanted, known)
    return bool(known) and values not in (_of(row.confirmed, known), _of(row.refused, known))


def _of(values: Values, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(getattr(values, name) for name in names)
