"""What the platform checks of a catalogue PUT before it takes the call (docs/platform.md 6).

One bad line refuses all lines.
"""

import json
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

MAX_BARCODE = 14  # digits
THOUSANDTH = Decimal("0.001")
LARGEST_PRICE = Decimal(10) ** 12


class RefusedCallError(ValueError):
    """The platform refuses a whole call, and changes nothing. ``status`` and ``code`` are those of its response."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Line(NamedTuple):
    """A product of a PUT: how it is named, and what is said of it. ``price`` is in major units, already cut to three
    decimals. None: nothing is said."""

    sku: str | None
    barcode: str | None
    price: Decimal | None = None
    active: bool | None = None
    quantity: int | None = None
    cap: int | None = None


def lines_of(content: bytes, cap_name: str, most_bytes: int, most_products: int | None) -> list[Line]:
    """The lines of a PUT's body. ``cap_name`` is the field that this brand reads the cap from; a field that it does not
    know is ignored. Raises RefusedCallError: 413 for too much, 400 for a bad line or a body of another form."""
    if len(content) > most_bytes:
        raise RefusedCallError(413, "PAYLOAD_TOO_LARGE", f"The request has more than {most_bytes} bytes")
    try:
        body = json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON") from None
    products = body.get("products") if isinstance(body, dict) else None
    if not isinstance(products, list) or not products:
        raise _bad("products: must be a list of at least one product")
    if most_products is not None and len(products) > most_products:
        raise RefusedCallError(413, "PAYLOAD_TOO_LARGE", f"The request has more than {most_products} products")
    return [_line(product, cap_name) for product in products]


def _line(product: Any, cap_name: str) -> Line:
    if not isinstance(product, dict):
        raise _bad("products: must be objects")
    line = Line(
        sku=_text(product, "sku"),
        barcode=_barcode(product),
        price=_price(product),
        active=_flag(product),
        quantity=_whole(product, "quantity", 0),
        cap=_whole(product, cap_name, 1),
    )
    if not line.sku and not line.barcode:
        raise _bad("sku: a product needs a sku or a barcode")
    if line.price is None and line.active is None and line.quantity is None:
        raise _bad("price: a product needs at least one of price, active and quantity")
    return line


def _text(product: dict[str, Any], name: str) -> str | None:
    value = product.get(name)
    if name in product and not isinstance(value, str):
        raise _bad(f"{name}: must be a text")
    return value


def _barcode(product: dict[str, Any]) -> str | None:
    barcode = _text(product, "barcode")
    if barcode and (len(barcode) > MAX_BARCODE or not (barcode.isascii() and barcode.isdecimal())):
        raise _bad(f"barcode: digits only, at most {MAX_BARCODE}")
    return barcode


def _price(product: dict[str, Any]) -> Decimal | None:
    if "price" not in product:
        return None
    value = product["price"]
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _bad("price: must be a number")
    if not 0 < value < LARGEST_PRICE:
        raise _bad("price: must be greater than 0")
    cut = Decimal(value).quantize(THOUSANDTH, ROUND_DOWN)
    if not cut:
        raise _bad("price: must be greater than 0")
    return cut


def _flag(product: dict[str, Any]) -> bool | None:
    value = product.get("active")
    if "active" in product and not isinstance(value, bool):
        raise _bad("active: must be true or false")
    return value


def _whole(product: dict[str, Any], name: str, least: int) -> int | None:
    value = product.get(name)
    if name in product and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise _bad(f"{name}: must be an integer of at least {least}")
    return value


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN or an infinity")


def _bad(message: str) -> RefusedCallError:
    return RefusedCallError(400, "BAD_REQUEST", message)
