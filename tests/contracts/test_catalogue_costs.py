"""What a changed product costs from its row to its outcome, on DynamoDB Local, at on-demand prices; and how many
requests the platform gets. The request budget's own row is not counted: each request writes it."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.job import Job
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS
from partner_orders.clock import now
from tests.support.contracts import LOCAL
from tests.support.orders_table import TABLE
from tests.support.platform import START
from tests.support.pusher_world import PusherWorld

pytestmark = pytest.mark.slow

# Micro-USD for a unit.
WRITE_UNIT, READ_UNIT = 0.625, 0.125
MOST_IN_BATCHES, MOST_ALONE = 3.0, 10.0
READS = {"GetItem", "BatchGetItem", "Query"}
LINES = 2_000
# One function at 1,769 MB has one processor.
MOST_PROCESSOR_SECONDS = 8.0


@pytest.fixture(params=[LOCAL])
def dynamodb(dynamodb: Any) -> Any:
    return dynamodb


@contextmanager
def counted_units(client: Any) -> Iterator[Counter[str]]:
    """The units that calls take from now on: of writes, of reads, and the calls by operation."""
    units: Counter[str] = Counter()

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def count(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        reported = parsed.get("ConsumedCapacity", [])
        used = sum(one["CapacityUnits"] for one in (reported if isinstance(reported, list) else [reported]))
        units["read" if model.name in READS else "write"] += used
        units[model.name] += 1

    client.meta.events.register("before-parameter-build.dynamodb", ask)
    client.meta.events.register("after-call.dynamodb", count)
    yield units
    client.meta.events.unregister("before-parameter-build.dynamodb", ask)
    client.meta.events.unregister("after-call.dynamodb", count)


def micro_usd(units: Counter[str]) -> float:
    return units["write"] * WRITE_UNIT + units["read"] * READ_UNIT


def settled_world(dynamodb: Any, products: int) -> PusherWorld:
    """A store whose products all are as they should be."""
    world = PusherWorld(dynamodb, TABLE, ["q7zk"], products=products)
    for sku in world.skus["q7zk"]:
        world.tables.products.change("q7zk", sku, _first)
    world.tables.changes.add("q7zk", world.skus["q7zk"], world.time.now())
    world.rest()
    return world


def end_jobs(world: PusherWorld) -> None:
    """The platform works jobs off, and the next run settles them."""
    for _ in range(2):
        world.time.sleep(30.0)
        world.work()
    world.run()


def _first(row: Desired) -> Desired:
    return merged(row, Values(price=Decimal(5), active=True, quantity=50), START, {})


def test_change_in_a_batch(dynamodb: Any) -> None:
    """A hundred changed products of a file cost at most 3 micro-USD each, from row to outcome."""
    world = settled_world(dynamodb, 100)
    world.pusher.job_lines = 2_000
    puts = world.puts("q7zk")
    with counted_units(dynamodb) as units:
        for sku in world.skus["q7zk"]:
            world.tables.products.change("q7zk", sku, lambda row: _again(row, world.time.now()))
        world.tables.changes.add("q7zk", world.skus["q7zk"], world.time.now())
        world.run()
        end_jobs(world)
    assert (world.puts("q7zk"), world.unfinished("q7zk")) == (puts + 1, [])
    assert world.product("q7zk", world.skus["q7zk"][0]).confirmed.price == Decimal(6)
    assert micro_usd(units) / 100 <= MOST_IN_BATCHES


def _again(row: Desired, at: datetime) -> Desired:
    return merged(row, Values(price=Decimal(6), quantity=40), at, {})


def test_change_alone(dynamodb: Any) -> None:
    """A product that changes alone costs at most 10 micro-USD, by a file or by a message."""
    world = settled_world(dynamodb, 20)
    for is_message in (False, True):
        price = Decimal(6) + Decimal(is_message) / 2
        with counted_units(dynamodb) as units:
            if is_message:
                world.send_message("q7zk", world.skus["q7zk"][0], price=price, quantity=30)
                world.take_messages()
            else:
                world.say("q7zk", world.skus["q7zk"][0], Values(price=price, quantity=40))
                world.run()
            end_jobs(world)
        assert world.product("q7zk", world.skus["q7zk"][0]).confirmed.price == price
        assert micro_usd(units) <= MOST_ALONE


def test_large_job_is_settled_fast(dynamodb: Any, dynamodb_local_url: str) -> None:
    """The 2,000 lines of a job are settled within 8 seconds of one processor."""
    config = Config(max_pool_connections=16, parameter_validation=False)
    client = boto3.client("dynamodb", endpoint_url=dynamodb_local_url, config=config)
    tables = Tables.named(client, TABLE)
    lines = {f"KW-{number}": Values(price=Decimal(number + 1), active=True, quantity=5) for number in range(LINES)}
    tables.jobs.write("q7zk", Job(1, now(), lines))
    with ThreadPoolExecutor(16) as executor:
        outcomes = Outcomes(tables, now, lambda _: NO_MARGINS, executor)
        began = time.process_time()
        outcomes.finished(JobPlace("q7zk", 1), {})
        processor = time.process_time() - began
    assert outcomes.counts["LinesProcessed"] == LINES
    assert processor < MOST_PROCESSOR_SECONDS


def test_requests_of_a_hundred_stores(dynamodb: Any) -> None:
    """For 100 stores with changes every five minutes the platform gets at most 45 requests a minute, results fetched
    from the API included; without these at most 25."""
    stores = [f"s{number}" for number in range(100)]
    world = PusherWorld(dynamodb, TABLE, stores, products=3)
    minutes = 10
    for minute in range(minutes):
        for store_id in stores[minute % 5 :: 5]:
            for sku in world.skus[store_id]:
                world.say(store_id, sku, Values(price=Decimal(minute + 2)))
        world.pass_minute()
    asked = world.session.asked
    results = sum("/files/" in one.url for one in asked)
    assert len(asked) / minutes <= 45
    assert (len(asked) - results) / minutes <= 25
