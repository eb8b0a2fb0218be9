"""What the promotions' part of a minute requests, counts and tells, and what ends it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws.event_bus import EventBus
from partner_orders.catalogue.keys import PROMOTIONS
from partner_orders.clock import to_text
from partner_orders.platform.calls import CallRefusedError, EffectUnknownError
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.promotions import JobAnswer, JobReading, PlatformPromotions
from partner_orders.promotions.job_result import NOTHING_LEFT_OUT
from partner_orders.promotions.promotion import Promotion, body_of
from partner_orders.promotions.wish import Channel, Outcome, Wish
from partner_orders.pusher.promotion_events import PromotionEvents, outcome_changed
from partner_orders.pusher.promotions import MOST_REQUESTS
from tests.support.promotion_world import PromotionWorld
from tests.support.promotions import STORE

REJECTED = PlatformUnavailableError(Failure.UNAUTHORIZED)
LEFT_OUT = replace(NOTHING_LEFT_OUT, missing_skus=((STORE, "KW-1"),), count=1)
DOWN = PartnerApiError(Failure.SERVER_ERROR, "503", 5.0)


@dataclass
class Requests:
    """Stands in for the platform: each request takes so many ``seconds`` and may raise."""

    world: PromotionWorld
    seconds: float = 0.0
    put_raises: Exception | None = None
    job_raises: Exception | None = None
    shown: JobReading | None = field(default_factory=lambda: JobReading("IN_PROGRESS", NOTHING_LEFT_OUT))
    # What each of the next jobs is shown as, before ``shown``.
    said: list[JobReading] = field(default_factory=list)
    is_at_once: bool = False
    made: list[str] = field(default_factory=list)

    def make_room(self, _: PlatformPromotions) -> None:
        self.made.append("room")

    def put(self, _: PlatformPromotions, body: bytes) -> JobAnswer:
        assert body
        self._request("put", self.put_raises)
        return JobAnswer("", "COMPLETED") if self.is_at_once else JobAnswer(f"j{len(self.made)}", "QUEUED")

    def job(self, _: PlatformPromotions, job_id: str) -> JobReading | None:
        assert job_id
        self._request("job", self.job_raises)
        return self.said.pop(0) if self.said else self.shown

    def _request(self, name: str, error: Exception | None) -> None:
        self.made.append(name)
        self.world.time.sleep(self.seconds)
        if error is not None:
            raise error


@pytest.fixture
def world() -> PromotionWorld:
    return PromotionWorld()


@pytest.fixture
def requests(world: PromotionWorld, monkeypatch: pytest.MonkeyPatch) -> Requests:
    made = Requests(world)
    for name in ("make_room", "put", "job"):
        step = getattr(made, name)
        monkeypatch.setattr(PlatformPromotions, name, lambda *given, step=step: step(*given))
    return made


def wished(world: PromotionWorld, number: int, **given: Any) -> list[Promotion]:
    """So many promotions, each wished a second after the one before."""
    made = []
    for one in range(number):
        made.append(world.promotion(f"Week {one}", **given))
        world.put(made[-1])
        world.time.sleep(1.0)
    return made


def run(world: PromotionWorld, may_start: Callable[[], bool] = lambda: True) -> dict[str, int]:
    """A minute passes; what was counted in it, but what is not so."""
    world.time.sleep(60.0)
    world.promotions.counts.clear()
    world.promotions.faults.clear()
    world.promotions.serve(world.settings, may_start)
    return {name: number for name, number in world.promotions.counts.items() if number}


def requested(requests: Requests) -> list[str]:
    """The requests since the last look. Room is made before each."""
    made, requests.made = requests.made, []
    assert made[::2] == ["room"] * (len(made) // 2)
    return made[1::2]


# -- how many requests -------------------------------------------------------------------------------------------------


def test_few_requests_in_a_minute(world: PromotionWorld, requests: Requests) -> None:
    """Whatever is due, a run makes four requests, and the next runs make the others. Nothing of that is a fault."""
    wished(world, MOST_REQUESTS + 2)
    assert run(world) == {"PromotionsSent": MOST_REQUESTS}
    assert requested(requests) == ["put"] * 4
    assert run(world) == {"PromotionsSent": 2}
    assert requested(requests) == ["put", "put", "job", "job"]
    assert world.promotions.faults == {}


def test_what_was_never_sent_goes_before_what_is_asked_for(world: PromotionWorld, requests: Requests) -> None:
    """However many jobs are due to be asked for, a new promotion is sent in the next minute."""
    wished(world, MOST_REQUESTS)
    run(world)
    requested(requests)
    world.time.sleep(300.0)
    new = world.promotion("New")
    world.put(new)
    run(world)
    assert requested(requests) == ["put", "job", "job", "job"]
    assert world.outcome(new) is Outcome.SUBMITTED


@pytest.mark.parametrize(("seconds", "most"), [(4.0, 3), (5.0, 2), (9.9, 2), (10.0, 1)])
def test_slow_platform_ends_the_requests(world: PromotionWorld, requests: Requests, seconds: float, most: int) -> None:
    """No request begins ten seconds after the part began, since the products wait for it. The next run goes on."""
    wished(world, MOST_REQUESTS)
    requests.seconds = seconds
    assert run(world) == {"PromotionsSent": most}
    assert (requested(requests), world.promotions.faults) == (["put"] * most, {})
    requests.seconds = 0.0
    assert run(world)["PromotionsSent"] == MOST_REQUESTS - most


def test_nothing_is_requested_when_nothing_may_be_started(world: PromotionWorld, requests: Requests) -> None:
    """What has ended is noted all the same: that needs no request."""
    wished(world, 1)
    over = world.promotion("Over", days=0.0001)
    world.put(over)
    run(world, may_start=lambda: False)
    assert (requested(requests), world.outcome(over)) == ([], Outcome.OVER)


def test_wish_of_a_clock_that_is_ahead_waits_for_its_stores(world: PromotionWorld, requests: Requests) -> None:
    """A promotion whose stores take none is not sent, whatever the clock of the person who wished it says."""
    promoted = world.promotion()
    digest = world.bodies.write(promoted.promotion_id, body_of(promoted))
    ahead = world.time.now() + timedelta(minutes=10)
    world.table.wish(promoted, lambda number: Wish(number, digest, False, "a person", "why", ahead), world.time.now)
    kept, world.settings = world.settings, {}
    run(world)
    assert (requested(requests), world.outcome(promoted)) == ([], Outcome.WAITING)
    world.settings = kept
    run(world)
    assert requested(requests) == ["put"]


def test_planned_end_is_taken_up_without_a_request(world: PromotionWorld, requests: Requests) -> None:
    """At its time an end that was planned is the wish, also in a run that may request nothing any more."""
    [promoted] = wished(world, 1)
    run(world)
    world.end(promoted, not_before=world.time.now() + timedelta(minutes=5))
    assert not world.state(promoted).wish.is_end
    world.time.sleep(300.0)
    run(world, may_start=lambda: False)
    assert world.state(promoted).wish.is_end


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_body_of_unknown_effect(world: PromotionWorld, requests: Requests) -> None:
    """It is counted as sent each time, and its fault by kind; the others go."""
    [first, second] = wished(world, 2)
    requests.put_raises = EffectUnknownError(Failure.NO_RESPONSE)
    assert run(world) == {"PromotionsSent": 2}
    assert world.promotions.faults == {"no_answer": 2}
    for one in (first, second):
        state = world.state(one)
        assert (state.outcome, state.claim, state.puts, state.job_id) == (Outcome.WAITING, "", 1, "")
    assert world.promotions.error is None


def test_newer_wish_during_a_body_of_unknown_effect(world: PromotionWorld, requests: Requests) -> None:
    """Of the older body that it was sent is known, and that nobody knows its job."""
    [promoted] = wished(world, 1)
    error = EffectUnknownError(Failure.NO_RESPONSE)

    def end(*_: object) -> JobAnswer:
        world.end(promoted)
        raise error

    world.promotions._platform.put = end  # type: ignore[assignment,method-assign]
    run(world)
    [older] = world.state(promoted).older
    assert (older.job_id, world.state(promoted).claim) == ("", "")


def test_refused_body(world: PromotionWorld, requests: Requests) -> None:
    """The platform's words are kept, and each one is counted for a person, once."""
    wished(world, 2)
    requests.put_raises = CallRefusedError("400", "BAD_REQUEST", "no such price")
    assert run(world) == {"PromotionsSent": 2, "PromotionsRefused": 2}
    assert {state.problem for state in world.table.all().values()} == {"BAD_REQUEST: no such price"}
    assert (run(world), world.promotions.faults) == ({}, {})


