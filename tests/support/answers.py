"""Answers as a caller writes them, and the lines of the order that they answer."""

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

from partner_orders.answers.answer import Answer
from partner_orders.answers.reading import read_answer
from tests.support.orders import order

STORE_ID, ORDER_ID = order()["client"]["store_id"], order()["order_id"]


def _line(line_id: str, sku: str, quantity: int, **pricing: Any) -> dict[str, Any]:
    plain = {"pricing_type": "UNIT", "quantity": quantity, "unit_price": 1.2, "weight": 0}
    return {"_id": line_id, "sku": sku, "name": sku.lower(), "status": "NOT_PROCESSED", "pricing": plain | pricing}


# The order of the examples in docs/answers.md: pieces, a weighed line, and a SKU on two lines.
LINES = [
    _line("ln-1", "KW-100", 2, unit_price=3.4),
    _line("ln-2", "KW-220", 2),
    _line("ln-3", "KW-900", 1, pricing_type="KG", weight=0.8, min_quantity=0.6, max_quantity=1.0),
    _line("ln-4", "KW-310", 1),
    _line("ln-5", "KW-310", 3),
]


def lines() -> list[dict[str, Any]]:
    return deepcopy(LINES)


def said(**content: Any) -> dict[str, Any]:
    """An answer that all was found, changed by keyword; None leaves a field out."""
    answer = {"answer_id": "till-1", "sequence": 1, "kind": "ready"} | content
    return {name: value for name, value in answer.items() if value is not None}


def read(**content: Any) -> Answer:
    return read_answer(json.loads(json.dumps(said(**content)), parse_float=Decimal))
