"""What must not stop, mislead or starve the reconciler: stores that always fail, dates and pages that lie, rows that
somebody wrote by hand, and a platform that wants to be left alone."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from partner_orders.order_events.message import MAX_BODY_BYTES
from partner_orders.platform import http
from partner_orders.platform import orders as partner_api
from partner_orders.reconciler.backfill import InvalidRequestError
from partner_orders.reconciler.windows import Position
from tests.support.orders_table import TABLE
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import Change, between, edited, only_backfills, set_store
from tests.support.reconciler_world import World
from tests.support.sampling import pairs
from tools.local.simulated_platform.lives import Life, Shop, Step
from tools.local.simulated_platform.partner_api import Response, Unknowns

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=12), VirtualTime(AFTER))


def dated(date: str, times: int) -> Change:
    left = [date] * times

    def change(_: Any, answer: Response) -> Response:
        return Response(answer.status, {**answer.headers, "Date": left.pop()}, answer.body) if left else answer

    return change


# -- one store's trouble is its own -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_failing_stores_starve_no_other(dynamodb: Any) -> None:
    """Stores that always fail do not starve those that respond."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER), limit=6)
    for number in range(85):  # more than a run's requests, which are five a minute
        set_store(world, f"closed-{number:03}", name="closed")
    for store_id in {life.shop.store_id for life in world.lives}:
        world.table.move(Position(store_id, AFTER - timedelta(minutes=125), AFTER), 0)
    for _ in range(3):
        world.run()
        world.drain()
    assert world.not_in_sync() == []


def test_unauthorized_store_stops_no_other(world: World) -> None:
    """A store that rejects the token does not end every run before the others."""
    set_store(world, "0-first", name="refused")
    between(
        world, lambda request, answer: Response(401, {}, b"{}") if "/vendors/0-first/" in request.target else answer
    )
    for _ in range(3):
        world.run()
        world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_rejected_token_of_one_store_is_its_own(dynamodb: Any, refused: int) -> None:
    """A store that rejects a token which worked for another one fails alone, whether it is read last or before."""
    world = World(dynamodb, lives(orders=12, stores=4), VirtualTime(AFTER))
    stores = sorted({life.shop.store_id for life in world.lives})
    for number, store_id in enumerate(stores):
        # In this order, since the store that was read longest ago comes first.
        world.table.move(Position(store_id, AFTER - timedelta(minutes=60 - number), AFTER), 0)
    between(
        world,
        lambda request, answer: (
            Response(401, {}, b"{}") if f"/vendors/{stores[refused]}/" in request.target else answer
        ),
    )
    report = world.run()
    assert (report.failed_stores, report.counts["stores_checked"]) == ({stores[refused]: "unauthorized"}, 3)
    assert report.to_json()["failed_stores"] == report.failed_stores


# -- what the platform says of itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "date", ["Mon, 12 Oct 2026 08:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"]
)
def test_impossible_date_is_ignored(world: World, date: str) -> None:
    """An impossible date in a response is ignored."""
    between(world, dated(date, times=4))
    for _ in range(3):
        report = world.run()
        world.drain()
        assert report.failed_stores == {}
        assert report.counts["requests"] > 0
        world.time.sleep(300)
    assert world.not_in_sync() == []
    for position in world.table.positions().values():
        assert position.checked_until is not None
        assert position.checked_until <= world.time.now()


def assert_read_by_its_own_id(world: World, shop: Shop) -> None:
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []
    assert world.table.position(shop.store_id).vendor_id == shop.store_id


def test_learnt_id_of_another_is_not_used(world: World) -> None:
    """A learnt id that now belongs to another store is not used."""
    mine, other = world.shops
    world.table.move(Position(mine.store_id, vendor_id=other.store_id), fencing_token=0)
    assert_read_by_its_own_id(world, mine)


def test_code_with_others_orders_is_dropped(world: World) -> None:
    """A code that shows another store's orders gives way to the store's own id."""
    mine, other = world.shops
    world.api._shops[mine.external_partner_config_id] = world.api._shops[other.store_id]
    world.table.move(Position(mine.store_id, vendor_id=mine.external_partner_config_id), fencing_token=0)
    assert_read_by_its_own_id(world, mine)