def test_body_that_is_worked_off_at_once(world: PromotionWorld, requests: Requests) -> None:
    """A response without a job tells the outcome itself: nothing is asked for."""
    [promoted] = wished(world, 1)
    requests.is_at_once = True
    assert run(world) == {"PromotionsSent": 1}
    assert (world.outcome(promoted), world.promotions.faults) == (Outcome.DONE, {})
    run(world)
    assert requested(requests) == ["put"]


@pytest.mark.parametrize("error", [REJECTED, OutOfTimeError()])
@pytest.mark.parametrize("name", ["put_raises", "job_raises"])
def test_what_is_of_all_ends_the_requests(
    world: PromotionWorld, requests: Requests, name: str, error: Exception
) -> None:
    """Where the others would get the same, or no time is left, one request is made, and nothing is noted of it."""
    wished(world, 2)
    if name == "job_raises":
        run(world)
        requested(requests)
    before = {one.promotion_id: (one.outcome, one.puts, one.asks, one.claim) for one in world.table.all().values()}
    setattr(requests, name, error)
    world.time.sleep(60.0)
    run(world)
    assert len(requested(requests)) == 1
    after = {one.promotion_id: (one.outcome, one.puts, one.asks, one.claim) for one in world.table.all().values()}
    assert after == before
    assert world.promotions.error is (error if isinstance(error, PartnerApiError) else None)
    assert world.promotions.faults == {}
    setattr(requests, name, None)
    run(world)
    assert (len(requested(requests)), world.promotions.error) == (2, None)


