"""``rejected``: which events are listed, replayed and deleted."""

import json
from collections.abc import Callable
from datetime import timedelta
from weakref import WeakSet

import pytest

from partner_orders.aws.attribute_values import Row
from partner_orders.orders.event import Arrival
from partner_orders.orders.rejected import RejectedEvent, rejected_event
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]


@pytest.fixture
def twelve(stack: DeployedStack) -> DeployedStack:
    """Twelve rejected events, a minute after each other; every third is of another reason."""
    for number in range(12):
        reason = "malformed_json" if number % 3 else "not_an_order"
        arrival = Arrival("webhook", NOW + timedelta(minutes=number), f"c{number}")
        stack.rejected.keep(f"{{{number}".encode(), arrival, reason, ["line 1"])
    return stack


def test_list_says_how_many_there_are(run: Run, twelve: DeployedStack) -> None:
    """The list shows the newest so many, and says of how many."""
    ran = run("rejected", "list", "--limit", "10")
    assert "10 of 12 rejected events" in ran.err
    assert len(run("rejected", "list", "--json").json) == 12


def test_list_is_filtered_by_reason_and_time(run: Run, twelve: DeployedStack) -> None:
    """The list is filtered by reason, and by a time from which and before which events were received."""
    found = run("rejected", "list", "--reason", "not_an_order", "--json").json
    assert (len(found), {event["reason"] for event in found}) == (4, {"not_an_order"})
    newest = run("rejected", "list", "--reason", "not_an_order", "--limit", "3", "--json").json
    assert newest == found[:3]
    since, until = ((NOW + timedelta(minutes=minute)).isoformat() for minute in (2, 8))
    found = run("rejected", "list", "--since", since, "--until", until, "--json").json
    assert len(found) == 6


def test_discard_by_reason_leaves_the_rest(run: Run, twelve: DeployedStack) -> None:
    """``discard --reason`` deletes those events and names their number before."""
    assert "add --yes" in run("rejected", "discard", "--reason", "not_an_order").err
    assert twelve.rejected.count() == 12
    ran = run("rejected", "discard", "--reason", "not_an_order", "--yes")
    assert (ran.status, "4 rejected events are deleted" in ran.err) == (0, True)
    assert {event.reason for event in twelve.rejected.newest()} == {"malformed_json"}


def test_discard_all_takes_everything(run: Run, twelve: DeployedStack) -> None:
    """``discard --all`` deletes every event, and says so if there is none."""
    assert len(run("rejected", "discard", "--all", "--yes", "--json").json["deleted"]) == 12
    assert twelve.rejected.count() == 0
    assert "nothing to delete" in run("rejected", "discard", "--all", "--yes").err


@pytest.mark.parametrize("command", ["replay", "discard"])
def test_few_bodies_are_in_memory_at_once(
    run: Run, twelve: DeployedStack, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``replay`` and ``discard`` hold the bodies of one batch, however many events are meant."""
    for module in ("partner_orders.orders.rejected_table", "partner_orders_console.operations.rejected"):
        monkeypatch.setattr(f"{module}.MAX_KEYS", 5)
    alive: WeakSet[RejectedEvent] = WeakSet()
    most = 0

    def watched(row: Row) -> RejectedEvent:
        nonlocal most
        event = rejected_event(row)
        alive.add(event)
        most = max(most, len(alive))
        return event

    monkeypatch.setattr("partner_orders.orders.rejected_table.rejected_event", watched)
    arguments = ("--all", "--yes") if command == "discard" else ("--all",)
    ran = run("rejected", command, *arguments)
    assert (ran.status, "12 " in ran.err) == (0, True)
    assert 1 < most <= 2 * 5


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("arguments", [(), ("abc", "--all"), ("abc", "--reason", "malformed_json")])
def test_selection_has_to_be_clear(run: Run, command: str, arguments: tuple[str, ...]) -> None:
    """Neither nothing nor two selections at once are accepted."""
    ran = run("rejected", command, *arguments)
    assert (ran.status, "no rejected events were chosen" in ran.err) == (1, True)


def test_replay_by_reason_takes_only_those(run: Run, twelve: DeployedStack) -> None:
    """``replay --reason`` enqueues only events of that reason."""
    ran = run("rejected", "replay", "--reason", "not_an_order", "--json")
    assert json.loads(ran.out) == {"enqueued": 4, "left": []}


def test_replay_by_time_takes_only_those(run: Run, twelve: DeployedStack) -> None:
    """``replay --since --until`` enqueues only events that were received within these times."""
    since, until = ((NOW + timedelta(minutes=minute)).isoformat() for minute in (2, 8))
    ran = run("rejected", "replay", "--since", since, "--until", until, "--json")
    assert json.loads(ran.out) == {"enqueued": 6, "left": []}
    ran = run("rejected", "replay", "--since", since, "--reason", "not_an_order", "--json")
    assert json.loads(ran.out) == {"enqueued": 3, "left": []}


@pytest.mark.parametrize("wrong", ["yesterday", "3 fortnights", "2026-99-99", "999999d", "99999d", "1960-01-01"])
def test_wrong_age_is_explained(run: Run, wrong: str) -> None:
    """An age or time that cannot be read is explained with examples."""
    ran = run("rejected", "list", "--since", wrong)
    assert (ran.status, "neither an age nor a time" in ran.err) == (1, True)
