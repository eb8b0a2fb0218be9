"""Missed webhooks by store and day or hour, from the reports of runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders_console.operations import missed_webhooks as module
from partner_orders_console.operations.missed_webhooks import By, Lateness, missed_webhooks, shares

NOW = datetime(2026, 3, 14, 8, 30, tzinfo=UTC)
TODAY, YESTERDAY = datetime(2026, 3, 14, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "now", lambda: NOW)


def report(at: datetime, stores: dict[str, int], late: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "started_at": at.isoformat(),
        "stores": {store_id: {"webhooks_missed": missed} for store_id, missed in stores.items()},
        "failed_stores": {},
        "stores_checked": len(stores),
        "webhooks_missed": sum(stores.values()),
        "repairs": [{"webhook_missed": True, "late_seconds": seconds} for seconds in late],
        **more,
    }


def test_missed_by_store_and_day() -> None:
    """What the runs of a day missed adds up, by store; the store with the most comes first."""
    found = missed_webhooks(
        [
            report(YESTERDAY + timedelta(hours=23), {"a": 1}),
            report(TODAY + timedelta(hours=1), {"a": 2, "b": 7}),
            report(NOW, {"a": 1}),
            report(TODAY - timedelta(days=9), {"old": 5}),
            report(NOW, {"a": 100, "c": 0}, (90,), regular=False),
        ],
        By.DAY,
        7,
    )
    assert [*found.stores] == ["b", "a"]
    assert (found.stores["a"][YESTERDAY].missed, found.stores["a"][TODAY].missed) == (1, 3)
    assert (found.total(TODAY), found.most, found.missed_at("a")) == (10, 7, 4)
    assert found.columns == [TODAY - timedelta(days=number) for number in range(6, -1, -1)]
    assert (found.by_hand.stores, found.by_hand.runs, found.by_hand.missed) == ({"a": 100}, 1, 100)
    assert (found.by_hand.newest, found.by_hand.lateness) == (NOW.isoformat(), Lateness(90, 90))
    assert found.checked == {TODAY, YESTERDAY}
    assert (found.runs[TODAY], found.runs[YESTERDAY], found.runs[TODAY - timedelta(days=2)]) == (2, 1, 0)


def test_missed_by_hour_with_failures() -> None:
    """Of an hour it is told how often a store could not be checked, and how late the orders were."""
    hour = NOW.replace(minute=0)
    late = tuple(range(10, 210, 10))
    found = missed_webhooks([report(NOW, {}, late, failed_stores={"c": "not_found"})], By.HOUR, 3)
    assert found.stores["c"][hour].failures == {"not_found": 1}
    assert (found.failures_at("c"), found.checked) == (["not_found"], set())
    assert (found.lateness[hour].p50, found.lateness[hour].p95) == (100, 190)
    assert found.columns[0] == hour - timedelta(hours=2)


def test_share_of_all_webhooks() -> None:
    """The share is that of all webhooks, received and missed; without any there is none."""
    found = missed_webhooks([report(NOW, {"a": 1})], By.DAY, 2)
    assert shares(found, {TODAY: 3.0}) == {TODAY: 0.25}
