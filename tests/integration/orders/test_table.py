"""The merge in DynamoDB: the same laws as the pure one, and what each event costs in requests."""

import random
from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.orders.event import Arrival, OrderEvent, parse_event
from partner_orders.orders.history import Sale
from partner_orders.orders.stored import StoredOrder
from partner_orders.orders.table import INLINE_BODY_BYTES, MAX_ENTRIES, ROW_BODIES_BYTES, OrdersTable, Written
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE, Calls

ARRIVAL = Arrival("webhook", NOW, "correlation-1")


def event(minute: int | None = None, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, **fields)))


def write(orders: OrdersTable, *events: OrderEvent) -> Written:
    return orders.write([(one, ARRIVAL) for one in events])


def noise(length: int, seed: int = 1) -> str:
    """Text that hardly compresses."""
    return "".join(
        random.Random(seed).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=length)
    )


def stored(orders: OrdersTable) -> StoredOrder:
    found = orders.get(order()["order_id"])
    assert found is not None
    return found


def test_new_latest_event_is_one_request(orders: OrdersTable, dynamodb: Any) -> None:
    """A new latest event takes one request."""
    calls = Calls(dynamodb)
    assert write(orders, event(12)) == Written(stored=1)
    assert write(orders, event(13, status="READY_FOR_PICKUP")) == Written(stored=1)
    assert calls.made == ["UpdateItem", "UpdateItem"]
    assert stored(orders).status == "READY_FOR_PICKUP"


def test_duplicate_is_one_request(orders: OrdersTable, dynamodb: Any) -> None:
    """A duplicate takes one request and changes nothing."""
    write(orders, event(12))
    before = stored(orders)
    calls = Calls(dynamodb)
    assert write(orders, event(12)) == Written(duplicates=1)
    assert calls.made == ["UpdateItem"]
    assert stored(orders) == before


@pytest.mark.parametrize("is_one_batch", [False, True])
def test_repetition_in_other_words_is_a_duplicate(orders: OrdersTable, is_one_batch: bool) -> None:
    """The same event with its keys in another order, in another spelling, or with another state of its own webhook
    changes nothing."""
    first = order(12, status="READY_FOR_PICKUP")
    again: list[dict[str, Any]] = [
        dict(reversed(first.items())),
        {name: dict(reversed(part.items())) if isinstance(part, dict) else part for name, part in first.items()},
        first | {"status": "ready for pickup", "order_id": first["order_id"].upper()},
        first | {"sys": first["sys"] | {"webhook_status": "SENT"}},
        first | {"sys": first["sys"] | {"webhook_status": {"retries": 3}}},
        first | {"cancellation": None},
    ]
    events = [parse_event(as_bytes(body)) for body in (first, *again)]
    if is_one_batch:
        assert write(orders, *events) == Written(stored=1, duplicates=len(again))
    else:
        write(orders, events[0])
        before = stored(orders)
        assert [write(orders, one) for one in events[1:]] == [Written(duplicates=1)] * len(again)
        assert stored(orders) == before
    assert [entry.body for entry in stored(orders).history] == [as_bytes(first)]


def test_late_event_is_two_requests(orders: OrdersTable, dynamodb: Any) -> None:
    """A late event takes two requests and does not move the order back."""
    write(orders, event(20, status="DISPATCHED"))
    calls = Calls(dynamodb)
    assert write(orders, event(12)) == Written(stored=1, late=1)
    assert calls.made == ["UpdateItem", "UpdateItem"]
    assert stored(orders).status == "DISPATCHED"
    assert [entry.status for entry in stored(orders).history] == ["RECEIVED", "DISPATCHED"]


def test_batch_of_one_order_is_one_write(orders: OrdersTable, dynamodb: Any) -> None:
    """Events of one order in a batch take one write."""
    calls = Calls(dynamodb)
    batch = [event(13, status="READY_FOR_PICKUP"), event(12), event(12)]
    assert write(orders, *batch) == Written(stored=2, duplicates=1)
    assert calls.made == ["UpdateItem"]