@pytest.mark.parametrize("is_older", [False, True])
def test_job_that_cannot_be_asked_for(world: PromotionWorld, requests: Requests, is_older: bool) -> None:
    """It is of that job alone, counted by kind, noted with the reason, and asked for again."""
    [first, second] = wished(world, 2)
    run(world)
    if is_older:
        for one in (first, second):
            world.end(one)
        run(world)
    requested(requests)
    requests.job_raises = DOWN
    world.time.sleep(300.0)
    run(world)
    asked = len(requested(requests))
    assert (asked >= 2, world.promotions.faults) == (True, {"server_error": asked})
    states = [world.state(one) for one in (first, second)]
    assert {state.problem for state in states} == {"server_error:503"}
    assert {state.outcome for state in states} == {Outcome.SUBMITTED}
    if is_older:
        assert {older.has_failed for state in states for older in state.older} == {False}


def test_job_that_the_platform_does_not_show(world: PromotionWorld, requests: Requests) -> None:
    """That is noted for people, and is no fault."""
    [promoted] = wished(world, 1)
    run(world)
    requests.shown = None
    run(world)
    state = world.state(promoted)
    assert (state.outcome, state.problem) == (Outcome.SUBMITTED, "the platform shows no such job")
    requests.shown = JobReading("COMPLETED", NOTHING_LEFT_OUT)
    world.time.sleep(300.0)
    run(world)
    state = world.state(promoted)
    assert (state.outcome, state.problem, world.promotions.faults) == (Outcome.DONE, "", {})


def test_unreadable_row_costs_no_other_promotion(world: PromotionWorld, requests: Requests) -> None:
    """A row that nobody can read is counted, and the others are sent."""
    [first, second, _] = wished(world, 3)
    for one in (first, second):
        key = {"pk": PROMOTIONS, "sk": f"{to_text(one.ends)}#{one.promotion_id}"}
        world.dynamodb.update_item(
            TableName=world.table_name,
            Key={name: {"S": text} for name, text in key.items()},
            UpdateExpression="SET outcome = :odd",
            ExpressionAttributeValues={":odd": {"M": {}}},
        )
    assert run(world) == {"PromotionsSent": 1}
    assert (world.promotions.faults, requested(requests)) == ({"UnreadableRow": 2}, ["put"])


