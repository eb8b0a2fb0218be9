"""``reports`` and ``reconcile``: runs by their time, previews by their orders."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from partner_orders.clock import now, to_text
from partner_orders.reconciler.report import Repair, Report
from partner_orders.reconciler.table import Backfill
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations import reconciliation
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_pause import pause_store
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]


@pytest.fixture
def runs(stack: DeployedStack) -> list[Report]:
    """Two runs: the older one failed at a store, the newer one repaired two orders."""
    older, newer = Report(now() - timedelta(minutes=8)), Report(now() - timedelta(minutes=3))
    older.failed_stores["k7mf"] = "server_error:503"
    for number in range(2):
        newer.add(Repair(f"o{number}", "q7xk", "missing", "RECEIVED", webhook_missed=True))
    for report in (older, newer):
        stack.reconciliation.save_report(report.started_at, report.to_json())
    return [older, newer]


def test_newest_run_comes_first(run: Run, runs: list[Report]) -> None:
    """By run, the newest comes first, so a mended fault is seen to be over."""
    lines = run("reports", "list", "--by-run").out.splitlines()
    assert [line[:19] for line in lines[1:3]] == [f"{it.started_at:%Y-%m-%d %H:%M:%S}" for it in reversed(runs)]
    assert " 2 " in lines[1]


def test_run_is_shown_with_its_orders(run: Run, runs: list[Report]) -> None:
    """A run is found by the beginning of its time, and shows the orders that it repaired."""
    ran = run("reports", "show", f"{runs[1].started_at:%Y-%m-%d %H:%M:%S}")
    assert ran.status == 0
    assert all(order in ran.out for order in ("o0", "o1", "q7xk", "missing"))
    assert "k7mf" in run("reports", "show", to_text(runs[0].started_at)).out
    assert len(run("reports", "show", to_text(runs[1].started_at), "--json").json["repairs"]) == 2


def test_runs_for_backfills_are_counted() -> None:
    """The runs that a call for a backfill started are counted apart."""
    regular, other = {"stopped": "", "regular": True}, {"stopped": "", "regular": False}
    assert reconciliation.remarks([other, regular])[0].startswith("1 of the runs was for backfills only")
    assert reconciliation.remarks([other, other, regular])[0].startswith("2 of the runs were for backfills only")


def test_left_out_times_are_for_people(run: Run, stack: DeployedStack) -> None:
    """A run shows the times that it left out as other commands show times."""
    report = Report(now())
    left = {"store_id": "k7mf", "from": "2026-03-14T08:15:00.000000Z", "to": "2026-03-14T08:16:00.000000Z"}
    content = report.to_json() | {"left_out": [left | {"failure": "server_error"}]}
    stack.reconciliation.save_report(report.started_at, content)
    ran = run("reports", "show", to_text(report.started_at))
    assert re.search(r"k7mf +2026-03-14 08:15:00  2026-03-14 08:16:00  server_error", ran.out)
    assert "times in UTC" in ran.err


def test_unknown_run_is_explained(run: Run, runs: list[Report]) -> None:
    """A time at which no run began is explained."""
    ran = run("reports", "show", "1999")
    assert (ran.status, "no run begins" in ran.err, "--by-run" in ran.err) == (1, True, True)


def test_runs_of_one_second_are_told_apart(run: Run, runs: list[Report], stack: DeployedStack) -> None:
    """The list shows seconds, so the full times of a few runs of the same second are named; many are left to it."""
    ran = run("reports", "show", "20")
    assert (ran.status, "several runs begin" in ran.err) == (1, True)
    assert all(to_text(report.started_at) in ran.err for report in runs)
    for number in range(4):
        report = Report(now() - timedelta(minutes=20 + number))
        stack.reconciliation.save_report(report.started_at, report.to_json())
    ran = run("reports", "show", "20")
    assert (ran.status, "--by-run" in ran.err, to_text(runs[0].started_at) in ran.err) == (1, True, False)


def test_cancel_takes_a_unique_beginning(run: Run, stack: DeployedStack) -> None:
    """A backfill is cancelled by the beginning of its id, unless several have it."""
    for name in ("2026-11-09a", "2026-11-09b"):
        stack.reconciliation.add(Backfill(name, NOW, NOW, preview=False, pending=("k7mf",), stores=1))
    assert "several backfills" in run("reconcile", "cancel", "2026-11").err
    assert run("reconcile", "cancel", "2026-11-09b", "--json").json["state"] == "cancelled"


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_interrupted_preview_is_cancelled(
    run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    """A preview that fails or is interrupted leaves no backfill running."""
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    earlier = Backfill("earlier", NOW, NOW, preview=True, pending=("k7mf",), stores=1)
    stack.reconciliation.add(earlier)

    def invoke(*_: object) -> None:
        stack.reconciliation.add(Backfill("ours", NOW, NOW, preview=True, pending=("k7mf",), stores=1))
        raise fault

    monkeypatch.setattr(reconciliation._Following, "_watched", invoke)
    ran = run("reconcile", "run", "--preview")
    assert ran.status == (130 if fault is KeyboardInterrupt else 1)
    left = {backfill.backfill_id: backfill.is_over for backfill in stack.reconciliation.backfills()}
    assert left == {"earlier": False, "ours": True}


def test_preview_that_begins_late_is_cancelled(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview that begins after Ctrl-C is cancelled."""
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    late = Backfill("late", NOW, NOW, preview=True, pending=("k7mf",), stores=1)
    monkeypatch.setattr(reconciliation._Following, "_watched", Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr(
        "partner_orders_console.operations.reconciliation.time.sleep", lambda _: stack.reconciliation.add(late)
    )
    assert run("reconcile", "run", "--preview").status == 130
    assert [backfill.is_over for backfill in stack.reconciliation.backfills()] == [True]


def test_other_operators_preview_goes_on(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview that fails cancels itself, and no other that began meanwhile."""
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    ours, other = (Backfill(name, NOW, NOW, preview=True, pending=("k7mf",), stores=1) for name in ("ours", "other"))

    def answer(_: object, event: dict[str, Any]) -> dict[str, Any]:
        if not event:
            raise RuntimeError
        for backfill in (ours, other):
            stack.reconciliation.add(backfill)
        return ours.to_json()

    monkeypatch.setattr(reconciliation._Following, "_watched", answer)
    assert run("reconcile", "run", "--preview").status == 1
    left = {backfill.backfill_id: backfill.is_over for backfill in stack.reconciliation.backfills()}
    assert left == {"ours": True, "other": False}


@pytest.mark.parametrize("arguments", [("reports", "list"), ("reconcile", "status")])
def test_paused_stores_are_named(run: Run, stack: DeployedStack, arguments: tuple[str, ...]) -> None:
    """Reports and status name paused stores, with since when, by whom and why; without one they say nothing."""
    stack.stores.set("k7mf", StoreSettings(currency="PKR"))
    assert "not reconciled" not in run(*arguments).err
    [store] = stack.stores.all()
    pause_store(stack, store, "closed until May")
    assert re.search(
        r"k7mf since \d{4}-\S+ \S+ by arn:aws:\S+ \(closed until May\)", " ".join(run(*arguments).err.split())
    )


def test_status_tells_programs_of_a_pause(run: Run, stack: DeployedStack) -> None:
    """``reconcile status --json`` has since when, by whom and why a store is paused."""
    stack.stores.set("k7mf", StoreSettings(currency="PKR"))
    pause_store(stack, stack.stores.all()[0], "closed until May")
    [state] = run("reconcile", "status", "--json").json["stores"]
    assert (state["is_paused"], state["paused_reason"]) == (True, "closed until May")
    assert state["paused_at"]
    assert state["paused_by"].startswith("arn:aws:")


def test_preview_shows_its_orders(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview names the orders that it would enqueue."""
    found = ({"order_id": "o7", "store_id": "q7xk", "found": "missing"},)
    counts = {"missing": 1, "orders_checked": 1}
    report = Backfill("b", NOW, NOW, preview=True, pending=(), stores=1, counts=counts, found=found).to_json()
    monkeypatch.setattr(reconciliation, "follow", lambda *_, **__: report)
    ran = run("reconcile", "run", "--preview")
    assert (ran.status, "o7" in ran.out) == (0, True)


def test_backfill_is_no_run_without_orders(run: Run, stack: DeployedStack) -> None:
    """A run that served backfills only is named so: its report does not count what they found."""
    report = Report(now() - timedelta(minutes=3), is_regular=False)
    stack.reconciliation.save_report(report.started_at, report.to_json())
    ran = run("reports", "list", "--by-run")
    assert ran.out.splitlines()[1].split()[2:] == ["backfill"]
    assert "1 of the runs was for backfills only" in ran.err


def test_nothing_to_enqueue_is_said(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is missing, `reconcile run` says so, and which paused stores it did not look at."""
    stack.stores.set("q7xk", StoreSettings(is_paused=True))
    report = Backfill("b", NOW, NOW, preview=True, pending=(), stores=1, counts={"in_step": 1}).to_json()
    monkeypatch.setattr(reconciliation, "follow", lambda *_, **__: report)
    ran = run("reconcile", "run")
    assert (ran.status, "nothing to enqueue" in ran.err, "1 store not reconciled: q7xk" in ran.err) == (0, True, True)
    assert to_text(NOW) not in ran.out
    assert "not reconciled" not in run("reconcile", "run", "--store", "q7xk").err
