"""What a run of the pusher does, in which order, and what ends it, with parts that tests speak for."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from partner_orders.catalogue.changes import WakeUp
from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders.platform.calls import NotAllowedError, ThrottledError
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.job_files import UrlRefusedError
from partner_orders.pusher.run import Minute, Run
from tests.support.fixed_clock import NOW

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
AT_TWENTY = NOW.replace(minute=20)
REFUSED = PartnerApiError(Failure.REFUSED, "409")
DOWN = PartnerApiError(Failure.SERVER_ERROR, "503", 5.0)
REJECTED = PlatformUnavailableError(Failure.UNAUTHORIZED)
BLOCKED = ThrottledError(PartnerApiError(Failure.BLOCKED, "403", 60.0), NOW + 5 * MINUTE)


@dataclass
class Parts:
    """Everything around a minute. ``fails``: what a step raises, by its name. ``did``: the steps, in their order."""

    settings: dict[str, CatalogueSettings] = field(default_factory=dict)
    states: list[StoreState] = field(default_factory=list)
    wake_ups: list[WakeUp] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    # Since when something is left after a store was served, and the stores of which a job is sent.
    left: dict[str, datetime] = field(default_factory=dict)
    sends: set[str] = field(default_factory=set)
    too_old: list[JobPlace] = field(default_factory=list)
    served: list[tuple[str, datetime | None]] = field(default_factory=list)
    woken: list[tuple[str, datetime]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    may_ask_after_callbacks: bool = True
    errors: dict[str, PartnerApiError] = field(default_factory=dict)
    now: datetime = AT_TWENTY

    def store(self, *store_ids: str, is_waiting: bool = True, channel: Channel = Channel.API) -> None:
        """Stores that send, in which something waits."""
        for store_id in store_ids:
            self.settings[store_id] = CatalogueSettings(store_id, is_sending=True, channel=channel)
            if is_waiting:
                self.wake_ups.append(WakeUp(store_id, NOW, "t"))

    def step(self, name: str) -> None:
        self.did.append(name)
        if error := self.fails.get(name):
            raise error

    def minute(self) -> Minute:
        served, asked = Serves(self, "statuses"), Serves(self, "promotions")
        parts = (Tables(self), Settings(self), Callbacks(self), Settles(self), Exports(self), Outcomes(self))
        pusher = Pusher(self)
        return Minute(*cast("Any", (*parts, pusher, served, asked, lambda: self.now)))

    def run(self, minute: Minute | None = None, may_start: Callable[[], bool] = lambda: True) -> Run:
        return (minute or self.minute()).run(may_start)

    def pushed(self) -> list[str]:
        """The stores that were served."""
        return [name.removeprefix("push ") for name in self.did if name.startswith("push ")]


@dataclass
class Part:
    parts: Parts


class Tables(Part):
    @property
    def changes(self) -> "Tables":
        return self

    @property
    def states(self) -> "Tables":
        return self

    def stores(self) -> list[WakeUp]:
        return self.parts.wake_ups

    def served(self, wake_up: WakeUp, left_since: datetime | None) -> None:
        self.parts.served.append((wake_up.store_id, left_since))

    def wake(self, store_id: str, since: datetime) -> None:
        self.parts.woken.append((store_id, since))

    def fail(self, store_id: str, now: datetime) -> None:
        assert now == self.parts.now
        self.parts.failed.append(store_id)


class Settings(Part):
    def read_all(self) -> tuple[dict[str, CatalogueSettings], list[StoreState]]:
        return dict(self.parts.settings), self.parts.states

    def read(self, store_id: str) -> CatalogueSettings | None:
        return self.parts.settings.get(store_id)


class Callbacks(Part):
    @property
    def error(self) -> PartnerApiError | None:
        return self.parts.errors.get("callbacks")

    def drain(self, _: Callable[[], bool]) -> bool:
        self.parts.step("callbacks")
        return self.parts.may_ask_after_callbacks


class Settles(Part):
    def ask(self, place: JobPlace, job_id: str) -> bool:
        self.parts.step(f"ask {place.store_id} {place.number} {job_id}")
        return True


class Exports(Part):
    def serve(self, store_ids: Iterable[str]) -> None:
        self.parts.step(" ".join(["exports", *store_ids]))


class Outcomes(Part):
    def too_old(self, state: StoreState) -> list[JobPlace]:
        return [place for place in self.parts.too_old if place.store_id == state.store_id]

    def give_up(self, place: JobPlace) -> None:
        self.parts.step(f"give up {place.store_id} {place.number}")


class Pusher(Part):
    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.counts: Counter[str] = Counter()

    def serve(self, store_id: str) -> datetime | None:
        if store_id in self.parts.sends:
            self.counts["JobsSent"] += 1
        self.parts.step(f"push {store_id}")
        return self.parts.left.get(store_id)


@dataclass
class Serves:
    """The statuses, or the promotions."""

    parts: Parts
    name: str

    @property
    def error(self) -> PartnerApiError | None:
        return self.parts.errors.get(self.name)

    def serve(self, _: object, may_start: Callable[[], bool]) -> None:
        self.parts.step(f"{self.name} {may_start()}")


@pytest.fixture
def parts() -> Parts:
    return Parts()


def test_order_of_a_minute(parts: Parts) -> None:
    """Status and callbacks come before promotions, then old jobs and exports, and last what waits."""
    parts.store("a", "b")
    parts.settings["off"] = CatalogueSettings("off")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.too_old = [JobPlace("a", 3)]
    run = parts.run()
    assert parts.did == [
        "statuses True", "callbacks", "promotions True", "give up a 3", "ask a 7 x", "exports a b", "push a", "push b",
    ]  # fmt: skip
    assert (run.counts, run.faults, run.waiting, run.may_ask) == ({}, {}, {}, True)
    assert (parts.served, parts.woken, parts.failed) == ([("a", None), ("b", None)], [], [])


def test_nothing_is_begun_when_the_time_is_over(parts: Parts) -> None:
    """Statuses and promotions note what needs no request; nothing else is begun, and what waits is told."""
    parts.store("a")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.too_old = [JobPlace("a", 3)]
    run = parts.run(may_start=lambda: False)
    assert parts.did == ["statuses False", "callbacks", "promotions False"]
    assert run.waiting == {"a": NOW}


@pytest.mark.parametrize("step", ["statuses True", "promotions True", "give up a 3", "ask a 7 x", "exports a"])
def test_fault_of_one_part_ends_no_other(parts: Parts, step: str) -> None:
    """A part that fails is counted by its kind, and the others do their work."""
    parts.store("a")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.too_old = [JobPlace("a", 3), JobPlace("a", 4)]
    parts.fails[step] = RuntimeError("a fault")
    run = parts.run()
    assert (run.faults, len(parts.did), parts.pushed()) == ({"RuntimeError": 1}, 8, ["a"])


def test_faults_of_a_kind_are_counted_together(parts: Parts) -> None:
    """Two faults of AWS are two, and two of the platform are, too."""
    parts.store("a", "b", "c", "d")
    parts.fails = {"push a": RuntimeError(), "push b": RuntimeError(), "push c": REFUSED, "push d": REFUSED}
    run = parts.run()
    assert run.faults == {"RuntimeError": 2, "refused": 2}
    assert parts.served == []


# -- what ends a run ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["statuses", "promotions"])
def test_statuses_that_are_not_allowed_leave_the_products(parts: Parts, name: str) -> None:
    """Credentials that may not write a status may write products. A person has to see to it."""
    parts.store("a")
    parts.errors[name] = NotAllowedError(Failure.FORBIDDEN, "403")
    minute = parts.minute()
    for _ in range(2):
        run = parts.run(minute)
        assert (run.faults, run.counts, run.may_ask) == ({"forbidden": 1}, {"PlatformRefusals": 1}, True)
    assert parts.pushed() == ["a", "a"]


def test_what_a_person_has_to_see_to_is_counted_together(parts: Parts) -> None:
    """Status, promotions and products that are not allowed are three, each of which a person has to see to."""
    parts.store("a")
    parts.errors = dict.fromkeys(("statuses", "promotions"), NotAllowedError(Failure.FORBIDDEN, "403"))
    parts.fails["push a"] = NotAllowedError(Failure.FORBIDDEN, "403")
    run = parts.run()
    assert (run.faults, run.counts) == ({"forbidden": 3}, {"PlatformRefusals": 3})


@pytest.mark.parametrize("name", ["statuses", "promotions"])
def test_statuses_that_fail_leave_the_products(parts: Parts, name: str) -> None:
    """A platform that fails for the stores' status is for no person."""
    parts.store("a")
    parts.errors[name] = DOWN
    run = parts.run()
    assert (run.faults, run.counts["PlatformRefusals"], parts.pushed()) == ({"server_error": 1}, 0, ["a"])


