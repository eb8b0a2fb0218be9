"""What the page of reconciliation says of runs and backfills, and of what nobody checked."""

from datetime import timedelta
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.reconciler.report import Repair, Report
from partner_orders.reconciler.table import Backfill
from partner_orders_console.desk.actions import reconciling
from partner_orders_console.operations import reconciliation
from partner_orders_console.operations.stack import DeployedStack
from tests.support.desk import Browser


def save_run(stack: DeployedStack, missed: int = 0, regular: bool = True, checked: int = 1, **more: Any) -> None:
    """Store the report of a run of this moment."""
    report = Report(now(), is_regular=regular, **more)
    report.counts["stores_checked"] = checked
    for number in range(missed):
        report.add(Repair(f"order-{number}", "q7xk", "missing", "RECEIVED", webhook_missed=True, late_seconds=600))
    stack.reconciliation.save_report(report.started_at, report.to_json())


def test_runs_by_hand_are_counted(browser: Browser, stack: DeployedStack) -> None:
    """What runs by hand found stands beside what scheduled ones found, with stores, lateness and a link."""
    save_run(stack, missed=4, regular=False, checked=0)
    said = browser.text("/reconciliation/missed")
    assert "No scheduled run yet in these 7 days." in said
    assert "doctor" not in said
    assert "4 were found by 1 run by hand : 4 at q7xk" in said
    assert "Half of their orders were 10 min late or more" in said
    assert 'href="/reconciliation/runs/' in browser.get("/reconciliation/missed").text
    save_run(stack)
    browser.desk.kept.forget()
    said = browser.text("/reconciliation/missed")
    assert "0 webhooks missed and recovered, in 1 scheduled run." in said
    assert "4 more were found by 1 run by hand" in said


def test_unchecked_is_no_zero(browser: Browser, stack: DeployedStack) -> None:
    """A store that could not be checked has no sum of 0, and a day on which nothing was checked no point."""
    save_run(stack, checked=0, failed_stores={"clifton-9": "not_found"})
    text = browser.get("/reconciliation/missed").text
    said = browser.text("/reconciliation/missed")
    assert "▲ not found" in said
    assert "? not checked" in said
    assert text.count('"label":"missed","values":[null'.replace('"', "&#34;")) >= 1
    assert "0.0" not in text.partition("Webhooks missed by day")[2].partition("</figure>")[0]


def test_failed_store_is_no_success(browser: Browser, stack: DeployedStack) -> None:
    """A run or backfill with a store that could not be checked is not green, and does not count that store."""
    save_run(stack, checked=2, failed_stores={"clifton-9": "not_found"})
    backfill = Backfill("b-1", now() - timedelta(days=1), now(), False, (), 3, failed_stores={"clifton-9": "not_found"})
    stack.reconciliation.add(backfill)
    runs, backfills = browser.text("/reconciliation/runs"), browser.text("/reconciliation/backfills")
    assert "finished, 1 store not checked" in runs
    assert "everything served" not in runs
    assert "finished, 1 store not checked" in backfills
    assert "2 of 3 stores checked" in backfills


def test_run_by_hand_counts_no_stores(browser: Browser, stack: DeployedStack) -> None:
    """A run by hand does not count stores, so its page does not claim that it checked none."""
    save_run(stack, regular=False, checked=0)
    [report] = stack.reconciliation.reports(now() - timedelta(minutes=1), now())
    said = browser.text(f"/reconciliation/runs/{report['started_at']}")
    assert "by hand: it served backfills or previews only" in said
    assert "stores checked" not in said


def test_failed_comparison_is_no_success(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that could not check its only store says so instead of "0 orders of 1 store checked"."""
    backfill = Backfill("b-1", now() - timedelta(days=1), now(), True, (), 1, failed_stores={"clifton-9": "not_found"})
    monkeypatch.setattr(reconciliation, "follow", lambda *_, **__: backfill.to_json())
    done = reconciling.PREVIEW.perform(stack, {}, lambda _: None)
    assert done.warning == "finished, 1 store not checked"
    assert done.sentences[0] == "Store clifton-9 could not be checked: not found."
