"""What the status part of a minute requests, counts and tells, and what ends it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from partner_orders.aws.event_bus import EventBus
from partner_orders.catalogue.keys import STATUS, STORES
from partner_orders.clock import to_text
from partner_orders.platform.calls import CallRefusedError, EffectUnknownError
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.store_status import PlatformStoreStatus
from partner_orders.pusher.status_events import StatusEvents, status_changed
from partner_orders.pusher.statuses import MOST_REQUESTS
from partner_orders.store_status.shown import CLOSED, CheckinTimes, Reading
from partner_orders.store_status.wish import Kind, Outcome, Wish
from tests.support.status_world import StatusWorld

REJECTED = PlatformUnavailableError(Failure.UNAUTHORIZED)
DOWN = PartnerApiError(Failure.SERVER_ERROR, "503", 5.0)
OPEN = Reading("OPEN")


@dataclass
class Requests:
    """Stands in for the platform, which shows what was sent last. Each request takes so many ``seconds`` and may
    raise."""

    world: StatusWorld
    seconds: float = 0.0
    put_raises: Exception | None = None
    get_raises: Exception | None = None
    before_put: Callable[[], object] = lambda: None
    shown: dict[str, Reading] = field(default_factory=dict)
    sent: list[Wish] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def make_room(self, _: PlatformStoreStatus) -> None:
        self.made.append("room")

    def get(self, _: PlatformStoreStatus, store_id: str) -> Reading:
        self._request(f"get {store_id}", self.get_raises)
        return self.shown.get(store_id, OPEN)

    def put(self, _: PlatformStoreStatus, store_id: str, wish: Wish) -> None:
        self.before_put()
        self._request(f"put {store_id}", self.put_raises)
        self.sent.append(wish)
        self.shown[store_id] = Reading(wish.kind.value, wish.reason, wish.until if wish.kind.closes else None)

    def _request(self, name: str, error: Exception | None) -> None:
        self.made.append(name)
        self.world.time.sleep(self.seconds)
        if error is not None:
            raise error


def world_of(stores: int, monkeypatch: pytest.MonkeyPatch, checks_in: bool = False) -> tuple[StatusWorld, Requests]:
    world = StatusWorld([f"s{number}" for number in range(stores)], checks_in=checks_in)
    requests = Requests(world)
    for name in ("make_room", "get", "put"):
        step = getattr(requests, name)
        monkeypatch.setattr(PlatformStoreStatus, name, lambda *given, step=step: step(*given))
    monkeypatch.setattr(PlatformStoreStatus, "has_heard", True)
    return world, requests


def run(world: StatusWorld, may_start: Callable[[], bool] = lambda: True) -> Counter[str]:
    """A minute passes; what was counted in it, but what is not so."""
    world.time.sleep(60.0)
    world.statuses.counts.clear()
    world.statuses.faults.clear()
    world.statuses.serve(world.stores, may_start)
    return +world.statuses.counts


def requested(requests: Requests) -> list[str]:
    """The requests since the last look. Room is made before each."""
    made, requests.made = requests.made, []
    assert made[::2] == ["room"] * (len(made) // 2)
    return made[1::2]


# -- how many requests -------------------------------------------------------------------------------------------------


def test_few_requests_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is due, a run makes four requests, and the next runs make the others. Nothing of that is a fault."""
    world, requests = world_of(6, monkeypatch)
    assert run(world) == {}
    assert requested(requests) == [f"get s{number}" for number in range(MOST_REQUESTS)]
    assert MOST_REQUESTS == 4
    run(world)
    assert requested(requests) == ["get s4", "get s5"]
    assert world.statuses.faults == {}


