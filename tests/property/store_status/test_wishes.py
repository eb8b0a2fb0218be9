"""Whatever is killed, lost or changed by the platform: the newest wish is shown until its time ends, or its end is on
record (rules W1, W3, W4 and W5)."""

from dataclasses import replace
from datetime import time, timedelta
from itertools import pairwise
from random import Random

import pytest

from partner_orders.pusher.statuses import MOST_REQUESTS
from partner_orders.store_status.shown import Reading, shows
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.table import WrittenMeanwhileError
from partner_orders.store_status.wish import Kind, Outcome
from tests.support.sender_world import KilledError
from tests.support.status_world import STORE, StatusWorld
from tools.local.simulated_platform.store_status import CLOSED, FAULTS, OPEN, State, StatusHabits

PUT_FAULTS = tuple(fault for fault in FAULTS if fault.startswith("put_") and fault != "put_refused")


def test_a_closing_is_shown_and_ends() -> None:
    """A closing is sent once, read back, shown until its time ends, and then not looked after any more."""
    world = StatusWorld()
    world.wish(hours=2)
    world.run()
    assert (world.outcome(), world.shown().status, len(world.puts())) == ("shown", "CLOSED_UNTIL", 1)
    world.runs(125)
    assert (world.outcome(), world.shown().status, len(world.puts())) == ("ended", OPEN, 1)
    [record] = [record for record in world.history() if record.wish is not None]
    assert (record.outcome, record.puts, record.wish and record.wish.why) == (Outcome.ENDED, 1, "because")


@pytest.mark.parametrize("minutes", [0, 1])
def test_an_overtaken_closing_is_on_record(minutes: int) -> None:
    """A closing that another wish overtakes before its time ends so on record, whether or not it was shown by then."""
    world = StatusWorld()
    world.wish(hours=2)
    world.runs(minutes)
    assert world.outcome() == ("shown" if minutes else "waiting")
    world.wish(Kind.OPEN)
    world.run()
    outcomes = [record.outcome for record in world.history() if record.wish is not None]
    assert outcomes == [Outcome.OVERTAKEN, Outcome.DONE]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_newer_wish_is_not_written_over(is_first: bool) -> None:
    """What a worker noted of a status that it read before a wish came does not take the wish's place."""
    world = StatusWorld()
    if not is_first:
        world.wish(Kind.OPEN)
    read = world.status()
    world.wish(hours=2)
    with pytest.raises(WrittenMeanwhileError):
        world.table.write(replace(read, looked_at=world.time.now()))
    wish = world.status().wish
    assert wish is not None
    assert wish.kind is Kind.CLOSED_UNTIL


