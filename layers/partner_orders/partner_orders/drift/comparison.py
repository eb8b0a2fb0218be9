"""Compares a store's last export with what the chain wants, tells the differences, and repairs those that it may.

A repair takes the platform's values for the confirmed ones, and notes that the products changed. The chain's values
then go the way of every other change, by the pusher.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Self

from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.folders import new_folder
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.catalogue.side_by_side import side_by_side
from partner_orders.catalogue.spool import Said, Spool, SpooledLine
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS, is_waiting
from partner_orders.clock import Clock
from partner_orders.drift.differences import Compared, Finding, Rules, ShownProduct, compared, repaired
from partner_orders.drift.guards import Account, Guard, Repair, RepairRules
from partner_orders.drift.report import LOADER, MOST_KEPT, DriftReport, Told, is_told
from partner_orders.drift.report_file import ReportFile, file_key
from partner_orders.drift.table import DriftTable
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable

# Products that are repaired at a time. The next export tells of the others.
MOST_REPAIRED = 5_000
LOOKED_AT_TOGETHER = 1_000
RENEW_AFTER = timedelta(seconds=30)
NO_TOKEN = 0


class ExportReplacedError(Exception):
    """A newer export came while this one was compared."""


class StoppedError(Exception):
    """The time is over. Nothing was repaired."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be repaired of a store. ``rules``: None for nothing. ``skus``: only these; None for all.
    ``is_beyond_guards``: also what a guard holds, of ``skus``. ``by``, ``why``: who wants it. ``is_repeat``: whether it
    was begun before, and never ended."""

    rules: RepairRules | None = None
    skus: Collection[str] | None = None
    is_beyond_guards: bool = False
    by: str = LOADER
    why: str = ""
    is_dry_run: bool = False
    is_repeat: bool = False


def no_stop() -> bool:
    """Nothing ends the work early."""
    return False


class Drift:
    """``put_file`` puts a file into the bucket. ``executor`` makes writes side by side. ``sales_buffer``: the
    platform's, in pieces."""

    def __init__(
        self,
        tables: Tables,
        exports_table: ExportsTable,
        exports: StoreExports,
        table: DriftTable,
        put_file: Callable[[str, IO[bytes]], None],
        clock: Clock,
        executor: Executor,
        sales_buffer: int,
    ) -> None:
        self._tables = tables
        self._exports_table = exports_table
        self._exports = exports
        self._table = table
        self._put_file = put_file
        self._clock = clock
        self._executor = executor
        self._sales_buffer = sales_buffer

    def compare(self, store_id: str, wish: Wish, is_over: Callable[[], bool] = no_stop) -> DriftReport:
        """Compare a store's last export, and repair what is wished; a dry run writes nothing. One that cannot be read
        is a ``problem`` of the report.

        Raises StoreIsLoadingError, LeaseLostError, ExportReplacedError, StoppedError, OSError and botocore's errors;
        LookupError before the first export.
        """
        if wish.is_dry_run:
            return self._compare(store_id, wish, NO_TOKEN, is_over)
        token = self._tables.leases.acquire(store_id, self._clock())
        try:
            report = self._compare(store_id, wish, token, is_over)
            self._table.end(report)
            return report
        finally:
            self._tables.leases.release(store_id, token)

    def _compare(self, store_id: str, wish: Wish, token: int, is_over: Callable[[], bool]) -> DriftReport:
        asked_at = self._exports_table.get(store_id).shown_at
        if asked_at is None:
            raise LookupError(store_id)
        report = DriftReport(store_id, asked_at, self._clock(), by=wish.by, why=wish.why)
        state = self._tables.states.get(store_id)
        settings = self._tables.settings.get(store_id)
        margins = settings.margins if settings else NO_MARGINS
        rules = Rules(asked_at, margins, self._sales_buffer, self._under_way(state))
        with _Work(store_id, rules, wish, state, token, report, is_over) as work:
            try:
                self._spool(work)
            except UnreadableResultError as error:
                return replace(report, problem=f"the export cannot be read: {error}")
            if self._exports_table.get(store_id).shown_at != asked_at:
                raise ExportReplacedError(store_id)
            self._look_at_all(work)
            self._remember(work)
            self._repair(work)
            return self._finish(work)

    def _under_way(self, state: StoreState) -> frozenset[str]:
        """The products of jobs without an outcome."""
        jobs = (self._tables.jobs.get(JobPlace(state.store_id, number)) for number in state.unfinished)
        return frozenset(sku for job in jobs if job is not None for sku in job.lines)

    # -- comparing -----------------------------------------------------------------------------------------------------

    def _spool(self, work: "_Work") -> None:
        with work.spool:
            for number, product in enumerate(self._exports.shown(work.store_id)):
                if number % LOOKED_AT_TOGETHER == 0:
                    self._beat(work)
                work.spool.add(SpooledLine(product.sku, number, 0, _values(product)))

    def _look_at_all(self, work: "_Work") -> None:
        for number, (row, found) in enumerate(self._found(work)):
            if number % LOOKED_AT_TOGETHER == 0:
                self._beat(work)
            work.add(row, found)

    def _remember(self, work: "_Work") -> None:
        """Note that products wait of which nothing else says so: somebody wrote them, and never came to note it. An
        earlier run that died may have been the one."""
        if not work.waiting or work.wish.is_dry_run:
            return
        is_quiet = not work.state.unfinished and not self._tables.changes.first(work.store_id, 1)
        if is_quiet or work.wish.is_repeat:
            self._tables.changes.add(work.store_id, work.waiting, self._clock())

    def _found(self, work: "_Work") -> Iterator[tuple[Desired | None, Compared]]:
        for number in range(keys.SHARDS):
            rows = self._tables.products.of_shard(work.store_id, number)
            for row, said in side_by_side(rows, work.spool.shard(number)):
                product = None if said is None else _shown(said)
                # A row that says nothing of what the platform does not show either.
                if product is not None or (row is not None and row.values.are_said):
                    yield row, compared(row, product, work.rules)

    def _beat(self, work: "_Work") -> None:
        """Go on, unless the time is over: then StoppedError. Keeps the store."""
        if work.is_over():
            raise StoppedError(work.store_id)
        now = self._clock()
        if work.token and now - work.renewed_at >= RENEW_AFTER:
            self._tables.leases.renew(work.store_id, work.token, now)
            work.renewed_at = now

    # -- repairing -----------------------------------------------------------------------------------------------------

    def _repair(self, work: "_Work") -> None:
        """Decide of each product that differs and may be repaired, and repair it."""
        wish, now = work.wish, self._clock()
        if wish.rules is None:
            return
        within = [*self._within_guards(work, wish.rules, now)]
        results: Iterable[Repair] = [Repair.REPAIRED] * len(within)
        if not wish.is_dry_run and within:
            self._note_off(work, within, now)
            results = [*self._executor.map(lambda one: self._repair_one(work, one, now), within)]
            skus = [one.found.sku for one, result in zip(within, results, strict=True) if result is Repair.REPAIRED]
            self._tables.changes.add(work.store_id, skus, now)
        for one, result in zip(within, results, strict=True):
            one.repair = result

    def _within_guards(self, work: "_Work", rules: RepairRules, now: datetime) -> Iterator["_Different"]:
        wish = work.wish
        wanted = [one for one in work.different if wish.skus is None or one.found.sku in wish.skus]
        guards_of_store = rules.of_store(work.account)
        guards_of_off = rules.of_off([one.found for one in wanted], work.state.figures(now))
        for one in wanted:
            guards = [*guards_of_store, *rules.of_price(one.row, one.found, now)]
            guards += guards_of_off if one.found.switches_off else []
            if guards and not (wish.is_beyond_guards and wish.skus is not None):
                one.repair = Repair.BEYOND_GUARDS
                work.guards |= dict.fromkeys(guards)
            else:
                yield one

    def _note_off(self, work: "_Work", within: Collection["_Different"], now: datetime) -> None:
        """Before they go off sale, so that a crash in between counts too much rather than too little."""
        if switched_off := sum(one.found.switches_off for one in within):
            self._tables.states.note_repair(work.state, switched_off, now, work.token)

    def _repair_one(self, work: "_Work", one: "_Different", now: datetime) -> Repair:
        before, after = self._tables.products.change(
            work.store_id, one.found.sku, lambda row: repaired(row, one.found, work.rules, now), one.row
        )
        return Repair.OVERTAKEN if after == before else Repair.REPAIRED

    # -- telling -------------------------------------------------------------------------------------------------------

    def _finish(self, work: "_Work") -> DriftReport:
        """The report, once its file is in the bucket."""
        told = (Told(one.found, one.repair) for one in work.different)
        work.file.add(told)
        repairs = Counter(one.repair for one in work.different if one.repair)
        if work.later:
            repairs[Repair.LATER] += work.later
        kept = [Told(one.found, one.repair) for one in work.different[:MOST_KEPT]]
        report = replace(
            work.report,
            findings=work.findings,
            fields=work.fields,
            repairs=repairs,
            guards=tuple(work.guards),
            told=(*kept, *work.others[: MOST_KEPT - len(kept)]),
        )
        if work.wish.is_dry_run or not any(is_told(one.found) for one in report.told):
            return report
        key = file_key(report)
        self._put_file(key, work.file.finished())
        return replace(report, file_key=key)


