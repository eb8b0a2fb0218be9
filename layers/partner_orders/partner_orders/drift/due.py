"""Which stores have an export that was not compared yet, and comparing them, one after the other."""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from partner_orders.aws.error_codes import code_of
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.loading_lease import LeaseLostError, StoreIsLoadingError
from partner_orders.clock import Clock
from partner_orders.drift.comparison import Drift, ExportReplacedError, RepairRequest, StoppedError
from partner_orders.drift.guards import RepairRules
from partner_orders.drift.report import DriftReport
from partner_orders.drift.table import DriftTable
from partner_orders.exports.table import AskedExport, ExportsTable

# No comparison is begun with less time than this (seconds), and none goes on with less than the second. It is less than
# what a file is begun with: where files never end, a comparison still has its turn.
START_SECONDS, RESERVE_SECONDS = 240.0, 30.0
# An export whose comparison died or failed so often is left alone, and told.
MOST_RUNS = 10
GIVEN_UP = "its comparison failed ten times; see the loader's log"


class DueDrift:
    """``repair_percent``: up to which share of a store's products is repaired without a person; 0 for nothing.
    ``faults``: what failed, by kind."""

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
        rules = RepairRules(limits, Decimal(repair_percent) / 100) if repair_percent else None
        self._request = RepairRequest(rules)
        self._clock = clock
        self.faults: Counter[str] = Counter()

    def run(self, seconds_left: Callable[[], float]) -> Iterator[DriftReport]:
        """Compare what is due while there is time: what was found, a store after the other. Raises botocore's errors
        where nothing can be read."""
        begun = self._table.begun()
        for store_id, note in sorted(self._exports.all().items()):
            if seconds_left() < START_SECONDS:
                return
            if note.shown_at is None:
                continue
            last = begun.get(store_id)
            runs = last.runs if last is not None and last.asked_at == note.shown_at else None
            if runs == 0:
                continue
            report = self._try(AskedExport(store_id, note.shown_at), runs or 0, seconds_left)
            if report is not None:
                yield report

    def _try(self, export: AskedExport, runs: int, seconds_left: Callable[[], float]) -> DriftReport | None:
        """Compare one store, which is never another one's fault."""
        try:
            report = self._compare(export, runs, seconds_left)
            self._table.begin(export, 0)
        except (StoreIsLoadingError, LeaseLostError, ExportReplacedError, StoppedError) as error:
            if isinstance(error, StoppedError):
                self.faults["OutOfTime"] += 1
            self._put_off(export, runs)
            return None
        except Exception as error:
            self.faults[code_of(error)] += 1
            return None
        return report

    def _compare(self, export: AskedExport, runs: int, seconds_left: Callable[[], float]) -> DriftReport:
        if runs > MOST_RUNS:
            given_up = DriftReport(*export, self._clock(), problem=GIVEN_UP)
            self._table.keep(given_up)
            return given_up
        # Before the work that may kill us.
        self._table.begin(export, runs + 1)
        return self._drift.compare(export.store_id, self._request, lambda: seconds_left() < RESERVE_SECONDS)

    def _put_off(self, export: AskedExport, runs: int) -> None:
        """Have a comparison come again that did not fail. The first begin counts: none means that it ended."""
        try:
            self._table.begin(export, max(runs, 1))
        except Exception as error:
            self.faults[code_of(error)] += 1