@pytest.mark.parametrize("name", ["statuses", "callbacks", "promotions"])
def test_limit_of_the_platform_ends_the_run(parts: Parts, name: str) -> None:
    """Where the platform limits our requests nothing more is asked, also in the next runs, until it allows them."""
    parts.store("a")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.errors[name] = BLOCKED
    parts.now = NOW
    minute = parts.minute()
    run = parts.run(minute)
    assert (run.faults, run.may_ask, parts.pushed(), run.waiting) == ({"blocked": 1}, False, [], {"a": NOW})
    del parts.errors[name]
    parts.did.clear()
    parts.now = NOW + 5 * MINUTE - SECOND
    assert parts.run(minute).may_ask is False
    assert parts.did == ["statuses False", "promotions False"]
    parts.now = NOW + 5 * MINUTE
    assert parts.run(minute).may_ask
    assert parts.pushed() == ["a"]


def test_callbacks_that_ran_out_of_time_end_the_run(parts: Parts) -> None:
    """Where the callbacks may ask nothing more of the platform, nothing else asks either."""
    parts.store("a")
    parts.may_ask_after_callbacks = False
    run = parts.run()
    assert (parts.did, run.faults) == (["statuses True", "callbacks", "promotions False"], {})


@pytest.mark.parametrize("step", ["ask a 7 x", "exports a b c", "push b"])
def test_time_that_is_over_ends_the_run(parts: Parts, step: str) -> None:
    """A request that would come too late is not made, and no further one is. Nothing failed."""
    parts.store("a", "b", "c")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.fails[step] = OutOfTimeError()
    run = parts.run()
    assert (parts.did[-1], run.faults, run.may_ask) == (step, {}, False)
    assert {*run.waiting} == {"a", "b", "c"} - {*parts.pushed()[:-1]}


