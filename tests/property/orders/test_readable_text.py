"""Digits mean the same in every script."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.orders.readable_text import readable_text

ZEROS = [chr(code) for code in range(sys.maxunicode) if unicodedata.decimal(chr(code), None) == 0]


@given(st.text("0123456789", min_size=1, max_size=15), st.sampled_from(ZEROS))
def test_digits_of_any_script_are_read(number: str, zero: str) -> None:
    """A number in the digits of another script is read as the same number."""
    written = "".join(chr(ord(zero) + int(digit)) for digit in number)
    assert number in readable_text(f'{{"phone": "{written}"}}'.encode())