def test_store_with_others_orders_fails(world: World) -> None:
    """A store of which the platform shows only another store's orders fails."""
    mine, other = world.shops
    own = world.api._shops.pop(mine.store_id)
    world.api._shops[mine.external_partner_config_id] = world.api._shops[other.store_id]
    assert world.run().failed_stores == {mine.store_id: "another_store"}
    assert world.table.position(mine.store_id).checked_until is None
    world.drain()
    assert {*world.not_in_sync()} == {life.order_id for life in own}


def test_code_of_a_predecessor_is_used(world: World) -> None:
    """A code with the orders of a store and of its predecessor is used."""
    mine, other = world.shops
    own = world.api._shops.pop(mine.store_id)
    world.api._shops[mine.external_partner_config_id] = [*world.api._shops[other.store_id], *own]
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_store_registered_by_code_is_read(world: World) -> None:
    """A store registered by the chain's own id alone gets its orders."""
    code = world.shops[0].external_partner_config_id
    world.dynamodb.delete_item(
        TableName=TABLE, Key={"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{world.shops[0].store_id}"}}
    )
    set_store(world, code, currency="EUR")
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(("pages", "in_parts"), pairs(["[2]", "[3]", r"([2-9]|\d\d)"], [True, False]))
def test_empty_counted_page_is_read_in_parts(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, pages: str, in_parts: bool
) -> None:
    """A page that is counted but empty is read in shorter parts, or its store fails."""
    if not in_parts:
        monkeypatch.setattr("partner_orders.reconciler.windows.SHORTEST_PART", timedelta(days=90))
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world, lies = World(dynamodb, lives(orders=40), VirtualTime(AFTER)), [True]

    def change(request: Any, answer: Response) -> Response:
        return edited(answer, orders=[]) if lies and re.search(f"[?&]page={pages}&", request.target) else answer

    between(world, change)
    report = world.run()
    if in_parts:
        world.drain()
        assert (report.failed_stores, world.not_in_sync()) == ({}, [])
        assert report.api_errors["empty_page"] > 0
        return
    assert {*report.failed_stores.values()} == {"empty_page"}
    failed = report.failed_stores.keys()
    assert all(world.table.position(store_id).checked_until is None for store_id in failed)
    lies.clear()
    world.time.sleep(300)
    world.run()
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"latitude":', b'"strange":NaN,"latitude":'),
        (b'"latitude":', b'"latitude":1,"latitude":'),
        (b'"latitude":', b'"strange":' + b"7" * 150 + b',"latitude":'),
        (b'"latitude":', b'"strange":' + b"[" * 80 + b"]" * 80 + b',"latitude":'),
    ],
)
def test_strange_order_hides_no_other(world: World, old: bytes, new: bytes) -> None:
    """One strange order is stored with the rejected events and does not hide the others."""
    between(world, lambda _, answer: Response(answer.status, answer.headers, answer.body.replace(old, new, 1)))
    report = world.run()
    assert report.failed_stores == {}
    world.drain()
    stores = len({life.shop.store_id for life in world.lives})
    assert 1 <= len(world.rejected.newest()) <= stores
    assert len(world.not_in_sync()) <= stores
    world.time.sleep(300)
    assert world.run().counts["not_understood"] == 0  # once it is kept it is not asked for again


@pytest.mark.parametrize(
    "odd",
    [b'{"job_id":"7"}', b"7", b"null", b"[]", b'"order"', b"{}"],
    ids=["callback", "number", "null", "list", "text", "object"],
)
def test_odd_entry_of_a_page_hides_no_order(world: World, odd: bytes) -> None:
    """What stands among the orders and is none costs no order and no store."""
    between(
        world,
        lambda _, answer: Response(
            answer.status, answer.headers, answer.body.replace(b'"orders":[{', b'"orders":[' + odd + b",{", 1)
        ),
    )
    assert world.run().failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(
    ("wait", "status"),
    pairs([("3600", 3_600), ("130", 130), ("Wed, 14 Oct 2026 11:00:00 GMT", 3_600)], [429, 503, 403]),
)
def test_long_wait_is_honoured(world: World, wait: tuple[str, int], status: int) -> None:
    """The platform gets no request before the time it asked for, not even from a new worker."""
    header, least = wait
    between(world, lambda *_: Response(status, {"Retry-After": header, "Content-Type": "text/html"}, b"<html>"))
    world.run()
    assert len(world.api.requests) == 1
    world.time.sleep(60)
    world.new_worker()
    assert world.run().stopped == "the_platform_wants_to_be_asked_later"
    assert len(world.api.requests) == 1
    world.time.sleep(least)
    world.run()
    first, second, *_ = world.api.requests
    assert second - first >= timedelta(seconds=least - 1)


