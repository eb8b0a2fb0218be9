"""What an order event costs in DynamoDB: requests and capacity units, measured on DynamoDB Local.

`.venv/bin/python -m tools.bench.write_costs` prints Markdown tables: whole lives of orders
of 1, 20 and 200 lines, a duplicate and a late event, by our one conditional write and by two usual ways. Needs npm and
Java 17. DynamoDB charges a failed condition as a write of the item that is there and reports nothing of it, so that is
measured apart, as a write that changes nothing.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.packed_body import pack
from partner_orders.orders.table import OrdersTable
from tools.local.simulated_platform.lives import Life, timestamp, to_text, trading_hour
from tools.local.up import CHAIN_ID
from tools.simulation.dynamodb_local import started
from tools.simulation.table import DynamoDB

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
LINES = (1, 20, 200)
STATUSES = ("RECEIVED", "READY_FOR_PICKUP", "DISPATCHED")
ARRIVAL = Arrival("webhook", START, "0123456789abcdef")

type Item = dict[str, Any]


@dataclass
class Cost:
    """``unreported`` are the write units of failed conditions, at least."""

    requests: int = 0
    write_units: float = 0.0
    unreported: float = 0.0
    read_units: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.requests + other.requests,
            self.write_units + other.write_units,
            self.unreported + other.unreported,
            self.read_units + other.read_units,
        )


class Meter:
    """Counts what a client's calls cost. ``probe`` is another client of the same table, not counted."""

    def __init__(self, client: Any, probe: Any) -> None:
        self._probe = probe
        self._cost = Cost()
        self._request: Item = {}
        client.meta.events.register("before-parameter-build.dynamodb", self._before)
        client.meta.events.register("after-call.dynamodb", self._after)

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        self._cost = Cost()
        yield self._cost

    def _before(self, params: Item, **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        self._request = params

    def _after(self, model: Any, parsed: Item, **_: Any) -> None:
        self._cost.requests += 1
        reads = model.name in {"GetItem", "Query", "BatchGetItem"}
        reported = parsed.get("ConsumedCapacity", [])
        for consumed in reported if isinstance(reported, list) else [reported]:
            if reads:
                self._cost.read_units += consumed["CapacityUnits"]
            else:
                self._cost.write_units += consumed["CapacityUnits"]
        if parsed.get("Error", {}).get("Code") in {"ConditionalCheckFailedException", "TransactionCanceledException"}:
            self._cost.unreported += sum(map(self._units_of_existing, _keys(self._request)))

    def _units_of_existing(self, table_and_key: tuple[str, Item]) -> float:
        table, key = table_and_key
        try:
            answer = self._probe.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="REMOVE no_such_attribute",
                ConditionExpression="attribute_exists(pk)",
                ReturnConsumedCapacity="TOTAL",
            )
        except self._probe.exceptions.ConditionalCheckFailedException:
            return 1.0
        return float(answer["ConsumedCapacity"]["CapacityUnits"])


def _keys(request: Item) -> list[tuple[str, Item]]:
    """The table and key of each item that a request writes."""
    writes = [write for entry in request.get("TransactItems", []) for write in entry.values()] or [request]
    return [
        (write["TableName"], write.get("Key") or {name: write["Item"][name] for name in ("pk", "sk")})
        for write in writes
    ]


# -- the alternatives -------------------------------------------------------------------------------------------------