def test_a_wish_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wish is written though the pusher, and another operator, write the status right after it was read."""
    world = StatusWorld()
    world.wish(Kind.OPEN)
    get = world.table.get

    def overtaken(store_id: str) -> StoreStatus:
        status = get(store_id)
        monkeypatch.setattr(world.table, "get", get)
        world.table.write(replace(status, looked_at=world.time.now()))
        world.wish(Kind.OPEN)
        return status

    monkeypatch.setattr(world.table, "get", overtaken)
    world.wish(hours=2)
    wish = world.status().wish
    assert wish is not None
    assert (wish.kind, wish.number) == (Kind.CLOSED_UNTIL, 3)


def test_a_closing_is_asserted_while_the_platform_differs() -> None:
    """A platform that opens the store again gets the closing again, with a back-off, until the time ends."""
    world = StatusWorld()
    world.wish(hours=2)
    for _ in range(115):
        world.run()
        world.platform.set(STORE, State(OPEN), world.time.now())
    sent = [change.at for change in world.platform.store(STORE).changes if change.body is not None]
    assert world.history()[0].puts == len(sent) > 5
    gaps = [round((later - earlier) / timedelta(minutes=1)) for earlier, later in pairwise(sent)]
    # It reads a closing that is shown each five minutes, so the first gaps are longer than the back-off.
    assert gaps == sorted(gaps)
    assert all(gap <= 20 for gap in gaps)
    assert gaps[-1] >= 15
    world.runs(30)
    assert (world.outcome(), len(world.puts())) == ("ended", len(sent))


def test_nothing_is_sent_near_the_end() -> None:
    """In the last two minutes of a closing, and after it, nothing is sent: it might close the next day."""
    world = StatusWorld()
    wish = world.wish(Kind.CLOSED_TODAY, hours=1).wish
    assert wish is not None
    for _ in range(90):
        world.run()
        world.platform.set(STORE, State(OPEN), world.time.now())
    sent = [change.at for change in world.platform.store(STORE).changes if change.body is not None]
    assert max(sent) < wish.until - timedelta(minutes=2)


@pytest.mark.parametrize("fault", PUT_FAULTS)
@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.CLOSED_TODAY, Kind.CLOSED_UNTIL])
def test_a_lost_response_is_read_back(fault: str, kind: Kind) -> None:
    """After a response that was lost the status is read before anything is sent again (rule W5)."""
    world = StatusWorld()
    world.platform.set(STORE, State(CLOSED, "OTHER"), world.time.now())
    world.platform.faults = {fault: 1}
    world.wish(kind)
    # Wished is a closing of an open store.
    if kind.closes:
        world.platform.set(STORE, State(OPEN), world.time.now())
    world.runs(6)
    took_effect = fault.endswith(("after", "late"))
    assert (world.outcome() in {"shown", "done"}, world.shown().status) == (True, kind.value)
    assert world.status().puts == (1 if took_effect else 2)


def test_an_opening_is_never_asserted_again() -> None:
    """Once the platform showed the store as open, a closing of the platform's own is shown and counted, not lifted."""
    world = StatusWorld()
    world.platform.set(STORE, State(CLOSED, "OTHER"), world.time.now())
    world.wish(Kind.OPEN)
    world.run()
    assert (world.outcome(), world.shown().status) == ("done", OPEN)
    world.platform.set(STORE, State(CLOSED, "TOO_BUSY_KITCHEN"), world.time.now())
    world.runs(70)
    assert (world.shown().status, len(world.puts()), world.counts["StoresClosedByPlatform"]) == (CLOSED, 1, 1)
    assert [record.reading and record.reading.status for record in world.history()][-1] == CLOSED


def test_a_refused_wish_is_not_repeated() -> None:
    """A 4xx that had no effect ends the wish with the platform's words."""
    world = StatusWorld(habits=StatusHabits(opens=time(12), closes=time(20)))
    world.wish(Kind.OPEN)
    world.runs(30)
    assert (world.outcome(), world.status().puts, world.counts["StatusRefused"]) == ("refused", 1, 1)
    assert world.status().refusal == "OUTSIDE_SCHEDULE: The store cannot be opened outside its schedule"


def test_an_unknown_store_is_refused_at_once() -> None:
    """A store that the platform knows neither to read nor to send ends its wish in one run."""
    world = StatusWorld()
    world.platform.is_known = lambda _: False
    world.wish(Kind.OPEN)
    world.run()
    assert (world.outcome(), world.status().puts, world.status().refusal) == ("refused", 1, "not_found")


def test_a_refusal_that_took_effect_is_none() -> None:
    """What is shown counts, not the response: a 4xx to what the platform shows is no refusal."""
    world = StatusWorld()
    world.wish(hours=5)
    world.run()
    world.wish(Kind.CLOSED_UNTIL, hours=5 - 1 / 60)
    world.platform.faults = {"put_refused": 1}
    world.run()
    assert world.outcome() == "shown"


def test_an_opening_that_is_not_shown_is_given_up() -> None:
    """An opening that never shows is tried for three hours, not for ever."""
    world = StatusWorld()
    world.platform.faults = {"put_dropped_before": 0.999999}
    world.platform.set(STORE, State(CLOSED, "OTHER"), world.time.now())
    world.wish(Kind.OPEN)
    world.runs(200)
    assert world.outcome() == "given_up"
    assert world.counts["StatusGivenUp"] == 1
    puts = world.status().puts
    world.platform.faults = {}
    world.runs(60)
    assert (world.status().puts, world.shown().status) == (puts, CLOSED)


def test_what_differs_for_long_is_counted() -> None:
    """A wish that the platform does not show within ten minutes is counted for the alarm."""
    world = StatusWorld()
    world.platform.faults = {"put_dropped_before": 0.999999}
    world.wish()
    world.runs(5)
    assert world.counts["StatusDiffers"] == 0
    world.runs(10)
    assert world.counts["StatusDiffers"] == 1


# -- newest wins -------------------------------------------------------------------------------------------------------


def story(world: StatusWorld) -> None:
    """A closing, a shorter one, and an opening, a few minutes apart."""
    world.wish(hours=9)
    world.runs(2)
    world.wish(hours=5)
    world.runs(2)
    world.wish(Kind.OPEN)
    world.runs(2)


