"""A page of orders, compared with ours."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from partner_orders.exact_json import parse
from partner_orders.orders.event import parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.stored import KnownOrder
from partner_orders.reconciler.comparison import Comparison, ComparisonScope
from partner_orders.reconciler.report import Report
from partner_orders.stores.store import Store
from tests.support.in_memory import MemoryOrders, MemoryQueue
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.platform import VirtualTime


class Desk:
    """Compares pages of one store, and drains what is enqueued."""

    def __init__(self, dynamodb: Any) -> None:
        self.time = VirtualTime()
        self.orders = MemoryOrders(self.time)
        self.queue = MemoryQueue(self.time)
        rejected = RejectedTable(dynamodb, TABLE, RETENTION, self.time.now)
        self.comparison = Comparison(self.orders, rejected, self.queue, self.time.now)

    def compare(self, *page: Any, **scope: bool) -> Report:
        report = Report(self.time.now())
        whose = ComparisonScope(Store("q7xk"), report, "run", **scope)
        orders = [parse(as_bytes(each)) for each in page]
        shown = self.comparison.compare(whose, orders, self.time.now)
        assert shown.order_ids == {each["order_id"] for each in page}
        return report

    def drain(self) -> list[str]:
        """Write what is enqueued; the statuses of it."""
        messages, self.queue.messages = self.queue.messages, []
        for message in messages:
            self.orders.put(message.body, message.shown_at)
        return [parse_event(message.body).status for message in messages]


@pytest.fixture
def desk(dynamodb: Any) -> Desk:
    return Desk(dynamodb)


RECEIVED, CANCELLED = order(12), order(40, status="CANCELLED")


@pytest.mark.parametrize("page", [(RECEIVED, CANCELLED), (CANCELLED, RECEIVED)])
def test_order_listed_twice_is_compared_twice(desk: Desk, page: tuple[Any, Any]) -> None:
    """Both states of an order that a page lists twice reach the table, in whichever order they are listed."""
    report = desk.compare(*page)
    assert Counter(desk.drain()) == Counter({"RECEIVED": 1, "CANCELLED": 1})
    known = desk.orders.known([RECEIVED["order_id"]])[RECEIVED["order_id"]]
    assert known.statuses == {"RECEIVED", "CANCELLED"}
    assert (report.counts["missing"], report.counts["different"]) == (1, 1)


def test_moved_history_is_looked_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an order whose history has moved to rows of its own, a state that is there is in sync, and another is not."""
    desk.compare(RECEIVED)
    desk.drain()
    known, moved = desk.orders.known, parse_event(as_bytes(RECEIVED)).digest

    def without_moved(order_ids: Iterable[str]) -> dict[str, KnownOrder]:
        found = known(order_ids).items()
        return {order_id: replace(one, has_moved=True, digests=frozenset()) for order_id, one in found}

    monkeypatch.setattr(desk.orders, "known", without_moved)
    monkeypatch.setattr(desk.orders, "has_moved", lambda _, digest: digest == moved)
    report = desk.compare(RECEIVED, CANCELLED)
    assert desk.drain() == ["CANCELLED"]
    assert report.counts["different"] == 1


def test_second_listing_is_in_sync_by_itself(desk: Desk) -> None:
    """Of an order that is listed twice, one state may be in sync while the other is not."""
    desk.compare(RECEIVED)
    desk.drain()
    desk.compare(RECEIVED)  # It is remembered now.
    report = desk.compare(RECEIVED, CANCELLED)
    assert desk.drain() == ["CANCELLED"]
    assert (report.counts["in_step"], report.counts["different"]) == (1, 1)
    assert desk.compare(RECEIVED, CANCELLED).counts["in_step"] == 2


