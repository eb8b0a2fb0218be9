"""The publisher: whatever fails, each change of an order is told of, in order, and nothing else is."""

import json
from collections import defaultdict
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from partner_orders.orders import table as orders_table
from partner_orders.orders.erasure import Erasure
from tests.support.examples import examples
from tests.support.fixed_clock import clock
from tests.support.orders_table import TABLE
from tests.support.publisher_world import World, at

BAD_TRIES = 15
STATUSES = ["RECEIVED", "READY_FOR_PICKUP", "DISPATCHED"]
# A change or a late event, erasing, an operator who asks; and bodies move out soon.
STEPS = st.tuples(st.integers(0, 2), st.sampled_from([*STATUSES, *STATUSES, "late", "erase", "ask again"]))
FEW_BYTES = 1_000


def play(world: World, minute: int, order_id: str, step: str) -> None:
    match step:
        case "erase":
            Erasure(world.dynamodb, TABLE, lambda _: True, clock).erase_order(order_id)
        case "ask again":
            world.orders.publish_again(order_id)
        case "late":
            world.receive(at(0, "RECEIVED", order_id=order_id, comment=f"late {minute}"))
        case status:
            world.receive(at(minute, status, order_id=order_id))


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example([(number % 3, status) for number, status in enumerate(STATUSES * 3)], Random(1))
@given(st.lists(STEPS, max_size=10), st.randoms(use_true_random=False))
def test_every_change_is_published_in_order(dynamodb: Any, steps: list[tuple[int, str]], chance: Any) -> None:
    """Whatever fails, every change is on the bus or a dead-letter message, and in order."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    world = World(dynamodb)
    with patch.object(orders_table, "ROW_BODIES_BYTES", FEW_BYTES):
        for minute, (number, step) in enumerate(steps, start=1):
            play(world, minute, f"0b9f3c52-71a4-4f0e-9b1c-{number:012}", step)
    world.stream.stop()
    heads = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if item["sk"]["S"] == "ORDER"]
    expected = {
        f"{head['pk']['S'].removeprefix('ORDER#')}/{sequence}"
        for head in heads
        for sequence in range(1, int(head["sequence"]["N"]) + 1)
    }
    never = {name for name in sorted(expected) if chance.random() < 0.25}

    def fault(entry: dict[str, Any]) -> str | None:
        if json.loads(entry["Detail"])["id"] in never:
            return "MalformedDetail"
        return "InternalFailure" if tries < BAD_TRIES and chance.random() < 0.3 else None

    tries, world.bus.fault = 0, fault
    for tries in range(BAD_TRIES + 1):
        world.letters.is_down = tries < BAD_TRIES and chance.random() < 0.3
        put = len(world.bus.entries)
        if not world.publish().held:
            break
        told = [json.loads(entry["Detail"])["id"] for entry in world.bus.entries[put:]]
        assert len(told) == len({*told})
    buried = [json.loads(json.loads(text)["detail"])["id"] for text in world.letters.texts]
    assert {detail["id"] for detail in world.bus.details} == expected - never
    assert {*buried} == never
    first_times: dict[str, list[int]] = defaultdict(list)
    by_id: dict[str, str] = {}
    for detail in world.bus.details:
        assert by_id.setdefault(detail["id"], json.dumps(detail)) == json.dumps(detail)
        if detail["sequence"] not in first_times[detail["order_id"]]:
            first_times[detail["order_id"]].append(detail["sequence"])
    assert all(sequences == sorted(sequences) for sequences in first_times.values())