@pytest.mark.parametrize("is_known", [True, False])
def test_greatest_of_a_batch_is_the_snapshot(orders: OrdersTable, is_known: bool) -> None:
    """Of events that come together the greatest is the snapshot, in whatever order they came and were received."""
    for number, minutes in enumerate(permutations((13, 14, 15))):
        known = event(12, order_id=f"o{number}")
        batch = [
            (event(minute, order_id=f"o{number}"), Arrival("webhook", NOW + timedelta(minutes=at * (-1) ** number)))
            for at, minute in enumerate(minutes)
        ]
        if is_known:
            write(orders, known)
        orders.write([*([(known, ARRIVAL)] if is_known else []), *batch])
        found = orders.get(f"o{number}")
        assert found is not None
        assert found.snapshot.digest == event(15, order_id=f"o{number}").digest


def test_row_says_only_what_its_snapshot_says(orders: OrdersTable, dynamodb: Any) -> None:
    """What the greatest event leaves out is not kept from an earlier one in the order's row."""
    of_snapshot = (
        *("status", "occurred_at", "store_id", "chain_id", "external_order_id", "order_code"),
        *("listed_under", "store_order_code", "open", "post_picked_up"),
    )
    for order_id in ("known", "new"):
        if order_id == "known":
            write(orders, event(12, order_id=order_id, cancellation={"post_picked_up": True}))
        write(orders, parse_event(as_bytes({"order_id": order_id, "status": "CANCELLED"})))
    known, new = (
        dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": "ORDER"}})["Item"]
        for order_id in ("known", "new")
    )
    assert {name: known.get(name) for name in of_snapshot} == {name: new.get(name) for name in of_snapshot}
    assert {name for name in of_snapshot if name in new} == {"status", "listed_under"}
    assert new["status"] == {"S": "CANCELLED"}


def test_partly_known_batch_adds_what_is_new(orders: OrdersTable) -> None:
    """A batch that is partly known adds only the new events."""
    write(orders, event(12))
    assert write(orders, event(12), event(13, status="READY_FOR_PICKUP")) == Written(stored=1, duplicates=1)
    assert len(stored(orders).history) == 2


def test_two_statuses_at_one_time_are_no_conflict(orders: OrdersTable) -> None:
    """Events of one time that say different statuses, or of one status at two times, do not conflict."""
    write(orders, event(12))
    assert write(orders, event(12, status="READY_FOR_PICKUP")).conflicts == 0
    assert write(orders, event(13, status="READY_FOR_PICKUP")).conflicts == 0
    assert write(orders, event(12, status="ACCEPTED")).conflicts == 0
    assert stored(orders).conflicts == 0


def test_conflict_is_stored_and_counted(orders: OrdersTable) -> None:
    """Another body with the same status and time is stored and counted as a conflict."""
    write(orders, event(12))
    assert write(orders, event(12, comment="Ring twice")).conflicts == 1
    assert write(orders, event(12, comment="Ring")).conflicts == 1
    assert stored(orders).conflicts == 2
    shown = Arrival("reconciliation", NOW, "c", shown_at=NOW)
    assert orders.write([(event(12, comment="Ring thrice"), shown)]).conflicts == 1
    assert stored(orders).conflicts == 3
    assert write(orders, event(20, status="DISPATCHED")).conflicts == 0
    assert write(orders, event(12, comment="Ring once")).conflicts == 1


