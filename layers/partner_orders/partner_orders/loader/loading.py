"""The second pass over a file: first what it would do is measured, then, unless a guard holds it, it is applied.

Applying it again, after a crash or because the file came twice, changes nothing that is as it should be.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched

from partner_orders.catalogue import keys
from partner_orders.catalogue.decided import LOADER
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.files import Decision, short_name
from partner_orders.catalogue.guards import FileFigures, Limits, Reason, file_reasons, in_force
from partner_orders.catalogue.held import MAX_LINES as HELD_TOGETHER
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.loading_lease import NO_TOKEN
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import submitted_price
from partner_orders.catalogue.spool import CONFLICT, Said, Spool
from partner_orders.catalogue.store_state import Load, StoreState
from partner_orders.catalogue.stored import instant
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS, Margins, is_waiting
from partner_orders.clock import Clock
from partner_orders.loader.checking import Checked
from partner_orders.loader.comparing import Comparison, Rules, compared

WRITTEN_TOGETHER = 500

# Is told how many products were compared, and raises what is to end the work.
type Beat = Callable[[int], None]
# Is shown each product that was compared.
type Notice = Callable[[Comparison], None]


@dataclass(frozen=True, slots=True)
class ListOfStore:
    """A file that was checked. ``source`` names it; ``version`` is that of lines that state none.
    ``switches_absent_off``: whether a whole list takes what it leaves out off sale. ``margins`` are the store's.
    ``token``: the fencing token of its lease, NO_TOKEN for a dry run. ``is_by_files``: whether the store is sent by
    files."""

    store_id: str
    source: str
    version: datetime
    stored_at: datetime
    is_whole_list: bool
    switches_absent_off: bool = False
    margins: Margins = NO_MARGINS
    token: int = NO_TOKEN
    is_by_files: bool = False


@dataclass
class Measured:
    """What a file would do. ``written``: products whose row is written, if only for newer versions; ``changed``,
    ``held_prices``, ``switches_off``: those whose values change, whose price is held, and that go off sale.
    ``unguarded``: those that get a price, and of which the platform has confirmed none to compare it with.
    ``reasons``: why the file is held as a whole. ``products``, ``for_sale``: of the store, as a whole list leaves them;
    ``waiting``: products that have yet to be sent."""

    state: StoreState
    rules: Rules
    written: int = 0
    changed: int = 0
    unguarded: int = 0
    held_prices: int = 0
    switches_off: int = 0
    known: int = 0
    products: int = 0
    for_sale: int = 0
    waiting: int = 0
    reasons: tuple[Reason, ...] = ()


def no_beat(_products: int) -> None:
    """Nobody wants to know."""


def no_notice(_product: Comparison) -> None:
    """Nobody wants to see it."""


@dataclass(frozen=True, slots=True)
class _Work:
    file: ListOfStore
    checked: Checked
    spool: Spool
    beat: Beat


@dataclass
class _Counted:
    """The products that were written by a file: those that are new, and those that came on sale."""

    products: int = 0
    for_sale: int = 0
    held: dict[str, Values] = field(default_factory=dict)
    held_versions: dict[str, datetime] = field(default_factory=dict)
    parts: int = 0
    is_told: bool = False


class Loader:
    """Takes a file of a store, which the caller has to itself. ``executor`` makes the writes side by side. Every method
    raises botocore's errors, OSError, LeaseLostError, and what the beat raises."""

    def __init__(self, tables: Tables, clock: Clock, limits: Limits, executor: Executor) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._executor = executor

    # -- measuring -----------------------------------------------------------------------------------------------------

    def measure(
        self,
        file: ListOfStore,
        checked: Checked,
        spool: Spool,
        beat: Beat = no_beat,
        notice: Notice = no_notice,
    ) -> Measured:
        """What a file would do; nothing is written. Lines that contradict each other are added to the report."""
        now = self._clock()
        state = self._tables.states.get(file.store_id)
        measured = Measured(state, self._rules(file, checked, state, now))
        for number, one in enumerate(self._compared(_Work(file, checked, spool, beat), measured.rules)):
            if number % WRITTEN_TOGETHER == 0:
                beat(number)
            self._add(measured, one, checked.report, file.margins)
            notice(one)
        figures = FileFigures(checked.report.good, measured.known, measured.switches_off, file.is_whole_list)
        measured.reasons = tuple(file_reasons(figures, state.figures(now), self._limits))
        return measured

    def _rules(self, file: ListOfStore, checked: Checked, state: StoreState, now: datetime) -> Rules:
        return Rules(
            file.version,
            state.list_versions_for(short_name(file.source)),
            is_covered=file.is_whole_list and not checked.states_versions,
            # A line that names no product may be of any that seems to be left out.
            switches_absent_off=file.is_whole_list and file.switches_absent_off and checked.names_all,
            limits=self._limits,
            now=now,
            is_by_files=file.is_by_files,
        )

    def _add(self, measured: Measured, one: Comparison, report: LineReport, margins: Margins) -> None:
        measured.written += one.is_written
        measured.changed += one.changes_values
        measured.unguarded += one.is_unguarded
        measured.held_prices += one.held.are_said
        measured.switches_off += one.switches_off
        measured.products += _is_there(one)
        measured.for_sale += _is_on(one.after)
        measured.waiting += is_waiting(one.after, margins)
        if one.said is None:
            return
        measured.known += one.before.writes > 0 and bool(one.said.lines)
        for line in one.said.conflicts:
            report.move_to_bad(line.number, [CONFLICT], {"sku": line.sku})
        if one.said.more_conflicts:
            report.move_more_to_bad(one.said.more_conflicts, CONFLICT)

    def _compared(self, work: _Work, rules: Rules) -> Iterator[Comparison]:
        """The products of a file beside the rows. A whole list reads all rows of the store, another file its own."""
        store_id, products = work.file.store_id, self._tables.products
        for number in range(keys.SHARDS):
            if work.file.is_whole_list:
                yield from compared(products.of_shard(store_id, number), work.spool.shard(number), rules)
                continue
            for some in batched(work.spool.shard(number), WRITTEN_TOGETHER, strict=False):
                rows = products.many(store_id, [said.sku for said in some])
                yield from compared([rows[said.sku] for said in some if said.sku in rows], some, rules)

    # -- holding and applying ------------------------------------------------------------------------------------------

    def hold(self, file: ListOfStore, measured: Measured) -> None:
        """Hold a file as a whole; nothing of it is applied."""
        self._tables.held.hold_file(file.store_id, measured.reasons[0], file.source, file.version, file.stored_at)

    def forget_hold(self, file: ListOfStore) -> None:
        """Forget that a file is held, which passes now: an earlier run may have crashed right after it was held."""
        for held in self._tables.held.of_store(file.store_id):
            if held.is_file and held.source == file.source and not held.decision:
                self._tables.held.remove(file.store_id, held)

    def apply(
        self,
        file: ListOfStore,
        checked: Checked,
        spool: Spool,
        measured: Measured,
        is_repeat: bool = False,
        beat: Beat = no_beat,
    ) -> None:
        """Apply a file that was measured. ``is_repeat``: whether it was begun before, so that nobody knows which
        products are new."""
        states, rules = self._tables.states, measured.rules
        if rules.is_covered:
            states.raise_list_versions(file.store_id, checked.fields, file.version, short_name(file.source))
        tells_all = measured.waiting > 0 and (is_repeat or self._is_forgotten(measured.state))
        counted = _Counted()
        if measured.written or measured.held_prices or tells_all:
            counted = self._apply(_Work(file, checked, spool, beat), rules, tells_all)
        if rules.is_covered and "price" in checked.fields:
            self._supersede(file)
        load = self._load(file, checked, measured, counted, is_repeat)
        states.note_load(measured.state, load, self._clock(), file.token or None)

    def _load(
        self, file: ListOfStore, checked: Checked, measured: Measured, counted: _Counted, is_repeat: bool
    ) -> Load:
        """What a file left behind."""
        if file.is_whole_list:
            products, for_sale, listed = measured.products, measured.for_sale, checked.report.good
        elif is_repeat:
            products, for_sale, listed = *self._count(file.store_id), None
        else:
            products = measured.state.products + counted.products
            for_sale, listed = measured.state.for_sale + counted.for_sale, None
        return Load(products, for_sale, measured.switches_off, listed, short_name(file.source))

    def load(self, file: ListOfStore, checked: Checked, spool: Spool, is_dry_run: bool = False) -> Measured:
        """Measure a file, and apply it unless a guard holds it or it is only tried."""
        measured = self.measure(file, checked, spool)
        if is_dry_run:
            return measured
        if measured.reasons:
            self.hold(file, measured)
        else:
            self.apply(file, checked, spool, measured)
        return measured

    def _is_forgotten(self, state: StoreState) -> bool:
        """Whether nothing says that products wait: somebody wrote them, and never came to say so."""
        return not state.unfinished and not self._tables.changes.first(state.store_id, 1)

    def _apply(self, work: _Work, rules: Rules, tells_all: bool) -> _Counted:
        """Write what is new, then note that it changed, some hundred products at a time. ``tells_all``: also of what
        was written before."""
        file, counted = work.file, _Counted()
        for number, some in enumerate(batched(self._compared(work, rules), WRITTEN_TOGETHER, strict=False)):
            work.beat(number * WRITTEN_TOGETHER)
            results = [*self._executor.map(lambda one: self._write(file.store_id, one, rules), some)]
            told = [result for one, result in zip(some, results, strict=True) if one.is_written or tells_all]
            waiting = [product.sku for product in told if is_waiting(product, file.margins)]
            if file.is_by_files:
                waiting = self._of_next_file(some, tells_all and not counted.is_told)
                counted.is_told = counted.is_told or bool(waiting)
            self._tables.changes.add(file.store_id, waiting, self._clock())
            for one, result in zip(some, results, strict=True):
                counted.products += one.is_written and one.before.writes == 0
                counted.for_sale += _is_on(result) - _is_on(one.before)
                if one.held.are_said:
                    counted.held[one.before.sku] = one.held
                    counted.held_versions[one.before.sku] = instant(one.held_versions[-1])
            self._hold_lines(file, counted, HELD_TOGETHER)
        self._hold_lines(file, counted, 1)
        return counted

    def _of_next_file(self, some: Sequence[Comparison], tells_one: bool) -> list[str]:
        """The products that the store's next file is due for. Each has everything, so that one product stands for all
        those that may have been written before."""
        changed = [one.before.sku for one in some if one.is_written and one.changes_values]
        return changed or [one.before.sku for one in some[:1] if tells_one]

    def _hold_lines(self, file: ListOfStore, counted: _Counted, least: int) -> None:
        """Hold the prices that were found, once there are enough of them for a row."""
        while len(counted.held) >= least:
            lines = [*counted.held.items()]
            some, counted.held = dict(lines[:HELD_TOGETHER]), dict(lines[HELD_TOGETHER:])
            versions = {sku: at for sku in some if (at := counted.held_versions.pop(sku)) != file.version}
            self._tables.held.hold_lines(file.store_id, file.source, file.version, some, counted.parts, versions)
            counted.parts += 1

    def _supersede(self, file: ListOfStore) -> None:
        """Forget held prices of an older version than a list's: it states the price of every product, so they would
        change nothing any more."""
        for held in self._tables.held.of_store(file.store_id):
            if not held.is_file and not held.decision and held.newest < file.version:
                self._tables.decisions.note(
                    file.store_id, held, Decision.SUPERSEDED, LOADER, f"by {file.source}", self._clock()
                )
                self._tables.held.remove(file.store_id, held)

    def _write(self, store_id: str, one: Comparison, rules: Rules) -> Desired:
        """Write a product that changed. If it was written meanwhile, the file is compared with what is there now."""
        if not one.is_written:
            return one.before

        def change(row: Desired) -> Desired:
            if row is one.before:
                return one.after
            return _again(row, one.said, one.held_versions, rules)

        return self._tables.products.change(store_id, one.before.sku, change, one.before)[1]

    def _count(self, store_id: str) -> tuple[int, int]:
        """How many products a store has, and how many of them are on sale."""
        products = for_sale = 0
        for row in self._tables.products.all_of(store_id):
            products += 1
            for_sale += _is_on(row)
        return products, for_sale


def _again(row: Desired, said: Said | None, held_versions: Collection[int], rules: Rules) -> Desired:
    """A file's lines over a row that another writer was faster to write; what was held stays held."""
    if said is None:
        return merged(row, Values(active=False), rules.version, rules.list_versions)
    after = row
    for line in reversed(said.lines):
        values = replace(line.values, price=None) if line.version in held_versions else line.values
        after = merged(after, values, instant(line.version), rules.list_versions)
    return submitted_price(in_force(row, True), after, rules.now) if rules.is_by_files else after


def _is_there(one: Comparison) -> bool:
    return one.before.writes > 0 or one.is_written


def _is_on(row: Desired) -> bool:
    return row.values.active is True or (row.values.active is None and bool(row.values.quantity))
