"""DynamoDB in this process, to its semantics as far as our code relies on them, some thirty times as fast as moto.

Its tests are those that moto and DynamoDB Local are held to (tests/contracts). What DynamoDB refuses is refused here,
too: unused or missing placeholders, overlapping paths, keys that come twice, and what is too large. Indexes hold keys
only and never lag behind.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Lock
from types import SimpleNamespace
from typing import Any, NamedTuple
from zlib import crc32

from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter

from tools.simulation.catalogue.expressions import (
    ExpressionError,
    Item,
    condition,
    first_value,
    named,
    placeholders,
    update,
)

MAX_ITEM_BYTES = 400 * 1024
MAX_EXPRESSION = 4_096
MAX_KEYS = 100
MAX_WRITES = 25
PAGE_BYTES = 1_048_576
# How long after a write a read that is not consistent may show what was there before.
STALE_FOR = timedelta(seconds=1)

# The operators of key conditions, as tests of an expression.
_TESTS = {
    "EQ": "{} = {}",
    "GE": "{} >= {}",
    "LE": "{} <= {}",
    "BETWEEN": "{} BETWEEN {} AND {}",
    "BEGINS_WITH": "begins_with({}, {})",
}

type Before = Callable[[str], None]
type After = Callable[[str, bytes, dict[str, Any]], None]
type Key = tuple[str, str]
type Position = tuple[bytes | int, ...]


class Index(NamedTuple):
    """The names of an index's key attributes; ``sort`` is empty where it has no sort key."""

    partition: str
    sort: str

    def row(self, item: Item) -> Item | None:
        """What the index holds of an item: its keys, or nothing."""
        keys = [name for name in self if name]
        if not all(name in item for name in keys):
            return None
        return {name: item[name] for name in ("pk", "sk", *keys)}


