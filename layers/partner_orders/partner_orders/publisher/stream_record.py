"""A record of the table's stream, as Lambda hands it over: the row before and after, with their bytes decoded."""

import base64
from dataclasses import dataclass
from typing import Any

from partner_orders.orders.stored import Item


@dataclass(frozen=True)
class StreamRecord:
    """``before`` is None of a row that is new, ``after`` of one that is gone; ``number`` is its place in the stream."""

    number: str
    pk: str
    sk: str
    before: Item | None
    after: Item | None

    @classmethod
    def from_lambda(cls, record: dict[str, Any]) -> "StreamRecord":
        """Raises KeyError and ValueError for what is no such record."""
        change = record["dynamodb"]
        before, after = (_item(change[name]) if change.get(name) else None for name in ("OldImage", "NewImage"))
        return cls(change["SequenceNumber"], change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"], before, after)


def _item(image: dict[str, Any]) -> Item:
    return {name: _value(value) for name, value in image.items()}


def _value(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value, its bytes decoded: in an invocation they travel as base64."""
    match value:
        case {"B": str(text)}:
            return {"B": base64.b64decode(text, validate=True)}
        case {"M": dict(entries)}:
            return {"M": _item(entries)}
        case {"L": list(entries)}:
            return {"L": [_value(entry) for entry in entries]}
        case _:
            return value