@pytest.mark.parametrize("status", [429, 503, 403])
def test_short_wait_is_honoured_across_runs(world: World, status: int) -> None:
    """A short wait that the platform asks for holds across stores and runs."""
    between(world, lambda *_: Response(status, {"Retry-After": "45", "Content-Type": "text/html"}, b"<html>"))
    for _ in range(4):
        world.run()
        world.new_worker()
        world.time.sleep(20)
    assert len(world.api.requests) > http.TRIES
    assert all(after - before >= timedelta(seconds=45) for before, after in pairwise(world.api.requests))


@pytest.mark.parametrize("status", [408, 425])
def test_timeout_of_the_server_is_retried(world: World, status: int) -> None:
    """A request that the server timed out, or was early for, is sent again in the same run."""
    left = [status]
    between(world, lambda _, answer: Response(left.pop(), {}, b"") if left else answer)
    report = world.run()
    assert (report.failed_stores, report.api_errors["refused"]) == ({}, 1)


def test_retry_time_as_seconds_since_1970(world: World) -> None:
    """A Retry-After that is a time since 1970 is waited for, and no day longer."""
    left = [int((world.time.now() + timedelta(seconds=40)).timestamp())]
    between(world, lambda _, answer: Response(429, {"Retry-After": str(left.pop())}, b"") if left else answer)
    assert world.run().stopped == ""
    first, second, *_ = world.api.requests
    assert timedelta(seconds=35) <= second - first <= timedelta(seconds=60)


def test_retry_time_uses_platform_clock(world: World) -> None:
    """A time in Retry-After is read by the platform's clock."""
    world.new_worker(clock_off_by=timedelta(minutes=5))
    answers = [Response(429, {"Retry-After": "Wed, 14 Oct 2026 10:00:50 GMT"}, b"<html>")]

    def change(_: Any, answer: Response) -> Response:
        if not answers:
            return answer
        first = answers.pop()
        return Response(first.status, {**answer.headers, **first.headers}, first.body)

    between(world, change)
    assert world.run().stopped == ""
    assert world.api.requests[1] >= AFTER + timedelta(seconds=50)


def test_blocked_address_ends_the_run(world: World) -> None:
    """A page that blocks our address ends the run at the first store, after long waits between its tries."""
    page = Response(403, {"Content-Type": "text/html; charset=UTF-8"}, b"<html>Access denied</html>")
    between(world, lambda *_: page)
    report = world.run()
    assert (report.stopped, len(report.failed_stores)) == ("blocked", 1)
    assert len(world.api.requests) == report.api_errors["blocked"] == http.TRIES
    assert world.time.seconds >= 60 * (http.TRIES - 1)


def test_block_after_a_burst_keeps_the_lease(dynamodb: Any) -> None:
    """A block after a burst does not cost the lease."""
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER), limit=60)
    for number in range(60):
        set_store(world, f"closed-{number:02}", name="closed")
    count = [0]

    def block(_: Any, answer: Response) -> Response:
        count[0] += 1
        return Response(429, {}, b"<html>") if count[0] == 55 else answer

    between(world, block)
    assert world.run().stopped != "lease_lost"


# -- rows that somebody wrote -----------------------------------------------------------------------------------------


def test_deleted_lease_stops_nothing(world: World) -> None:
    """A deleted lease stops nothing."""
    for _ in range(3):
        world.run()
        world.time.sleep(300)
    world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "RECONCILIATION"}, "sk": {"S": "LEASE"}})
    world.new_worker()
    assert world.run().stopped == ""


