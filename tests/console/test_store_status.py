"""``stores open``, ``close`` and ``status``: what is refused, what is wished, and what is shown of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from partner_orders.clock import now
from partner_orders.store_status import status as after
from partner_orders.store_status.shown import Reading
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Kind, Outcome
from partner_orders.stores.store import StoreSettings
from tests.support.catalogue_stack import OTHER_STORE, STORE, Catalogue
from tests.support.console import Ran

type Run = Callable[..., Ran]
WHY = ("--why", "no power")
REASON = ("--reason", "TECHNICAL_PROBLEM")


@pytest.fixture
def enrolled(catalogue: Catalogue) -> Catalogue:
    catalogue.enrol()
    return catalogue


def in_hours(hours: float) -> str:
    return (now() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def noted(catalogue: Catalogue, *steps: Callable[[StoreStatus], StoreStatus]) -> StoreStatus:
    """Write what the pusher makes of a status, step by step."""
    status = catalogue.stack.statuses.get(STORE)
    for step in steps:
        status = catalogue.stack.statuses.write(step(status))
        for record in status.untold:
            catalogue.stack.statuses.note(STORE, record)
    return status


def sent(status: StoreStatus) -> StoreStatus:
    return after.sent(after.claimed(status, "c", now()), now(), is_acknowledged=True)


def shown(status: str, *rest: object) -> Callable[[StoreStatus], StoreStatus]:
    return lambda before: after.read(before, Reading(status, *rest), now())  # type: ignore[arg-type]


# -- wishing -----------------------------------------------------------------------------------------------------------


def test_no_catalogue_says_how_to_deploy_it(run: Run) -> None:
    """Without the catalogue's stack each command says so, and how it is deployed."""
    for command in (("open", STORE, *WHY), ("close", STORE, "--today", *REASON, *WHY), ("status",)):
        ran = run("stores", *command)
        assert (ran.status, "make deploy-catalogue" in ran.err, ran.out) == (1, True, ""), ran


def test_close_until_a_time(run: Run, enrolled: Catalogue) -> None:
    """A closing is written with its end in whole seconds, who wished it and why, also into the history."""
    until = in_hours(3)
    ran = run("stores", "close", STORE, "--until", until, *REASON, *WHY, "--yes")
    assert (ran.status, f"stores status {STORE}" in ran.err) == (0, True), ran
    status = enrolled.stack.statuses.get(STORE)
    wish = status.wish
    assert wish is not None
    assert (wish.kind, wish.reason, wish.why, status.outcome) == (
        *(Kind.CLOSED_UNTIL, "TECHNICAL_PROBLEM", "no power"),
        Outcome.WAITING,
    )
    assert wish.until == datetime.fromisoformat(until)
    assert wish.by.startswith("arn:")
    [record] = enrolled.stack.statuses.history(STORE)
    assert (record.wish, record.outcome) == (wish, Outcome.WAITING)


@pytest.mark.parametrize("zone", ["Asia/Karachi", "America/Santiago", "Pacific/Kiritimati"])
def test_closed_today_ends_with_the_stores_day(run: Run, enrolled: Catalogue, zone: str) -> None:
    """A closing for today ends at the end of the day in the store's time zone."""
    enrolled.stack.orders.stores.set(STORE, StoreSettings(time_zone=zone))
    ran = run("stores", "close", STORE, "--today", *REASON, *WHY, "--yes")
    wish = enrolled.stack.statuses.get(STORE).wish
    if wish is None:  # The day ends in a few minutes.
        assert "is over or too soon" in ran.err
        return
    local = wish.until.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert timedelta(0) < wish.until - now() <= timedelta(hours=25)


def test_today_needs_the_time_zone(run: Run, enrolled: Catalogue) -> None:
    """Without a time zone the end of the day is unknown, and the refusal says how to set it."""
    ran = run("stores", "close", STORE, "--today", *REASON, *WHY, "--yes")
    assert (ran.status, f"stores set {STORE} --time-zone" in ran.err) == (1, True)
    assert enrolled.stack.statuses.get(STORE).wish is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--until", in_hours(2), *WHY), "a closing needs a reason"),
        (("--until", in_hours(2), "--reason", "TIRED", *WHY), "TOO_BUSY_KITCHEN"),
        (("--until", in_hours(2), *REASON), "--why has 1 to 300 characters"),
        (("--until", in_hours(-2), *REASON, *WHY), "over or too soon"),
        (("--until", in_hours(0.01), *REASON, *WHY), "over or too soon"),
        (("--until", in_hours(367 * 24), *REASON, *WHY), "Is the year right?"),
        (("--until", "tomorrow", *REASON, *WHY), "is not a time"),
    ],
)
def test_bad_closings_are_refused(run: Run, enrolled: Catalogue, arguments: tuple[str, ...], problem: str) -> None:
    """A closing without reason, without why, with an end that is over, too far or no time changes nothing."""
    ran = run("stores", "close", STORE, *arguments, "--yes")
    assert (ran.status, problem in ran.err) == (1, True), ran
    assert enrolled.stack.statuses.get(STORE).wish is None


@pytest.mark.parametrize("ends", [(), ("--today", "--until", "2026-03-14T18:00:00Z")])
def test_a_closing_has_one_end(run: Run, enrolled: Catalogue, ends: tuple[str, ...]) -> None:
    """Either for today or until a time."""
    ran = run("stores", "close", STORE, *ends, *REASON, *WHY, "--yes")
    assert (ran.status, "either --today or --until" in ran.err) == (2, True)