def test_fault_of_one_promotion(world: PromotionWorld, requests: Requests) -> None:
    """A fault that is nobody's is counted, and the others are sent."""
    [first, *_] = wished(world, 2)
    read = world.bodies.read

    def odd(promotion_id: str, digest: str) -> bytes:
        if promotion_id == first.promotion_id:
            raise RuntimeError("a fault")
        return read(promotion_id, digest)

    world.bodies.read = odd  # type: ignore[method-assign]
    run(world)
    assert (world.promotions.faults, requested(requests)) == ({"RuntimeError": 1}, ["put"])


def test_promotion_after_one_that_ended_long_ago(world: PromotionWorld, requests: Requests) -> None:
    """One that takes another's place is sent though that one has been over for days, and is looked at no more."""
    earlier = world.promotion("Earlier", days=1)
    world.put(earlier)
    run(world)
    world.time.sleep(timedelta(days=4).total_seconds())
    world.table.write(world.state(earlier))
    requested(requests)
    new = world.promotion("New")
    world.put(new, after=earlier.promotion_id)
    run(world)
    assert (requested(requests), world.outcome(new)) == (["put"], Outcome.SUBMITTED)


# -- what is counted and told ------------------------------------------------------------------------------------------


def test_metrics_are_there_when_nothing_is_wrong(world: PromotionWorld) -> None:
    """What alarms look at is counted as none in each run."""
    names = ("PromotionsUnanswered", "PromotionEndsLate", "PromotionsNotSent")
    for _ in range(2):
        run(world)
        assert {name: world.promotions.counts.get(name) for name in names} == dict.fromkeys(names, 0)


def test_what_is_wrong_is_counted_together(world: PromotionWorld, requests: Requests) -> None:
    """Two jobs without an answer are two, and so are two ends that are late, and two promotions that are not sent."""
    [first, second] = wished(world, 2)
    run(world)
    world.time.sleep(3_600.0)
    assert run(world)["PromotionsUnanswered"] == 2
    requests.job_raises = requests.put_raises = DOWN
    for one in (first, second):
        world.end(one)
    world.time.sleep(900.0)
    assert run(world)["PromotionEndsLate"] == 2
    world.settings.clear()
    wished(world, 2, days=5)
    world.time.sleep(900.0)
    assert run(world)["PromotionsNotSent"] == 2


def test_jobs_that_fail_are_counted_together(world: PromotionWorld, requests: Requests) -> None:
    """Two that fail in a run are two, whatever the word, and so are two that were done in part."""
    wished(world, 4)
    run(world)
    requests.said = [JobReading(word, NOTHING_LEFT_OUT) for word in ("FAILED", "DUPLICATE")]
    requests.said += [JobReading("COMPLETED", LEFT_OUT)] * 2
    assert run(world) == {"PromotionsFailed": 2, "PromotionsInPart": 2}


@pytest.mark.parametrize(
    ("outcome", "name"), [(Outcome.FAILED, "PromotionsFailed"), (Outcome.REFUSED, "PromotionsRefused")]
)
def test_what_no_file_could_hold_is_counted(world: PromotionWorld, outcome: Outcome, name: str) -> None:
    """What the uploader could not put into a file is counted once, when it is told."""
    for number in range(2):
        promoted = world.promotion(f"By file {number}")
        world.put(promoted, channel=Channel.FILES)
        state = world.state(promoted)
        records = tuple(replace(one, outcome=outcome, is_event=True) for one in state.untold)
        assert records
        world.table.write(replace(state, untold=records))
    assert run(world) == {name: 2}
    assert run(world) == {}


