"""What a file would change: its lines beside the rows of the table, a shard at a time, in one order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from partner_orders.catalogue.desired import NOTHING, Desired, Versions, merged, needs_write
from partner_orders.catalogue.guards import Limits, held_price, in_force, is_switched_off
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import submitted_price
from partner_orders.catalogue.side_by_side import side_by_side
from partner_orders.catalogue.spool import Said
from partner_orders.catalogue.stored import instant


@dataclass(frozen=True, slots=True)
class Rules:
    """How a file is taken. ``list_versions``: those of the store before this file. ``is_covered``: whether the store's
    list version stands for every line, as it does for a whole list whose lines state none of their own.
    ``switches_absent_off``: whether a whole list takes the products off sale that it leaves out, in ``version``, the
    file's own. ``is_by_files``: whether the store is sent by files."""

    version: datetime
    list_versions: Versions
    is_covered: bool
    switches_absent_off: bool
    limits: Limits
    now: datetime
    is_by_files: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A product before and after a file. ``held``: the newest that a guard holds of it; ``held_versions``: those of all
    lines whose price it holds, the newest last. ``said``: what the file says; None for a product that it leaves out.
    ``is_by_files``: as in Rules."""

    before: Desired
    after: Desired
    held: Values = NOTHING
    said: Said | None = None
    is_written: bool = False
    held_versions: tuple[int, ...] = ()
    is_by_files: bool = False

    @property
    def changes_values(self) -> bool:
        """Whether the product gets other values, and not only newer versions of them."""
        return self.before.values != self.after.values

    @property
    def is_unguarded(self) -> bool:
        """Whether the product gets a price that nothing was compared with."""
        price, row = self.after.values.price, in_force(self.before, self.is_by_files)
        is_known = row.confirmed.price is not None or bool(row.past_prices)
        return price is not None and price != row.values.price and not is_known

    @property
    def switches_off(self) -> bool:
        """Whether a product that the platform shows as on sale goes off."""
        return is_switched_off(in_force(self.before, self.is_by_files), self.after.values)


def compared(rows: Iterable[Desired], said: Iterable[Said], rules: Rules) -> Iterator[Comparison]:
    """The products that a file names or leaves out. ``rows`` and ``said`` are a shard's, in the order of SKUs."""
    for row, line in side_by_side(rows, said):
        if line is not None:
            yield _with(row or Desired(line.sku), line, rules)
        elif row is not None:
            yield _without(row, rules)


def _with(row: Desired, said: Said, rules: Rules) -> Comparison:
    after, held, versions, measured = row, NOTHING, [], in_force(row, rules.is_by_files)
    for line in reversed(said.lines):  # the oldest first: what is held is the newest
        taken, kept = held_price(measured, line.values, rules.limits, rules.now)
        after = merged(after, taken, instant(line.version), rules.list_versions)
        if kept.are_said:
            held = kept
            versions.append(line.version)
    is_written = needs_write(row, after, rules.is_covered)
    if rules.is_by_files:
        after = submitted_price(measured, after, rules.now)
    return Comparison(row, after, held, said, is_written, tuple(versions), rules.is_by_files)


def _without(row: Desired, rules: Rules) -> Comparison:
    if not rules.switches_absent_off:
        return Comparison(row, row, is_by_files=rules.is_by_files)
    after = merged(row, Values(active=False), rules.version, rules.list_versions)
    is_written = needs_write(row, after, rules.is_covered)
    return Comparison(row, after, is_written=is_written, is_by_files=rules.is_by_files)