def test_any_clock_is_enqueued(desk: Desk) -> None:
    """An order is enqueued whatever its clock says: years ago, ahead of ours, or nothing."""
    clocks = ("2010-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "2027-12-01T00:00:00Z", "2099-12-31T00:00:00Z", None)
    page = [order(order_id=f"o{number}", sys={"updated_at": clock}) for number, clock in enumerate(clocks)]
    assert (desk.compare(*page).counts["missing"], len(desk.drain())) == (len(clocks), len(clocks))


def test_what_is_enqueued_says_when_it_was_shown(desk: Desk) -> None:
    """Whatever is missing, different or rejected is enqueued with the time at which the platform showed it. So is what
    the table has of another time, where that makes it the present state."""
    for each in (RECEIVED, order(12, comment="Ring twice"), RECEIVED, RECEIVED | {"order_id": "o-2", "status": ""}):
        desk.time.sleep(4_000)
        desk.compare(each)
        assert [message.shown_at for message in desk.queue.messages] == [desk.time.now()]
        if each["status"]:
            desk.drain()


def test_same_state_listed_twice_is_enqueued_once(desk: Desk) -> None:
    """A state that a page lists twice is one state."""
    desk.compare(RECEIVED, RECEIVED)
    assert desk.drain() == ["RECEIVED"]


def test_second_webhook_missed_is_counted(desk: Desk) -> None:
    """Of an order that is listed in two states that are sent, each webhook was missed."""
    assert desk.compare(RECEIVED, CANCELLED).counts["webhooks_missed"] == 2


def test_repair_names_the_fields_that_differ(desk: Desk) -> None:
    """The report of a different order names the fields that differ, and not what they say; a missing one has none."""
    first = desk.compare(order(12, comment="of Amna"))
    desk.drain()
    second = desk.compare(order(12, comment="of Ali"))
    [missing], [different] = (report.to_json()["repairs"] for report in (first, second))
    assert (missing["found"], missing["fields"]) == ("missing", [])
    assert (different["found"], different["fields"]) == ("different", ["comment"])
    assert not any(name in str((missing, different)) for name in ("Amna", "Ali"))


# -- an order that differs at each look ----------------------------------------------------------------------------


def looks(desk: Desk, times: int, **scope: bool) -> list[Report]:
    """Compare an order with another image link each time, every five minutes."""
    reports = []
    for _ in range(times):
        desk.time.sleep(300)
        reports.append(desk.compare(order(image_url=f"https://img.example.com/?signed={desk.time.seconds}"), **scope))
        desk.drain()
    return reports


def test_damped_order_is_reported_with_fields(desk: Desk) -> None:
    """The report counts an order that waits, and names where it differs but not what it says."""
    unsteady = [order(12, comment=f"{number} of Amna") for number in range(6)]
    reports = []
    for each in unsteady:
        desk.time.sleep(300)
        reports.append(desk.compare(each, damps=True))
        desk.drain()
    assert [len(report.damped) for report in reports] == [0, 0, 0, 1, 1, 1]
    told = reports[-1].to_json()
    assert (told["damped"], told["unsteady_fields"]) == (1, {"comment": 1})
    assert "Amna" not in str(told)


def test_fields_of_damped_order_are_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker reads an order that waits once to name its fields, and not at every look."""
    looks(desk, 3, damps=True)
    get = Mock(wraps=desk.orders.get)
    monkeypatch.setattr(desk.orders, "get", get)
    assert looks(desk, 5, damps=True)[-1].damped
    assert get.call_count == 1


def test_reading_without_damping_takes_all(desk: Desk) -> None:
    """A daily check and a backfill enqueue what they find, however unsteady the order is."""
    looks(desk, 3, damps=True)
    assert looks(desk, 2, damps=True)[-1].counts["enqueued"] == 0
    assert looks(desk, 1)[0].counts["enqueued"] == 1


def test_unsteady_order_unread_is_damped(desk: Desk) -> None:
    """States that the consumer has not written yet count, too."""
    for number in range(6):
        desk.time.sleep(300)
        desk.compare(order(12, comment=str(number)), damps=True)
    assert len(desk.queue.messages) == 3


def test_lost_message_does_not_wait_longer(desk: Desk) -> None:
    """A state whose message was lost is enqueued again after an hour, and not held back as unsteady."""
    for number in (1, 2):
        desk.compare(order(12, comment=str(number)), damps=True)
        desk.time.sleep(1_800)
    desk.queue.messages.clear()
    desk.time.sleep(3_600)
    assert desk.compare(order(12, comment="2"), damps=True).counts["enqueued"] == 1


def test_new_worker_keeps_damping(dynamodb: Any) -> None:
    """What a worker knows of an unsteady order is in the order's history, and the next one keeps to it."""
    desk, another = Desk(dynamodb), Desk(dynamodb)
    looks(desk, 3, damps=True)
    another.orders, another.time = desk.orders, desk.time
    rejected = RejectedTable(dynamodb, TABLE, RETENTION, desk.time.now)
    another.comparison = Comparison(desk.orders, rejected, another.queue, desk.time.now)
    assert looks(another, 1, damps=True)[0].damped
    assert another.queue.messages == []
    another.time.sleep(timedelta(hours=1).total_seconds())
    assert looks(another, 1, damps=True)[0].counts["enqueued"] == 1