def test_what_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new wish goes before what the platform has yet to show, and that before what is only read again."""
    world, requests = world_of(4, monkeypatch)
    run(world)
    world.wish(store_id="s2")
    requests.put_raises = EffectUnknownError(Failure.NO_RESPONSE)
    requests.get_raises = DOWN
    run(world)
    requested(requests)
    requests.put_raises = requests.get_raises = None
    world.time.sleep(3_600.0)
    world.wish(store_id="s3")
    run(world)
    assert requested(requests) == ["put s3", "get s3", "get s2", "put s2"]
    run(world)
    assert requested(requests)[0] == "get s2"


@pytest.mark.parametrize(("seconds", "most"), [(5.0, 3), (6.0, 2), (11.9, 2), (12.0, 1)])
def test_slow_platform_ends_the_requests(monkeypatch: pytest.MonkeyPatch, seconds: float, most: int) -> None:
    """No request begins twelve seconds after the part began, since the products wait for it. The next run goes on."""
    world, requests = world_of(MOST_REQUESTS, monkeypatch)
    requests.seconds = seconds
    run(world)
    assert (len(requested(requests)), world.statuses.faults) == (most, {})
    requests.seconds = 0.0
    run(world)
    assert len(requested(requests)) == MOST_REQUESTS - most


def test_nothing_is_requested_when_nothing_may_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closing whose time is over is noted all the same: that needs no request."""
    world, requests = world_of(2, monkeypatch)
    world.wish(hours=1, store_id="s1")
    run(world)
    requested(requests)
    world.time.sleep(3_600.0)
    run(world, may_start=lambda: False)
    assert (requested(requests), world.outcome("s1"), world.statuses.faults) == ([], "ended", {})


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_wish_of_unknown_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted as sent, its fault by kind, and it is read before anything else is sent."""
    world, requests = world_of(2, monkeypatch)
    for store_id in world.stores:
        world.wish(store_id=store_id)
    requests.put_raises = EffectUnknownError(Failure.NO_RESPONSE)
    assert run(world) == {"StatusSent": 2}
    assert world.statuses.faults == {"no_answer": 2}
    assert sorted(requested(requests)) == ["get s0", "get s1", "put s0", "put s1"]
    for store_id in world.stores:
        assert (world.outcome(store_id), world.status(store_id).claim) == ("waiting", "")


def test_closing_that_the_platform_took_and_shows_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its word that it took the wish stands for the end that it does not show."""
    world, requests = world_of(1, monkeypatch)
    world.wish(hours=2)
    get = requests.get
    monkeypatch.setattr(PlatformStoreStatus, "get", lambda *given: get(*given)._replace(status=CLOSED, until=None))
    run(world)
    assert (requested(requests), world.outcome()) == (["put s0", "get s0"], "shown")


def test_refused_wishes_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are refused in a run are two, each once, with the platform's words."""
    world, requests = world_of(2, monkeypatch)
    for store_id in world.stores:
        world.wish(store_id=store_id)
    requests.put_raises = CallRefusedError("400", "BAD_REQUEST", "no such reason")
    assert run(world) == {"StatusSent": 2, "StatusRefused": 2}
    assert {world.status(store_id).refusal for store_id in world.stores} == {"BAD_REQUEST: no such reason"}
    assert (run(world), world.statuses.faults) == ({}, {})


