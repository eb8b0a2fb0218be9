"""The second pass over a file: first what it would do is measured, then, unless a guard holds it, it is applied.

Applying it again, after a crash or because the file came twice, changes nothing that is as it should be.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired, Versions, merged
from partner_orders.catalogue.guards import FileFigures, Limits, Reason, file_reasons
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_state import Load
from partner_orders.catalogue.stored import instant
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import Margins, is_waiting
from partner_orders.clock import Clock
from partner_orders.loader.checking import Checked
from partner_orders.loader.comparing import Comparison, Rules, compared
from partner_orders.loader.spool import CONFLICT, Said, Spool

WRITTEN_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class ListOfStore:
    """A file that was checked. ``source`` names it; ``version`` is that of lines that state none.
    ``switches_absent_off``: whether a whole list takes what it leaves out off sale."""

    store_id: str
    source: str
    version: datetime
    is_whole_list: bool
    switches_absent_off: bool = False


@dataclass
class Loaded:
    """What became of a file: products that were changed, prices that are held, and why the file is held as a whole."""

    changed: int = 0
    held_prices: int = 0
    reasons: tuple[Reason, ...] = ()


class Loader:
    """Takes the files of one store at a time. ``executor`` makes the writes side by side."""

    def __init__(
        self, tables: Tables, clock: Clock, limits: Limits, margins: Callable[[str], Margins], executor: Executor
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._limits = limits
        self._margins = margins
        self._executor = executor

    def load(self, file: ListOfStore, checked: Checked, spool: Spool, is_dry_run: bool = False) -> Loaded:
        """Measure a file, and apply it unless a guard holds it or it is only tried. Lines that contradict each other
        are added to the report. Raises botocore's errors and OSError."""
        now = self._clock()
        state = self._tables.states.get(file.store_id)
        rules = self._rules(file, checked, state.list_versions, now)
        found, figures = self._measured(file, checked.report, spool, rules)
        reasons = file_reasons(figures, state.figures(now), self._limits)
        if reasons:
            found.reasons = tuple(reasons)
            if not is_dry_run:
                self._tables.held.hold_file(file.store_id, reasons[0], file.source, file.version)
            return found
        if is_dry_run:
            return found
        if rules.is_covered:
            self._tables.states.raise_list_versions(file.store_id, checked.fields, file.version)
        load = self._apply(file, spool, rules)
        if not file.is_whole_list:
            load = replace(load, products=state.products + load.products, for_sale=state.for_sale + load.for_sale)
        self._tables.states.note_load(
            state, replace(load, listed=checked.report.good if file.is_whole_list else None), now
        )
        return found

    def _rules(self, file: ListOfStore, checked: Checked, list_versions: Versions, now: datetime) -> Rules:
        return Rules(
            file.version,
            list_versions,
            is_covered=file.is_whole_list and not checked.states_versions,
            switches_absent_off=file.is_whole_list and file.switches_absent_off,
            limits=self._limits,
            now=now,
        )

    # -- measuring -----------------------------------------------------------------------------------------------------

    def _measured(
        self, file: ListOfStore, report: LineReport, spool: Spool, rules: Rules
    ) -> tuple[Loaded, FileFigures]:
        found = Loaded()
        known = switches_off = 0
        for one in self._compared(file, spool, rules):
            found.changed += one.is_written
            found.held_prices += one.held.are_said
            switches_off += one.switches_off
            if one.said is not None:
                known += one.before.writes > 0
                for line in one.said.conflicts:
                    report.move_to_bad(line.number, [CONFLICT], {"sku": line.sku})
        return found, FileFigures(report.good, known, switches_off, file.is_whole_list)

    def _compared(self, file: ListOfStore, spool: Spool, rules: Rules) -> Iterator[Comparison]:
        """The products of a file beside the rows. A whole list reads all rows of the store, another file its own."""
        for number in range(keys.SHARDS):
            if file.is_whole_list:
                yield from compared(self._tables.products.of_shard(file.store_id, number), spool.shard(number), rules)
                continue
            for some in batched(spool.shard(number), WRITTEN_TOGETHER, strict=False):
                rows = self._tables.products.many(file.store_id, [said.sku for said in some])
                yield from compared([rows[said.sku] for said in some if said.sku in rows], some, rules)

    # -- applying ------------------------------------------------------------------------------------------------------

    def _apply(self, file: ListOfStore, spool: Spool, rules: Rules) -> Load:
        """Write what is new, then note that it changed, some hundred products at a time."""
        products = for_sale = switched_off = 0
        held: dict[str, Values] = {}
        for some in batched(self._compared(file, spool, rules), WRITTEN_TOGETHER, strict=False):
            results = [*self._executor.map(lambda one: self._write(file.store_id, one, rules), some)]
            waiting = [one.sku for one in results if is_waiting(one, self._margins(file.store_id))]
            self._tables.changes.add(file.store_id, waiting, self._clock())
            held |= {one.before.sku: one.held for one in some if one.held.are_said}
            switched_off += sum(one.switches_off for one in some)
            for one, result in zip(some, results, strict=True):
                is_new, was_on, is_on = one.before.writes == 0, _is_on(one.before), _is_on(result)
                products += 1 if file.is_whole_list else is_new
                for_sale += is_on if file.is_whole_list else is_on - was_on
        self._tables.held.hold_lines(file.store_id, file.source, file.version, held)
        return Load(products, for_sale, switched_off, None)

    def _write(self, store_id: str, one: Comparison, rules: Rules) -> Desired:
        """Write a product that changed. If it was written meanwhile, the file is compared with what is there now."""
        if not one.is_written:
            return one.before

        def change(row: Desired) -> Desired:
            if row is one.before:
                return one.after
            return _again(row, one.said, one.held, rules)

        return self._tables.products.change(store_id, one.before.sku, change, one.before)[1]


def _again(row: Desired, said: Said | None, held: Values, rules: Rules) -> Desired:
    """A file's lines over a row that another writer was faster to write; what was held stays held."""
    if said is None:
        return merged(row, Values(active=False), rules.version, rules.list_versions)
    for line in reversed(said.lines):
        values = replace(line.values, price=None) if held.are_said else line.values
        row = merged(row, values, instant(line.version), rules.list_versions)
    return row


def _is_on(row: Desired) -> bool:
    return row.values.active is True or (row.values.active is None and bool(row.values.quantity))