@pytest.mark.parametrize("is_picked_up", [True, False])
def test_stored_cancellation_decides_the_sale(orders: OrdersTable, is_picked_up: bool) -> None:
    """The stored order is the sale that its cancellation says, against its history, and is not disputed."""
    cancellation = {"reason": "TOO_BUSY", "post_picked_up": is_picked_up}
    before = "RECEIVED" if is_picked_up else "DISPATCHED"
    write(orders, event(12, status=before), event(13, status="CANCELLED", cancellation=cancellation))
    found = stored(orders)
    assert (found.sale, found.disputed) == (Sale.YES if is_picked_up else Sale.NO, False)


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_first_text_is_kept(orders: OrdersTable, is_one_batch: bool) -> None:
    """Of two copies that say the same, the text of the first is kept; of large ones too, and also if a GET showed the
    second one."""
    shown = Arrival("reconciliation", NOW, "correlation-2", shown_at=NOW)
    for number, (comment, arrival) in enumerate(product(("Ring", noise(3 * INLINE_BODY_BYTES)), (ARRIVAL, shown))):
        first = event(12, order_id=f"o{number}", comment=comment)
        second = parse_event(b" " + first.body)
        copies = [(first, ARRIVAL), (second, arrival)]
        for batch in [copies] if is_one_batch else [[copy] for copy in copies]:
            orders.write(batch)
        found = orders.get(f"o{number}")
        assert found is not None
        assert [entry.body for entry in found.history] == [first.body]


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_any_clock_is_stored(orders: OrdersTable, is_one_batch: bool) -> None:
    """Events are stored whatever their clocks say: late ones and new heads, years old and years ahead, and without."""
    times = ["", "2010-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z", "2099-12-31T00:00:00Z"]
    for number, clocks in enumerate((times, times[::-1])):
        events = [event(order_id=f"o{number}", sys={"created_at": clock} if clock else {}) for clock in clocks]
        for batch in [events] if is_one_batch else [[one] for one in events]:
            assert write(orders, *batch).stored == len(batch)
        found = orders.get(f"o{number}")
        assert found is not None
        assert {entry.body for entry in found.history} == {one.body for one in events}


def test_problems_of_an_event_are_stored(orders: OrdersTable) -> None:
    """The paths of the parts that could not be read are in the order's history."""
    write(orders, event(12, items="none", payment=[]))
    assert [entry.problems for entry in stored(orders).history] == [("items", "payment")]


def test_a_masked_copy_never_hides_a_full_one(orders: OrdersTable) -> None:
    full, masked = event(12), event(12, customer={"phone_number": "+92*******41"})
    write(orders, full)
    write(orders, masked)
    assert stored(orders).snapshot.body == full.body


def test_retry_after_success_is_a_duplicate(orders: OrdersTable, dynamodb: Any) -> None:
    """A write that took effect before it failed is not doubled by the retry."""

    def fail(**_: Any) -> None:
        raise ConnectionError("after the effect")

    dynamodb.meta.events.register("after-call.dynamodb.UpdateItem", fail)
    with pytest.raises(ConnectionError):
        write(orders, event(12))
    dynamodb.meta.events.unregister("after-call.dynamodb.UpdateItem", fail)
    assert write(orders, event(12)) == Written(duplicates=1)
    assert stored(orders).version == 1


def test_concurrent_writes_are_merged(orders: OrdersTable, dynamodb: Any) -> None:
    """A write overtaken by concurrent writes is retried and merged with them."""
    write(orders, event(20, status="DISPATCHED"))
    overtaking = [event(14, status="READY_FOR_PICKUP"), event(13, status="ACCEPTED")]

    def overtake(**_: Any) -> None:
        if overtaking:
            write(orders, overtaking.pop())

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", overtake)
    assert write(orders, event(12)).stored == 1
    assert {entry.status for entry in stored(orders).history} == {
        "RECEIVED",
        "ACCEPTED",
        "READY_FOR_PICKUP",
        "DISPATCHED",
    }


def test_large_body_has_its_own_row(orders: OrdersTable, dynamodb: Any) -> None:
    """A large body is stored in its own row and read back whole."""
    large = event(12, comment=noise(3 * INLINE_BODY_BYTES))
    write(orders, large)
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"ORDER#{large.order_id}"}, "sk": {"S": "ORDER"}})[
        "Item"
    ]
    assert "body" not in item[f"e#{large.digest}"]["M"]
    assert stored(orders).snapshot.body == large.body


def test_crash_after_the_body_is_healed(orders: OrdersTable, dynamodb: Any) -> None:
    """A crash between writing the body and the order is healed by the retry."""
    large = event(12, comment=noise(3 * INLINE_BODY_BYTES))

    def crash(**_: Any) -> None:
        raise KeyboardInterrupt

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", crash)
    with pytest.raises(KeyboardInterrupt):
        write(orders, large)
    dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", crash)
    assert orders.get(large.order_id) is None
    assert write(orders, large) == Written(stored=1)
    assert stored(orders).snapshot.body == large.body