def test_wishes_that_are_given_up_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two closings that were never shown are two, and so are two stores that differ."""
    world, requests = world_of(2, monkeypatch)
    for store_id in world.stores:
        world.wish(hours=1, store_id=store_id)
    requests.put_raises = EffectUnknownError(Failure.NO_RESPONSE)
    for _ in range(20):
        counts = run(world)
    assert counts["StatusDiffers"] == 2
    world.time.sleep(3_600.0)
    assert run(world)["StatusGivenUp"] == 2


@pytest.mark.parametrize("error", [REJECTED, OutOfTimeError()])
@pytest.mark.parametrize("name", ["put_raises", "get_raises"])
def test_what_is_of_all_ends_the_requests(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    """Where the others would get the same, or no time is left, one request is made, and nothing is noted of it."""
    world, requests = world_of(2, monkeypatch)
    if name == "put_raises":
        for store_id in world.stores:
            world.wish(store_id=store_id)
    setattr(requests, name, error)
    run(world)
    assert len(requested(requests)) == 1
    statuses = [world.status(store_id) for store_id in world.stores]
    assert [(one.claim, one.puts, one.put_at, one.looked_at) for one in statuses] == [("", 0, None, None)] * 2
    assert world.statuses.error is (error if isinstance(error, PartnerApiError) else None)
    assert world.statuses.faults == {}
    setattr(requests, name, None)
    run(world)
    assert ({*requested(requests)} >= {"get s0", "get s1"}, world.statuses.error) == (True, None)


@pytest.mark.parametrize(
    ("error", "faults", "after_two_minutes"),
    [
        (DOWN, {"server_error": 2}, True),
        (PartnerApiError(Failure.NO_RESPONSE, retry_after=0.0), {"no_answer": 2}, True),
        (PartnerApiError(Failure.NOT_FOUND, "404"), {}, False),
        (PartnerApiError(Failure.FORBIDDEN, "403"), {}, False),
        (PartnerApiError(Failure.REFUSED, "400"), {}, False),
        (PartnerApiError(Failure.REFUSED, "409", 5.0), {"refused": 2}, True),
    ],
)
def test_store_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, error: PartnerApiError, faults: dict[str, int], after_two_minutes: bool
) -> None:
    """What may pass is a fault, and tried again in a while; what the platform does not have, or not let us read, is
    none, and is tried hourly. The reason is kept in either case."""
    world, requests = world_of(2, monkeypatch)
    requests.get_raises = error
    run(world)
    assert (requested(requests), world.statuses.faults) == (["get s0", "get s1"], faults)
    assert world.status("s0").problem == str(error)
    world.time.sleep(60.0)
    run(world)
    assert bool(requested(requests)) is after_two_minutes
    world.time.sleep(3_600.0)
    run(world)
    assert requested(requests) == ["get s0", "get s1"]


def test_wish_that_comes_while_an_older_one_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newer one is sent in the next minute: nobody waits for the claim of the older one."""
    world, requests = world_of(1, monkeypatch)
    world.wish(hours=2)

    def open_again() -> None:
        requests.before_put = lambda: None
        world.wish(Kind.OPEN)

    requests.before_put = open_again
    run(world)
    assert (world.status().claim, world.statuses.faults) == ("", {})
    run(world)
    assert ([wish.kind for wish in requests.sent], world.outcome()) == ([Kind.CLOSED_UNTIL, Kind.OPEN], "done")


def test_claim_is_given_back_whatever_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim is given back though somebody writes the status again and again, and only if it is still this one."""
    world, _ = world_of(1, monkeypatch)
    world.wish(hours=2)
    table, write = world.table, world.table.write
    claimed = table.write(replace(world.status(), claim="mine", claimed_until=world.time.now()))
    table.release("s0", "another")
    assert world.status() == claimed
    meanwhile = [1, 2]

    def busy(status: object) -> object:
        if meanwhile:
            meanwhile.pop()
            write(world.status())
        return write(status)  # type: ignore[arg-type]

    monkeypatch.setattr(table, "write", busy)
    table.release("s0", "mine")
    assert (world.status().claim, meanwhile) == ("", [])


def test_unreadable_rows_cost_no_other_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that nobody can read are counted, and the others are served."""
    world, requests = world_of(3, monkeypatch)
    run(world)
    requested(requests)
    for store_id, odd in (("s0", {"S": "no version"}), ("s1", {"M": {}})):
        world.dynamodb.update_item(
            TableName=world.table_name,
            Key={"pk": {"S": STORES}, "sk": {"S": f"{STATUS}{store_id}"}},
            UpdateExpression="SET shown = :odd, looked_at = :odd",
            ExpressionAttributeValues={":odd": odd},
        )
    world.time.sleep(3_600.0)
    run(world)
    assert (world.statuses.faults["UnreadableRow"], requested(requests)[-1]) == (2, "get s2")


