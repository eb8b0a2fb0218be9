"""Whether an order, or any text, names a customer, however a number is written. Both sides are folded the same way."""

import re
from decimal import Decimal

from partner_orders.exact_json import Json, number_by_value
from partner_orders.orders.readable_text import folded, readable_text

# What is shorter is found in too much that is not the customer's.
_LEAST_SEARCHED = 7
# What people put between the digits of a number.
_BETWEEN = r"\s()./\u2010-\u2015\u2212-"
_SEPARATORS = re.compile(f"[{_BETWEEN}]")
_NUMBER = re.compile(rf"(?<!\w)(?<!\w-)\d[\d{_BETWEEN}]*\d(?!-?\w)")
_WORDS_END = r"""\s"'=&:;,<>\[\]{}"""
# How programs write a whole number that they take for an amount.
_WHOLE = re.compile(r"\+?(\d{7,})\.0{1,2}")


def normal(text: str) -> str:
    """Without what people put between the digits of a number, and what nobody sees; a whole number by its value."""
    text = folded(text).strip()
    if whole := _WHOLE.fullmatch(text):
        text = whole[1]
    return _SEPARATORS.sub("", text).removeprefix("+").removeprefix("00").casefold()


def is_of(order: Json, names: tuple[str, ...], wanted: str) -> bool:
    """Whether a field of these names of an order's customer is what is wanted, which is ``normal``."""
    customer = order.get("customer") if isinstance(order, dict) else None
    if not isinstance(customer, dict):
        return False
    return any(normal(_text(customer[name])) == wanted for name in names if customer.get(name))


def is_named_in(body: bytes, wanted: str) -> bool:
    """Whether bytes that need not be JSON name the customer: as a whole text between quotes, a whole word, or a whole
    number however it is spaced. What is short, or a part of something longer, may be somebody else's."""
    if len(wanted) < _LEAST_SEARCHED:
        return False
    text = readable_text(body)
    # Most name nobody of the kind, and a whole table of them is searched.
    if wanted not in _SEPARATORS.sub("", text).casefold():
        return False
    # A slash is a part of some words, and stands between others.
    found = [part for ends in ("\"'", _WORDS_END, f"/{_WORDS_END}") for part in re.split(f"[{ends}]+", text)]
    if wanted.isdecimal():
        found += _NUMBER.findall(text)
    return any(normal(one) == wanted for one in found)


def _text(value: Json) -> str:
    """A whole number by its value, anything else as it came."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return number_by_value(value)
    return str(value)
