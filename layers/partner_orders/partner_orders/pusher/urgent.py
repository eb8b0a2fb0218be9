"""Takes what is to be of one product, now: its row is written, then it is sent.

Whatever cannot be sent now is noted as a change. The pusher sends it within a minute, or the uploader with the store's
next file. A message that comes for the first time stands for the change meanwhile: it stays in the queue until it is
sent or noted. One that comes again is noted first.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from partner_orders.catalogue.changes import Change, Waiting
from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.guards import (
    Limits,
    Reason,
    held_price,
    in_force,
    is_switched_off,
    switches_too_many_off,
)
from partner_orders.catalogue.product import Product, Values
from partner_orders.catalogue.settlement import Outcome, settled, submitted_price
from partner_orders.catalogue.store_settings import CatalogueSettings, KnownSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import is_waiting, off_at_once
from partner_orders.clock import Clock
from partner_orders.pusher.pushing import Platform, Pusher, StoreTakenError
from partner_orders.pusher.urgent_message import UrgentChange, UrgentRefusedError

# Other products that wait go along, if they are no more than one read brings.
MOST_ALONG = 100
SOURCE = "message"
NOT_IN_CATALOGUE = "store_id: the store is not in the catalogue; add it with 'partner-orders catalogue set STORE'"


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read together. ``before``: the product."""

    settings: CatalogueSettings
    state: StoreState
    before: Desired
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a message does. ``said``: what goes through. ``held``: what does not, by reason."""

    said: Values
    held: Mapping[Reason, Values]
    switches_off: bool


class Urgent:
    """``executor`` makes calls side by side. ``skus_of_barcode``: the SKUs that a store's last export has for a
    barcode, None where there is no export. ``counts``: what happened, by the names of metrics."""

    def __init__(
        self,
        tables: Tables,
        known: KnownSettings,
        pusher: Pusher,
        platform: Platform,
        clock: Clock,
        limits: Limits,
        executor: Executor,
        skus_of_barcode: Callable[[str, str], tuple[str, ...] | None],
    ) -> None:
        self._tables = tables
        self._known = known
        self._pusher = pusher
        self._platform = platform
        self._clock = clock
        self._limits = limits
        self._executor = executor
        self._skus_of_barcode = skus_of_barcode
        self.counts: Counter[str] = Counter()

    def take(self, change: UrgentChange, is_repeated: bool = False) -> bool:
        """Take a message, and send it if that may be; whether it was sent. Taking it again changes nothing that is as
        it should be. ``is_repeated``: the message was received before.

        Raises UrgentRefusedError for one that can never be taken; PartnerApiError and OutOfTimeError where the product
        could not be sent now, though it is noted; and botocore's errors.
        """
        store_id, sku = change.store_id, self._sku(change.store_id, change.product)
        read = self._read(store_id, sku)
        plan = self._plan(read, change)
        for reason, values in plan.held.items():
            self._tables.held.hold_line(store_id, reason, SOURCE, change.version, sku, values)
            self.counts["UrgentHeld"] += 1
        self.counts["UrgentTaken"] += 1
        if not plan.said.are_said:
            return False
        return self._apply(read, change, plan, is_repeated)

    def _sku(self, store_id: str, product: Product) -> str:
        if product.sku is not None:
            return product.sku
        found = self._skus_of_barcode(store_id, product.barcode or "")
        if found is None:
            raise UrgentRefusedError("barcode: name the product by its sku; there is no export of the store yet")
        if len(found) != 1:
            number = "no product" if not found else "several products"
            raise UrgentRefusedError(
                f"barcode: the store's last export has {number} of it; name the product by its sku"
            )
        return found[0]

    def _read(self, store_id: str, sku: str) -> _Read:
        """All that is known, in one call's time. The state is read before the changes and the product are used, and a
        sender that comes in between is noticed by it."""
        settings = self._executor.submit(self._known.read, store_id)
        state = self._executor.submit(self._tables.states.get, store_id)
        waiting = self._executor.submit(self._tables.changes.waiting, store_id, self._pusher.job_lines)
        rows = self._tables.products.many(store_id, [sku])
        found = settings.result()
        if found is None:
            raise UrgentRefusedError(NOT_IN_CATALOGUE)
        return _Read(found, state.result(), rows.get(sku, Desired(sku)), waiting.result())

    def _plan(self, read: _Read, change: UrgentChange) -> _Plan:
        now, is_by_files = self._clock(), read.settings.channel is Channel.FILES
        before = in_force(read.before, is_by_files)
        said, price = held_price(before, change.values, self._limits, now)
        held = {Reason.PRICE_STEP: price} if price.are_said else {}
        after = merged(before, said, change.version, read.state.list_versions)
        switches_off = is_switched_off(before, after.values)
        if switches_off and switches_too_many_off(1, read.state.figures(now), self._limits):
            off = Values(active=False if said.active is False else None, quantity=0 if said.quantity == 0 else None)
            held[Reason.SWITCHED_OFF] = off
            said = replace(
                said,
                active=None if off.active is not None else said.active,
                quantity=None if off.quantity is not None else said.quantity,
            )
            switches_off = False
        return _Plan(said, held, switches_off)

    def _apply(self, read: _Read, change: UrgentChange, plan: _Plan, is_repeated: bool) -> bool:
        store_id, now = change.store_id, self._clock()
        margins = read.settings.margins

        def merge(row: Desired) -> Desired:
            after = merged(row, plan.said, change.version, read.state.list_versions)
            is_by_files = read.settings.channel is Channel.FILES
            return submitted_price(in_force(row, True), after, now) if is_by_files else after

        def write(row: Desired) -> Desired:
            """The row before an off is sent: nobody knows then what the platform shows."""
            row = merge(row)
            off = off_at_once(row, margins)
            return row if off is None or not may_send else settled(row, off, Outcome.UNKNOWN, now)

        after = merge(read.before)
        is_off = off_at_once(after, margins) is not None
        may_send = read.settings.sends_by_api and (is_off or self._pusher.may_send(read.state))
        if not is_waiting(after, margins) and after == read.before:
            return False
        # The budget, what goes along and the count are had while the row is written.
        room = self._executor.submit(self._platform.make_room) if may_send else None
        along = self._executor.submit(self._rows_along, read, is_off or not may_send)
        count = self._executor.submit(self._count_off, read.state, now) if plan.switches_off else None
        after = self._tables.products.change(store_id, read.before.sku, write, read.before)[1]
        is_off = off_at_once(after, margins) is not None
        is_noted = is_repeated or is_off or not may_send
        noted = self._note(read, after, is_off, now) if is_noted else []
        is_left = True
        try:
            if count is not None:
                count.result()
            if room is not None:
                room.result()
                with suppress(StoreTakenError):
                    is_left = self._send(read, after, Waiting(noted), along.result())
                    is_noted = True
        finally:
            if not is_noted:
                self._note(read, after, is_off, now)
            if is_left:
                self._tables.changes.wake(store_id, now)
        return may_send

    def _note(self, read: _Read, after: Desired, is_off: bool, now: datetime) -> list[Change]:
        """Note the change, unless the message comes again and it waits already."""
        if after == read.before and after.sku in (read.waiting.urgent if is_off else read.waiting.skus):
            return []
        return self._tables.changes.note(read.state.store_id, [after.sku], now, is_urgent=is_off)

    def _count_off(self, state: StoreState, now: datetime) -> None:
        self._tables.states.note_urgent_off(state, now)

    def _rows_along(self, read: _Read, is_alone: bool) -> dict[str, Desired] | None:
        """The other products that wait, None if too many do, or none is to go along."""
        skus = read.waiting.skus
        if is_alone or len(skus) > MOST_ALONG or read.waiting.next_since is not None:
            return None
        return self._tables.products.many(read.state.store_id, skus) if skus else {}

    def _send(self, read: _Read, after: Desired, noted: Waiting, along: dict[str, Desired] | None) -> bool:
        """Send the product; whether something waits in the store then."""
        store_id = read.state.store_id
        if off_at_once(after, read.settings.margins) is not None:
            self._pusher.switch_off(store_id, after)
            # A job under way may carry an older value, and the quantity is still to be sent.
            return True
        waiting = noted if along is None else Waiting([*read.waiting.changes, *noted.changes])
        left_since = self._pusher.send(read.state, waiting, {**(along or {}), after.sku: after})
        return left_since is not None or along is None