class ReadModifyWrite:
    """Read the order, merge, write the whole item under its version; around it the two writes of an idempotency
    record, as Powertools Idempotency makes them. Indexes and content as ours."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, event: OrderEvent) -> None:
        record = {"pk": {"S": f"IDEMPOTENCY#{event.digest}"}, "sk": {"S": "IDEMPOTENCY"}}
        expiry = str(int((START + timedelta(days=14)).timestamp()))
        begun = {"status": {"S": "INPROGRESS"}, "expires_at": {"N": expiry}, "in_progress_until": {"N": expiry + "000"}}
        if not _took_effect(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=record | begun,
                ConditionExpression="attribute_not_exists(pk)",
            )
        ):
            return
        key = {"pk": {"S": f"ORDER#{event.order_id}"}, "sk": {"S": "ORDER"}}
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        version = int(item.get("version", {"N": "0"})["N"])
        if event.supersedes(item["snapshot_key"]["S"] if item else None):
            item = {name: value for name, value in item.items() if name.startswith("e#")} | key | _head(event)
        item |= {f"e#{event.digest}": {"M": _entry(event) | {"body": {"B": pack(event.body)}}}}
        item["version"] = {"N": str(version + 1)}
        condition: Item = {"ConditionExpression": "attribute_not_exists(pk)"}
        if version:
            values = {":version": {"N": str(version)}}
            condition = {"ConditionExpression": "version = :version", "ExpressionAttributeValues": values}
        self._client.put_item(TableName=self._table, Item=item, **condition)
        self._client.update_item(
            TableName=self._table,
            Key=record,
            UpdateExpression="SET #status = :done, expires_at = :expiry",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":done": {"S": "COMPLETED"}, ":expiry": {"N": expiry}},
        )


class Transaction:
    """The order's head in one row and each event in a row of its own, written together by TransactWriteItems; a late
    event's row alone after that has failed. Indexes as ours; the head holds no body.

    The rows are in a table of their own for the measurement's sake: of two equal costs of one transaction in one table
    DynamoDB Local reports only one.
    """

    def __init__(self, client: Any, heads: str, rows: str) -> None:
        self._client = client
        self._heads = heads
        self._rows = rows

    def write(self, event: OrderEvent) -> None:
        key = {"pk": {"S": f"ORDER#{event.order_id}"}, "sk": {"S": "ORDER"}}
        row = {"pk": key["pk"], "sk": {"S": f"EVENT#{event.digest}"}, **_entry(event), "body": {"B": pack(event.body)}}
        put: Item = {"TableName": self._rows, "Item": row, "ConditionExpression": "attribute_not_exists(pk)"}
        head: Item = {
            "TableName": self._heads,
            "Item": key | _head(event),
            "ConditionExpression": "attribute_not_exists(pk) OR snapshot_key < :snapshot_key",
            "ExpressionAttributeValues": {":snapshot_key": {"S": event.snapshot_key}},
        }
        try:
            self._client.transact_write_items(TransactItems=[{"Put": put}, {"Put": head}])
        except self._client.exceptions.TransactionCanceledException as error:
            event_is_new = error.response["CancellationReasons"][0]["Code"] == "None"
            if event_is_new:
                _took_effect(lambda: self._client.put_item(**put))


def _took_effect(write: Callable[[], object]) -> bool:
    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _head(event: OrderEvent) -> Item:
    """The plain attributes that ours has, too."""
    order = event.order
    text = {
        "snapshot_key": event.snapshot_key,
        "status": event.status,
        "occurred_at": str(order.sys.updated_at),
        "listed_at": str(order.sys.created_at),
        "listed_under": f"STORE#{order.client.store_id}",
        "store_id": order.client.store_id,
        "chain_id": order.client.chain_id,
        "external_order_id": order.external_order_id,
        "order_code": order.order_code,
        "store_order_code": f"{order.client.store_id}#{order.order_code}",
    }
    if event.status != "DISPATCHED":
        text["open"] = f"OPEN#{order.client.store_id}"
    return {name: {"S": value} for name, value in text.items()} | {"expires_at": {"N": "1800000000"}}


def _entry(event: OrderEvent) -> Item:
    return {
        "status": {"S": event.status},
        "occurred_at": {"S": str(event.occurred_at)},
        "received_at": {"S": str(ARRIVAL.received_at)},
        "source": {"S": ARRIVAL.source},
        "correlation_id": {"S": ARRIVAL.correlation_id},
    }


# -- what is written --------------------------------------------------------------------------------------------------


@cache
def _lives() -> list[Life]:
    """Orders of the simulated platform that go through exactly our statuses, as far as webhooks tell."""
    hour = trading_hour(seed=7, orders=600, stores=1, start=START, chain_id=CHAIN_ID)
    return [life for life in hour if tuple(step.status for step in life.steps if step.by_webhook) == STATUSES]


def life_of(lines: int) -> tuple[list[OrderEvent], OrderEvent]:
    """The events of one order of so many lines, and one that comes late. The lines are those of several orders."""
    events = []
    for position in range(len(STATUSES)):
        body = dict(_lives()[0].steps[position].body)
        body["order_id"] = f"{body['order_id'][:-4]}{lines:04d}"
        body["items"] = [line for life in _lives() for line in life.steps[position].body["items"]][:lines]
        events.append(parse_event(to_text(body).encode()))
    late = dict(_lives()[0].steps[0].body)
    late |= {"order_id": events[0].order_id, "items": json.loads(events[0].body)["items"], "comment": "Ring twice"}
    late["sys"] = late["sys"] | {"updated_at": timestamp(_lives()[0].created_at + timedelta(seconds=30))}
    return events, parse_event(to_text(late).encode())


def costs(meter: Meter, write: Callable[[OrderEvent], object], lines: int) -> dict[str, Cost]:
    events, late = life_of(lines)
    found: dict[str, Cost] = {}
    for name, event in [*zip(STATUSES, events, strict=True), ("the last again", events[-1]), ("a late one", late)]:
        with meter.measured() as cost:
            write(event)
        found[name] = cost
    found["life of three"] = sum((found[name] for name in STATUSES), Cost())
    return found


def main() -> None:
    with started() as url:
        emulated = DynamoDB(url)
        client, tables = emulated.client, [emulated.new_table() for _ in range(4)]
        probe = boto3.client("dynamodb", region_name="eu-central-1", endpoint_url=url)
        meter = Meter(client, probe)
        orders = OrdersTable(client, tables[0], timedelta(days=400))
        read_modify_write = ReadModifyWrite(client, tables[1])
        transaction = Transaction(client, tables[2], tables[3])
        ways: dict[str, Callable[[OrderEvent], object]] = {
            "one conditional write (ours)": lambda event: orders.write([(event, ARRIVAL)]),
            "read, modify, write, with an idempotency record": read_modify_write.write,
            "transaction of head and event row": transaction.write,
        }
        out = sys.stdout.write
        for lines in LINES:
            events, _ = life_of(lines)
            sizes = ", ".join(f"{len(event.body):,} B in {len(pack(event.body)):,} B" for event in events)
            out(f"\nAn order of {lines} line{'s' * (lines > 1)}; bodies of {sizes}\n\n")
            out("| way | event | requests | write units | of failed conditions, not reported | read units |\n")
            out("| --- | --- | --- | --- | --- | --- |\n")
            for way, write in ways.items():
                for name, cost in costs(meter, write, lines).items():
                    out(
                        f"| {way} | {name} | {cost.requests} | {cost.write_units:g} | {cost.unreported:g}"
                        f" | {cost.read_units:g} |\n"
                    )


if __name__ == "__main__":
    main()