@pytest.mark.slow
def test_long_history_keeps_a_small_row(orders: OrdersTable, dynamodb: Any) -> None:
    """The history of an order with hundreds of events is complete, and its row stays small."""
    events = [event(12, comment=noise(2_000, seed)) for seed in range(200)]
    for one in events:
        write(orders, one)
    found = stored(orders)
    assert {entry.body for entry in found.history} == {one.body for one in events}
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"ORDER#{events[0].order_id}"}, "sk": {"S": "ORDER"}})[
        "Item"
    ]
    inline = sum(
        len(value["M"]["body"]["B"]) for name, value in item.items() if name[:2] == "e#" and "body" in value["M"]
    )
    assert inline == int(item["body_bytes"]["N"])
    assert inline <= ROW_BODIES_BYTES + INLINE_BODY_BYTES


def test_order_expires_as_a_whole(orders: OrdersTable, dynamodb: Any) -> None:
    """All rows of an order expire together, one retention period after its creation."""
    write(orders, event(12), event(13, comment=noise(3 * INLINE_BODY_BYTES)))
    items = dynamodb.scan(TableName=TABLE)["Items"]
    created = event().order.sys.created_at
    assert created is not None
    assert {int(item["expires_at"]["N"]) for item in items} == {int((created + RETENTION).timestamp())}
    assert len(items) == 2


def test_old_order_is_kept_for_two_weeks(orders: OrdersTable, dynamodb: Any) -> None:
    """No event is dropped by its own clock: one past its retention is stored for 14 days after it arrived, and a large
    body of it as long."""
    times = {"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T08:00:00Z"}
    assert write(orders, event(sys=times), event(sys=times, comment=noise(3 * INLINE_BODY_BYTES))).stored == 2
    items = dynamodb.scan(TableName=TABLE)["Items"]
    assert [int(item["expires_at"]["N"]) for item in items] == [int((NOW + timedelta(days=14)).timestamp())] * 2


def test_late_event_keeps_the_order_for_two_weeks(dynamodb: Any) -> None:
    """An event that arrives a day before its order expires is kept for 14 days, and the order with it."""
    table = OrdersTable(dynamodb, TABLE, timedelta(days=1))
    first, late = event(13), event(12)
    table.write([(first, Arrival("webhook", NOW))])
    arrived = NOW + timedelta(days=13)
    table.write([(late, Arrival("webhook", arrived))])
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) == int((arrived + timedelta(days=14)).timestamp())


@pytest.mark.parametrize("late", [event(12), event(15)], ids=["below the head", "new head"])
@pytest.mark.parametrize("is_killed", [False, True])
def test_late_event_keeps_the_whole_history(dynamodb: Any, late: OrderEvent, is_killed: bool) -> None:
    """A late event keeps large bodies as long as their order, also if the consumer was killed right after the write."""
    orders = OrdersTable(dynamodb, TABLE, timedelta(days=1))
    write(orders, event(13, comment=noise(3 * INLINE_BODY_BYTES)))
    arrived = NOW + timedelta(days=13)
    if is_killed:
        dynamodb.meta.events.register("before-call.dynamodb.Query", killed)
        with pytest.raises(KeyboardInterrupt):
            orders.write([(late, Arrival("webhook", arrived))])
        dynamodb.meta.events.unregister("before-call.dynamodb.Query", killed)
    orders.write([(late, Arrival("webhook", arrived))])
    items = dynamodb.scan(TableName=TABLE)["Items"]
    assert [int(item["expires_at"]["N"]) for item in items] == [int((arrived + timedelta(days=14)).timestamp())] * 2


@pytest.mark.parametrize("is_one_batch", [False, True])
def test_head_that_came_first_takes_no_time(dynamodb: Any, is_one_batch: bool) -> None:
    """A head that arrived before a late event leaves the order the late event's time, though it is written last."""
    orders = OrdersTable(dynamodb, TABLE, timedelta(days=1))
    write(orders, event(12))
    late = (event(11), Arrival("webhook", NOW + timedelta(days=10)))
    head = (event(15), Arrival("webhook", NOW + timedelta(days=1)))
    for batch in ([late, head],) if is_one_batch else ([late], [head]):
        orders.write(batch)
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) == int((NOW + timedelta(days=24)).timestamp())


