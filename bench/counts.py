"""What an event costs in DynamoDB, by running the consumer, ours and the peer's, against a metered DynamoDB Local."""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from bench import events, stand_in
from bench.artefacts import OURS, PEER, environment, from_source
from bench.invoking import Function, running
from bench.write_costs import STATUSES, Cost, life_of
from simulation.dynamodb_local import started
from simulation.table import DynamoDB

PEER_WITH_HISTORY = "peer, with the same history"
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
def consumers() -> Iterator[dict[str, Consumer]]:
    """Ours, the peer as documented, and the peer keeping the same history; tables with the indexes of the template."""
    with ExitStack() as stack:
        url = stack.enter_context(started())
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
    found = {
        name: consumer.cost(body) for name, body in zip(EVENTS, [*bodies, bodies[-1], late], strict=True)
    }
    found[LIFE] = sum((found[name] for name in STATUSES), Cost())
    return found


def cost_by_orders_stored(consumer: Consumer, steps: tuple[int, ...]) -> dict[int, Cost]:
    """What a new order of one line costs when so many are stored already."""
    template, order_id = life_of(1)[0][0].body, life_of(1)[0][0].order_id
    stored, found = 0, {}
    consumer.cost(_with_another_id(template, order_id))
    for step in steps:
        for bodies in itertools.batched(_new_orders(template, order_id, step - stored), 10):
            consumer.cost(*bodies)
        stored = step
        found[step] = consumer.cost(_with_another_id(template, order_id))
    return found


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