@dataclass
class _Different:
    """A product that differs, and what becomes of it."""

    row: Desired
    found: Compared
    repair: Repair = Repair.NONE


@dataclass
class _Work:
    """A comparison. ``different``: the first products that differ; ``later``: how many more there are. ``others``: some
    of those that are only told. ``waiting``: some that have yet to be sent. Everything that is told is in the file; it
    goes with the context."""

    store_id: str
    rules: Rules
    wish: Wish
    state: StoreState
    token: int
    report: DriftReport
    is_over: Callable[[], bool]
    findings: Counter[Finding] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    different: list[_Different] = field(default_factory=list)
    later: int = 0
    others: list[Told] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    guards: dict[Guard, None] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self.renewed_at = self.report.compared_at
        self.spool = Spool(Path(self._open.enter_context(new_folder())))
        self.file = self._open.enter_context(ReportFile())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def account(self) -> Account:
        return replace(self.report, findings=self.findings).account

    def add(self, row: Desired | None, found: Compared) -> None:
        """Count a product, and keep it where it is to be told."""
        self.findings[found.finding] += 1
        self.fields.update(found.ours.said.keys() if found.finding is Finding.DIFFERENT else ())
        if found.finding is Finding.CHANGING and row is not None and is_waiting(row, self.rules.margins):
            self.waiting += [row.sku] if len(self.waiting) < MOST_REPAIRED else []
        if not is_told(found):
            return
        if found.finding is Finding.DIFFERENT and row is not None:
            if len(self.different) < MOST_REPAIRED:
                self.different.append(_Different(row, found))
                return
            self.later += 1
            self.file.add([Told(found, Repair.LATER if self.wish.rules else Repair.NONE)])
            return
        if len(self.others) < MOST_KEPT:
            self.others.append(Told(found))
        self.file.add([Told(found)])


def _values(product: ExportedProduct) -> Values:
    return Values(product.price, product.active, None, product.cap)


def _shown(said: Said) -> ShownProduct:
    """A product of the export. One that is there twice, and differs, says nothing."""
    return ShownProduct(said.sku, said.lines[0].values if said.lines else Values())