def killed(**_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("days", [(0, 13), (13, 0)])
def test_last_event_of_a_batch_keeps_the_order(dynamodb: Any, days: tuple[int, int]) -> None:
    """Of late events that are written together, the one that arrived last keeps the order and its large bodies."""
    orders = OrdersTable(dynamodb, TABLE, timedelta(days=1))
    write(orders, event(14, comment=noise(3 * INLINE_BODY_BYTES)))
    first, second = (NOW + timedelta(days=day) for day in days)
    orders.write([(event(12), Arrival("webhook", first)), (event(13), Arrival("webhook", second))])
    items = dynamodb.scan(TableName=TABLE)["Items"]
    expected = int((NOW + timedelta(days=13 + 14)).timestamp())
    assert [int(item["expires_at"]["N"]) for item in items] == [expected] * 2


@pytest.mark.parametrize("comments", [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("confirmed", ["one", "two"])
def test_confirmation_decides_between_equals(orders: OrdersTable, comments: tuple[str, str], confirmed: str) -> None:
    """Of two events with one clock, the one that a GET showed last is the snapshot, in whatever order they came."""
    write(orders, *(event(12, comment=comment) for comment in comments))
    shown = event(12, comment=confirmed)
    assert (
        orders.write([(shown, Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=1)))]).confirmed == 1
    )
    assert stored(orders).snapshot.digest == shown.digest


@pytest.mark.parametrize("is_one_batch", [True, False])
@pytest.mark.parametrize("is_known", [True, False])
def test_shown_open_state_leaves_a_final_one(orders: OrdersTable, is_one_batch: bool, is_known: bool) -> None:
    """An open state never replaces a final one, though a GET showed it last, and whether it was known or is new."""
    final = (event(12, status="CANCELLED"), ARRIVAL)
    opened = event(20, status="DISPATCHED")
    if is_known:
        write(orders, opened)
    shown = (opened, Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=30)))
    for batch in [[final, shown]] if is_one_batch else [[final], [shown]]:
        orders.write(batch)
    found = stored(orders)
    assert (found.status, found.snapshot.digest, len(found.history)) == ("CANCELLED", final[0].digest, 2)


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_latest_showing_decides(orders: OrdersTable, is_one_batch: bool) -> None:
    """Of two equal events the one that a GET showed last is the snapshot, though it was shown before the other, too."""
    showings = [("one", 1), ("two", 2), ("one", 3)]
    for number, told in enumerate([*permutations(showings), *permutations([(name, -at) for name, at in showings])]):
        arrived = [
            (
                event(12, order_id=f"o{number}", comment=name),
                Arrival("reconciliation", NOW, "c", shown_at=NOW + timedelta(minutes=at)),
            )
            for name, at in told
        ]
        for batch in [arrived] if is_one_batch else [[one] for one in arrived]:
            orders.write(batch)
        found = orders.get(f"o{number}")
        assert found is not None
        last = max(arrived, key=lambda one: str(one[1].shown_at))[0]
        assert found.snapshot.digest == last.digest


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_digest_decides_last(orders: OrdersTable, is_one_batch: bool) -> None:
    """Of events that are equal in all else the greatest digest is the snapshot, in whatever order they came."""
    for number in range(6):
        events = [event(12, order_id=f"o{number}", comment=comment) for comment in ("a", "b", "c")]
        events = events[number % 3 :] + events[: number % 3]
        arrived = [(one, Arrival("webhook", NOW + timedelta(minutes=at))) for at, one in enumerate(events)]
        for batch in [arrived] if is_one_batch else [[one] for one in arrived]:
            orders.write(batch)
        found = orders.get(f"o{number}")
        assert found is not None
        assert found.snapshot.digest == max(one.digest for one in events)


