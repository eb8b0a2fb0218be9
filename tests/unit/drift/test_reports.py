"""What is kept of a comparison, and what a run of the loader does with what is due."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.loading_lease import LeaseLostError
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.to_send import Margins, to_send
from partner_orders.drift.comparison import Drift, ExportReplacedError, StoppedError
from partner_orders.drift.differences import Compared, Finding
from partner_orders.drift.due import RESERVE_SECONDS, START_SECONDS
from partner_orders.drift.guards import Guard, Repair
from partner_orders.drift.report import DriftReport, ListedProduct, cells_of
from partner_orders.exports.table import AskedExport
from tests.support.drift_world import AS_WANTED, STORE, DriftWorld
from tests.support.fixed_clock import NOW

ALL = {f"KW-{number}": AS_WANTED for number in range(10)}
CHEAPER = replace(AS_WANTED, price=Decimal("1.80"))


def different(sku: str, ours: Values, shown: Values, repair: Repair = Repair.NONE) -> ListedProduct:
    return ListedProduct(Compared(sku, Finding.DIFFERENT, ours, shown), repair)


FULL = DriftReport(
    STORE,
    NOW,
    NOW + timedelta(minutes=1),
    Counter({Finding.DIFFERENT: 3, Finding.SAME: 7}),
    Counter({"price": 2, "active": 1}),
    Counter({Repair.REPAIRED: 1, Repair.BEYOND_GUARDS: 2}),
    (Guard.PRICE_STEP, Guard.TOO_MANY),
    (different("A", Values(price=Decimal("1.5")), Values(price=Decimal(2)), Repair.REPAIRED),),
    "reports/drift/x.csv.gz",
    "anna",
    "a slip",
    "the export is odd",
)


@pytest.mark.parametrize("report", [FULL, DriftReport(STORE, NOW, NOW)])
def test_report_is_kept_whole(report: DriftReport) -> None:
    """All that a comparison found is there again, for 400 days; the store's row has it without its products."""
    world = DriftWorld()
    world.table.keep(report)
    assert [*world.table.of_store(STORE, 5)] == [report]
    assert world.table.all() == {STORE: replace(report, listed=())}
    rows = [row for table in world.dynamodb.tables.values() for part in table.values() for row in part.values()]
    expiring = [int(row["expires_at"]["N"]) for row in rows if "expires_at" in row]
    assert expiring == [int((report.compared_at + timedelta(days=400)).timestamp())]


def test_newest_report_of_a_store_comes_first() -> None:
    """As many as are asked for; and what the last one did not have is not left of the one before."""
    world = DriftWorld()
    reports = [replace(FULL, compared_at=NOW + timedelta(minutes=number)) for number in range(3)]
    for report in reports:
        world.table.keep(report)
    plain = DriftReport(STORE, NOW, NOW + timedelta(hours=1))
    world.table.keep(plain)
    assert [*world.table.of_store(STORE, 3)] == [plain, *reports[:0:-1]]
    assert world.table.all() == {STORE: plain}


@pytest.mark.parametrize(
    ("listed", "cells"),
    [
        (
            different("A", Values(Decimal("1.50"), True), Values(Decimal(2), False), Repair.LATER),
            [("A", "different", "price", "1.50", "2", "later"), ("A", "different", "active", "true", "false", "later")],
        ),
        (
            different("A", Values(price=Decimal("1.50")), Values()),
            [("A", "different", "price", "1.50", "", "")],
        ),
        (
            ListedProduct(Compared("A", Finding.UNKNOWN_TO_PLATFORM, Values(price=Decimal(1)), Values())),
            [("A", str(Finding.UNKNOWN_TO_PLATFORM.value), "", "", "", "")],
        ),
    ],
)
def test_lines_of_a_reports_file(listed: ListedProduct, cells: list[tuple[str, ...]]) -> None:
    """A line for each field that differs, with both values as the platform's files write them."""
    assert cells_of(listed) == cells