# -- check-in ----------------------------------------------------------------------------------------------------------


def test_check_in_says_who_and_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check-in is a wish of its own, after the store's last one, and goes before what is only read."""
    world, requests = world_of(5, monkeypatch, checks_in=True)
    world.wish(Kind.OPEN, store_id="s4")
    run(world)
    run(world)
    requested(requests)
    now = world.time.now().replace(microsecond=0)
    times = CheckinTimes(now, now + timedelta(hours=2))
    for store_id in ("s3", "s4"):
        requests.shown[store_id] = Reading("OPEN", checkin=times)
    world.time.sleep(3_600.0)
    run(world)
    run(world)
    run(world)
    wishes = {store_id: world.status(store_id).wish for store_id in ("s3", "s4")}
    for number, store_id in ((1, "s3"), (2, "s4")):
        wish = wishes[store_id]
        assert wish is not None
        assert (wish.number, wish.kind, wish.until, wish.reason) == (number, Kind.CHECKIN, times.ends, "")
        assert (wish.by, wish.why) == ("check-in", "before the store opens")
    assert len(requests.sent) == 3


def test_check_in_goes_before_what_is_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store whose check-in is due has the first request; the others wait for theirs as before."""
    world, requests = world_of(5, monkeypatch, checks_in=True)
    begins = world.time.now().replace(microsecond=0) + timedelta(minutes=30)
    requests.shown["s4"] = Reading("OPEN", checkin=CheckinTimes(begins, begins + timedelta(hours=2)))
    run(world)
    run(world)
    requested(requests)
    world.time.sleep(3_600.0)
    run(world)
    assert requested(requests)[:2] == ["put s4", "get s4"]
    assert world.statuses.faults == {}


def test_nothing_is_sent_before_the_platform_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reading that tells the platform's time fails, the wish waits for the next run, and only that failed."""
    world, requests = world_of(2, monkeypatch)
    monkeypatch.setattr(PlatformStoreStatus, "has_heard", False)
    world.wish(store_id="s0")
    requests.get_raises = DOWN
    run(world)
    assert ("put s0" in requested(requests), world.statuses.faults) == (False, {"server_error": 2})
    monkeypatch.setattr(PlatformStoreStatus, "has_heard", True)
    requests.get_raises = None
    run(world)
    assert (world.outcome("s0"), len(requests.sent)) == ("shown", 1)


# -- what is counted and told ------------------------------------------------------------------------------------------


def test_metrics_are_there_when_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What alarms look at is counted as none in each run, also without any store."""
    world, _ = world_of(0, monkeypatch)
    for _ in range(2):
        run(world)
        assert world.statuses.counts == {"StoresClosedByPlatform": 0, "StatusDiffers": 0}
        assert len(world.statuses.counts) == 2


def test_closings_of_the_platforms_own_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stores that the platform closed are two, in each run."""
    world, requests = world_of(2, monkeypatch)
    run(world)
    requests.shown = dict.fromkeys(world.stores, Reading("CLOSED_UNTIL", "TOO_BUSY_KITCHEN"))
    world.time.sleep(3_600.0)
    run(world)
    for _ in range(2):
        assert run(world)["StoresClosedByPlatform"] == 2


