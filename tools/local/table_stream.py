"""The stream of an orders table in moto, as records that Lambda delivers."""

import base64
from datetime import UTC, datetime
from typing import Any

type Record = dict[str, Any]

_WRITTEN_AT = datetime(2026, 10, 14, 8, tzinfo=UTC)  # AWS sends this field. Our code does not read it.


class TableStream:
    """Records every UpdateItem and PutItem of a client in ``records``, which the caller may empty."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._made = 0
        self.records: list[Record] = []
        for operation in ("UpdateItem", "PutItem"):
            client.meta.events.register(f"provide-client-params.dynamodb.{operation}", self._before)
            client.meta.events.register(f"after-call.dynamodb.{operation}", self._after)

    def stop(self) -> None:
        """Stop recording."""
        events = self._client.meta.events
        for operation in ("UpdateItem", "PutItem"):
            events.unregister(f"provide-client-params.dynamodb.{operation}", self._before)
            events.unregister(f"after-call.dynamodb.{operation}", self._after)

    def add(self, key: Any, old: Any, new: Any) -> None:
        """Add a change from one row to another by hand; None for no row."""
        self.records.append(record_of(self._made, key, old, new))
        self._made += 1

    def _before(self, params: dict[str, Any], **_: Any) -> None:
        self._key = params["Key"] if "Key" in params else {name: params["Item"][name] for name in ("pk", "sk")}
        self._old = self._read()

    def _after(self, http_response: Any, **_: Any) -> None:
        if http_response.status_code < 300:
            self.add(self._key, self._old, self._read())

    def _read(self) -> Any:
        return self._client.get_item(TableName=self._table, Key=self._key).get("Item")


def record_of(place: int, key: Any, old: Any, new: Any) -> Record:
    """The stream's record at a place, counted from 0: the change from one row to another; None for no row."""
    images = {name: _as_json(image) for name, image in (("OldImage", old), ("NewImage", new)) if image}
    number = str(1_000_000 + place)
    kind = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    change = {"Keys": key, "SequenceNumber": number, "StreamViewType": "NEW_AND_OLD_IMAGES", **images}
    change["ApproximateCreationDateTime"] = int(_WRITTEN_AT.timestamp())
    head = {"eventID": number, "eventName": kind, "eventVersion": "1.1", "eventSource": "aws:dynamodb"}
    return head | {"awsRegion": "eu-central-1", "dynamodb": change}


def _as_json(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _as_json(item) for name, item in value.items()}
        case list():
            return [_as_json(item) for item in value]
        case _:
            return value
