"""What a file is made of: the catalogue's products as the pusher would send them, or the promotions of its stores."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Protocol

from partner_orders.catalogue import keys
from partner_orders.catalogue.channel import FilePlace
from partner_orders.catalogue.table import ProductsTable
from partner_orders.catalogue.to_send import Margins, to_send
from partner_orders.clock import Clock
from partner_orders.promotions import state as after
from partner_orders.promotions.bodies import BODY_GONE, Bodies, BodyGoneError
from partner_orders.promotions.promotion import EVERY_STORE, promotion_of
from partner_orders.promotions.sending import is_free
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import PromotionsTable, WrittenMeanwhileError
from partner_orders.promotions.wish import Channel, Outcome
from partner_orders.uploader import catalogue_file, promotion_file
from partner_orders.uploader.archive import Archive
from partner_orders.uploader.catalogue_file import Product, Stock
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.promotion_file import Group, Groups, Kept, NotForFilesError, Wanted
from partner_orders.uploader.targets import Target
from partner_orders.uploader.uploads_table import KeptGroup, UploadsTable, rows_waiting

type Cells = tuple[str, ...]

TOO_MANY_ROWS = "the rows of too many promotions are kept for the file; it begins once others are over for a day"
_MOST_WRITES = 8


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
    """Promotions of the channel of files, as they were when they were read, at one instant for a whole run. One whose
    time is over for a day is no longer there."""

    def __init__(
        self, table: PromotionsTable, bodies: Bodies, archive: Archive, uploads: UploadsTable, clock: Clock
    ) -> None:
        self._table = table
        self._bodies = bodies
        self._archive = archive
        self._uploads = uploads
        self._clock = clock
        self._now = clock()
        self._states: dict[str, PromotionState] = {}
        self._groups: dict[Group, KeptGroup] = {}
        self._waiting: dict[str, FilePlace] = {}

    def read(self) -> None:
        """Read the promotions of all stores, and which rows are kept, for one run."""
        self._now = self._clock()
        found = self._table.all(self._now - promotion_file.STAYS - timedelta(minutes=10))
        self._states = {name: self._due(one) for name, one in found.items() if one.channel is Channel.FILES}
        self._groups = {one.group: one for one in self._uploads.kept_groups()}
        self._waiting = rows_waiting(self._groups.values(), self._now)

    def rows_waiting(self) -> dict[str, FilePlace]:
        """The stores whose file had to go when this was read, even if they are switched off, with its last place."""
        return self._waiting

    def wanted(self, target: Target) -> str:
        facts = [f"{name} {self._fact(one)}" for name, one in sorted(self._of(target).items())]
        stores = [*target.stores, *(f"{store_id} begins" for store_id in target.begins)]
        return sha256("\n".join([*facts, *stores]).encode()).hexdigest() if facts else ""

    def prepare(self, target: Target, is_dry_run: bool = False) -> Prepared:
        before = {
            group: self._kept_rows(kept) for group, kept in self._groups.items() if {*group.stores} & {*target.stores}
        }
        wanted, failing, notes = dict[str, Wanted](), dict[str, str](), list[str]()
        for name, one in self._of(target).items():
            if one.outcome in {Outcome.REFUSED, Outcome.OVER}:
                continue
            try:
                wanted[name] = Wanted(one.summary.ends, self._rows(one), self._begins(target, one))
            except NotForFilesError as error:
                notes.append(f"left out {name}: {error}")
                if not is_dry_run:
                    self._refuse(one, str(error))
            except BodyGoneError:
                failing[name] = BODY_GONE
        groups, held = promotion_file.next_groups(before, wanted, target.vendor_names, self._now)
        failing |= dict.fromkeys(held, TOO_MANY_ROWS)
        notes += [f"left out {name}: {problem}" for name, problem in failing.items()]
        if not is_dry_run:
            self._note_failing(target, failing, wanted)

        def keep() -> None:
            self._keep(target, before, groups)

        def sent() -> None:
            self._keep_sent(target, groups)

        rows = promotion_file.file_rows(groups, target.is_shared)
        return Prepared(promotion_file.columns(target.is_shared), rows, keep, sent, notes)

    def settle(self, found: Iterable[Target], digests: Mapping[str, str]) -> None:
        """Note the promotions that were submitted, which nothing will ever confirm: those of which every file was sent
        as it should be now. ``digests``: what each file of promotions was made of when it was sent last, by name."""
        files = [one for one in found if one.kind is FileKind.PROMOTIONS]
        is_sent = {one.name: digests.get(one.name) == self.wanted(one) for one in files}
        waiting = [one for one in self._states.values() if one.outcome is Outcome.WAITING]
        for state in waiting:
            about = [one for one in files if self._is_of(state, one)]
            if not all(is_sent[one.name] for one in about):
                continue
            # Looked at last: it may read rows and bodies.
            if state.wish.is_end or self._is_begun(state, about):
                self._change(state, lambda one: after.submitted(one, "", self._clock()))

    # -- one promotion -------------------------------------------------------------------------------------------------

    def _due(self, state: PromotionState) -> PromotionState:
        """The promotion, whose planned end is its wish once it is due."""
        is_due = state.planned is not None and state.planned.due <= self._now and state.outcome is not Outcome.OVER
        return after.taken_up(state, self._now) if is_due else state

    def _of(self, target: Target) -> dict[str, PromotionState]:
        return {name: one for name, one in self._states.items() if self._is_of(one, target)}

    def _is_of(self, state: PromotionState, target: Target) -> bool:
        vendors = state.summary.vendors
        return vendors == (EVERY_STORE,) or bool({*vendors} & {*target.stores})

    def _fact(self, state: PromotionState) -> str:
        """What the rows of a promotion depend on. One that failed is tried again each hour."""
        ends, now = state.summary.ends, self._now
        facts = [state.wish.digest, self._is_free(state), state.outcome is Outcome.REFUSED]
        if state.outcome is Outcome.FAILED:
            facts.append(f"{now:%Y%m%d%H}")
        return f"{['end'] if state.wish.is_end else facts} {now > ends} {now > ends + promotion_file.STAYS}"

    def _rows(self, state: PromotionState) -> tuple[Cells, ...]:
        if state.wish.is_end:
            return ()
        return promotion_file.rows_of(promotion_of(self._bodies.read(state.promotion_id, state.wish.digest)))

    def _is_free(self, state: PromotionState) -> bool:
        earlier = self._states.get(state.wish.after)
        if state.wish.after and earlier is None:
            earlier = self._table.get(state.wish.after)
        return is_free(state, earlier, self._now)

    def _begins(self, target: Target, state: PromotionState) -> tuple[str, ...]:
        if not self._is_free(state):
            return ()
        vendors = state.summary.vendors
        return tuple(one for one in target.begins if vendors == (EVERY_STORE,) or one in vendors)

    def _is_begun(self, state: PromotionState, about: Iterable[Target]) -> bool:
        """Whether the promotion may begin in each store that it names, or has nothing left to begin there; one of every
        store begins where it may."""
        stores = {store_id for one in about for store_id in self._begins(one, state)}
        if state.summary.vendors == (EVERY_STORE,):
            return bool(stores)
        left = {*state.summary.vendors} - stores
        return not left or (state.may_run and self._has_begun_in(state, left))

    def _has_begun_in(self, state: PromotionState, stores: Iterable[str]) -> bool:
        """Whether each row of the promotion is on in each of these stores, as the rows are kept: a change that only
        takes products out needs no store to be switched on."""
        try:
            wanted = {*self._rows(state)}
        except (BodyGoneError, NotForFilesError):
            return False
        on: dict[str, set[Cells]] = {store_id: set() for store_id in stores}
        for group, kept in self._groups.items():
            if met := on.keys() & {*group.stores}:
                rows = self._kept_rows(kept).get(state.promotion_id)
                for store_id in met:
                    on[store_id] |= {*rows.on} if rows else set()
        return all(wanted <= rows for rows in on.values())

    def _kept_rows(self, kept: KeptGroup) -> Kept:
        return promotion_file.from_bytes(self._archive.kept_rows(kept.name))

    # -- what is noted -------------------------------------------------------------------------------------------------

    def _note_failing(self, target: Target, failing: Mapping[str, str], wanted: Iterable[str]) -> None:
        """Note what could not be put into a file, and what could not before and can be now. One that another file
        cannot have stays failed."""
        for name, problem in failing.items():
            if self._states[name].outcome is Outcome.WAITING:
                told = f"{_in_file_of(target.stores[0])}{problem}"
                self._change(self._states[name], partial(after.unreadable, problem=told, now=self._clock()))
        of_these = tuple(map(_in_file_of, target.stores))
        for name in wanted:
            state = self._states[name]
            if name not in failing and state.outcome is Outcome.FAILED and state.problem.startswith(of_these):
                self._change(state, lambda one: after.tried_again(one, self._clock()))

    def _refuse(self, state: PromotionState, problem: str) -> None:
        if state.outcome in {Outcome.WAITING, Outcome.FAILED}:
            self._change(state, lambda one: after.refused(one, problem, self._clock()))

    def _keep(self, target: Target, before: Groups, groups: Groups) -> None:
        """Keep what is about to be sent. Raises WrittenMeanwhileError where a promotion that begins was wished to be
        something else: then the next run sends that."""
        for name in sorted({name for kept in groups.values() for name, rows in kept.items() if rows.on}):
            state = self._states.get(name)
            if state is not None and not state.may_run and not self._change(state, after.may_run):
                raise WrittenMeanwhileError(name)
        for group, kept in groups.items():
            if _waits(before.get(group, {}), kept):
                self._keep_group(target, group, kept, group.stores)
            if kept != before.get(group, {}):
                self._archive.keep_rows(self._groups[group].name, promotion_file.to_bytes(kept))

    def _keep_sent(self, target: Target, groups: Groups) -> None:
        """Note that no end waits in the stores of a file that was sent."""
        for group, kept in groups.items():
            if group in self._groups and not any(rows.on for rows in kept.values()):
                waiting = tuple(one for one in self._groups[group].waiting if one not in target.stores)
                self._keep_group(target, group, kept, waiting)

    def _keep_group(self, target: Target, group: Group, kept: Kept, waiting: tuple[str, ...]) -> None:
        until = max((rows.ends for rows in kept.values()), default=self._now) + promotion_file.STAYS
        noted = KeptGroup(group, target.place, waiting, until)
        if noted != self._groups.get(group):
            self._uploads.keep_group(noted)
            self._groups[group] = noted

    def _change(self, state: PromotionState, change: Callable[[PromotionState], PromotionState]) -> bool:
        """Write a change of a promotion, unless its wish is another one by now; whether it was written."""
        for _ in range(_MOST_WRITES):
            try:
                written = self._table.write(change(state))
            except WrittenMeanwhileError:
                newer = self._table.get(state.promotion_id)
                if newer is None or (self._due(newer).wish, newer.outcome is Outcome.OVER) != (state.wish, False):
                    return False
                state = self._due(newer)
            else:
                for record in written.untold:
                    self._table.note(written.promotion_id, record)
                self._states[written.promotion_id] = written
                return True
        return False


def _waits(before: Kept, kept: Kept) -> bool:
    """Whether a file has to say more than the last one, or has a row that is on."""
    said = {(name, row) for name, rows in before.items() for row in rows.ended}
    return any(rows.on or any((name, row) not in said for row in rows.ended) for name, rows in kept.items())


def _in_file_of(store_id: str) -> str:
    return f"in the file of {store_id}: "
