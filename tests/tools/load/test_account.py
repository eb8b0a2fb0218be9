"""The account of a load test: whatever is missing somewhere is seen, and nothing else is."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from partner_orders.orders.stored import HistoryEntry, StoredOrder
from tools.load.account import Account, account
from tools.load.posting import Posted
from tools.load.subscriber import Heard
from tools.load.timetable import Body, Request

ORDER = "order-1"
FIRST, LATEST = Body(b"{}", "first", ORDER), Body(b"{}", "latest", ORDER, is_latest=True)
GARBAGE = Body(b"<order/>", "garbage")
TIMETABLE = tuple(Request(float(number), body) for number, body in enumerate((FIRST, LATEST, GARBAGE, FIRST)))


def entry(digest: str) -> HistoryEntry:
    return HistoryEntry(
        digest, "RECEIVED", None, "2026-03-14T12:00:00.000000Z", "webhook", "request", is_redacted=False
    )


def stored(*digests: str, snapshot: str = "latest", sequence: int = 2) -> StoredOrder:
    return StoredOrder(
        order_id=ORDER,
        snapshot_key=f"0|{snapshot}",
        status="RECEIVED",
        post_picked_up=None,
        version=2,
        sequence=sequence,
        republished=0,
        attributes={},
        history=tuple(entry(digest) for digest in digests),
    )


def posted(*given_up: str) -> Posted:
    every = Counter(request.body.digest for request in TIMETABLE)
    lost = Counter({digest: every[digest] for digest in given_up})
    return Posted(acknowledged=every - lost, given_up=lost)


def heard(*sequences: int, rejected: int = 1) -> Heard:
    return Heard({ORDER: Counter(sequences)}, Counter({"garbage": rejected}))


def accounted(
    order: StoredOrder | None, of_posted: Posted | None = None, of_bus: Heard | None = None, rejected: str = "garbage"
) -> Account:
    orders = [order] if order else []
    return account(TIMETABLE, of_posted or posted(), orders, {rejected}, of_bus or heard(1, 2))


def test_complete_account_is_clean() -> None:
    """Where all is stored and published, the account says so, and its sums hold."""
    found = accounted(stored("first", "latest"))
    assert found.is_clean
    assert not found.faults
    assert (found.requests, found.events, found.stored, found.rejected) == (4, 3, 2, 1)
    assert (found.changes, found.published, found.orders) == (3, 3, 1)


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (stored("latest"), 1),  # an event is missing in the history
        (stored("first", "first", "latest"), 1),  # an event is stored twice
        (None, 2),
    ],
)
def test_lost_event_is_seen(order: StoredOrder | None, count: int) -> None:
    """An acknowledged event that is not in the history exactly once is lost."""
    found = accounted(order)
    assert found.lost == count
    assert not found.is_clean
    assert found.adds_up


def test_lost_garbage_is_seen() -> None:
    """Acknowledged garbage that is not stored as rejected is lost."""
    found = accounted(stored("first", "latest"), rejected="another")
    assert (found.lost, found.rejected, found.is_clean) == (1, 0, False)


def test_given_up_event_is_not_lost() -> None:
    """An event that never got a 2xx is given up, whoever has to find it."""
    found = accounted(stored("latest", sequence=1), posted("first"), heard(1))
    assert (found.given_up, found.lost, found.is_clean) == (1, 0, True)


@pytest.mark.parametrize(
    "order", [stored("first", "latest", snapshot="first"), stored("first", "latest", "never-posted")]
)
def test_wrong_state_is_seen(order: StoredOrder) -> None:
    """An order in an earlier state, or with an event of nobody, is wrong."""
    found = accounted(order)
    assert (found.wrong, found.is_clean) == (1, False)


@pytest.mark.parametrize("of_bus", [heard(2), heard(1, 2, rejected=0)])
def test_unpublished_change_is_seen(of_bus: Heard) -> None:
    """A change or a rejected event that did not come on the bus is unpublished."""
    found = accounted(stored("first", "latest"), of_bus=of_bus)
    assert (found.unpublished, found.is_clean, found.adds_up) == (1, False, True)


def test_repeated_change_is_counted() -> None:
    """A change that comes twice is counted, and nothing is wrong with it."""
    found = accounted(stored("first", "latest"), of_bus=heard(1, 2, 2))
    assert (found.published_again, found.is_clean) == (1, True)


def test_subscriber_hears_changes_and_rejected_events() -> None:
    """A change counts under its sequence, a rejected event under its digest, and both have their latency."""
    of_bus = Heard()
    for detail in ('"order_id":"order-1","sequence":3', '"digest":"garbage"'):
        body = f'{{"detail":{{{detail},"received_at":"2026-03-14T12:00:00.000000Z"}}}}'
        of_bus.hear({"Body": body, "Attributes": {"SentTimestamp": "1773489601500"}})
    assert of_bus.sequences == {"order-1": Counter({3: 1})}
    assert of_bus.rejected == Counter({"garbage": 1})
    assert of_bus.latencies == [(datetime(2026, 3, 14, 12, tzinfo=UTC), 1.5)] * 2


def test_sums_that_do_not_hold_are_no_clean_account() -> None:
    """An account whose parts do not add up is not clean, whatever they are."""
    found = accounted(stored("first", "latest"))
    assert not replace(found, stored=found.stored - 1).is_clean
