"""Erasing: whoever writes in between, and whatever comes later, nobody can be found any more, and the figures stay."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.history import merge
from partner_orders.orders.packed_body import unpack
from partner_orders.orders.table import OrdersTable
from tests.support.examples import examples
from tests.support.fixed_clock import NOW, clock
from tests.support.lives import bodies
from tests.support.orders import as_bytes
from tests.support.orders_table import RETENTION, TABLE

pytestmark = pytest.mark.privacy

MARK = "of-a-customer"
ARRIVAL = Arrival("webhook", NOW, "c1")


def marked(body: dict[str, Any], is_large: bool) -> dict[str, Any]:
    body["customer"] |= {"first_name": MARK, "phone_number": "+92 300 123441"}
    body["comment"] = f"for {MARK}"
    body[f"a field {MARK}"] = MARK
    if is_large:
        line = body["items"][0]
        body["items"] = [line | {"_id": str(n), "sku": f"{n * 104729:x}{n * 7919:x}" * 3} for n in range(300)]
    return body


def rows(dynamodb: Any) -> list[dict[str, Any]]:
    return list(dynamodb.scan(TableName=TABLE)["Items"])


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.tuples(bodies(), st.booleans()), min_size=1, max_size=5),
    st.integers(0, 4),
    st.lists(st.booleans(), max_size=6),
)
def test_erasure_leaves_no_personal_data(
    dynamodb: Any, lives: list[tuple[dict[str, Any], bool]], erased_after: int, overtaken: list[bool]
) -> None:
    """No personal data stays after an erasure with concurrent writes, and the figures are unchanged."""
    for row in rows(dynamodb):
        dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": row["sk"]})
    events = [parse_event(as_bytes(marked(body, is_large))) for body, is_large in lives]
    orders = OrdersTable(dynamodb, TABLE, RETENTION)
    before, after = events[: erased_after + 1], events[erased_after + 1 :]
    waiting, turns = list(after), iter(overtaken)
    orders.write([(event, ARRIVAL) for event in before])

    def overtake(**_: Any) -> None:
        is_overtaken = next(turns, False)
        if waiting and is_overtaken:
            orders.write([(waiting.pop(0), ARRIVAL)])

    for operation in ("UpdateItem", "PutItem"):
        dynamodb.meta.events.register(f"before-call.dynamodb.{operation}", overtake)
    try:
        Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order(events[0].order_id)
    finally:
        for operation in ("UpdateItem", "PutItem"):
            dynamodb.meta.events.unregister(f"before-call.dynamodb.{operation}", overtake)
    for event in waiting:
        orders.write([(event, ARRIVAL)])

    for row in rows(dynamodb):
        packed = [value["M"]["body"]["B"] for value in row.values() if "M" in value and "body" in value["M"]]
        for body in [*packed, *([row["body"]["B"]] if "body" in row else [])]:
            assert MARK.encode() not in unpack(body)
            assert b"123441" not in unpack(body)
    merged, found = merge(events), orders.get(events[0].order_id)
    assert found is not None
    assert found.digests == merged.events.keys()
    assert (found.snapshot_key, found.sale, found.disputed) == (
        merged.snapshot.snapshot_key,
        merged.sale,
        merged.disputed,
    )
    assert all(entry.is_redacted and entry.body for entry in found.history)
    figures = parse_event(found.snapshot.body or b"").order
    assert figures.payment == merged.snapshot.order.payment