def test_refused_link_of_a_job_that_is_asked_for(parts: Parts) -> None:
    """It is counted each time, and the run goes on."""
    parts.store("a")
    parts.states = [
        StoreState("a", unfinished=dict.fromkeys((7, 8), parts.now - 15 * MINUTE), job_ids={7: "x", 8: "y"})
    ]
    parts.fails = dict.fromkeys(("ask a 7 x", "ask a 8 y"), UrlRefusedError("example.com", "not https"))
    run = parts.run()
    assert (run.counts, run.faults, parts.pushed()) == ({"ResultsRefused": 2}, {}, ["a"])


def test_rejected_credentials_end_the_run_at_once(parts: Parts) -> None:
    """No other store is tried, a person is told each time, and the next run begins with the others: it may be that
    store's own trouble. The store that waits is not counted as failed."""
    parts.store("a", "b", "c")
    parts.fails["push a"] = REJECTED
    minute = parts.minute()
    run = parts.run(minute)
    assert (parts.pushed(), run.may_ask) == (["a"], False)
    assert (run.faults, run.counts, parts.failed) == ({"unauthorized": 1}, {"PlatformRefusals": 1}, [])
    assert {*run.waiting} == {"a", "b", "c"}
    parts.did.clear()
    parts.run(minute)
    assert parts.pushed() == ["b", "c", "a"]


def test_platform_that_wants_a_wait_gets_it(parts: Parts) -> None:
    """What is of every store and says how long to wait ends the runs for so long."""
    parts.store("a")
    parts.now = NOW
    parts.fails["push a"] = PlatformUnavailableError(Failure.CREDENTIALS, "503", 90.0)
    minute = parts.minute()
    parts.run(minute)
    parts.fails.clear()
    parts.now = NOW + timedelta(seconds=89)
    assert parts.run(minute).may_ask is False
    parts.now = NOW + timedelta(seconds=90)
    assert parts.run(minute).may_ask
    assert parts.pushed() == ["a", "a"]


def test_wait_of_one_store_is_no_wait_for_all(parts: Parts) -> None:
    """A store at which the platform fails for a while holds up no other, now or in the next run."""
    parts.store("a", "b")
    parts.fails["push a"] = DOWN
    minute = parts.minute()
    for _ in range(2):
        run = parts.run(minute)
        assert (run.may_ask, run.faults, run.counts, parts.failed) == (True, {"server_error": 1}, {}, [])
    assert parts.pushed() == ["a", "b"] * 2


# -- stores ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Failure.FORBIDDEN, Failure.NOT_FOUND, Failure.REFUSED])
def test_store_that_is_refused_waits(parts: Parts, failure: Failure) -> None:
    """A store of which the platform wants nothing is tried again later and later; the others are served."""
    parts.store("a", "b")
    parts.fails["push a"] = PartnerApiError(failure, "4xx")
    run = parts.run()
    assert (parts.failed, parts.pushed(), run.faults) == (["a"], ["a", "b"], {str(failure): 1})
    assert {*run.waiting} == {"a"}


def test_refusal_of_a_job_is_no_stores(parts: Parts) -> None:
    """A job that cannot be asked for makes no store wait."""
    parts.store("a")
    parts.states = [StoreState("a", unfinished={7: parts.now - 15 * MINUTE}, job_ids={7: "x"})]
    parts.fails["ask a 7 x"] = REFUSED
    assert (parts.run().faults, parts.failed, parts.pushed()) == ({"refused": 1}, [], ["a"])