def test_confirmed_head_is_no_change(orders: OrdersTable) -> None:
    """A GET that shows the snapshot once more moves nothing that subscribers would be told of."""
    shown = event(12)
    write(orders, shown)
    before = stored(orders)
    showing = Arrival("reconciliation", NOW, "c", shown_at=NOW)
    assert orders.write([(shown, showing)]) == Written(duplicates=1, confirmed=1)
    after = stored(orders)
    assert (after.sequence, after.snapshot.digest) == (before.sequence, before.snapshot.digest)
    assert orders.write([(shown, showing)]) == Written(duplicates=1)


def test_masked_copy_never_hides_a_full_one(orders: OrdersTable) -> None:
    """A masked copy of an event never replaces the full one as the snapshot."""
    full = event(12)
    masked = event(12, customer={"first_name": "A***"}, extra="a", more="b")
    orders.write([(full, ARRIVAL), (masked, Arrival("reconciliation", NOW, "c", shown_at=NOW))])
    found = stored(orders)
    assert found.snapshot.digest == full.digest


@pytest.mark.slow
def test_history_moves_out_of_a_full_row(orders: OrdersTable, dynamodb: Any) -> None:
    """However many events an order has, its row stays small, each event is kept once, and the head moves on."""
    events = [event(minute % 50, comment=f"{minute}") for minute in range(350)]
    for start in range(0, len(events), 10):
        orders.write([(one, ARRIVAL) for one in events[start : start + 10]])
    assert orders.write([(one, ARRIVAL) for one in events[:20]]) == Written(duplicates=20)
    final = event(55, status="DELIVERED")
    orders.write([(final, ARRIVAL)])
    found = stored(orders)
    assert found.status == "DELIVERED"
    assert found.digests == {one.digest for one in (*events, final)}
    row = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"ORDER#{final.order_id}"}, "sk": {"S": "ORDER"}})["Item"]
    assert sum(name.startswith("e#") for name in row) <= MAX_ENTRIES + 10
    assert orders.has_moved(final.order_id, events[0].digest)


@pytest.mark.slow
def test_moved_event_can_be_confirmed(orders: OrdersTable) -> None:
    """A GET that shows an event whose entry has moved makes it the snapshot where the clocks are equal."""
    events = [event(12, comment=f"{number}") for number in range(250)]
    for start in range(0, len(events), 25):
        orders.write([(one, ARRIVAL) for one in events[start : start + 25]])
    moved = next(one for one in events if orders.has_moved(one.order_id, one.digest))
    orders.write([(moved, Arrival("reconciliation", NOW, "c", shown_at=NOW))])
    found = stored(orders)
    assert found.snapshot.digest == moved.digest
    assert len(found.history) == len(events)


def test_any_failed_call_raises(orders: OrdersTable, dynamodb: Any) -> None:
    """Whichever call of a write fails, the write raises, and repeating it stores the event with its large body."""
    made: list[str] = []

    def fail(event_name: str, **_: Any) -> None:
        made.append(event_name)
        if len(made) == number:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")

    dynamodb.meta.events.register("before-call.dynamodb", fail)
    for number in (1, 2):
        made.clear()
        large = event(12, order_id=f"o{number}", comment=noise(3 * INLINE_BODY_BYTES))
        with pytest.raises(ClientError):
            write(orders, large)
        assert write(orders, large).stored == 1
        found = orders.get(large.order_id)
        assert found is not None
        assert [entry.body for entry in found.history] == [large.body]
    dynamodb.meta.events.unregister("before-call.dynamodb", fail)


def test_throttled_write_raises(orders: OrdersTable, dynamodb: Any) -> None:
    """A write to a throttled table raises, so that nothing is counted as stored."""

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "UpdateItem")

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", throttle)
    with pytest.raises(ClientError):
        write(orders, event(12))


# -- access patterns --------------------------


