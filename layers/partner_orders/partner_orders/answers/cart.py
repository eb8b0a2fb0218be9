"""The lines that an answer means: the order's, changed as the answer says, as they are sent and compared.

Facts: docs/platform.md 8.2.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256

from partner_orders.answers.answer import Answer, AnswerProblemsError, Kind, LineChange, NewLine, Problem
from partner_orders.exact_json import Json, number_by_value
from partner_orders.orders.model import Line

IN_CART = "IN_CART"
NOT_FOUND = "NOT_FOUND"
REPLACED = "REPLACED"
ADDITION = "ADDITION"
NOT_PROCESSED = "NOT_PROCESSED"

UNIT = "UNIT"
WEIGHED = frozenset({"KG", "WEIGHT"})
# Scales and the platform round to the gram.
SAME_WEIGHT = Decimal("0.0005")
# Of lines in these statuses nothing is delivered, so their amounts say nothing.
_LEFT_OUT = frozenset({NOT_FOUND, REPLACED})


@dataclass(frozen=True)
class CartLine:
    """A line of the cart. A line that was not ordered has no ``id`` until the platform gives it one. Weights are
    kilograms, prices decimal major units. ``ordered`` is how many pieces may be delivered at most. ``least`` and
    ``most`` bound the weight."""

    id: str | None
    sku: str | None
    status: str
    pricing_type: str = UNIT
    quantity: Decimal | None = None
    weight: Decimal | None = None
    unit_price: Decimal | None = None
    replaced_id: str | None = None
    name: str | None = None
    ordered: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def is_weighed(self) -> bool:
        return self.pricing_type in WEIGHED

    @property
    def name_in_order(self) -> str:
        """What tells the line from the order's others, as far as anything does."""
        return self.id if self.id is not None else f"sku:{self.sku}"

    def to_json(self) -> dict[str, Json]:
        """The line as the platform takes it."""
        pricing: dict[str, Json] = {"pricing_type": self.pricing_type, "quantity": self._pieces()}
        pricing["weight"] = self.weight if self.is_weighed and self.weight is not None else 0
        if self.unit_price is not None:
            pricing["unit_price"] = self.unit_price
        sent: dict[str, Json] = {} if self.id is None else {"_id": self.id}
        sent |= {"sku": self.sku, "status": self.status}
        if self.replaced_id is not None:
            sent["replaced_id"] = self.replaced_id
        if self.name is not None:
            sent["name"] = self.name
        return sent | {"pricing": pricing}

    def _pieces(self) -> int:
        """Whole pieces, at least one of a line that is weighed (docs/platform.md 8.1)."""
        pieces = int((self.quantity or Decimal(0)).to_integral_value())
        return max(pieces, 1) if self.is_weighed else pieces


def cart_of(lines: Iterable[Line] | None) -> tuple[CartLine, ...]:
    """The lines of an order as it was read."""
    return tuple(map(_cart_line, lines or ()))


def sent_lines(items: Json) -> tuple[CartLine, ...]:
    """The lines that ``to_json`` wrote."""
    lines: list[CartLine] = []
    for item in items if isinstance(items, list) else []:
        match item:
            case {"sku": sku, "status": str(status), "pricing": {"pricing_type": str(pricing_type), **pricing}, **rest}:
                lines.append(
                    CartLine(
                        id=_text(rest.get("_id")),
                        sku=_text(sku),
                        status=status,
                        pricing_type=pricing_type,
                        quantity=_decimal(pricing.get("quantity")),
                        weight=_decimal(pricing.get("weight")),
                        replaced_id=_text(rest.get("replaced_id")),
                    )
                )
    return tuple(lines)


def named_lines(cart: Iterable[CartLine]) -> Counter[str]:
    """What names the lines of a cart, with how many have each name."""
    return Counter(line.name_in_order for line in cart)


