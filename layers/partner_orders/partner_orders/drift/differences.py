"""A product as the chain wants it beside the same product as the platform's export shows it (rule W4: shown).

Only what should be the same is compared: values that the platform processed before the export was asked for, and that
nothing has changed since. All else is on its way, and no drift.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from partner_orders.catalogue.desired import NOTHING, Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.to_send import NO_MARGINS, Margins, to_send

# What was processed so shortly before the export was asked for may not be in it yet.
SETTLES = timedelta(seconds=30)
# The platform may cut the third decimal of a price.
_CENT = Decimal("0.01")
# The fields that an export shows.
COMPARED = ("price", "active", "cap")

# Names of fields, by SKU.
type FieldsOfProducts = Mapping[str, Collection[str]]


class Finding(StrEnum):
    """What the comparison of a product says.

    DIFFERENT: a value differs. IN_BUFFER: all but ``active`` is the same, and the pieces left are within the platform's
    sales buffer, where it takes a product off sale by itself. NOT_SHOWN: the export has it, and shows none of the
    values that could be compared. CHANGING: nothing of it can be compared yet. UNKNOWN_TO_US, UNKNOWN_TO_PLATFORM: only
    the other side has it.
    """

    SAME = "same"
    DIFFERENT = "different"
    IN_BUFFER = "in_buffer"
    NOT_SHOWN = "not_shown"
    CHANGING = "changing"
    UNKNOWN_TO_US = "unknown_to_us"
    UNKNOWN_TO_PLATFORM = "unknown_to_platform"


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product of an export. A field is None where it is not shown, or cannot be read."""

    sku: str
    values: Values


@dataclass(frozen=True, slots=True)
class ComparisonRules:
    """How a store is compared. ``asked_at``: when its export was asked for (UTC). ``sales_buffer``: the platform's, in
    pieces. ``under_way``: for each product the fields of jobs without an outcome. ``sent_lately``: those of jobs that
    may have ended after the export was asked for; None where these are too many to know."""

    asked_at: datetime
    margins: Margins = NO_MARGINS
    sales_buffer: int = 0
    under_way: FieldsOfProducts = field(default_factory=dict)
    sent_lately: FieldsOfProducts | None = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """A product, and what the comparison says of it. ``ours``, ``shown``: the fields that differ, as the platform
    confirmed them and as it shows them."""

    sku: str
    finding: Finding
    ours: Values = NOTHING
    shown: Values = NOTHING

    @property
    def switches_off(self) -> bool:
        """Whether a repair takes the product off sale."""
        return self.ours.active is False


def compared(row: Desired | None, product: ShownProduct | None, rules: ComparisonRules) -> Compared:
    """What is to be said of a product. Raises ValueError where neither side has it."""
    if row is None or not row.values.are_said:
        if product is None:
            raise ValueError("a product that nobody has")
        return Compared(product.sku, Finding.UNKNOWN_TO_US, shown=product.values)
    if product is None:
        return Compared(row.sku, Finding.UNKNOWN_TO_PLATFORM, ours=row.values)
    return _of_both(row, product, rules)


def repaired(row: Desired, before: Desired, found: Compared, rules: ComparisonRules, now: datetime) -> Desired:
    """The row once nobody knows what the platform has of the fields that differ, so that the chain's values are sent
    again. Unchanged where it is not as it was when it was compared: ``before``."""
    again = compared(row, ShownProduct(row.sku, found.shown), rules)
    is_as_found = row.settled_at == before.settled_at and again.finding is found.finding and again.ours == found.ours
    return settled(row, found.ours, Outcome.UNKNOWN, now) if is_as_found else row


def _of_both(row: Desired, product: ShownProduct, rules: ComparisonRules) -> Compared:
    wanted, unsure = to_send(row, rules.margins), _unsure(row, rules)
    names = [name for name in COMPARED if name not in unsure and _is_settled(row, wanted, name)]
    if not names:
        return Compared(row.sku, Finding.CHANGING)
    names = [name for name in names if getattr(product.values, name) is not None]
    if not names:
        return Compared(row.sku, Finding.NOT_SHOWN)
    differing = [name for name in names if _differs(name, getattr(wanted, name), getattr(product.values, name))]
    is_in_buffer = "active" in differing and _is_in_buffer(wanted, rules.sales_buffer)
    if is_in_buffer:
        differing.remove("active")
    if not differing:
        return Compared(row.sku, Finding.IN_BUFFER if is_in_buffer else Finding.SAME)
    ours, shown = ({name: getattr(values, name) for name in differing} for values in (wanted, product.values))
    return Compared(row.sku, Finding.DIFFERENT, Values(**ours), Values(**shown))


def _unsure(row: Desired, rules: ComparisonRules) -> Collection[str]:
    """The fields that the export may not have as they are confirmed. What goes off sale at once has no job."""
    under_way = rules.under_way.get(row.sku, ())
    if row.settled_at is None or row.settled_at <= rules.asked_at - SETTLES:
        return under_way
    if rules.sent_lately is None:
        return COMPARED
    return {"active", *under_way, *rules.sent_lately.get(row.sku, ())}


def _is_settled(row: Desired, wanted: Values, name: str) -> bool:
    """Whether the platform confirmed what is wanted of a field. Pieces left and ``active`` go together."""
    names = (name, "quantity") if name == "active" and wanted.quantity is not None else (name,)
    return getattr(wanted, name) is not None and all(
        getattr(row.confirmed, one) == getattr(wanted, one) for one in names
    )


def _differs(name: str, wanted: Decimal | bool | int, shown: Decimal | bool | int) -> bool:
    return not is_shown_price(Decimal(wanted), Decimal(shown)) if name == "price" else shown != wanted


def is_shown_price(price: Decimal, shown: Decimal | None) -> bool:
    """Whether what is shown is a price, of which the platform may cut the third decimal (docs/platform.md 6)."""
    return shown in (price, price.quantize(_CENT, ROUND_DOWN))


def _is_in_buffer(wanted: Values, sales_buffer: int) -> bool:
    return wanted.quantity is not None and 0 < wanted.quantity <= sales_buffer
