"""Which stores have an export that was not compared yet, and comparing them, one after the other."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.loading_lease import LeaseLostError, StoreIsLoadingError
from partner_orders.clock import Clock
from partner_orders.drift.comparison import Drift, ExportReplacedError, StoppedError, Wish
from partner_orders.drift.guards import Repair, RepairRules
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.table import AskedExport, ExportsTable

# No comparison is begun with less time than this (seconds), and none goes on with less than the second.
START_SECONDS, RESERVE_SECONDS = 300.0, 30.0
# An export whose comparison never came to an end so often is left alone, and told.
MOST_RUNS = 3
GIVEN_UP = "its comparison was begun three times and never ended; see the loader's log"


class DueDrift:
    """``repair_percent``: up to which share of a store's products is repaired without a person; 0 for nothing.
    ``counts``: what was found, by the names of metrics; ``faults``: what failed, by kind."""

    def __init__(
        self,
        drift: Drift,
        table: DriftTable,
        exports: ExportsTable,
        limits: Limits,
        repair_percent: int,
        clock: Clock,
    ) -> None:
        self._drift = drift
        self._table = table
        self._exports = exports
        self._wish = Wish(RepairRules(limits, Decimal(repair_percent) / 100) if repair_percent else None)
        self._clock = clock
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def run(self, seconds_left: Callable[[], float]) -> list[DriftReport]:
        """Compare what is due while there is time: what was found. Raises botocore's errors where nothing can be
        read."""
        found = []
        begun = self._table.begun()
        for store_id, note in sorted(self._exports.all().items()):
            if seconds_left() < START_SECONDS:
                break
            if note.shown_at is None:
                continue
            last = begun.get(store_id)
            runs = last.runs if last is not None and last.asked_at == note.shown_at else None
            if runs == 0:
                continue
            report = self._try(AskedExport(store_id, note.shown_at), runs or 0, seconds_left)
            if report is not None:
                self._count(report)
                found.append(report)
        return found

    def _try(self, export: AskedExport, runs: int, seconds_left: Callable[[], float]) -> DriftReport | None:
        """Compare one store, which is never another one's fault."""
        store_id, asked_at = export
        try:
            if runs >= MOST_RUNS:
                given_up = DriftReport(store_id, asked_at, self._clock(), problem=GIVEN_UP)
                self._table.end(given_up)
                return given_up
            # Before the work that may kill us.
            self._table.begin(store_id, asked_at, runs + 1)
            wish = replace(self._wish, is_repeat=runs > 0)
            return self._drift.compare(store_id, wish, lambda: seconds_left() < RESERVE_SECONDS)
        except (StoreIsLoadingError, LeaseLostError, ExportReplacedError):
            self._put_off(export, runs)
        except StoppedError:
            self.faults["OutOfTime"] += 1
        except (BotoCoreError, ClientError, OSError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            self.faults[code] += 1
            self._put_off(export, runs)
        return None

    def _put_off(self, export: AskedExport, runs: int) -> None:
        """Have a comparison come again, which does not count as a death. The first does: none means that it ended."""
        try:
            self._table.begin(*export, max(runs, 1))
        except (BotoCoreError, ClientError) as error:
            self.faults[type(error).__name__] += 1

    def _count(self, report: DriftReport) -> None:
        self.counts.update(
            {
                "StoresCompared": 1,
                "DriftFound": report.different,
                "DriftRepaired": report.repairs[Repair.REPAIRED],
                "DriftLeft": report.left,
                "DriftNotCompared": int(bool(report.problem)),
            }
        )
