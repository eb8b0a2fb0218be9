"""Planted bugs in how JSON is read: numbers stay exact, and a key stands once."""

from tools.simulation.mutants.bugs.complaints import NUMBERS
from tools.simulation.mutants.planting import Mutant, one_edit

_JSON = "layers/partner_orders/partner_orders/exact_json.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "round-the-numbers",
        "A number goes through a float before it is exact.",
        _JSON,
        "parse",
        "parse_float=_decimal",
        "parse_float=lambda text: Decimal(str(float(text)))",
        NUMBERS,
    ),
    one_edit(
        "a-key-twice",
        "An object with one key twice is taken, and the second value wins.",
        _JSON,
        "_object",
        "if len(value) != len(pairs):",
        "if not value and pairs:",
    ),
    one_edit(
        "integers-without-bounds",
        "An integer of any length is taken.",
        _JSON,
        "_integer",
        "len(text) > MAX_DIGITS",
        "len(text) > 4_000",
    ),
]
