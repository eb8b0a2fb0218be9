"""A run of the pusher, a minute of work: the stores' status, callbacks and promotions first, then jobs of which nothing
is heard and exports, then what waits to be sent, the store that waits longest first.

A store that fails holds up no other. What is of all stores ends the work on the platform until the next run.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from partner_orders.aws.error_codes import code_of
from partner_orders.catalogue.changes import WakeUp
from partner_orders.catalogue.job import ASK_AFTER
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.store_settings import CatalogueSettings, KnownSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders.catalogue.tables import Tables
from partner_orders.clock import Clock
from partner_orders.platform.breaker import Breaker
from partner_orders.platform.calls import ThrottledError, is_for_a_person, is_of_every_store
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.platform.job_files import UrlRefusedError
from partner_orders.pusher.pushing import Pusher
from partner_orders.results.callbacks import Callbacks

# A job is asked for in one minute of so many.
ASKED_EVERY_MINUTES = 5
# In this minute of each hour every store is looked at: a crash may have left changes without a wake-up.
LOOKS_AT_ALL = 7
_OF_ONE_STORE = frozenset({Failure.FORBIDDEN, Failure.REFUSED, Failure.NOT_FOUND})


class AsksForJobs(Protocol):
    """Settles a job by asking for it (partner_orders.results.settling)."""

    def ask(self, place: JobPlace, job_id: str) -> bool: ...


class ServesExports(Protocol):
    """Asks for exports that are due (partner_orders.exports.exporting)."""

    def serve(self, store_ids: Iterable[str]) -> str | None: ...


class ServesStatuses(Protocol):
    """Sees to the stores' status (partner_orders.pusher.statuses)."""

    @property
    def error(self) -> PartnerApiError | None: ...

    def serve(self, store_ids: Collection[str], may_start: Callable[[], bool]) -> None: ...


class ServesPromotions(Protocol):
    """Sees to promotions (partner_orders.pusher.promotions)."""

    @property
    def error(self) -> PartnerApiError | None: ...

    def serve(self, settings: Mapping[str, CatalogueSettings], may_start: Callable[[], bool]) -> None: ...


