"""The stores of the catalogue at a glance: whether each is sent, its figures, what waits and what is held."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_orders.catalogue.changes import Change
from partner_orders.catalogue.files import FileRow
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders_console.operations.catalogue.files import file_json
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.progress import Progress, silent

_SIDE_BY_SIDE = 8
_MOST_WAITING = 100_000  # products that are counted of a store


@dataclass(frozen=True)
class StoreStanding:
    """A store of the catalogue. ``waiting``: products that changed and are not in a job yet; ``waiting_since`` is the
    oldest. ``held_prices`` and ``held_files``: what guards hold. ``last_file``: the one that was stored last."""

    settings: CatalogueSettings
    state: StoreState
    waiting: int
    waiting_since: datetime | None
    held_prices: int
    held_files: int
    last_file: FileRow | None

    @property
    def store_id(self) -> str:
        return self.settings.store_id

    @property
    def unfinished(self) -> list[tuple[int, datetime]]:
        """The jobs without an outcome, with the time at which each was sent; the oldest first."""
        return sorted(self.state.unfinished.items())

    def waits_until(self, now: datetime) -> datetime | None:
        """Until when nothing is sent since jobs failed as a whole; None where nothing holds the store back."""
        until = self.state.not_before
        return until if until is not None and until > now else None

    def to_json(self) -> dict[str, Any]:
        state = self.state
        return settings_json(self.settings) | {
            "products": state.products,
            "for_sale": state.for_sale,
            "waiting": self.waiting,
            "waiting_since": self.waiting_since,
            "held_prices": self.held_prices,
            "held_files": self.held_files,
            "unfinished_jobs": [{"job": number, "sent_at": sent_at} for number, sent_at in self.unfinished],
            "failed_jobs": state.failed_jobs,
            "not_before": state.not_before,
            "last_file": None if self.last_file is None else file_json(self.last_file),
        }


def settings_json(settings: CatalogueSettings) -> dict[str, Any]:
    """What is set of a store, for programs."""
    margins = settings.margins
    return {
        "store_id": settings.store_id,
        "is_sending": settings.is_sending,
        "channel": settings.channel.value,
        "switches_absent_off": settings.switches_absent_off,
        "safety_stock": margins.safety_stock,
        "cap": margins.cap,
        "safety_stock_of": dict(margins.safety_stock_of or {}),
        "cap_of": dict(margins.cap_of or {}),
        "changed_at": settings.changed_at,
        "changed_by": settings.changed_by or None,
        "reason": settings.reason or None,
    }


def standings(catalogue: CatalogueStack, progress: Progress = silent) -> list[StoreStanding]:
    """Every store of the catalogue, by its id. Three queries, and two or three more for each store. Raises botocore's
    errors."""
    tables = catalogue.tables
    settings, states = tables.settings.all(), tables.states.all()
    awake = {wake_up.store_id for wake_up in tables.changes.stores()}

    def standing(entry: tuple[int, str]) -> StoreStanding:
        number, store_id = entry
        progress(f"{number:,} of {len(settings):,} stores")
        state = states.get(store_id) or StoreState(store_id)
        return _standing(catalogue, settings[store_id], state, may_wait=store_id in awake)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as executor:
        return [*executor.map(standing, enumerate(sorted(settings)))]


def standing_of(catalogue: CatalogueStack, settings: CatalogueSettings) -> StoreStanding:
    """One store. Raises botocore's errors."""
    state = catalogue.tables.states.get(settings.store_id)
    return _standing(catalogue, settings, state, may_wait=True)


def _standing(
    catalogue: CatalogueStack, settings: CatalogueSettings, state: StoreState, may_wait: bool
) -> StoreStanding:
    tables, store_id = catalogue.tables, settings.store_id
    changes = tables.changes.first(store_id, _MOST_WAITING) if may_wait else []
    held = counted_held(tables.held.of_store(store_id))
    last_file = next(tables.files.of_store(store_id, 1), None)
    return StoreStanding(settings, state, *waiting_in(changes), *held, last_file)


def waiting_in(changes: Iterable[Change]) -> tuple[int, datetime | None]:
    """How many products changes name, and when the oldest was noted."""
    skus: set[str] = set()
    oldest = None
    for change in changes:
        skus.update(change.skus)
        oldest = change.added_at if oldest is None else min(oldest, change.added_at)
    return len(skus), oldest


def counted_held(held: Iterable[Held]) -> tuple[int, int]:
    """How many products have a held price, and how many files are held."""
    skus: set[str] = set()
    files = set()
    for one in held:
        skus.update(one.lines)
        if one.is_file:
            files.add(one.source)
    return len(skus), len(files)
