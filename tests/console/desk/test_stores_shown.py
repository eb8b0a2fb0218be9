"""What the pages of the stores say of one that the reconciler cannot check."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from partner_orders.clock import now
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.windows import Position
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_trouble import store_troubles
from partner_orders_console.operations.words import at
from tests.support.desk import Browser
from tests.support.orders import order

ADVICE = "the platform does not know this store. Check its id with the platform, or pause it."


@pytest.mark.parametrize("path", ["/stores", "/stores/q7xk"])
def test_unknown_store_is_marked(
    browser: Browser, stack: DeployedStack, store_order: Callable[..., None], path: str
) -> None:
    """The list and the store's own page say since when the platform does not know it, and what to do."""
    store_order(order(12))
    assert "not found" not in browser.text(path)
    browser.desk.kept.forget()
    checked = now() - timedelta(hours=3)
    stack.reconciliation.move(Position("q7xk", checked, tried_at=now()), 1)
    report = Report(now(), failed_stores={"q7xk": "not_found"})
    stack.reconciliation.save_report(report.started_at, report.to_json())
    said = browser.text(path).lower()
    assert f"not found since {at(checked)}" in said
    assert ADVICE.lower() in said


def test_store_that_was_never_checked(browser: Browser, store_order: Callable[..., None]) -> None:
    """A store that no run has looked at yet is "not checked yet", which is no trouble."""
    store_order(order(12))
    for path in ("/stores", "/stores/q7xk"):
        said = browser.text(path)
        assert "not checked yet" in said
        assert "▲" not in said


def test_trouble_ends_with_the_next_check() -> None:
    """A store that was checked after its failure is not in trouble; one whose checks never end is."""
    failed = {"started_at": (now() - timedelta(minutes=9)).isoformat(), "failed_stores": {"a": "server_error:503"}}
    positions = {
        "a": Position("a", now() - timedelta(minutes=1), tried_at=now() - timedelta(minutes=9)),
        "b": Position("b", now(), unended_visits=3),
    }
    assert [*store_troubles(positions, [failed])] == ["b"]
    [trouble] = store_troubles({}, [failed]).values()
    assert (trouble.what, trouble.since, trouble.run) == ("server error:503", None, failed["started_at"])
    assert "tries again" in trouble.advice