@pytest.mark.parametrize(("many", "repaired"), [(2, 2), (3, 0)])
def test_share_that_is_repaired_without_a_person(many: int, repaired: int) -> None:
    """Up to the share of the parameter is repaired; where more differ, nothing is, and the report says why."""
    world = DriftWorld(ALL)
    world.show(ALL | dict.fromkeys(list(ALL)[:many], CHEAPER))
    [report] = world.run_due(repair_percent=20)
    assert (report.repairs[Repair.REPAIRED], report.left) == (repaired, many - repaired)
    assert len(world.waiting()) == repaired
    assert report.guards == (() if repaired else (Guard.TOO_MANY,))


def test_margins_of_a_store_are_no_drift() -> None:
    """What the chain keeps back is shown as off sale, and that is as it is wanted."""
    world = DriftWorld(ALL)
    settings = world.tables.settings.get(STORE)
    assert settings is not None
    margins = Margins(safety_stock=10)
    world.tables.settings.put(replace(settings, margins=margins))
    for sku in ALL:
        world.change(sku, lambda row: settled(row, to_send(row, margins), Outcome.PROCESSED, NOW))
    world.show(dict.fromkeys(ALL, replace(AS_WANTED, active=False)))
    [report] = world.run_due()
    assert report.findings == {Finding.SAME: len(ALL)}


# -- what is due -------------------------------------------------------------------------------------------------------


def comparing(monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> list[str]:
    """Have comparisons raise, one after the other; the stores that were compared."""
    compare, left, stores = Drift.compare, [*errors], list[str]()

    def compared(self: Drift, store_id: str, *given: Any) -> DriftReport:
        stores.append(store_id)
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return compare(self, store_id, *given)

    monkeypatch.setattr(Drift, "compare", compared)
    return stores


@pytest.mark.parametrize(
    ("error", "faults"),
    [
        (LeaseLostError(STORE), {}),
        (ExportReplacedError(STORE), {}),
        (StoppedError(STORE), {"OutOfTime": 2}),
        (RuntimeError("a fault"), {"RuntimeError": 2}),
    ],
)
def test_comparison_that_ends_early_comes_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, faults: dict[str, int]
) -> None:
    """It is compared in a later run; only what is a fault is counted, each time."""
    world = DriftWorld(ALL)
    world.show(ALL)
    comparing(monkeypatch, error, error)
    due = world.due()
    assert [[*due.run(lambda: 900.0)] for _ in range(2)] == [[], []]
    assert due.faults == faults
    assert len([*due.run(lambda: 900.0)]) == 1
    assert [*due.run(lambda: 900.0)] == []


def test_every_store_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store without an export yet, and one that was compared, hold up no other; nor does the fault of one."""
    world = DriftWorld(ALL)
    world.show(ALL)
    world.exports_table.came(AskedExport("zz", world.time.now()), 1, world.time.now(), is_last=True)
    world.exports_table.looked("aa", world.time.now())
    stores = comparing(monkeypatch, RuntimeError("a fault"))
    due = world.due()
    assert [report.store_id for report in due.run(lambda: 900.0)] == []
    assert stores == [STORE, "zz"]


@pytest.mark.parametrize(("seconds", "begins"), [(START_SECONDS, True), (START_SECONDS - 0.1, False)])
def test_time_that_a_comparison_needs(seconds: float, begins: bool) -> None:
    """None is begun with less than four minutes left, and one that is begun goes on until half a minute is left."""
    assert (START_SECONDS, RESERVE_SECONDS) == (240.0, 30.0)
    world = DriftWorld(ALL)
    world.show(ALL)
    left = iter([seconds, *[RESERVE_SECONDS] * 50])
    assert len([*world.due().run(lambda: next(left))]) == int(begins)


def test_comparison_that_is_given_up_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that die or fail have an end, and that it was given up is kept for people, once."""
    world = DriftWorld(ALL)
    world.show(ALL)
    stores = comparing(monkeypatch, *[RuntimeError()] * 20)
    reports = [report for _ in range(15) for report in world.run_due()]
    [kept] = world.table.of_store(STORE, 5)
    assert [report.problem for report in reports] == [kept.problem]
    assert kept.problem == "its comparison failed ten times; see the loader's log"
    assert 10 <= len(stores) < 15