def answered_cart(cart: Sequence[CartLine], answer: Answer) -> tuple[CartLine, ...]:
    """The whole cart that an answer means for an order with these lines. Raises AnswerProblemsError with every
    problem."""
    match answer.kind:
        case Kind.ACCEPT:
            return tuple(replace(line, status=NOT_PROCESSED) for line in cart)
        case Kind.CANCEL:
            return tuple(replace(line, status=NOT_FOUND) for line in cart)
        case Kind.READY | Kind.UPDATE:
            return _Picking(cart, is_final=answer.kind is Kind.READY).changed(answer)


class _Picking:
    """``is_final`` has every line weighed that is sold by weight: nothing can be said of it later."""

    def __init__(self, cart: Sequence[CartLine], is_final: bool) -> None:
        self._cart = cart
        self._is_final = is_final
        self._problems: list[Problem] = []

    def changed(self, answer: Answer) -> tuple[CartLine, ...]:
        changes = self._changes_by_line(answer)
        lines: list[CartLine] = []
        for number, line in enumerate(self._cart):
            lines += self._as_picked(line, *changes.get(number, (None, "")))
        lines += [_new_line(new, ADDITION, None) for new in answer.added]
        if self._problems:
            raise AnswerProblemsError(self._problems)
        return tuple(lines)

    def _changes_by_line(self, answer: Answer) -> dict[int, tuple[LineChange, str]]:
        """The change of each line, by the line's place, with the change's path."""
        found: dict[int, tuple[LineChange, str]] = {}
        for number, change in enumerate(answer.lines):
            path = f"lines[{number}]"
            places = self._places_of(change)
            if not places:
                self._wrong(path, "the order has no such line")
            elif len(places) > 1:
                self._wrong(path, "several lines have this SKU; name the line by its id")
            elif places[0] in found:
                self._wrong(path, f"the line is named twice, in {found[places[0]][1]} too")
            else:
                found[places[0]] = change, path
        return found

    def _places_of(self, change: LineChange) -> list[int]:
        if change.id is not None:
            return [place for place, line in enumerate(self._cart) if line.id == change.id]
        return [place for place, line in enumerate(self._cart) if line.sku == change.sku]

    def _as_picked(self, line: CartLine, change: LineChange | None, path: str) -> list[CartLine]:
        if change is None:
            return [line if line.status in _LEFT_OUT or line.status == ADDITION else self._in_full(line)]
        if line.status == REPLACED:
            self._wrong(path, "the line is replaced already")
        if change.not_found:
            return [replace(line, status=NOT_FOUND)]
        if change.replaced_by:
            if line.id is None:
                self._wrong(path, "the line has no id, so nothing can replace it")
            return [
                replace(line, status=REPLACED),
                *(_new_line(new, IN_CART, line.id) for new in change.replaced_by),
            ]
        status = ADDITION if line.status == ADDITION else IN_CART
        return [self._weighed_or_counted(replace(line, status=status), change, path)]

    def _in_full(self, line: CartLine) -> CartLine:
        if self._is_final and line.is_weighed and not line.weight:
            self._wrong(f"line {line.name_in_order}", "it is sold by weight, so its weight is needed")
        return replace(line, status=IN_CART)

    def _weighed_or_counted(self, line: CartLine, change: LineChange, path: str) -> CartLine:
        quantity = line.quantity if change.quantity is None else Decimal(change.quantity)
        if not line.is_weighed:
            if change.quantity is not None and line.ordered is not None and change.quantity > line.ordered:
                text = f"{line.ordered.normalize():f} were ordered; more of it is an addition"
                self._wrong(f"{path}.quantity", text)
            if change.weight is not None:
                self._wrong(f"{path}.weight", "the line is sold by the piece")
            return replace(line, quantity=quantity)
        weight = line.weight if change.weight is None else change.weight
        if not weight:
            self._wrong(f"{path}.weight", "it is sold by weight, so its weight is needed")
        elif not _is_within(weight, line.least, line.most):
            self._wrong(f"{path}.weight", f"should be {_bounds(line)} kg")
        return replace(line, quantity=quantity, weight=weight)

    def _wrong(self, path: str, text: str) -> None:
        self._problems.append(Problem(path, text))


