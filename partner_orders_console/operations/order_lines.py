"""An order's lines as a person reads them: what was ordered, what it became, and what stands in its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from partner_orders.answers.cart import WEIGHED
from partner_orders.orders.model import Line, Order


@dataclass(frozen=True)
class OrderLine:
    """A line. Amounts are pieces, or kilograms with their unit; ``ordered`` is None where the amount is as ordered.
    ``total`` is in decimal major units. ``replaces`` names the line in whose place this one stands."""

    id: str | None
    sku: str | None
    name: str | None
    ordered: str | None
    amount: str | None
    total: Decimal | None
    status: str | None
    replaces: str | None
    is_weighed: bool

    @property
    def note(self) -> str | None:
        return f"replaces {self.replaces}" if self.replaces else self.status


def lines_of(order: Order) -> Iterator[OrderLine]:
    """The lines of an order, in its order."""
    items = order.items or ()
    by_id = {item.id: item for item in items if item.id}
    return (_line(item, by_id) for item in items)


def _line(item: Line, by_id: dict[str, Line]) -> OrderLine:
    now, then = item.pricing, item.original_pricing
    is_weighed = now is not None and now.pricing_type in WEIGHED

    def shown(weight: Decimal | None, quantity: Decimal | None) -> str | None:
        value = weight if is_weighed else quantity
        return None if value is None else f"{value:f} kg" if is_weighed else f"{value:f}"

    amount = None if now is None else shown(now.weight, now.quantity)
    ordered = None if then is None else shown(then.weight, then.quantity)
    replaced = by_id.get(item.replaced_id) if item.replaced_id else None
    return OrderLine(
        id=item.id,
        sku=item.sku,
        name=item.name,
        ordered=ordered if ordered != amount else None,
        amount=amount,
        total=None if now is None else now.total_price,
        status=item.status,
        replaces=(replaced.name if replaced and replaced.name else item.replaced_id) if item.replaced_id else None,
        is_weighed=is_weighed,
    )


def money_of(order: Order) -> dict[str, Decimal]:
    """The amounts of an order's payment, by the platform's names for them, in decimal major units."""
    if order.payment is None:
        return {}
    money = order.payment.model_dump(exclude_none=True)
    return {name: value for name, value in money.items() if isinstance(value, Decimal)}
