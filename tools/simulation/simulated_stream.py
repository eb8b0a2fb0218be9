"""The table's stream, as far as the publisher's event source lets it through: changes of orders and of the rejected."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tools.local.table_stream import Record, record_of
from tools.simulation import oracle

type Item = dict[str, Any]

FILTER = ("ORDER", "REJECTED", "ANSWERS")  # The event source's own (template.yaml).
_WRITES = ("UpdateItem", "PutItem")


class SimulatedStream:
    """``look_at`` reads a row as it stands. ``records`` are those that the event source is not done with, and
    ``changes`` counts, by order, what a subscriber has to be told of: by the rows and the second opinion alone."""

    def __init__(self, look_at: Callable[[dict[str, Any]], Item | None]) -> None:
        self._look_at = look_at
        self._rows: dict[tuple[str, str], Item] = {}
        self._made = 0
        self.records: list[Record] = []
        self.changes: Counter[str] = Counter()

    def written(self, operation: str, sent: bytes) -> None:
        """Take note of a call that has just taken effect."""
        if operation not in _WRITES:
            return
        request = json.loads(sent)
        item = request["Key"] if operation == "UpdateItem" else request["Item"]
        key = {name: item[name] for name in ("pk", "sk")}
        if key["sk"]["S"] not in FILTER:
            return
        name = (key["pk"]["S"], key["sk"]["S"])
        before, after = self._rows.get(name), self._look_at(key)
        if after is None or after == before:
            return
        self._rows[name] = after
        self.records.append(record_of(self._made, key, before, after))
        self._made += 1
        if key["sk"]["S"] == "ORDER" and _state(before) != _state(after):
            self.changes[key["pk"]["S"].removeprefix("ORDER#")] += 1

    def done_until(self, number: str) -> None:
        """The records before this one need not come again."""
        self.records = [one for one in self.records if int(one["dynamodb"]["SequenceNumber"]) >= int(number)]


def _state(row: Item | None) -> tuple[str, str] | None:
    """What a change changes: the snapshot, and whether the order is a sale."""
    if row is None:
        return None
    said = {"post_picked_up": row.get("post_picked_up", {}).get("BOOL")}
    snapshot = json.dumps({"status": row["status"]["S"], "cancellation": said}).encode()
    statuses = {value["M"]["status"]["S"] for name, value in row.items() if name.startswith("e#")}
    # A snapshot that was only shown once more is the same one: its key ends with the digest of the event.
    return row["snapshot_key"]["S"].rpartition("|")[2], oracle.sale(snapshot, statuses)[0]