@pytest.mark.parametrize("part", range(3))
def test_any_death_loses_no_wish(part: int) -> None:
    """Killed before or after any call of AWS or of the platform, the newest wish is shown in the end."""
    for moment in range(part, 90, 3):
        world = StatusWorld()
        world.deaths.plan(moment)
        try:
            story(world)
        except KilledError:
            # The operator's command died: it is given again.
            world.deaths.plan(None)
            world.restart()
            story(world)
        world.deaths.plan(None)
        world.runs(8)
        assert (world.outcome(), world.shown().status) == ("done", OPEN), moment


@pytest.mark.parametrize("seed", range(12))
def test_random_trouble_ends_well(seed: int) -> None:
    """Random wishes, faults and changes of the platform's own, then calm: each store is as its newest wish says, or the
    wish is at its end; and no run makes more requests than it may."""
    chance, stores = Random(seed), [f"s{number}" for number in range(4)]
    world = StatusWorld(stores, seed=seed)
    for _ in range(40):
        for store_id in stores:
            roll = chance.random()
            if roll < 0.06:
                world.wish(chance.choice([Kind.OPEN, Kind.CLOSED_UNTIL, Kind.CLOSED_TODAY]), 14, store_id)
            elif roll < 0.1:
                world.platform.set(store_id, State(chance.choice([OPEN, CLOSED])), world.time.now())
        world.platform.faults = dict.fromkeys(FAULTS, 0.15)
        if chance.random() < 0.1:
            world.deaths.plan(chance.randrange(30))
        asked = world.asked()
        world.run()
        assert world.asked() - asked <= MOST_REQUESTS
        world.deaths.plan(None)
    world.platform.faults = {}
    world.runs(40)
    for store_id in stores:
        wish, outcome = world.status(store_id).wish, world.status(store_id).outcome
        if wish is None or outcome in {Outcome.REFUSED, Outcome.DONE}:
            continue
        assert outcome is Outcome.SHOWN, (store_id, outcome)
        # A closing of today that goes again goes until its time.
        assert world.shown(store_id).status in {wish.kind.value, Kind.CLOSED_UNTIL.value, CLOSED}
        assert all(record.outcome is not Outcome.WAITING for record in world.history(store_id))


def test_closing_of_today_goes_again_until_its_time() -> None:
    """The platform's day may have ended: the closing of the chain's day never closes the next one."""
    world = StatusWorld()
    wish = world.wish(Kind.CLOSED_TODAY, hours=5).wish
    assert wish is not None
    world.run()
    world.platform.set(STORE, State(OPEN), world.time.now())
    world.runs(12)
    kinds = [change.body["status"] for change in world.platform.store(STORE).changes if change.body is not None]
    assert (kinds[0], {*kinds[1:]}) == ("CLOSED_TODAY", {"CLOSED_UNTIL"})
    assert (world.outcome(), world.shown().until) == ("shown", wish.until)


def test_slow_clock_sends_no_closing_that_is_over() -> None:
    """A function whose clock is behind asks for the platform's time before it sends: the closing of an hour that has
    passed would close the day after."""
    world = StatusWorld()
    world.behind = timedelta(minutes=10)
    world.wish(hours=1)
    world.time.sleep(3_900)
    world.runs(5)
    assert "PUT" not in {asked.method for asked in world.session.asked}
    assert (world.outcome(), world.shown().status) == ("given_up", OPEN)


@pytest.mark.parametrize("is_acknowledged", [False, True])
@pytest.mark.parametrize("kind", [Kind.CLOSED_TODAY, Kind.CLOSED_UNTIL])
def test_night_proves_no_closing(kind: Kind, is_acknowledged: bool) -> None:
    """A store that the platform closed without an end is closed as wished only where it took the wish."""
    wish = StatusWorld().wish(kind).wish
    assert wish is not None
    assert shows(Reading(CLOSED), wish, is_acknowledged) is is_acknowledged


def test_new_wish_goes_before_what_is_shown() -> None:
    """However many closings are read again and again, a new one is sent in the next minute."""
    world = StatusWorld([f"s{number}" for number in range(40)])
    for store_id in world.stores[1:]:
        world.wish(hours=20, store_id=store_id)
    world.runs(60)
    world.wish(hours=2)
    world.run()
    assert world.outcome() == "shown"


