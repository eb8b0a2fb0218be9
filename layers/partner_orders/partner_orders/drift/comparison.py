"""Compares a store's last export with what the chain wants, lists the differences, and repairs those that it may.

A repair takes what the platform has of a product for unknown, and notes that the product changed. The chain's values
then go the way of every other change, by the pusher.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Self

from partner_orders.catalogue import keys
from partner_orders.catalogue.changes import MAX_SKUS
from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.folders import new_folder
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.job import GIVE_UP_AFTER
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.loading_lease import NO_TOKEN
from partner_orders.catalogue.packed_csv import PackedCsv
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.catalogue.side_by_side import side_by_side
from partner_orders.catalogue.spool import Said, Spool, SpooledLine
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS, is_waiting
from partner_orders.clock import Clock
from partner_orders.drift.differences import (
    Compared,
    ComparisonRules,
    FieldsOfProducts,
    Finding,
    ShownProduct,
    compared,
    repaired,
)
from partner_orders.drift.guards import Guard, Repair, RepairRules, is_of_another_store
from partner_orders.drift.report import (
    FILE_COLUMNS,
    LOADER,
    MOST_KEPT,
    DriftReport,
    ListedProduct,
    cells_of,
    file_key,
    is_listed,
)
from partner_orders.drift.table import DriftTable
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import ExportsTable

# Products that are repaired at a time. The next export tells of the others.
MOST_REPAIRED = 5_000
# Jobs of a store in which it is looked for what was sent lately.
MOST_JOBS = 300
LOOKED_AT_TOGETHER = 1_000
RENEW_AFTER = timedelta(seconds=30)
NOT_THIS_STORES = "the export and the catalogue have less than half of their products in common"


class ExportReplacedError(Exception):
    """A newer export came while this one was compared."""


class StoppedError(Exception):
    """The time is over. Nothing was repaired."""


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What is to be repaired of a store. ``rules``: None for nothing. ``skus``: only these; None for all.
    ``is_beyond_guards``: also what a guard holds, of ``skus``. ``by``, ``why``: who wants it."""

    rules: RepairRules | None = None
    skus: frozenset[str] | None = None
    is_beyond_guards: bool = False
    by: str = LOADER
    why: str = ""
    is_dry_run: bool = False

    def guards_of(self, row: Desired, found: Compared, now: datetime) -> list[Guard] | None:
        """Which guards hold a product that differs, by itself; None where its repair is not asked for."""
        if self.rules is None or (self.skus is not None and found.sku not in self.skus):
            return None
        return [] if self.is_past_guards else self.rules.of_price(row, found, now)

    @property
    def is_past_guards(self) -> bool:
        """Whether no guard counts: only for products by name."""
        return self.is_beyond_guards and self.skus is not None


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
        limits: Limits,
        sales_buffer: int,
    ) -> None:
        self._tables = tables
        self._exports_table = exports_table
        self._exports = exports
        self._table = table
        self._put_file = put_file
        self._clock = clock
        self._executor = executor
        self._limits = limits
        self._sales_buffer = sales_buffer

    def compare(self, store_id: str, request: RepairRequest, is_over: Callable[[], bool] = no_stop) -> DriftReport:
        """Compare a store's last export, and repair what is asked for; a dry run writes nothing. What speaks against
        the export as a whole is a ``problem`` of the report.

        Raises StoreIsLoadingError, LeaseLostError, ExportReplacedError, StoppedError, OSError and botocore's errors;
        LookupError before the first export.
        """
        if request.is_dry_run:
            return self._compare(store_id, request, NO_TOKEN, is_over)
        token = self._tables.leases.acquire(store_id, self._clock())
        try:
            report = self._compare(store_id, request, token, is_over)
            self._table.keep(report)
            return report
        finally:
            self._tables.leases.release(store_id, token)

    def _compare(self, store_id: str, request: RepairRequest, token: int, is_over: Callable[[], bool]) -> DriftReport:
        asked_at = self._exports_table.get(store_id).shown_at
        if asked_at is None:
            raise LookupError(store_id)
        report = DriftReport(store_id, asked_at, self._clock(), by=request.by, why=request.why)
        # Before the rows: what ends later is in the rows.
        state = self._tables.states.get(store_id)
        rules = self._rules(state, asked_at)
        with _Work(rules, request, state, token, report, is_over) as work:
            try:
                self._spool(work)
            except UnreadableResultError as error:
                return replace(report, problem=f"the export cannot be read: {error}")
            if self._exports_table.get(store_id).shown_at != asked_at:
                raise ExportReplacedError(store_id)
            self._look_at_all(work)
            self._repair(work)
            return self._finish(work)

    def _rules(self, state: StoreState, asked_at: datetime) -> ComparisonRules:
        settings = self._tables.settings.get(state.store_id)
        jobs = (self._tables.jobs.get(JobPlace(state.store_id, number)) for number in state.unfinished)
        under_way = _fields_of(job.lines for job in jobs if job is not None)
        sent_lately = self._sent_lately(state.store_id, asked_at)
        margins = settings.margins if settings else NO_MARGINS
        return ComparisonRules(asked_at, margins, self._sales_buffer, under_way, sent_lately)

    def _sent_lately(self, store_id: str, asked_at: datetime) -> FieldsOfProducts | None:
        """What the jobs carried that may have ended after the export was asked for; None where these are too many."""
        lines: list[Mapping[str, Values]] = []
        for job in self._tables.jobs.newest(store_id):
            if job.sent_at < asked_at - GIVE_UP_AFTER:
                break
            if len(lines) == MOST_JOBS:
                return None
            lines.append(job.lines)
        return _fields_of(lines)

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
            if len(work.waiting) == MAX_SKUS:
                self._note_waiting(work)
        self._note_waiting(work)

    def _found(self, work: "_Work") -> Iterator[tuple[Desired | None, Compared]]:
        for number in range(keys.SHARDS):
            rows = self._tables.products.of_shard(work.store_id, number)
            for row, said in side_by_side(rows, work.spool.shard(number)):
                product = None if said is None else _shown(said)
                # A row that says nothing of what the platform does not show either.
                if product is not None or (row is not None and row.values.are_said):
                    yield row, compared(row, product, work.rules)

    def _note_waiting(self, work: "_Work") -> None:
        """Note once more that products wait. Somebody may have written them, an earlier repair among them, and died
        before that was noted. What is noted already goes once all the same."""
        if work.waiting and not work.request.is_dry_run:
            self._tables.changes.add(work.store_id, work.waiting, self._clock())
        work.waiting.clear()

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
        """Decide of the products that may be repaired by themselves, and repair them unless the store as a whole speaks
        against it."""
        within = [*self._within_guards(work)]
        if work.request.is_dry_run or not within:
            for one in within:
                one.repair = Repair.REPAIRED
            return
        now = self._clock()
        self._note_off(work, within, now)
        results = [*self._executor.map(lambda one: self._repair_one(work, one, now), within)]
        for one, result in zip(within, results, strict=True):
            one.repair = result
        skus = [one.found.sku for one in within if one.repair is Repair.REPAIRED]
        self._tables.changes.add(work.store_id, skus, now)

    def _within_guards(self, work: "_Work") -> Iterator["_Repairable"]:
        """The products that no guard holds which measures all of the store."""
        rules, of_store, of_switching_off = work.request.rules, list[Guard](), list[Guard]()
        if rules is not None and not work.request.is_past_guards:
            of_store = rules.of_store(replace(work.report, findings=work.findings).counts)
            found = [one.found for one in work.repairable]
            of_switching_off = rules.of_switching_off(found, work.state.figures(self._clock()))
        for one in work.repairable:
            if held := [*of_store, *(of_switching_off if one.found.switches_off else [])]:
                one.repair = Repair.BEYOND_GUARDS
                work.guards |= dict.fromkeys(held)
            else:
                yield one

    def _note_off(self, work: "_Work", within: Collection["_Repairable"], now: datetime) -> None:
        """Before they go off sale, so that a crash in between counts too much rather than too little."""
        if switched_off := sum(one.found.switches_off for one in within):
            self._tables.states.note_repair(work.state, switched_off, now, work.token)

    def _repair_one(self, work: "_Work", one: "_Repairable", now: datetime) -> Repair:
        before, after = self._tables.products.change(
            work.store_id, one.found.sku, lambda row: repaired(row, one.row, one.found, work.rules, now), one.row
        )
        return Repair.OVERTAKEN if after == before else Repair.REPAIRED

    # -- telling -------------------------------------------------------------------------------------------------------

    def _finish(self, work: "_Work") -> DriftReport:
        """The report, once its file is in the bucket."""
        for one in work.repairable:
            work.put(ListedProduct(one.found, one.repair))
        report = replace(
            work.report,
            findings=work.findings,
            fields=work.fields,
            repairs=work.repairs,
            guards=tuple(work.guards),
            listed=(*work.different, *work.others[: MOST_KEPT - len(work.different)]),
        )
        if is_of_another_store(report.counts, self._limits):
            report = replace(report, problem=NOT_THIS_STORES)
        if work.request.is_dry_run or not report.listed:
            return report
        key = file_key(report)
        self._put_file(key, work.file.finished())
        return replace(report, file_key=key)


