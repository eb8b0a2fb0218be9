"""What a chain says of a product in a store, and the checks of a line before anything is sent (rule W6).

The platform refuses a whole call for one bad line (docs/platform.md), so a line is checked here, where only it is
lost. Everything arrives as text: a column of a CSV file, or a value of a JSON document as it was written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, NamedTuple

MAX_SKU = 128  # characters
MAX_BARCODE = 14  # digits
MAX_DECIMALS = 3  # of a price; the platform cuts the rest off
PRICE_LIMIT = Decimal(100_000_000)  # in major units; no price reaches it
MAX_PIECES = 1_000_000  # as a quantity, or in one order
_PLAIN_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)
_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True, slots=True)
class Values:
    """What is said of a product: its price (decimal, major units), whether it is for sale, the pieces in stock, and the
    most pieces in one order. None: nothing is said."""

    price: Decimal | None = None
    active: bool | None = None
    quantity: int | None = None
    cap: int | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said, by field."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}

    @property
    def are_said(self) -> bool:
        return bool(self.said)


FIELDS = tuple(field.name for field in fields(Values))


class Product(NamedTuple):
    """A product as a line names it: by its SKU, or only by its barcode, which the last export resolves to a SKU."""

    sku: str | None
    barcode: str | None


class LineError(ValueError):
    """A line that is not taken. ``problems``: sentences that say what is wrong and what to do, each with its column."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def product_and_values(columns: Mapping[str, str]) -> tuple[Product, Values]:
    """What the columns of a line say; unknown columns are left alone, and an empty column says nothing.

    Raises LineError with every problem of the line at once.
    """
    texts = {name: text for name in _COLUMNS if (text := columns.get(name, "").strip())}
    said: dict[str, Any] = {}
    problems = []
    for name, text in texts.items():
        try:
            said[name] = _COLUMNS[name](text)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if texts.keys().isdisjoint(Product._fields):
        problems.append("sku: name the product by its sku or its barcode")
    if texts.keys().isdisjoint(FIELDS):
        problems.append(f"say at least one of {', '.join(FIELDS)}")
    if problems:
        raise LineError(problems)
    return Product(said.pop("sku", None), said.pop("barcode", None)), Values(**said)


def printable(text: str, most: int) -> str:
    """Text from outside as it can be shown: at most so many characters, white space as a space, and each character that
    is not printable as the replacement character."""
    cut = text[:most]
    return cut if cut.isprintable() else "".join(map(_shown, cut))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def _sku(text: str) -> str:
    if len(text) > MAX_SKU or not text.isprintable():
        raise ValueError(f"use at most {MAX_SKU} printable characters")
    return text


def _barcode(text: str) -> str:
    if len(text) > MAX_BARCODE or not (text.isascii() and text.isdecimal()):
        raise ValueError(f"use digits only, at most {MAX_BARCODE}")
    return text


def _price(text: str) -> Decimal:
    price = _number(text, "3.50")
    if price != round(price, MAX_DECIMALS):
        raise ValueError(f"use at most {MAX_DECIMALS} decimals")
    if price <= 0:
        raise ValueError("use a price above 0; to take a product off sale, use active=false")
    if price >= PRICE_LIMIT:
        raise ValueError(f"use a price below {PRICE_LIMIT:,}")
    whole = price.to_integral_value()
    return whole if price == whole else price.normalize()


def _active(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError("use true or false (or 1 or 0)")
    return text.lower() in _TRUE


def _quantity(text: str) -> int:
    return _pieces(text, 0)


def _cap(text: str) -> int:
    return _pieces(text, 1)


def _pieces(text: str, least: int) -> int:
    number = _number(text, "3")
    if number != number.to_integral_value():
        raise ValueError("use whole pieces; the platform takes no fraction")
    if not least <= number <= MAX_PIECES:
        raise ValueError(f"use a number from {least} to {MAX_PIECES:,}")
    return int(number)


def _number(text: str, example: str) -> Decimal:
    if not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"use digits and a dot as the decimal sign, such as {example}")
    return Decimal(text)


_COLUMNS: dict[str, Callable[[str], object]] = {
    "sku": _sku,
    "barcode": _barcode,
    "price": _price,
    "active": _active,
    "quantity": _quantity,
    "cap": _cap,
}
