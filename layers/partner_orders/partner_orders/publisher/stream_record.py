"""A record of the table's stream, as Lambda delivers it: the row before and after."""

from dataclasses import dataclass
from typing import Any

from partner_orders.aws.attribute_values import Row, from_attributes, from_stream_image


@dataclass(frozen=True)
class StreamRecord:
    """``before`` is None for a new row, ``after`` for one that is gone; ``number`` is its place in the stream."""

    number: str
    pk: str
    sk: str
    before: Row | None
    after: Row | None

    @classmethod
    def from_lambda(cls, record: dict[str, Any]) -> "StreamRecord":
        """Raises KeyError and ValueError for anything else than such a record."""
        change = record["dynamodb"]
        key = from_attributes(change["Keys"])
        before, after = (
            from_stream_image(change[name]) if change.get(name) else None for name in ("OldImage", "NewImage")
        )
        return cls(change["SequenceNumber"], key["pk"], key["sk"], before, after)