@pytest.fixture
def day(orders: OrdersTable) -> OrdersTable:
    """Three orders of two stores."""
    for order_id, minute, status, store, code, number in (
        ("a", 12, "RECEIVED", "q7xk", "0417", "n-1"),
        ("b", 20, "DISPATCHED", "q7xk", "0417", "n-2"),
        ("c", 30, "RECEIVED", "n9wz", "0001", "n-3"),
    ):
        at = f"2026-10-14T08:{minute}:00.000Z"
        write(
            orders,
            event(
                order_id=order_id,
                status=status,
                order_code=code,
                external_order_id=number,
                client={"store_id": store},
                sys={"created_at": at, "updated_at": at},
            ),
        )
    return orders


def test_orders_are_found_by_external_id(day: OrdersTable) -> None:
    """Orders are found by the platform's number."""
    assert day.by_external_order_id("n-2") == ["b"]
    assert day.by_external_order_id("n-9") == []


def test_orders_are_found_by_code(day: OrdersTable) -> None:
    """Orders are found by a store's code, newest first."""
    assert day.by_order_code("q7xk", "0417") == ["b", "a"]
    assert day.by_order_code("q7xk", "0417", limit=1) == ["b"]
    assert day.by_order_code("n9wz", "0417") == []


def test_store_orders_are_listed_by_time(day: OrdersTable) -> None:
    """The orders of a store are listed by time."""
    start = NOW - timedelta(hours=1)
    assert day.of_store("q7xk", start, NOW) == ["a", "b"]
    assert day.of_store("q7xk", start + timedelta(minutes=15), NOW) == ["b"]


def test_open_orders_are_listed_until_closed(day: OrdersTable) -> None:
    """Open orders are listed until they are closed."""
    assert day.open_since(NOW - timedelta(hours=1)) == ["a", "c"]
    assert day.open_since(NOW - timedelta(minutes=40)) == ["c"]
    write(day, event(40, order_id="a", status="CANCELLED", client={"store_id": "q7xk"}))
    assert day.open_since(NOW - timedelta(hours=1)) == ["c"]


def test_every_access_pattern_is_one_request(day: OrdersTable, dynamodb: Any) -> None:
    """Every access pattern takes one request."""
    calls = Calls(dynamodb)
    day.get("a")
    day.by_external_order_id("n-1")
    day.by_order_code("q7xk", "0417")
    day.of_store("q7xk", NOW - timedelta(hours=1), NOW)
    day.open_of_store("q7xk", NOW - timedelta(hours=1), NOW)
    assert calls.made == ["Query"] * 5


class Unprocessing:
    """DynamoDB that leaves every key of the first ``times`` requests unprocessed."""

    def __init__(self, client: Any, times: int) -> None:
        self._client = client
        self.left = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self.left -= 1
        if self.left >= 0:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        answer: dict[str, Any] = self._client.batch_get_item(RequestItems=RequestItems)
        return answer


def test_unprocessed_keys_are_retried(day: OrdersTable, dynamodb: Any) -> None:
    """Keys that DynamoDB leaves unprocessed are requested again, after growing pauses."""
    slept: list[float] = []
    table = OrdersTable(Unprocessing(dynamodb, times=3), TABLE, RETENTION, slept.append)  # type: ignore[arg-type]
    assert table.known(["a", "b", "nobody"]).keys() == {"a", "b"}
    assert len(slept) == 3
    assert 0 < slept[0] < slept[1] < slept[2] < 1


def test_unprocessed_keys_end_as_throttling(dynamodb: Any) -> None:
    """Keys that stay unprocessed for seconds count as throttling."""
    client, slept = Unprocessing(dynamodb, times=1_000), list[float]()
    table = OrdersTable(client, TABLE, RETENTION, slept.append)  # type: ignore[arg-type]
    with pytest.raises(ClientError) as raised:
        table.known(["a"])
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert client.left > 900
    assert 3 < sum(slept) < 10


def test_digests_are_read_in_hundreds(day: OrdersTable, dynamodb: Any) -> None:
    """The digests of many orders are read a hundred orders a request."""
    calls = Calls(dynamodb)
    known = day.known(["a", "b", "nobody", *(f"x{number}" for number in range(120))])
    assert known.keys() == {"a", "b"}
    assert all(len(order.digests) == 1 for order in known.values())
    assert calls.made == ["BatchGetItem", "BatchGetItem"]
