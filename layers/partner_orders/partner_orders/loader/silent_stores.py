"""Stores that are sending and of which no file came for too long: their source is silent, and nobody else notices."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders.clock import Clock

MEASURED_EVERY = timedelta(minutes=5)


class SilentStores:
    """``after``: how long a store may be silent; zero for any time. Every method raises botocore's errors."""

    def __init__(
        self,
        settings: Callable[[], Mapping[str, CatalogueSettings]],
        states: Callable[[], Mapping[str, StoreState]],
        after: timedelta,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._states = states
        self._after = after
        self._clock = clock
        self._measured_at: datetime | None = None

    def count_if_due(self) -> int | None:
        """How many stores are silent; None if that was counted lately, or is not asked for."""
        now = self._clock()
        is_early = self._measured_at is not None and now < self._measured_at + MEASURED_EVERY
        if is_early or not self._after:
            return None
        self._measured_at = now
        return len(self.silent())

    def silent(self) -> list[str]:
        """The silent stores. One that never had a file is silent from its last setting on."""
        states, now = self._states(), self._clock()
        silent = []
        for store_id, settings in self._settings().items():
            state = states.get(store_id)
            last = (state.loaded_at if state else None) or settings.changed_at
            if settings.is_sending and (last is None or last <= now - self._after):
                silent.append(store_id)
        return sorted(silent)