def test_event_of_a_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus gets what was wished, what became of it and what is shown, and not who wished it, or why."""
    world, requests = world_of(1, monkeypatch)
    wish = world.wish(hours=2).wish
    assert wish is not None
    run(world)
    [detail] = world.bus.details
    assert world.bus.types == {"store.status_changed"}
    [record] = [record for record in world.history() if record.wish is not None]
    assert detail == {
        "schema_version": 1,
        "id": f"s0/status/{record.version}",
        "store_id": "s0",
        "changed_at": to_text(record.at),
        "shown": {"status": "CLOSED_UNTIL", "closed_reason": "OTHER", "closed_until": to_text(wish.until)},
        "old_shown": None,
        "wish": {
            "number": 1,
            "status": "CLOSED_UNTIL",
            "closed_reason": "OTHER",
            "closed_until": to_text(wish.until),
            "outcome": "shown",
            "refusal": None,
            "sends": 1,
        },
    }
    requests.put_raises = CallRefusedError("400", "BAD_REQUEST")
    world.wish(Kind.OPEN)
    world.bus.details.clear()
    run(world)
    [told] = [one["wish"] for one in world.bus.details if one["wish"] and one["wish"]["number"] == 2]
    assert (told["closed_reason"], told["closed_until"], told["outcome"]) == (None, None, "refused")
    assert told["refusal"] == "BAD_REQUEST"


def test_event_of_a_change_of_the_platforms_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platform changes by itself is told with what was shown before, and is of no wish."""
    world, requests = world_of(1, monkeypatch)
    run(world)
    requests.shown["s0"] = Reading(CLOSED)
    world.time.sleep(3_600.0)
    run(world)
    [detail] = world.bus.details
    version = world.status().version
    assert detail["id"] in {f"s0/status/{number}/shown" for number in range(version + 1)}
    assert (detail["wish"], detail["old_shown"]) == (
        None,
        {"status": "OPEN", "closed_reason": None, "closed_until": None},
    )
    assert detail["shown"] == {"status": "CLOSED", "closed_reason": None, "closed_until": None}
    [record] = world.history()
    assert (detail["changed_at"], detail["id"]) == (to_text(record.at), f"s0/status/{record.version}/shown")


def test_bus_that_fails_is_left_alone_until_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one failure nothing more is told in a run; the next one tells it all, once."""
    world, _ = world_of(2, monkeypatch)
    for store_id in world.stores:
        world.wish(store_id=store_id)
    world.bus.fails = 1
    run(world)
    assert (world.bus.details, world.bus.fails) == ([], 0)
    for _ in range(2):
        run(world)
        assert sorted(one["store_id"] for one in world.bus.details) == ["s0", "s1"]


def test_records_that_are_no_events_hold_up_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the history has is passed over. Of two events of which the second fails, the second is told again."""
    world, _ = world_of(1, monkeypatch)
    [record] = world.wish().untold
    records = [
        replace(record, version=number, is_event=is_event) for number, is_event in ((1, False), (2, True), (3, True))
    ]
    events = StatusEvents(EventBus(world.bus, "bus"))  # type: ignore[arg-type]
    put = world.bus.put_events

    def once(**given: Any) -> Any:
        answer = put(**given)
        world.bus.fails = 1
        return answer

    monkeypatch.setattr(world.bus, "put_events", once)
    assert events.tell("s0", records) == 2
    assert [one["id"] for one in world.bus.details] == ["s0/status/2"]
    assert StatusEvents(None).tell("s0", records) == 3
    assert "s0" not in repr(status_changed("s0", record))


def test_event_that_the_bus_never_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is counted, and not told again."""
    world, _ = world_of(2, monkeypatch)
    for store_id in world.stores:
        world.wish(store_id=store_id)
    world.bus.fails, world.bus.code = 2, "NotAuthorizedForSourceException"
    for _ in range(2):
        run(world)
        assert world.statuses._events.counts == {"StatusEventsNotPublished": 2}
    assert world.bus.details == []


def test_wish_is_in_the_history_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wished what stands in the history at once, and is kept for 400 days."""
    world, _ = world_of(1, monkeypatch)
    world.wish(hours=2)
    [record] = world.history()
    assert (record.outcome, record.wish and record.wish.why) == (Outcome.WAITING, "because")
    rows = world.dynamodb.scan(TableName=world.table_name)["Items"]
    [expires_at] = [int(row["expires_at"]["N"]) for row in rows if "expires_at" in row]
    assert expires_at == int((record.at + timedelta(days=400)).timestamp())