@dataclass
class _Repairable:
    """A product that differs and that no guard holds by itself, and what becomes of it."""

    row: Desired
    found: Compared
    repair: Repair = Repair.NONE


@dataclass
class _Work:
    """A comparison. ``repairable``: at most MOST_REPAIRED products. ``different``, ``others``: the first products of
    the report. ``waiting``: some that have yet to be sent. Everything that is listed is in the file; it goes with the
    context."""

    rules: ComparisonRules
    request: RepairRequest
    state: StoreState
    token: int
    report: DriftReport
    is_over: Callable[[], bool]
    findings: Counter[Finding] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    repairs: Counter[Repair] = field(default_factory=Counter)
    repairable: list[_Repairable] = field(default_factory=list)
    different: list[ListedProduct] = field(default_factory=list)
    others: list[ListedProduct] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    guards: dict[Guard, None] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self.renewed_at = self.report.compared_at
        self.spool = Spool(Path(self._open.enter_context(new_folder())))
        self.file = self._open.enter_context(PackedCsv(FILE_COLUMNS))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def store_id(self) -> str:
        return self.state.store_id

    def add(self, row: Desired | None, found: Compared) -> None:
        """Count a product, and keep it where it is to be repaired or listed."""
        self.findings[found.finding] += 1
        if row is not None and is_waiting(row, self.rules.margins):
            self.waiting.append(row.sku)
        if found.finding is Finding.DIFFERENT and row is not None:
            self.fields.update(found.ours.said.keys())
            self._add_different(row, found)
        elif is_listed(found):
            self.put(ListedProduct(found))

    def _add_different(self, row: Desired, found: Compared) -> None:
        guards = self.request.guards_of(row, found, self.report.compared_at)
        if guards is None:
            self.put(ListedProduct(found))
        elif guards:
            self.guards |= dict.fromkeys(guards)
            self.put(ListedProduct(found, Repair.BEYOND_GUARDS))
        elif len(self.repairable) < MOST_REPAIRED:
            self.repairable.append(_Repairable(row, found))
        else:
            self.put(ListedProduct(found, Repair.LATER))

    def put(self, listed: ListedProduct) -> None:
        """Add a product to the file, and to the report, which has the first ones."""
        if listed.repair:
            self.repairs[listed.repair] += 1
        kept = self.different if listed.found.finding is Finding.DIFFERENT else self.others
        if len(kept) < MOST_KEPT:
            kept.append(listed)
        self.file.add(cells_of(listed))


def _fields_of(jobs: Iterable[Mapping[str, Values]]) -> FieldsOfProducts:
    """The fields that jobs carried, by SKU."""
    found: dict[str, set[str]] = {}
    for lines in jobs:
        for sku, values in lines.items():
            found.setdefault(sku, set()).update(values.said)
    return found


def _values(product: ExportedProduct) -> Values:
    return Values(product.price, product.active, None, product.cap)


def _shown(said: Said) -> ShownProduct:
    """A product of the export. One that is there twice, and differs, says nothing."""
    return ShownProduct(said.sku, said.lines[0].values if said.lines else Values())
