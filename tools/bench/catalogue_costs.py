"""What prices and stock take on their way to the platform: requests and units of a whole list that changes nothing, of
a day's export that is compared, of changed rows in batches and alone, and how many AWS calls lie between an urgent
message and the platform's request."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from tools.bench.catalogue_store import STORE_ID, Step, World, line_of, price_of, sku_of, world
from tools.simulation.table import DynamoDB

WHOLE_LIST = 100_000
PRODUCTS = 2_000  # of the store in which rows change
BATCHES = (100, 1_000)
ALONE, ALONE_STOCK = "alone", "alone_stock"
# Of the calls of the urgent function, one after the other: each takes so much longer.
DELAY_SECONDS = 0.25
ROUNDS = 5


def measured(emulated: DynamoDB, url: str, whole_list: int = WHOLE_LIST) -> dict[str, Any]:
    """All of it, as plain values."""
    with world(emulated, url, whole_list) as of_list:
        unchanged = of_unchanged_list(of_list, whole_list)
        compared = of_export(of_list, whole_list)
    with world(emulated, url, PRODUCTS) as of_rows:
        changed: dict[Any, Any] = {str(rows): plain(of_batch(of_rows, rows)) for rows in BATCHES}
        changed[ALONE] = plain(of_price(of_rows))
        changed[ALONE_STOCK] = plain(of_stock(of_rows))
        until_put = calls_until_put(of_rows)
    return {
        "whole_list": {"rows": whole_list, "steps": plain(unchanged)},
        "export": {"rows": whole_list, "steps": plain(compared)},
        "changed_rows": changed,
        "urgent_calls_until_put": until_put,
    }


def plain(steps: Mapping[str, Step]) -> dict[str, Any]:
    """Steps as plain values; a call that an idle run makes, too, is no step's."""
    return {name: asdict(step) | {"calls": {**+step.calls}} for name, step in steps.items()}


def of_unchanged_list(world: World, rows: int) -> dict[str, Step]:
    """The loader's run over a whole list in which nothing is new."""
    idle = warm(world, "loader")
    world.upload(f"lists/{STORE_ID}/morning.csv", [line_of(number) for number in range(rows)])
    return {"loader": world.run("loader") - idle}


def of_export(world: World, rows: int) -> dict[str, Step]:
    """The loader's run over a day's export that shows what it should."""
    idle = warm(world, "loader")
    world.export(rows)
    return {"loader": world.run("loader") - idle}


def of_batch(world: World, rows: int) -> dict[str, Step]:
    """A file of changed prices, from the loader to the settled job: what each run takes beyond an idle one."""
    loads, pushes = warm(world, "loader"), warm(world, "pusher")
    first = rows  # Batches meet other products.
    lines = [line_of(number, price_of(number) + Decimal("0.01")) for number in range(first, first + rows)]
    world.upload(f"changes/{STORE_ID}/changes-{rows}.csv", lines)
    loaded = world.run("loader") - loads
    sent = world.run("pusher") - pushes
    return {"loader": loaded, "pusher, sending": sent, "pusher, settling": _settled(world, rows, pushes)}


def of_price(world: World) -> dict[str, Step]:
    """One product's new price by an urgent message: its only request takes effect at once."""
    world.run("urgent", message(0, Decimal("0.01")))
    return {"urgent": world.run("urgent", message(1, Decimal("0.01")))}


def of_stock(world: World) -> dict[str, Step]:
    """One product's new stock by an urgent message, from the function to the settled job, which a second product
    keeps company."""
    pushes = warm(world, "pusher")
    for number in (2, 3):  # The first one makes the pusher read its secret.
        taken = world.run("urgent", message(number, Decimal(0), quantity=77))
        settled = _settled(world, 2, pushes)
    return {"urgent": taken, "pusher, settling": settled}


def calls_until_put(world: World) -> int:
    """How many AWS calls' time lies between an urgent message's arrival at the function and the platform's request: how
    much later it comes if each call takes longer, to the nearest call. Calls side by side take the time of one."""
    seconds: dict[float, list[float]] = {}
    for number in range(ROUNDS):
        for delay in (0.0, DELAY_SECONDS):
            world.store.delay_seconds = delay
            begun = time.monotonic()
            world.run("urgent", message(number, Decimal("0.02") if delay else Decimal("0.03")))
            seconds.setdefault(delay, []).append(world.store.put_at - begun)
            world.store.delay_seconds = 0.0
    quick, slow = (statistics.median(found) for found in seconds.values())
    return round((slow - quick) / DELAY_SECONDS)


def message(number: int, more: Decimal, quantity: int | None = None) -> dict[str, Any]:
    """The event of an urgent message: a product's price, and so much more; or its stock."""
    now = datetime.now(UTC)
    said: dict[str, Any] = {"store_id": STORE_ID, "sku": sku_of(number), "price": str(price_of(number) + more)}
    if quantity is not None:
        said |= {"active": True, "quantity": quantity}
    sent_at = str(int(now.timestamp() * 1000))
    record = {
        "messageId": "1",
        "receiptHandle": "r",
        "body": json.dumps(said),
        "attributes": {"SentTimestamp": sent_at, "ApproximateReceiveCount": "1"},
    }
    return {"Records": [record]}


def warm(world: World, function: str) -> Step:
    """An idle run, after one that made clients and read secrets."""
    runs: Sequence[Step] = [world.run(function) for _ in range(3)]
    return min(runs[1:], key=lambda step: step.cpu)


def _settled(world: World, lines: int, idle: Step) -> Step:
    """The pusher's run that settles the last job, which has so many lines."""
    [*_, (job_id, skus)] = world.store.jobs.items()
    if len(skus) != lines:
        raise AssertionError(f"not the job that was to be measured: {len(skus)} lines, should be {lines}")
    body = {"job_id": job_id, "status": "COMPLETED", "download_url": f"{world.store.url}/v2/files/{job_id}.csv"}
    callback = OrderEventMessage(WEBHOOK, datetime.now(UTC), "bench", json.dumps(body).encode())
    world.store.messages.append(callback.to_text())
    settled = world.run("pusher")
    if world.tables.states.get(STORE_ID).unfinished:
        raise AssertionError("the job is not settled")
    return settled - idle


def total_calls(steps: Mapping[str, Any]) -> Counter[str]:
    """The requests of all steps together."""
    return sum((Counter(step["calls"]) for step in steps.values()), Counter())
