"""``rejected``: which events are listed, replayed and deleted."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from partner_orders.orders.event import Arrival
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

type Run = Callable[..., Ran]


@pytest.fixture
def sixty(stack: DeployedStack) -> DeployedStack:
    """Sixty rejected events, a minute after each other; every third is of another reason."""
    for number in range(60):
        reason = "malformed_json" if number % 3 else "not_an_order"
        arrival = Arrival("webhook", NOW + timedelta(minutes=number), f"c{number}")
        stack.rejected.keep(f"{{{number}".encode(), arrival, reason, ["line 1"])
    return stack


def test_list_says_how_many_there_are(run: Run, sixty: DeployedStack) -> None:
    """The list shows the newest 50, and says of how many."""
    ran = run("rejected", "list")
    assert "50 of 60 rejected events" in ran.err
    assert len(run("rejected", "list", "--limit", "60", "--json").json) == 60


def test_list_is_filtered_by_reason_and_time(run: Run, sixty: DeployedStack) -> None:
    """The list is filtered by reason, and by a time from which and before which events were received."""
    found = run("rejected", "list", "--reason", "not_an_order", "--json").json
    assert (len(found), {event["reason"] for event in found}) == (20, {"not_an_order"})
    since, until = ((NOW + timedelta(minutes=minute)).isoformat() for minute in (10, 19))
    found = run("rejected", "list", "--since", since, "--until", until, "--json").json
    assert len(found) == 10


def test_discard_by_reason_leaves_the_rest(run: Run, sixty: DeployedStack) -> None:
    """``discard --reason`` deletes those events and names their number before."""
    assert "say --yes" in run("rejected", "discard", "--reason", "not_an_order").err
    assert sixty.rejected.count() == 60
    ran = run("rejected", "discard", "--reason", "not_an_order", "--yes")
    assert (ran.status, "20 rejected events are deleted" in ran.err) == (0, True)
    assert {event.reason for event in sixty.rejected.newest()} == {"malformed_json"}


def test_discard_all_takes_everything(run: Run, sixty: DeployedStack) -> None:
    """``discard --all`` deletes every event, and says so if there is none."""
    assert run("rejected", "discard", "--all", "--yes").status == 0
    assert sixty.rejected.count() == 0
    assert "nothing to delete" in run("rejected", "discard", "--all", "--yes").err


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("arguments", [(), ("abc", "--all"), ("abc", "--reason", "malformed_json")])
def test_selection_has_to_be_clear(run: Run, command: str, arguments: tuple[str, ...]) -> None:
    """Neither nothing nor two selections at once are accepted."""
    ran = run("rejected", command, *arguments)
    assert (ran.status, "which ones?" in ran.err) == (1, True)


def test_replay_by_reason_takes_only_those(run: Run, sixty: DeployedStack) -> None:
    """``replay --reason`` enqueues only events of that reason."""
    ran = run("rejected", "replay", "--reason", "not_an_order", "--json")
    assert json.loads(ran.out) == {"enqueued": 20, "left": []}


@pytest.mark.parametrize("wrong", ["yesterday", "3 fortnights", "2026-99-99", "999999d", "99999d", "1960-01-01"])
def test_wrong_age_is_explained(run: Run, wrong: str) -> None:
    """An age or time that cannot be read is explained with examples."""
    ran = run("rejected", "list", "--since", wrong)
    assert (ran.status, "neither an age nor a time" in ran.err) == (1, True)