def test_every_event_has_its_own_id() -> None:
    """What one reading shows and decides are two events, each with an id of its own."""
    world = StatusWorld()
    world.wish(hours=1)
    world.runs(5)
    world.wish(Kind.OPEN)
    world.runs(5)
    assert len(world.bus.details) > 3
    assert len({detail["id"] for detail in world.bus.details}) == len(world.bus.details)


def test_minute_without_requests_notes_what_ended() -> None:
    """While nothing may be asked, closings end, and what differs is counted."""
    world = StatusWorld()
    world.wish(hours=1)
    world.runs(3)
    world.time.sleep(3_600.0)
    asked = world.asked()
    world.statuses.serve(world.stores, lambda: False)
    assert (world.outcome(), world.asked() - asked) == ("ended", 0)
    assert "StatusDiffers" in world.statuses.counts


def test_unreadable_row_costs_no_other_store() -> None:
    """A row that nobody can read is counted, and the other stores are served."""
    world = StatusWorld([STORE, "s1"])
    key = {"pk": {"S": "STORES"}, "sk": {"S": "STATUS#s1"}}
    world.dynamodb.put_item(TableName=world.table_name, Item=key | {"version": {"S": "seven"}, "wish": {"S": "?"}})
    world.wish(hours=2)
    world.run()
    assert world.outcome() == "shown"
    assert world.statuses.faults["UnreadableRow"] == 1


# -- other stores ------------------------------------------------------------------------------------------------------


def test_each_store_is_read_about_hourly() -> None:
    """A store of which nothing is wished is read once an hour, so that a closing of the platform's own is seen."""
    world = StatusWorld([f"s{number}" for number in range(10)])
    world.runs(3)
    assert world.asked() == 10
    world.platform.set("s7", State("CLOSED_TODAY", "OTHER"), world.time.now())
    world.runs(60)
    assert world.asked() == 20
    assert world.counts["StoresClosedByPlatform"] == 1
    assert [detail["shown"]["status"] for detail in world.bus.details] == ["CLOSED_TODAY"]


def test_a_night_is_no_closing() -> None:
    """A store that is shown as closed without end and reason counts only after a day: it may be its night."""
    world = StatusWorld()
    world.platform.set(STORE, State(CLOSED), world.time.now())
    world.runs(70)
    assert world.counts["StoresClosedByPlatform"] == 0
    world.time.sleep(86_400)
    world.run()
    assert world.counts["StoresClosedByPlatform"] == 1


def test_a_store_that_cannot_be_read_holds_up_no_other() -> None:
    """A store that the platform does not know is read again an hour later; the others are served."""
    world = StatusWorld(["unknown", "s1"])
    world.platform.is_known = lambda vendor: vendor != "unknown"
    world.wish(store_id="s1")
    world.runs(10)
    assert world.outcome("s1") == "shown"
    assert (world.status("unknown").failures, world.status("unknown").problem) == (1, "not_found")


# -- check-in ----------------------------------------------------------------------------------------------------------

MORNING = StatusHabits(opens=time(12), closes=time(20), checks_in=True)


def test_a_store_is_checked_in_once_a_day() -> None:
    """Within the times that the platform names, once a day."""
    world = StatusWorld(habits=MORNING, checks_in=True)
    world.runs(85)
    assert world.puts() == []
    world.runs(40)
    assert world.puts() == [{"status": "CHECKIN"}]
    assert (world.outcome(), world.shown().status) == ("done", OPEN)
    world.runs(24 * 60)
    assert len(world.puts()) == 2


def test_a_check_in_without_effect_is_repeated() -> None:
    """A check-in that had no effect is sent again while its time lasts."""
    world = StatusWorld(habits=MORNING, checks_in=True)
    world.platform.faults = {"put_dropped_before": 2}
    world.runs(125)
    assert (len(world.puts()), world.status().puts, world.shown().status) == (1, 3, OPEN)


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_closed_store_is_not_checked_in(is_refused: bool) -> None:
    """A store that is wished closed is not checked in, whether the platform took the closing or not."""
    world = StatusWorld(habits=MORNING, checks_in=True)
    world.platform.faults = {"put_refused": 1} if is_refused else {}
    world.wish(hours=8)
    world.runs(150)
    assert [body["status"] for body in world.puts()] == ([] if is_refused else ["CLOSED_UNTIL"])


def test_nothing_is_checked_in_where_it_is_off() -> None:
    """Without the parameter nothing is checked in."""
    world = StatusWorld(habits=MORNING)
    world.runs(150)
    assert world.puts() == []