class SimulatedDynamoDB:
    """As tools.simulation.table.DynamoDB. ``now`` is the service's time. ``is_stale`` decides of each read that is not
    consistent whether it shows the past, ``leaves_some`` of each batch of writes whether some are left unprocessed."""

    def __init__(self) -> None:
        self.client: Any = _Client(self)
        self.tables: dict[str, dict[str, dict[str, Item]]] = {}
        self.indexes: dict[str, dict[str, Index]] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.is_stale: Callable[[str], bool] = lambda _: False
        self.leaves_some: Callable[[], bool] = lambda: False
        self._before: Before | None = None
        self._after: After | None = None
        self._replaced: dict[tuple[str, Key], tuple[datetime, Item | None]] = {}
        self._lock = Lock()

    def new_table(self) -> str:
        name = f"table-{len(self.tables) + 1}"
        self.tables[name] = {}
        return name

    def stand_between(self, before: Before | None, after: After | None) -> None:
        """As tools.simulation.table.DynamoDB.stand_between."""
        self._before, self._after = before, after

    # -- what the client's calls do -----------------------------------------------------------------------------

    def call(self, operation: str, arguments: dict[str, Any], effect: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a client's call with these arguments returns."""
        if self._before:
            self._before(operation)
        events = self.client.meta.events
        if events.is_watched:
            events.emit_of("provide-client-params", operation, params=arguments)
            events.emit_of("before-call", operation, params={"body": json.dumps(arguments, default=repr).encode()})
            events.emit_of("before-send", operation)
        try:
            with self._lock:
                parsed = effect()
        except ExpressionError as error:
            raise refusal("ValidationException", operation, str(error)) from None
        date = format_datetime(self.now().replace(microsecond=0), usegmt=True)
        parsed["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {"date": date}}
        if self._after:
            self._after(operation, b"", parsed)
        if events.is_watched:
            events.emit_of("after-call", operation, parsed=parsed, http_response=SimpleNamespace(status_code=200))
        return parsed

    def partitions(self, table: str) -> dict[str, dict[str, Item]]:
        if table not in self.tables:
            raise refusal("ResourceNotFoundException", "", "Requested resource not found")
        return self.tables[table]

    def item(self, table: str, key: Key, is_stale: bool = False) -> Item | None:
        if is_stale and (replaced := self._replaced.get((table, key))) and self.now() - replaced[0] < STALE_FOR:
            return replaced[1]
        return self.partitions(table).get(key[0], {}).get(key[1])

    def of_partition(self, table: str, pk: str, is_stale: bool) -> Iterator[Item]:
        """The items of a partition, in no order."""
        sks = {*self.partitions(table).get(pk, {})}
        if is_stale:
            sks |= {key[1] for name, key in self._replaced if (name, key[0]) == (table, pk)}
        return (item for sk in sks if (item := self.item(table, (pk, sk), is_stale)) is not None)

    def items(self, table: str) -> Iterator[Item]:
        """Every item of a table, in no order."""
        return (item for partition in self.partitions(table).values() for item in partition.values())

    def of_index(self, table: str, name: str) -> Iterator[Item]:
        """What an index holds, in no order."""
        if (index := self.indexes.get(table, {}).get(name)) is None:
            raise ExpressionError(f"The table does not have the specified index: {name}")
        return (row for item in self.items(table) if (row := index.row(item)) is not None)

    def write(self, table: str, key: Key, item: Item | None) -> None:
        partition = self.partitions(table).setdefault(key[0], {})
        self._replaced[table, key] = (self.now(), partition.get(key[1]))
        if item is None:
            partition.pop(key[1], None)
            return
        if _size(item) > MAX_ITEM_BYTES:
            raise ExpressionError("Item size has exceeded the maximum allowed size")
        partition[key[1]] = item


class _Events(HierarchicalEmitter):
    """The events of a client, as far as tests use them. They cost nothing until somebody registers for one."""

    is_watched = False

    def register(self, *arguments: Any, **options: Any) -> None:
        self.is_watched = True
        super().register(*arguments, **options)

    def emit_of(self, event: str, operation: str, **facts: Any) -> None:
        self.emit(f"{event}.dynamodb.{operation}", model=SimpleNamespace(name=operation), **facts)


class _Client:
    """The calls of a boto3 client that our code makes. Values are never changed in place."""

    def __init__(self, dynamodb: SimulatedDynamoDB) -> None:
        self._dynamodb = dynamodb
        self.meta = SimpleNamespace(events=_Events())

    def create_table(self, **arguments: Any) -> dict[str, Any]:
        """A table with the keys ``pk`` and ``sk``, which is active at once."""

        def effect() -> dict[str, Any]:
            name, indexes = arguments["TableName"], arguments.get("GlobalSecondaryIndexes", [])
            self._dynamodb.tables[name] = {}
            self._dynamodb.indexes[name] = {index["IndexName"]: _index(index) for index in indexes}
            return {}

        return self._dynamodb.call("CreateTable", arguments, effect)

    def describe_table(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            sizes = [_size(item) for item in self._dynamodb.items(arguments["TableName"])]
            return {"Table": {"TableStatus": "ACTIVE", "ItemCount": len(sizes), "TableSizeBytes": sum(sizes)}}

        return self._dynamodb.call("DescribeTable", arguments, effect)

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            is_stale = self._is_stale("GetItem", arguments)
            item = self._dynamodb.item(arguments["TableName"], _key(arguments["Key"]), is_stale)
            return {} if item is None else {"Item": {**item}}

        return self._dynamodb.call("GetItem", arguments, effect)

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            responses: dict[str, list[Item]] = {}
            for table, wanted in arguments["RequestItems"].items():
                _check_placeholders(wanted)
                keys = [_key(key) for key in wanted["Keys"]]
                if not 1 <= len(keys) <= MAX_KEYS or len({*keys}) != len(keys):
                    raise ExpressionError("no or too many keys, or one twice")
                is_stale = self._is_stale("BatchGetItem", wanted)
                found = (self._dynamodb.item(table, key, is_stale) for key in keys)
                responses[table] = [_projected(item, wanted) for item in found if item is not None]
            return {"Responses": responses, "UnprocessedKeys": {}}

        return self._dynamodb.call("BatchGetItem", arguments, effect)

    def batch_write_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            unprocessed: dict[str, Any] = {}
            for table, requests in arguments["RequestItems"].items():
                keys = [_written_key(request) for request in requests]
                if not 1 <= len(keys) <= MAX_WRITES or len({*keys}) != len(keys):
                    raise ExpressionError("no or too many writes, or one key twice")
                done = 1 if len(keys) > 1 and self._dynamodb.leaves_some() else len(keys)
                for key, request in zip(keys[:done], requests, strict=False):
                    self._dynamodb.write(table, key, request.get("PutRequest", {}).get("Item"))
                if requests[done:]:
                    unprocessed[table] = requests[done:]
            return {"UnprocessedItems": unprocessed}

        return self._dynamodb.call("BatchWriteItem", arguments, effect)

    def query(self, **arguments: Any) -> dict[str, Any]:
        return self._dynamodb.call("Query", arguments, lambda: self._queried(arguments))

    def scan(self, **arguments: Any) -> dict[str, Any]:
        return self._dynamodb.call("Scan", arguments, lambda: self._scanned(arguments))

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator({"query": self.query, "scan": self.scan}[operation])

    def put_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            item = arguments["Item"]
            key = _key({"pk": item["pk"], "sk": item["sk"]})
            self._check(arguments, "PutItem", arguments["TableName"], key)
            self._dynamodb.write(arguments["TableName"], key, {**item})
            return {}

        return self._dynamodb.call("PutItem", arguments, effect)

    def delete_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            key = _key(arguments["Key"])
            self._check(arguments, "DeleteItem", arguments["TableName"], key)
            self._dynamodb.write(arguments["TableName"], key, None)
            return {}

        return self._dynamodb.call("DeleteItem", arguments, effect)

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            table, key = arguments["TableName"], _key(arguments["Key"])
            before = self._check(arguments, "UpdateItem", table, key)
            after = _updated(before or arguments["Key"], arguments)
            self._dynamodb.write(table, key, after)
            return _returned(before or {}, after, arguments)

        return self._dynamodb.call("UpdateItem", arguments, effect)

    def _queried(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if "KeyConditions" in arguments:
            arguments = _with_expression(arguments)
        _check_placeholders(arguments)
        table, index = arguments["TableName"], arguments.get("IndexName")
        places = arguments.get("ExpressionAttributeNames", {}), arguments["ExpressionAttributeValues"]
        matches = condition(arguments["KeyConditionExpression"])
        pk = places[1][first_value(arguments["KeyConditionExpression"])]["S"]
        if not pk:
            raise ExpressionError("a key with an empty value")
        if index is None:
            items = self._dynamodb.of_partition(table, pk, self._is_stale("Query", arguments))
            order, sorts = Index("pk", "sk"), ["sk"]
        else:
            _check_consistency(arguments)
            items = self._dynamodb.of_index(table, index)
            order = self._dynamodb.indexes[table][index]
            sorts = [name for name in (order.sort, "pk", "sk") if name]

        def position(item: Item) -> Position:
            return tuple(item[name]["S"].encode() for name in sorts)

        return _page([item for item in items if matches(item, places)], position, arguments, order)

    def _scanned(self, arguments: dict[str, Any]) -> dict[str, Any]:
        _check_placeholders(arguments)
        table, index = arguments["TableName"], arguments.get("IndexName")
        if index is None:
            return _page([*self._dynamodb.items(table)], _scattered, arguments, Index("pk", "sk"))
        _check_consistency(arguments)
        rows = [*self._dynamodb.of_index(table, index)]
        return _page(rows, _scattered, arguments, self._dynamodb.indexes[table][index])

    def _is_stale(self, operation: str, arguments: dict[str, Any]) -> bool:
        return not arguments.get("ConsistentRead", False) and self._dynamodb.is_stale(operation)

    def _check(self, arguments: dict[str, Any], operation: str, table: str, key: Key) -> Item | None:
        """The item that is there, if the condition of a write holds."""
        _check_placeholders(arguments)
        item = self._dynamodb.item(table, key)
        text = arguments.get("ConditionExpression")
        places = arguments.get("ExpressionAttributeNames", {}), arguments.get("ExpressionAttributeValues", {})
        if text is None or condition(text)(item or {}, places):
            return item
        error = refusal("ConditionalCheckFailedException", operation, "The conditional request failed")
        if item is not None and arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            error.response["Item"] = {**item}  # type: ignore[typeddict-unknown-key]
        raise error


class _Paginator:
    def __init__(self, read: Callable[..., dict[str, Any]]) -> None:
        self._read = read

    def paginate(
        self,
        *,
        PaginationConfig: dict[str, int] | None = None,  # noqa: N803
        **arguments: Any,
    ) -> Iterator[dict[str, Any]]:
        settings = PaginationConfig or {}
        left = settings.get("MaxItems")
        start: dict[str, Any] = {"Limit": settings["PageSize"]} if "PageSize" in settings else {}
        while True:
            page = self._read(**arguments, **start)
            if left is not None:
                page["Items"] = page["Items"][:left]
                left -= len(page["Items"])
            yield page
            if left == 0 or "LastEvaluatedKey" not in page:
                return
            start["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def refusal(code: str, operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _key(key: dict[str, Any]) -> Key:
    pk, sk = key["pk"]["S"], key["sk"]["S"]
    if not pk or not sk or len(key) != 2:
        raise ExpressionError("a key with an empty or another attribute")
    return pk, sk


def _index(index: dict[str, Any]) -> Index:
    if index["Projection"] != {"ProjectionType": "KEYS_ONLY"}:
        raise NotImplementedError("an index of more than keys")
    partition, *sort = [key["AttributeName"] for key in index["KeySchema"]]
    return Index(partition, *(sort or [""]))


def _with_expression(arguments: dict[str, Any]) -> dict[str, Any]:
    """A query with its key conditions as an expression, that of the partition first."""
    conditions = sorted(arguments["KeyConditions"].items(), key=lambda entry: entry[1]["ComparisonOperator"] != "EQ")
    tests: list[str] = []
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    for number, (name, key_condition) in enumerate(conditions):
        names[f"#{number}"] = name
        places = {f":{number}_{at}": value for at, value in enumerate(key_condition["AttributeValueList"])}
        tests.append(_TESTS[key_condition["ComparisonOperator"]].format(f"#{number}", *places))
        values |= places
    return arguments | {
        "KeyConditionExpression": " AND ".join(tests),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _scattered(item: Item) -> Position:
    """The place of an item in a scan: its partitions come in no order that means anything."""
    pk = item["pk"]["S"].encode()
    return crc32(pk), pk, item["sk"]["S"].encode()


def _page(
    items: list[Item], position: Callable[[Item], Position], arguments: dict[str, Any], index: Index
) -> dict[str, Any]:
    """A page of items in the order of their positions; what the filter drops counts for its size."""
    is_forward = arguments.get("ScanIndexForward", True)
    if start := arguments.get("ExclusiveStartKey"):
        after = position(start)
        items = [item for item in items if (position(item) > after if is_forward else position(item) < after)]
    items.sort(key=position, reverse=not is_forward)
    read: list[Item] = []
    size = 0
    for item in items:
        read.append(item)
        size += _size(item)
        if len(read) == arguments.get("Limit") or size > PAGE_BYTES:
            break
    places = arguments.get("ExpressionAttributeNames", {}), arguments.get("ExpressionAttributeValues", {})
    matches = condition(arguments["FilterExpression"]) if "FilterExpression" in arguments else None
    found = [_projected(item, arguments) for item in read if matches is None or matches(item, places)]
    page: dict[str, Any] = {"Count": len(found)}
    if arguments.get("Select") != "COUNT":
        page["Items"] = found
    if read and (len(read) < len(items) or len(read) == arguments.get("Limit")):
        page["LastEvaluatedKey"] = index.row(read[-1])
    return page


def _projected(item: Item, arguments: dict[str, Any]) -> Item:
    """A copy of an item, of those attributes that are wanted."""
    if (wanted := arguments.get("ProjectionExpression")) is None:
        return {**item}
    names = (arguments["ExpressionAttributeNames"][place.strip()] for place in wanted.split(","))
    return {name: item[name] for name in names if name in item}


def _check_consistency(arguments: dict[str, Any]) -> None:
    if arguments.get("ConsistentRead"):
        raise ExpressionError("Consistent reads are not supported on global secondary indexes")


def _written_key(request: dict[str, Any]) -> Key:
    match request:
        case {"DeleteRequest": {"Key": key}}:
            return _key(key)
        case {"PutRequest": {"Item": item}}:
            return _key({"pk": item["pk"], "sk": item["sk"]})
    raise ExpressionError("neither a put nor a delete")


def _updated(before: Item, arguments: dict[str, Any]) -> Item:
    changes = update(arguments["UpdateExpression"])
    names = arguments.get("ExpressionAttributeNames", {})
    places = names, arguments.get("ExpressionAttributeValues", {})
    paths = [named(path, names) for path in (*(one.path for one in changes.sets), *changes.removes)]
    for number, path in enumerate(paths):
        if path[0] in {"pk", "sk"} or any(_overlap(path, other) for other in paths[number + 1 :]):
            raise ExpressionError("a key that is changed, or two document paths that overlap")
    after = {**before}
    for one in changes.sets:
        value = one.value(before, places)
        if value is None:
            raise ExpressionError("an attribute that does not exist")
        _put(after, named(one.path, names), value)
    for path in changes.removes:
        _put(after, named(path, names), None)
    return after


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _put(item: Item, path: tuple[str, ...], value: Any) -> None:
    name, *rest = path
    if rest:
        if name not in item or "M" not in item[name]:
            raise ExpressionError("a document path that is not there")
        inner = {**item[name]["M"]}
        _put(inner, tuple(rest), value)
        item[name] = {"M": inner}
    elif value is None:
        item.pop(name, None)
    else:
        item[name] = value


def _returned(before: Item, after: Item, arguments: dict[str, Any]) -> dict[str, Any]:
    match arguments.get("ReturnValues", "NONE"):
        case "ALL_OLD":
            return {"Attributes": {**before}} if before else {}
        case "ALL_NEW":
            return {"Attributes": {**after}}
        case "UPDATED_OLD":
            changed = {name: value for name, value in before.items() if after.get(name) != value}
            return {"Attributes": changed} if changed else {}
    return {}


def _check_placeholders(arguments: dict[str, Any]) -> None:
    expressions = [value for name, value in arguments.items() if name.endswith("Expression")]
    given = {*arguments.get("ExpressionAttributeNames", {}), *arguments.get("ExpressionAttributeValues", {})}
    if given != placeholders(*expressions):
        raise ExpressionError("placeholders that are not used, or not defined")
    if any(len(text) > MAX_EXPRESSION for text in expressions):
        raise ExpressionError("Expression size has exceeded the maximum allowed size")


def _size(item: Item) -> int:
    return sum(len(name) + _bytes(value) for name, value in item.items())


def _bytes(attribute: Any) -> int:
    [(kind, value)] = attribute.items()
    match kind:
        case "L":
            return 3 + sum(1 + _bytes(entry) for entry in value)
        case "M":
            return 3 + sum(1 + len(name) + _bytes(entry) for name, entry in value.items())
        case "S":
            return len(value.encode())
        case "B" | "N":
            return len(value)
        case _:
            return 1