def test_event_of_an_outcome(world: PromotionWorld, requests: Requests) -> None:
    """The bus gets what was wished and what became of it, with the platform's words, and not who wished it, or why."""
    [promoted] = wished(world, 1)
    requests.put_raises = CallRefusedError("400", "BAD_REQUEST", "no such price")
    run(world)
    [detail] = [one for one in world.bus.details if one["wish"]["outcome"] == "refused"]
    assert world.bus.types == {"promotions.outcome_changed"}
    record = world.history(promoted)[-1]
    assert detail == {
        "schema_version": 1,
        "id": f"{promoted.promotion_id}/promotion/{record.version}/1",
        "promotion_id": promoted.promotion_id,
        "name": "Week 0",
        "starts_at": to_text(promoted.starts),
        "ends_at": to_text(promoted.ends),
        "changed_at": to_text(record.at),
        "wish": {
            "number": 1,
            "ends_it": False,
            "outcome": "refused",
            "problem": "BAD_REQUEST: no such price",
            "left_out": 0,
            "sends": 1,
        },
    }


def test_event_of_what_was_left_out(world: PromotionWorld, requests: Requests) -> None:
    """An outcome without words has none, and tells how many entries the platform left out. An end says that it is."""
    [promoted] = wished(world, 1)
    requests.shown = JobReading("COMPLETED", LEFT_OUT)
    run(world)
    run(world)
    world.end(promoted)
    requests.shown = JobReading("COMPLETED", NOTHING_LEFT_OUT)
    for _ in range(2):
        run(world)
    told = [(one["wish"]["ends_it"], one["wish"]["outcome"], one["wish"]["left_out"]) for one in world.bus.details]
    assert told == [
        (False, "submitted", 0), (False, "done_in_part", 1), (False, "done_in_part", 1),
        (True, "submitted", 0), (True, "done", 0),
    ]  # fmt: skip
    assert {one["wish"]["problem"] for one in world.bus.details} == {None}


def test_bus_that_fails_is_left_alone_until_the_next_run(world: PromotionWorld, requests: Requests) -> None:
    """After one failure nothing more is told in a run; the next one tells it all, once."""
    wished(world, 3)
    requests.is_at_once = True
    world.bus.fails = 1
    run(world)
    assert (world.bus.details, world.bus.fails) == ([], 0)
    run(world)
    assert sorted(one["name"] for one in world.bus.details) == ["Week 0", "Week 1", "Week 2"]
    run(world)
    assert len(world.bus.details) == 3


def test_records_that_are_no_events_hold_up_no_event(world: PromotionWorld) -> None:
    """What only the history has is passed over. Of two events of which the second fails, the second is told again."""
    [promoted] = wished(world, 1)
    state = world.state(promoted)
    [record] = state.untold
    records = tuple(
        replace(record, version=number, is_event=is_event) for number, is_event in ((1, False), (2, True), (3, True))
    )
    events = PromotionEvents(EventBus(world.bus, "bus"))  # type: ignore[arg-type]
    put = world.bus.put_events

    def once(**given: Any) -> Any:
        answer = put(**given)
        world.bus.fails = 1
        return answer

    world.bus.put_events = once  # type: ignore[method-assign]
    assert events.tell(replace(state, untold=records)) == 2
    assert [one["id"].split("/")[2] for one in world.bus.details] == ["2"]
    assert PromotionEvents(None).tell(replace(state, untold=records)) == 3


def test_event_shows_nothing_of_itself(world: PromotionWorld) -> None:
    """An event that is shown, as in a log, shows nothing of the promotion."""
    [promoted] = wished(world, 1)
    state = world.state(promoted)
    assert "Week 0" not in repr(outcome_changed(state, state.untold[0]))


def test_event_that_the_bus_never_takes(world: PromotionWorld, requests: Requests) -> None:
    """Each is counted, and not told again."""
    wished(world, 2)
    requests.is_at_once = True
    world.bus.fails, world.bus.code = 2, "NotAuthorizedForSourceException"
    run(world)
    events = world.promotions._events
    assert events.counts == {"PromotionEventsNotPublished": 2}
    run(world)
    assert (events.counts, world.bus.details) == ({"PromotionEventsNotPublished": 2}, [])