def test_stores_that_get_no_response_end_the_run(parts: Parts) -> None:
    """After three stores in a row that get nothing the others are left to the next run; one that sends in between
    shows that the platform works, one that has nothing to send does not."""
    parts.store(*"abcdef")
    parts.fails = {f"push {store_id}": DOWN for store_id in "abdef"}
    parts.sends = {"c"}
    run = parts.run()
    assert (parts.pushed(), run.may_ask, run.faults) == ([*"abcdef"], False, {"server_error": 5})
    parts.did.clear()
    parts.fails, parts.sends = {f"push {store_id}": DOWN for store_id in "bce"}, {"a"}
    assert parts.run().may_ask is False
    assert parts.pushed() == [*"abcde"]


def test_stores_that_are_all_refused_end_the_run(parts: Parts) -> None:
    """After four stores that are refused, and none that was sent, the others are left to the next run: it may be our
    access. Where one was sent, each refusal is its store's own."""
    parts.store(*"abcdef")
    parts.fails = {f"push {store_id}": PartnerApiError(Failure.FORBIDDEN, "403") for store_id in "abcdef"}
    assert parts.run().may_ask is False
    assert (parts.pushed(), parts.failed) == ([*"abcd"], [*"abcd"])
    parts.did.clear()
    del parts.fails["push a"]
    parts.sends = {"a"}
    assert parts.run().may_ask
    assert parts.pushed() == [*"abcdef"]


def test_what_is_left_waits_on(parts: Parts) -> None:
    """A store in which something is left has its wake-up, and counts as waiting since then."""
    parts.store("a", "b")
    parts.left["a"] = NOW - 3 * MINUTE
    run = parts.run()
    assert parts.served == [("a", NOW - 3 * MINUTE), ("b", None)]
    assert run.waiting == {"a": NOW - 3 * MINUTE}


def test_every_store_is_looked_at_hourly(parts: Parts) -> None:
    """In one minute of the hour stores without a wake-up are served, too, after the others. One in which something is
    left, as after a crash, wakes up."""
    parts.store("b")
    parts.store("a", "c", is_waiting=False)
    parts.left = {"a": NOW}
    for minute in range(60):
        parts.did.clear()
        parts.now = NOW.replace(minute=minute)
        run = parts.run()
        assert parts.pushed() == (["b", "a", "c"] if minute == 7 else ["b"])
        assert run.waiting == ({"a": NOW} if minute == 7 else {})
    assert parts.woken == [("a", NOW)]


@pytest.mark.parametrize("channel", [Channel.API, Channel.FILES])
def test_store_that_is_switched_off_meanwhile(parts: Parts, channel: Channel) -> None:
    """A store that is paused, or sent by files, since the run began is left alone, and waits no longer here."""
    parts.store("a", "b", "c")
    minute = parts.minute()
    serve = cast("Any", minute)._pusher.serve

    def switch(store_id: str) -> datetime | None:
        parts.settings["b"] = CatalogueSettings("b", is_sending=channel is Channel.FILES, channel=channel)
        parts.settings.pop("c", None)
        return cast("datetime | None", serve(store_id))

    cast("Any", minute)._pusher.serve = switch
    run = parts.run(minute)
    assert (parts.pushed(), run.waiting, parts.served) == (["a"], {}, [("a", None)])


def test_store_by_files_is_not_served(parts: Parts) -> None:
    """What goes by files is the uploader's, and does not count as waiting here."""
    parts.store("a", channel=Channel.FILES)
    run = parts.run()
    assert (parts.pushed(), run.waiting, parts.did[-1]) == ([], {}, "exports")


@pytest.mark.parametrize(
    ("age", "is_asked"),
    [
        *((10 * MINUTE - SECOND, False), (10 * MINUTE, True), (11 * MINUTE - SECOND, True), (11 * MINUTE, False)),
        *((15 * MINUTE, True), (16 * MINUTE, False), (19 * MINUTE, False), (20 * MINUTE, True), (25 * MINUTE, True)),
    ],
)
def test_job_is_asked_for_every_five_minutes(parts: Parts, age: timedelta, is_asked: bool) -> None:
    """A job of which nothing is heard is asked for ten minutes after it was sent, and every five minutes from then on;
    one that the platform did not take has no id to ask for."""
    sent_at = parts.now - age
    parts.states = [StoreState("a", unfinished={7: sent_at, 8: sent_at}, job_ids={7: "x"})]
    parts.run()
    assert [name for name in parts.did if name.startswith("ask")] == ["ask a 7 x"] * is_asked