@dataclass
class Run:
    """What a run did. ``counts`` go by the names of metrics; ``faults`` count what failed, by kind. ``waiting``: since
    when something waits in each store that is sent by API."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, datetime] = field(default_factory=dict)
    may_ask: bool = True


class Minute:
    """``may_start`` tells whether a run may still begin something."""

    def __init__(
        self,
        tables: Tables,
        settings: KnownSettings,
        callbacks: Callbacks,
        settling: AsksForJobs,
        exports: ServesExports,
        outcomes: Outcomes,
        pusher: Pusher,
        statuses: ServesStatuses,
        promotions: ServesPromotions,
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._settings = settings
        self._callbacks = callbacks
        self._settling = settling
        self._exports = exports
        self._outcomes = outcomes
        self._pusher = pusher
        self._statuses = statuses
        self._promotions = promotions
        self._clock = clock
        self._not_before: datetime | None = None
        # The store at which the last run had to stop. It may be that store's own trouble: others go first.
        self._stopped_at = ""

    def run(self, may_start: Callable[[], bool]) -> Run:
        """Do what there is to do. Raises botocore's errors for what is of no single store."""
        run = Run(may_ask=self._not_before is None or self._clock() >= self._not_before)
        settings, states = self._settings.read_all()
        # Also where nothing may be asked: what has ended is noted, and what differs is counted.
        self._try(run, "", lambda: self._statuses.serve(settings, lambda: run.may_ask and may_start()))
        self._note_end(run, self._statuses.error)
        if run.may_ask:
            run.may_ask = self._callbacks.drain(may_start)
            self._note_error(run, self._callbacks.error)
        self._try(run, "", lambda: self._promotions.serve(settings, lambda: run.may_ask and may_start()))
        self._note_end(run, self._promotions.error)
        self._look_after_jobs(run, states, may_start)
        sending = [store_id for store_id, of_store in settings.items() if of_store.sends_by_api]
        if run.may_ask and may_start():
            self._try(run, "", lambda: self._exports.serve(sending))
        self._send(run, sending, may_start)
        return run

    def _note_end(self, run: Run, error: PartnerApiError | None) -> None:
        """What ended the statuses or the promotions ends the run only where the platform limits our requests: a
        platform that rejects these may take products."""
        if isinstance(error, ThrottledError):
            self._note_error(run, error)
        elif error is not None:
            run.faults[str(error.failure)] += 1
            run.counts["PlatformRefusals"] += is_for_a_person(error)

    # -- jobs of which nothing is heard --------------------------------------------------------------------------------

    def _look_after_jobs(self, run: Run, states: list[StoreState], may_start: Callable[[], bool]) -> None:
        """Give up what is too old, and ask for the rest. ``states`` may be from before the callbacks: a job that one of
        them ended is not settled again."""
        for state in states:
            for place in self._outcomes.too_old(state):
                if may_start():
                    self._try(run, "", lambda place=place: self._outcomes.give_up(place))  # type: ignore[misc]
            for place, job_id in self._to_ask_for(state):
                if run.may_ask and may_start():
                    self._try(run, "", lambda place=place, job_id=job_id: self._settling.ask(place, job_id))  # type: ignore[misc]

    def _to_ask_for(self, state: StoreState) -> list[tuple[JobPlace, str]]:
        """The jobs that are asked for in this minute."""
        now = self._clock()
        ages = {number: now - state.unfinished[number] for number in state.job_ids}
        return [
            (JobPlace(state.store_id, number), state.job_ids[number])
            for number, age in ages.items()
            if age >= ASK_AFTER and int(age / timedelta(minutes=1)) % ASKED_EVERY_MINUTES == 0
        ]

    # -- sending -------------------------------------------------------------------------------------------------------

    def _send(self, run: Run, sending: list[str], may_start: Callable[[], bool]) -> None:
        wake_ups = {wake_up.store_id: wake_up for wake_up in self._tables.changes.stores()}
        run.waiting = {store_id: one.since for store_id, one in wake_ups.items() if store_id in sending}
        stores = [*run.waiting]
        if self._clock().minute == LOOKS_AT_ALL:
            stores += [store_id for store_id in sending if store_id not in wake_ups]
        breaker = Breaker()
        for store_id in sorted(stores, key=self._stopped_at.__eq__):
            if not (run.may_ask and may_start()):
                return
            self._serve(run, store_id, wake_ups, breaker)

    def _serve(self, run: Run, store_id: str, wake_ups: Mapping[str, WakeUp], breaker: Breaker) -> None:
        """Serve a store, unless it was switched off meanwhile, or to files."""

        def serve() -> None:
            settings = self._settings.read(store_id)
            if settings is None or not settings.sends_by_api:
                run.waiting.pop(store_id, None)
                return
            sent_before = self._pusher.counts["JobsSent"]
            left_since = self._pusher.serve(store_id)
            if self._pusher.counts["JobsSent"] > sent_before:
                breaker.worked()
            self._note_left(run, store_id, wake_ups.get(store_id), left_since)

        self._try(run, store_id, serve, breaker)

    def _note_left(self, run: Run, store_id: str, wake_up: WakeUp | None, left_since: datetime | None) -> None:
        if wake_up is not None:
            self._tables.changes.served(wake_up, left_since)
        elif left_since is not None:
            self._tables.changes.wake(store_id, left_since)
        if left_since is None:
            run.waiting.pop(store_id, None)
        else:
            run.waiting[store_id] = left_since

    # -- what fails ----------------------------------------------------------------------------------------------------

    def _try(self, run: Run, store_id: str, step: Callable[[], object], breaker: Breaker | None = None) -> None:
        """Do a step of which no other is to fail. ``store_id``: the store that waits if the platform refuses it."""
        try:
            step()
        except OutOfTimeError:
            run.may_ask = False
        except UrlRefusedError:
            run.counts["ResultsRefused"] += 1
        except PartnerApiError as error:
            self._note_error(run, error)
            if store_id and is_of_every_store(error):
                self._stopped_at = store_id
            if store_id and error.failure in _OF_ONE_STORE and not is_of_every_store(error):
                self._try(run, "", lambda: self._tables.states.fail(store_id, self._clock()))
            if breaker is not None and breaker.failed(store_id, error):
                run.may_ask = False
        except Exception as error:
            run.faults[code_of(error)] += 1

    def _note_error(self, run: Run, error: PartnerApiError | None) -> None:
        if error is None:
            return
        run.faults[str(error.failure)] += 1
        if is_for_a_person(error):
            run.counts["PlatformRefusals"] += 1
        if isinstance(error, ThrottledError):
            self._not_before = error.not_before
        elif is_of_every_store(error) and error.retry_after:
            self._not_before = self._clock() + timedelta(seconds=error.retry_after)
        if is_of_every_store(error):
            run.may_ask = False
