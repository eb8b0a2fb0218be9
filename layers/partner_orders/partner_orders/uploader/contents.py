"""What a file is made of: the catalogue's products as the pusher would send them, or the promotions of its stores."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from partner_orders.catalogue import keys
from partner_orders.catalogue.table import ProductsTable
from partner_orders.catalogue.to_send import Margins, to_send
from partner_orders.clock import Clock
from partner_orders.promotions import state as after
from partner_orders.promotions.bodies import Bodies, BodyGoneError
from partner_orders.promotions.promotion import promotion_of
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import PromotionsTable, WrittenMeanwhileError
from partner_orders.promotions.wish import Channel, Outcome
from partner_orders.uploader import catalogue_file, promotion_file
from partner_orders.uploader.archive import Archive
from partner_orders.uploader.catalogue_file import Product, Stock
from partner_orders.uploader.promotion_file import KeptRows, NotForFilesError
from partner_orders.uploader.targets import Target

type Cells = tuple[str, ...]


class Contents(Protocol):
    """``wanted``: what the content would be made of now, in short; empty where only the content tells. ``prepare`` is
    called before the rows are written; a dry run changes nothing by it."""

    def wanted(self, target: Target) -> str: ...

    def prepare(self, target: Target, is_dry_run: bool = False) -> "Prepared": ...


@dataclass
class Prepared:
    """A file to be written. ``keep``: what has to be kept before it may be sent. ``sent``: what follows once it was."""

    columns: Cells
    rows: Iterable[Cells]
    keep: Callable[[], None] = lambda: None
    sent: Callable[[], None] = lambda: None
    notes: list[str] = field(default_factory=list)


class CatalogueContents:
    """``margins``: what is kept back in a store."""

    def __init__(self, products: ProductsTable, margins: Callable[[str], Margins], stock: Stock) -> None:
        self._products = products
        self._margins = margins
        self._stock = stock

    def wanted(self, target: Target) -> str:  # noqa: ARG002 - see Contents
        """Reading all products is what it takes to know."""
        return ""

    def prepare(self, target: Target, is_dry_run: bool = False) -> Prepared:  # noqa: ARG002 - see Contents
        return Prepared(catalogue_file.columns(self._stock, target.is_shared), self._rows(target))

    def _rows(self, target: Target) -> Iterator[Cells]:
        for number in range(keys.SHARDS):
            if target.is_shared:
                products_of = {
                    target.vendor_of(store_id): self._of_shard(store_id, number) for store_id in target.stores
                }
                yield from catalogue_file.shared_rows(products_of, self._stock)
            else:
                yield from catalogue_file.rows(self._of_shard(target.stores[0], number), self._stock)

    def _of_shard(self, store_id: str, number: int) -> Iterator[Product]:
        """Consistent: a change that was noted is in the file that lets it be forgotten."""
        margins = self._margins(store_id)
        for row in self._products.of_shard(store_id, number, consistent=True):
            yield row.sku, to_send(row, margins)


class PromotionContents:
    """Promotions of the channel of files. One whose time is over for a day is no longer there."""

    def __init__(self, table: PromotionsTable, bodies: Bodies, archive: Archive, clock: Clock) -> None:
        self._table = table
        self._bodies = bodies
        self._archive = archive
        self._clock = clock
        self._states: dict[str, PromotionState] = {}

    def read(self) -> None:
        """Read the promotions of all stores, for one run."""
        found = self._table.all(self._clock() - promotion_file.STAYS - timedelta(minutes=10))
        self._states = {name: one for name, one in found.items() if one.channel is Channel.FILES}

    def wanted(self, target: Target) -> str:
        now = self._clock()
        facts = [
            f"{name} {_digest(one, now)} {now > one.summary.ends} {now > one.summary.ends + promotion_file.STAYS}"
            for name, one in sorted(self._of(target).items())
        ]
        return sha256("\n".join([*facts, *target.stores]).encode()).hexdigest() if facts else ""

    def prepare(self, target: Target, is_dry_run: bool = False) -> Prepared:
        states, wanted = self._of(target), dict[str, KeptRows]()
        sent, notes = list[PromotionState](), list[str]()
        for name, one in states.items():
            if one.outcome is Outcome.REFUSED:
                continue
            try:
                wanted[name] = KeptRows(one.summary.ends, self._rows(target, one))
            except (NotForFilesError, BodyGoneError) as error:
                problem = str(error) or "its body is gone"
                notes.append(f"left out {name}: {problem}")
                if not is_dry_run:
                    self._refuse(one, problem)
            else:
                sent.append(one)
        before = promotion_file.from_bytes(self._archive.kept_rows(target.name))
        kept = promotion_file.next_kept(before, wanted, self._clock())

        def keep() -> None:
            if kept != before:
                self._archive.keep_rows(target.name, promotion_file.to_bytes(kept))

        def note() -> None:
            for one in sent:
                self._submit(one)

        return Prepared(promotion_file.columns(target.is_shared), promotion_file.file_rows(kept), keep, note, notes)

    def _of(self, target: Target) -> Mapping[str, PromotionState]:
        return {
            name: one
            for name, one in self._states.items()
            if one.summary.vendors == ("*",) or {*one.summary.vendors} & {*target.stores}
        }

    def _rows(self, target: Target, state: PromotionState) -> tuple[Cells, ...]:
        now = self._clock()
        if _is_end(state, now):
            return ()
        body = self._bodies.read(state.promotion_id, state.wish.digest)
        vendors = state.summary.vendors
        stores = [target.vendor_of(one) for one in target.stores if vendors == ("*",) or one in vendors]
        return promotion_file.rows_of(promotion_of(body), stores if target.is_shared else None)

    def _submit(self, state: PromotionState) -> None:
        """Note that a promotion was submitted, which nothing will ever confirm. A wish that came meanwhile stays."""
        now = self._clock()
        if state.planned is not None and state.planned.due <= now:
            state = after.taken_up(state, now)
        if state.outcome is Outcome.WAITING:
            self._write(after.submitted(state, "", now))

    def _refuse(self, state: PromotionState, problem: str) -> None:
        if state.outcome is Outcome.WAITING:
            self._write(after.refused(state, problem, self._clock()))

    def _write(self, state: PromotionState) -> None:
        try:
            written = self._table.write(state)
        except WrittenMeanwhileError:
            return
        for record in written.untold:
            self._table.note(written.promotion_id, record)
        self._states[written.promotion_id] = written


def _digest(state: PromotionState, now: datetime) -> str:
    return "end" if _is_end(state, now) else f"{state.wish.digest} {state.outcome is Outcome.REFUSED}"


def _is_end(state: PromotionState, now: datetime) -> bool:
    """Whether a promotion is to be ended by now."""
    return state.wish.is_end or (state.planned is not None and state.planned.due <= now)