def cart_digest(cart: Iterable[CartLine]) -> str:
    """A short text that tells two states of a cart apart, by what an answer can change of it."""
    lines = sorted(
        f"{line.id}|{line.sku}|{line.status}|{line.replaced_id}|{_amount(line.quantity)}|{_amount(line.weight)}"
        for line in cart
    )
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def same_lines(wanted: Sequence[CartLine], shown: Sequence[CartLine]) -> bool:
    """Whether the platform shows the lines that an answer means, in any order: by id, or by SKU and what they replace
    where they are new; by status, and by the amount of what is delivered. Prices and names do not count."""
    left = sorted(shown, key=_weight)
    # Those with an id first: a new line may be like one that was ordered. Each takes the lightest that it may be.
    for line in sorted(wanted, key=lambda line: (line.id is None, _weight(line))):
        place = next((place for place, other in enumerate(left) if _is_same(line, other)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _weight(line: CartLine) -> Decimal:
    return line.weight or Decimal(0)


def _is_same(wanted: CartLine, shown: CartLine) -> bool:
    if wanted.id is not None:
        is_named = wanted.id == shown.id
    else:
        is_named = (wanted.sku, wanted.replaced_id) == (shown.sku, shown.replaced_id)
    if not is_named or wanted.status != shown.status:
        return False
    if wanted.status in _LEFT_OUT:
        return True
    if wanted.is_weighed:
        return abs(_weight(wanted) - _weight(shown)) <= SAME_WEIGHT
    return (wanted.quantity or Decimal(0)) == (shown.quantity or Decimal(0))


def _cart_line(line: Line) -> CartLine:
    pricing = line.pricing
    if pricing is None:
        return CartLine(line.id, line.sku, line.status or NOT_PROCESSED, replaced_id=line.replaced_id, name=line.name)
    return CartLine(
        id=line.id,
        sku=line.sku,
        status=line.status or NOT_PROCESSED,
        pricing_type=(pricing.pricing_type or UNIT).strip().upper(),
        quantity=pricing.quantity,
        weight=pricing.weight,
        unit_price=pricing.unit_price,
        replaced_id=line.replaced_id,
        name=line.name,
        ordered=_most_of(pricing.quantity, line.original_pricing.quantity if line.original_pricing else None),
        least=pricing.min_quantity,
        most=pricing.max_quantity,
    )


def _most_of(present: Decimal | None, original: Decimal | None) -> Decimal | None:
    """The pieces that were ordered: an earlier update may have left fewer of them, and more were found since."""
    amounts = [amount for amount in (present, original) if amount is not None]
    return max(amounts, default=None)


def _new_line(new: NewLine, status: str, replaced_id: str | None) -> CartLine:
    return CartLine(
        id=None,
        sku=new.sku,
        status=status,
        pricing_type=UNIT if new.weight is None else "KG",
        quantity=Decimal(new.quantity),
        weight=new.weight,
        unit_price=new.unit_price,
        replaced_id=replaced_id,
        name=new.name,
    )


def _amount(number: Decimal | None) -> str:
    return "" if number is None else number_by_value(number)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) else None


def _is_within(weight: Decimal, least: Decimal | None, most: Decimal | None) -> bool:
    # Some orders have 0 for "no bound" (docs/platform.md 3.4).
    return (not least or weight >= least) and (not most or weight <= most)


def _bounds(line: CartLine) -> str:
    least, most = (f"{bound.normalize():f}" if bound else "" for bound in (line.least, line.most))
    if least and most:
        return f"from {least} to {most}"
    return f"at least {least}" if least else f"at most {most}"