@pytest.mark.parametrize(
    "row",
    [
        {"sk": {"S": "POSITION#x"}, "store_id": {"S": "x"}, "checked_until": {"S": "soon"}},
        {"sk": {"S": "POSITION#x"}},
        {"sk": {"S": "BACKFILL#x"}},
        {"sk": {"S": "BACKFILL#x"}, "backfill_id": {"S": "x"}, "state": {"B": b"{}"}},
    ],
)
def test_unreadable_row_stops_nothing(world: World, row: dict[str, Any]) -> None:
    """A row that cannot be read stops nothing."""
    world.dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "RECONCILIATION"}, **row})
    assert world.run().stopped == ""
    world.drain()
    assert world.not_in_sync() == []


def test_path_as_a_store_id_is_not_followed(world: World) -> None:
    """Nothing is requested by a store id that is a path to elsewhere, and the store is reported."""
    set_store(world, "..", name="elsewhere")
    report = world.run()
    assert report.failed_stores == {"..": "not_found"}
    assert [asked.url for asked in world.sessions[-1].asked if "/../" in asked.url] == []


# -- previews and backfills -------------------------------------------------------------------------------------------


def test_preview_counts_only_for_itself(world: World) -> None:
    """A preview enqueues nothing and counts for nothing but itself."""
    backfill_id = world.worker.add_backfill({"preview": True})
    report = only_backfills(world)
    assert world.queue.messages == []
    assert (report.counts["missing"], report.repairs) == (0, [])
    progress = world.worker.backfill(backfill_id)
    assert (progress["state"], progress["missing"], progress["enqueued"]) == ("done", 12, 0)


def test_order_is_enqueued_once_a_run(world: World) -> None:
    """An order is enqueued once a run, however many backfills ask for it."""
    for _ in range(5):
        world.worker.add_backfill({})
    report = world.run()
    assert report.counts["missing"] == 12
    assert len(world.queue.messages) == 12


def the_second_page_is_forbidden_once(world: World) -> list[Response]:
    """Gives what is still to be answered."""
    left = [Response(403, {}, b"{}")]
    between(world, lambda request, answer: left.pop() if "page=2&" in request.target and left else answer)
    return left


