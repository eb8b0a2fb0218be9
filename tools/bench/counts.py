"""What an event costs in DynamoDB, by running the consumer, ours and the peer's, against a metered DynamoDB Local."""

import itertools
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3

from partner_orders.orders import table as orders_table
from partner_orders.orders.event import parse_event
from partner_orders.orders.table import OrdersTable
from tools.bench import events, stand_in
from tools.bench.artefacts import OURS, PEER, environment, from_source
from tools.bench.invoking import Function, running
from tools.bench.write_costs import ARRIVAL, STATUSES, Cost, Meter, life_of
from tools.local.emulator import REGION
from tools.simulation.dynamodb_local import started
from tools.simulation.table import DynamoDB

RETENTION = timedelta(days=400)
PEER_WITH_HISTORY = "peer, with the same history"
LARGE_BODIES_INSIDE = "ours, with large bodies in the item"
DUPLICATE, LATE, LIFE = "a duplicate", "a late one", "life of three"
EVENTS = (*STATUSES, DUPLICATE, LATE)


@dataclass(frozen=True)
class Consumer:
    """A warm consumer on a table of its own, behind a meter."""

    way: str
    function: Function
    meter: stand_in.StandIn

    def cost(self, *bodies: bytes) -> Cost:
        """What a batch of these bodies costs."""
        with self.meter.measured() as cost:
            self.function.invoke(events.batch(self.way, bodies))
        return cost


@contextmanager
def consumers(url: str) -> Iterator[dict[str, Consumer]]:
    """Ours, the peer as documented, and the peer keeping the same history; tables with the indexes of the template, on
    the DynamoDB Local at ``url``."""
    with ExitStack() as stack:
        emulated = DynamoDB(url)
        found: dict[str, Consumer] = {}
        for name, way, variables in (
            (OURS, OURS, {}),
            ("peer", PEER, {}),
            (PEER_WITH_HISTORY, PEER, {"KEEP_HISTORY": "true"}),
        ):
            meter = stack.enter_context(stand_in.started(dynamodb_url=url))
            artefact = from_source("consumer", way)
            tables = (emulated.new_table(), _idempotency_table(emulated.client))
            function = stack.enter_context(running(artefact, environment(artefact, meter.url, tables) | variables))
            found[name] = Consumer(way, function, meter)
        yield found


def costs(consumer: Consumer, lines: int) -> dict[str, Cost]:
    """By event: a life of an order of so many lines, a copy of its last event, and one that comes late. The store is
    known before."""
    bodies = [event.body for event in life_of(lines)[0]]
    late = life_of(lines)[1].body
    other = _with_another_id(bodies[0], life_of(lines)[0][0].order_id)
    consumer.cost(other)
    found = {name: consumer.cost(body) for name, body in zip(EVENTS, [*bodies, bodies[-1], late], strict=True)}
    found[LIFE] = sum((found[name] for name in STATUSES), Cost())
    return found


def costs_with_large_bodies_inside(url: str, lines: int) -> dict[str, Cost]:
    """What an order of so many lines would cost ours if its large bodies stayed in its item, on the DynamoDB Local at
    ``url``."""
    given = orders_table.INLINE_BODY_BYTES, orders_table.ROW_BODIES_BYTES
    orders_table.INLINE_BODY_BYTES, orders_table.ROW_BODIES_BYTES = 16_384, 65_536
    try:
        emulated = DynamoDB(url)
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
        orders = OrdersTable(client, emulated.new_table(), RETENTION)
        meter, found = Meter(client, emulated.client), {}
        events_of_life, late = life_of(lines)
        for name, event in zip(EVENTS, [*events_of_life, events_of_life[-1], late], strict=True):
            with meter.measured() as cost:
                orders.write([(event, ARRIVAL)])
            found[name] = cost
    finally:
        orders_table.INLINE_BODY_BYTES, orders_table.ROW_BODIES_BYTES = given
    found[LIFE] = sum((found[name] for name in STATUSES), Cost())
    return found


def cost_by_orders_stored(consumer: Consumer, steps: tuple[int, ...]) -> dict[int, Cost]:
    """What a new order of one line costs when so many are stored already."""
    template, order_id = life_of(1)[0][0].body, life_of(1)[0][0].order_id
    stored, found = 0, {}
    consumer.cost(_with_another_id(template, order_id))
    for step in steps:
        for bodies in itertools.batched(_new_orders(template, order_id, step - stored), 10, strict=False):
            consumer.cost(*bodies)
        stored = step
        found[step] = consumer.cost(_with_another_id(template, order_id))
    return found


def index_write_units(lines: int) -> dict[str, float]:
    """What each index adds to the life of an order of so many lines: the life without it, on a table that lacks it."""
    with started() as url:
        emulated = DynamoDB(url)
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
        meter = Meter(client, emulated.client)

        def life_units(table: str) -> float:
            orders = OrdersTable(client, table, RETENTION)
            with meter.measured() as cost:
                for event in life_of(lines)[0]:
                    orders.write([(event, ARRIVAL)])
            return cost.write_units

        whole = emulated.new_table()
        all_units = life_units(whole)
        description = emulated.client.describe_table(TableName=whole)["Table"]
        found = {}
        for index in sorted(one["IndexName"] for one in description["GlobalSecondaryIndexes"]):
            table = emulated.new_table()
            emulated.client.update_table(
                TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
            )
            _wait_until_gone(emulated.client, table, index)
            found[index] = all_units - life_units(table)
        return found


def _wait_until_gone(client: Any, table: str, index: str) -> None:
    while any(
        one["IndexName"] == index
        for one in client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    ):
        time.sleep(0.05)


def _new_orders(body: bytes, order_id: str, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield _with_another_id(body, order_id)


def _with_another_id(body: bytes, order_id: str) -> bytes:
    return body.replace(order_id.encode(), str(uuid.uuid4()).encode())


def _idempotency_table(client: Any) -> str:
    """As Powertools documents it."""
    name = f"idempotency-{uuid.uuid4().hex}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return name


def bytes_in_table(bodies: list[bytes]) -> float:
    """What an order with these events takes in the table, by DynamoDB's rules: names and values; indexes come extra."""
    with started() as url:
        emulated = DynamoDB(url)
        table = emulated.new_table()
        orders = OrdersTable(emulated.client, table, RETENTION)
        for body in bodies:
            orders.write([(parse_event(body), ARRIVAL)])
        items = emulated.client.scan(TableName=table)["Items"]
    return float(sum(_size({"M": item}) for item in items))


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in content.items())
        case "B":
            return len(content)
        case _:
            return 1
