"""A backfill from step to step, without a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.reconciler.report import MAX_NAMED, Repair
from partner_orders.reconciler.table import Backfill
from partner_orders.reconciler.windows import LeftOut

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NONE = dict.fromkeys(("orders_checked", "in_step", "missing", "different", "not_understood", "enqueued", "waiting"), 0)
COUNTED = {"orders_checked": 9, "in_step": 4, "missing": 3, "different": 1, "not_understood": 1, "enqueued": 4}
# What counts even if the rest of its store fails.
FOUND = {"missing": 3, "different": 1, "not_understood": 1, "enqueued": 4}
BACKFILL = Backfill("b-1", NOW - DAY, NOW, False, ("a", "b"), 3, done_until=NOW - HOUR, counts=NONE | {"in_step": 1})
PREVIEW = replace(BACKFILL, preview=True)


def repair(order_id: str, store_id: str = "a") -> Repair:
    return Repair(order_id, store_id, "missing", "RECEIVED", webhook_missed=True)


def named(order_id: str, store_id: str = "a") -> dict[str, str]:
    return {"order_id": order_id, "store_id": store_id, "found": "missing"}


def time_left_out(ago: timedelta) -> LeftOut:
    return LeftOut(NOW - ago, NOW - ago + MINUTE, "server_error:500", NOW)


def shown(store_id: str, begin: str, end: str) -> dict[str, str]:
    """A time that was left out, as reports name it."""
    times = {"from": f"2026-10-{begin}:00.000000Z", "to": f"2026-10-{end}:00.000000Z"}
    return {"store_id": store_id, **times, "failure": "server_error:500"}


# -- progress ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pending", "is_cancelled", "state", "is_over"),
    [
        (("a",), False, "running", False),
        (("a",), True, "cancelled", True),
        ((), False, "done", True),
        ((), True, "done", True),
    ],
)
def test_backfill_is_over_when_done_or_cancelled(
    pending: tuple[str, ...], is_cancelled: bool, state: str, is_over: bool
) -> None:
    """A backfill is over once no store is pending, or an operator cancelled it."""
    backfill = replace(BACKFILL, pending=pending, is_cancelled=is_cancelled)
    assert (backfill.is_over, backfill.to_json()["state"]) == (is_over, state)


def test_progress_names_everything() -> None:
    """The progress has the window, the counts with those of the store under way, and what failed."""
    backfill = replace(
        BACKFILL,
        store_counts=COUNTED,
        failed_stores={"c": "not_found"},
        left_out=(shown("c", "14T11:00", "14T11:01"),),
    )
    progress: dict[str, Any] = {
        "backfill": "b-1",
        "state": "running",
        "from": "2026-10-13T12:00:00.000000Z",
        "to": "2026-10-14T12:00:00.000000Z",
        "not_read_before": None,
        "preview": False,
        "stores": 3,
        "stores_done": 1,
        "orders_checked": 9,
        "in_step": 5,
        "missing": 3,
        "different": 1,
        "not_understood": 1,
        "enqueued": 4,
        "waiting": 0,
        "failed_stores": {"c": "not_found"},
        "left_out": [shown("c", "14T11:00", "14T11:01")],
    }
    assert backfill.to_json() == progress
    preview = replace(backfill, preview=True, not_read_before=NOW - HOUR, found=(named("o-1"),))
    assert preview.to_json() == progress | {
        "preview": True,
        "not_read_before": "2026-10-14T11:00:00.000000Z",
        "found": [named("o-1")],
    }


# -- what is counted and named ----------------------------------------------------------------------------------


def test_store_under_way_counts_apart() -> None:
    """What is counted of a store is kept apart from the others until the store is done."""
    counted = BACKFILL.counting(COUNTED).counting({"in_step": 1, "stores_checked": 7})
    assert counted == replace(BACKFILL, store_counts=NONE | COUNTED | {"in_step": 5})


def test_failed_part_counts_what_it_found() -> None:
    """Of a part that failed, what was found counts; a preview finds it again."""
    assert BACKFILL.counting_found(COUNTED) == replace(BACKFILL, counts=NONE | FOUND | {"in_step": 1})
    assert PREVIEW.counting_found(COUNTED) == PREVIEW


def test_preview_names_orders_once() -> None:
    """A preview names each order once, with its store, and no more than fifty; a backfill names none."""
    once = PREVIEW.naming([repair("o-1"), repair("o-2", "b"), repair("o-1")])
    assert once == replace(PREVIEW, found=(named("o-1"), named("o-2", "b")))
    assert once.naming([repair("o-2", "b"), repair("o-3")]).found == (*once.found, named("o-3"))
    many = once.naming([repair(f"p-{number}") for number in range(50)])
    assert many.found == (*once.found, *(named(f"p-{number}") for number in range(48)))
    assert BACKFILL.naming([repair("o-1")]) == BACKFILL


def test_time_left_out_is_named_anew() -> None:
    """What was left out of the store under way replaces what was named of the time that is read; other stores and older
    times stay, and what begins after the backfill is not of it."""
    kept = (shown("a", "13T23:59", "14T00:00"), shown("b", "14T11:00", "14T11:01"))
    before = replace(BACKFILL, left_out=(*kept, shown("a", "14T00:00", "14T00:01"), shown("a", "14T06:00", "14T06:01")))
    left_out = [time_left_out(ago) for ago in (12 * HOUR + MINUTE, 12 * HOUR, MINUTE, timedelta(0), -HOUR)]
    after = before.leaving_out(NOW - 12 * HOUR, left_out)
    new = (shown("a", "14T00:00", "14T00:01"), shown("a", "14T11:59", "14T12:00"))
    assert after == replace(before, left_out=(*kept, *new))


def test_few_times_left_out_are_named() -> None:
    """A backfill names only so many of the times that were left out."""
    many = [time_left_out(DAY - number * MINUTE) for number in range(MAX_NAMED + 1)]
    left_out = BACKFILL.leaving_out(BACKFILL.start, many).left_out
    assert (len(left_out), left_out[0]) == (MAX_NAMED, shown("a", "13T12:00", "13T12:01"))


# -- from store to store ----------------------------------------------------------------------------------------


def test_visit_is_noted_until_it_ends() -> None:
    """A visit is noted while it is under way."""
    assert BACKFILL.begun() == replace(BACKFILL, is_begun=True)
    assert BACKFILL.begun().ended() == BACKFILL


def test_store_that_is_put_last_begins_anew() -> None:
    """A store that is put last is read again from the start, and what was found in it counts."""
    last = replace(BACKFILL, store_counts=COUNTED).with_first_store_last()
    counts = NONE | FOUND | {"in_step": 1}
    assert last == replace(BACKFILL, pending=("b", "a"), done_until=None, counts=counts)


def test_store_that_is_done_counts() -> None:
    """A store that is done is no longer pending or failed, and all that was counted in it counts."""
    under_way = replace(BACKFILL, store_counts=COUNTED, is_begun=True, failed_stores={"a": "no_answer", "c": "refused"})
    counts = NONE | COUNTED | {"in_step": 5}
    done = replace(BACKFILL, pending=("b",), done_until=None, counts=counts, failed_stores={"c": "refused"})
    assert under_way.after_first_store(None) == done


def test_failed_store_is_tried_once_more() -> None:
    """A store that fails is put last; if it fails again, it is no longer pending."""
    under_way = replace(BACKFILL, is_begun=True, failed_stores={"c": "refused"})
    failed = {"c": "refused", "a": "no_answer"}
    first = under_way.after_first_store("no_answer")
    assert first == replace(BACKFILL, pending=("b", "a"), done_until=None, failed_stores=failed)
    again = replace(first, pending=("a",), store_counts=COUNTED, is_begun=True).after_first_store("refused")
    counts = NONE | COUNTED | {"in_step": 5}
    assert again == replace(first, pending=(), counts=counts, failed_stores=failed | {"a": "refused"})


def test_store_whose_visits_never_end_fails() -> None:
    """A store whose visits do not end is put last twice; after the third it has failed, and is no longer pending."""
    under_way = replace(BACKFILL, is_begun=True, unended_visits={"c": 2})
    first = under_way.after_unended_visit()
    assert first == replace(BACKFILL, pending=("b", "a"), done_until=None, unended_visits={"c": 2, "a": 1})
    third = replace(under_way, unended_visits={"a": 2}).after_unended_visit()
    failed = {"a": "ends_the_run"}
    assert third == replace(BACKFILL, pending=("b",), done_until=None, unended_visits={"a": 3}, failed_stores=failed)