def test_retried_store_is_counted_once(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is retried is counted once."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(orders=12), VirtualTime(AFTER))
    the_second_page_is_forbidden_once(world)
    backfill_id = world.worker.add_backfill({})
    only_backfills(world)
    progress = world.worker.backfill(backfill_id)
    assert (progress["state"], progress["orders_checked"]) == ("done", 12)


def test_backfill_counts_despite_failures(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders found by a backfill count, even if their store fails or time runs out."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 3)
    world = World(dynamodb, lives(orders=60), VirtualTime(AFTER))
    left = the_second_page_is_forbidden_once(world)
    world.limit = 10
    world.new_worker()
    backfill_id = world.worker.add_backfill({})
    stopped = set()
    while (progress := world.worker.backfill(backfill_id))["state"] != "done":
        stopped.add(only_backfills(world, seconds=130).stopped)
        world.drain()
        world.new_worker()
        world.time.sleep(60)
    assert stopped == {"out_of_time", ""}
    assert left == []
    assert (progress["missing"], progress["enqueued"]) == (60, 60)
    assert world.not_in_sync() == []


def test_preview_in_parts_counts_orders_once(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview in parts counts each order once."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 2)
    world = World(dynamodb, lives(orders=100, stores=1), VirtualTime(AFTER))
    made = len({life.created_at.replace(microsecond=0) for life in world.lives})
    window = {"from": START.isoformat(), "to": (START + timedelta(hours=1, minutes=1)).isoformat()}
    backfill_id = world.worker.add_backfill({**window, "preview": True})
    while (progress := world.worker.backfill(backfill_id))["state"] != "done":
        only_backfills(world)
    assert made > 50  # so that many parts meet where an order was made
    assert progress["missing"] == 100


def test_queue_failure_is_not_a_repair(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the queue refuses does not count as a repair."""

    def refuse(_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "send_all", refuse)
        refused = world.run()
    world.time.sleep(300)
    counts = refused.counts + world.run().counts
    assert (counts["missing"], counts["webhooks_missed"], counts["enqueued"]) == (12, 12, 12)
    assert refused.repairs == []


def test_backfill_skips_paused_stores(world: World) -> None:
    """A backfill of all stores skips paused ones; naming a store includes it."""
    paused, *_ = {life.shop.store_id for life in world.lives}
    set_store(world, paused, is_paused="true")
    assert world.worker.backfill(world.worker.add_backfill({}))["stores"] == 1
    assert world.backfill(stores=[paused])["orders_checked"] == sum(
        life.shop.store_id == paused for life in world.lives
    )


def test_resumed_backfill_has_no_gap(dynamodb: Any) -> None:
    """The ends of a window may be excluded, yet an order made on the second where a part ended is found."""
    unknowns = Unknowns(start_included=False, end_included=False)
    world = World(dynamodb, lives(orders=12, stores=1), VirtualTime(AFTER), unknowns)
    seam = world.lives[0].created_at.replace(microsecond=0)
    life = Life("on-the-seam", world.lives[0].shop, (Step(seam, world.lives[0].steps[0].body, True),), False)
    life.steps[0].body["order_id"] = life.order_id
    life.steps[0].body["sys"]["created_at"] = seam.isoformat()
    world.api.show([life])
    backfill_id = world.worker.add_backfill({"from": (seam - timedelta(hours=1)).isoformat()})
    backfill = world.table.backfill(backfill_id)
    assert backfill is not None
    world.table.save(replace(backfill, done_until=seam), fencing_token=0)
    only_backfills(world)
    assert world.worker.backfill(backfill_id)["missing"] == 1


@pytest.mark.slow
def test_large_store_delays_no_other(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backfill of a store with many pages does not delay the checks of the others."""
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    world = World(dynamodb, lives(orders=300, stores=6), VirtualTime(AFTER))
    while world.not_in_sync() or any(not each.daily_check_at for each in world.table.positions().values()):
        world.run()
        world.drain()
        world.time.sleep(300)
    large = world.lives[0].shop.store_id
    for position in world.table.positions().values():
        # A look further back, in pages of one order, would take more than the backfill.
        world.table.move(replace(position, older_look_at=world.time.now()), fencing_token=world.lease.fencing_token)
    monkeypatch.setattr("partner_orders.reconciler.windows.PAGES_AT_ONCE", 5)
    world.worker.add_backfill({"stores": [large]})
    world.limit = 10
    world.new_worker()
    assert world.run(seconds=600).counts["stores_checked"] >= 6


@pytest.mark.parametrize("stores", ["", False, 0, {}])
def test_empty_store_list_is_not_every_store(world: World, stores: Any) -> None:
    """An empty value for the stores is rejected, not taken for every store."""
    with pytest.raises(InvalidRequestError, match="list of store ids"):
        world.worker.add_backfill({"stores": stores})


# -- what the queue can carry -----------------------------------------------------------------------------------------


def test_large_order_in_arabic_is_healed(world: World) -> None:
    """A large order in another script, where each letter takes several bytes, is healed."""
    body = world.lives[0].steps[-1].body
    line = body["items"][0]
    body["items"] = [line | {"_id": str(number), "name": "مياه معدنية طبيعية نقية " * 25} for number in range(100)]
    world.run()
    world.drain()
    assert world.rejected.newest() == []
    assert world.not_in_sync() == []


def test_order_too_large_is_counted(world: World) -> None:
    """Each order that is too large for a message is counted and holds up no other."""
    for life in world.lives[:2]:
        life.steps[-1].body["comment"] = "x" * MAX_BODY_BYTES
    report = world.run()
    assert report.failed_stores == {}
    assert report.to_json()["too_large"] == 2
    world.drain()
    assert {*world.not_in_sync()} == {life.order_id for life in world.lives[:2]}


def test_token_is_reread_after_another_fault(world: World) -> None:
    """A token that is rejected after another fault is read again."""
    answers = [500, 401]
    between(world, lambda _, answer: Response(answers.pop(0), {}, b"{}") if answers else answer)
    report = world.run()
    assert (report.stopped, report.failed_stores) == ("", {})