def test_unknown_store(run: Run, enrolled: Catalogue) -> None:
    """A store that is not registered is refused by each command."""
    for command in (
        ("open", "nobody", *WHY),
        ("close", "nobody", "--until", in_hours(2), *REASON, *WHY),
        ("status", "nobody"),
    ):
        ran = run("stores", *command)
        assert (ran.status, "nobody" in ran.err) == (1, True), ran


def test_open_within_the_trading_hours_only(run: Run, enrolled: Catalogue) -> None:
    """Outside the trading hours that are set of the store nothing is wished."""
    later, until = now() + timedelta(hours=3), now() + timedelta(hours=4)
    hours = f"mon-sun {later:%H:%M}-{until:%H:%M}"
    enrolled.stack.orders.stores.set(STORE, StoreSettings(trading_hours=hours, time_zone="UTC"))
    ran = run("stores", "open", STORE, *WHY, "--yes")
    assert (ran.status, "outside the trading hours" in ran.err, hours in ran.err) == (1, True, True)
    assert enrolled.stack.statuses.get(STORE).wish is None
    enrolled.stack.orders.stores.set(STORE, StoreSettings(trading_hours="mon-sun 00:00-00:00"))
    assert run("stores", "open", STORE, *WHY, "--yes").status == 0
    wish = enrolled.stack.statuses.get(STORE).wish
    assert wish is not None
    assert (wish.kind, wish.reason) == (Kind.OPEN, "")


def test_dry_run_changes_nothing(run: Run, enrolled: Catalogue) -> None:
    """A dry run shows what would be wished, and what that would overtake."""
    run("stores", "close", STORE, "--until", in_hours(3), *REASON, *WHY, "--yes")
    before = enrolled.stack.statuses.get(STORE)
    ran = run("stores", "open", STORE, *WHY, "--dry-run")
    assert (ran.status, f"would open {STORE}" in ran.err, "would overtake: CLOSED_UNTIL" in ran.err) == (0, True, True)
    found = run("stores", "close", STORE, "--until", in_hours(5), *REASON, *WHY, "--dry-run", "--json").json
    assert (found["status"], found["closed_reason"]) == ("CLOSED_UNTIL", "TECHNICAL_PROBLEM")
    assert enrolled.stack.statuses.get(STORE) == before


def test_a_wish_is_asked_for(run: Run, enrolled: Catalogue) -> None:
    """Without --yes and a terminal nothing is wished."""
    ran = run("stores", "open", STORE, *WHY)
    assert (ran.status, "--yes" in ran.err) == (3, True)
    assert enrolled.stack.statuses.get(STORE).wish is None


def test_a_newer_wish_overtakes(run: Run, enrolled: Catalogue) -> None:
    """The earlier wish ends as overtaken, on record."""
    run("stores", "close", STORE, "--until", in_hours(3), *REASON, *WHY, "--yes")
    found = run("stores", "open", STORE, *WHY, "--yes", "--json").json
    assert (found["wish"]["status"], found["wish"]["outcome"]) == ("OPEN", "waiting")
    newest, older = enrolled.stack.statuses.history(STORE)
    assert (newest.outcome, older.outcome) == (Outcome.WAITING, Outcome.OVERTAKEN)


# -- looking -----------------------------------------------------------------------------------------------------------


def test_status_of_all_stores(run: Run, enrolled: Catalogue) -> None:
    """Every store of the catalogue has a line, whether its status was read or not; with what a person should see to."""
    enrolled.enrol(OTHER_STORE)
    noted(enrolled, shown("OPEN"), shown("CLOSED", "TOO_BUSY_KITCHEN"))
    ran = run("stores", "status")
    assert (ran.status, "2 stores" in ran.err) == (0, True)
    assert all(text in ran.out for text in ("CLOSED (TOO_BUSY_KITCHEN)", "not read yet", "closed it without an end"))
    first, second = run("stores", "status", "--json").json
    assert (first["store_id"], first["shown"]["status"], second["shown"]) == (STORE, "CLOSED", None)


def test_status_of_one_store_has_its_history(run: Run, enrolled: Catalogue) -> None:
    """One store is shown with each wish, who had it, why, how often it was sent and what became of it."""
    run("stores", "close", STORE, "--until", in_hours(3), *REASON, *WHY, "--yes")
    until = enrolled.stack.statuses.get(STORE).wish.until  # type: ignore[union-attr]
    noted(enrolled, sent, shown("OPEN"), sent, shown("CLOSED_UNTIL", "TECHNICAL_PROBLEM", until))
    ran = run("stores", "status", STORE)
    assert all(text in ran.out for text in ("CLOSED_UNTIL", "no power", "2 times", "shown", "the platform")), ran.out
    found = run("stores", "status", STORE, "--json").json
    assert (found["wish"]["outcome"], found["wish"]["sends"], found["difference"]) == ("shown", 2, None)
    assert [("wish" in record, "shown" in record) for record in found["history"]] == [(False, True), (True, False)]
    assert found["next"]["act"] == "read"


def test_a_refusal_is_shown_in_the_platforms_words(run: Run, enrolled: Catalogue) -> None:
    """A refused wish is told with the platform's words."""
    run("stores", "open", STORE, *WHY, "--yes")
    words = "OUTSIDE_SCHEDULE: not now"
    noted(enrolled, lambda status: after.sent(after.claimed(status, "c", now()), now(), refusal=words), shown("CLOSED"))
    ran = run("stores", "status", STORE)
    assert (words in ran.out, "refused" in ran.out) == (True, True)


def test_live_asks_the_platform(run: Run, enrolled: Catalogue) -> None:
    """With --live the platform is asked in one request; it needs a store."""
    ran = run("stores", "status", "--live")
    assert (ran.status, "name a store" in ran.err) == (2, True)
    ran = run("stores", "status", STORE, "--live")
    assert (ran.status, "request budget" in ran.err) == (1, True), ran
