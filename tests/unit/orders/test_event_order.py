"""Which of two events is the snapshot: each rule by itself, between events that are equal by the rules before it."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.history import merge
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

# Enough pairs that no rule further down decides all of them alike by chance.
PAIRS = range(12)
MASKED = {"first_name": "A**", "last_name": "R*", "phone_number": "+92***41"}


def event(minute: int, status: str, number: int, **fields: Any) -> OrderEvent:
    return parse_event(as_bytes(order(minute, status=status, extra=number, **fields)))


# The greater one, and the lesser one, which each later rule would put first.
BY_RULE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "final": ({"minute": 12, "status": "PICKED_UP", "customer": MASKED}, {"minute": 20, "status": "DISPATCHED"}),
    "clock": ({"minute": 13, "status": "RECEIVED", "customer": MASKED}, {"minute": 12, "status": "DISPATCHED"}),
    "place": ({"minute": 12, "status": "DISPATCHED", "customer": MASKED}, {"minute": 12, "status": "RECEIVED"}),
    "personal values": (
        {"minute": 12, "status": "RECEIVED"},
        {"minute": 12, "status": "RECEIVED", "customer": MASKED, "more": "x", "most": "y", "a": 1, "b": 2, "c": 3},
    ),
    "says more": ({"minute": 12, "status": "RECEIVED", "more": "x"}, {"minute": 12, "status": "RECEIVED"}),
}


@pytest.mark.parametrize("rule", BY_RULE)
def test_rule_decides_between_equals(rule: str) -> None:
    """A rule decides between events that are equal by the rules before it, against all the rules after it."""
    greater, lesser = BY_RULE[rule]
    for number in PAIRS:
        first, second = event(number=number, **greater), event(number=-number - 1, **lesser)
        shown = {} if rule == "says more" else {second.digest: NOW}
        for events in ([first, second], [second, first]):
            assert merge(events, shown).snapshot.digest == first.digest


LIFE = (
    "HANDED_TO_DRONE",
    "RECEIVED",
    "ACCEPTED",
    "READY_FOR_PICKUP",
    "DISPATCHED",
    "PICKED_UP",
    "DELIVERED",
    "CANCELLED",
)


@pytest.mark.parametrize(("before", "after"), [*itertools.combinations(LIFE, 2)])
def test_further_status_wins_at_one_time(before: str, after: str) -> None:
    """Of two statuses at one time the one that is further in the lifecycle is the snapshot; an unknown one is least."""
    for number in PAIRS:
        events = [event(12, before, number), event(12, after, number)]
        for some in (events, events[::-1]):
            assert merge(some).snapshot.status == after


@pytest.mark.parametrize("hidden", ["", "***"])
@pytest.mark.parametrize(
    "fields",
    [
        *({"customer": {name: None}} for name in ("_id", "first_name", "last_name", "phone_number")),
        *({"customer": {"delivery_address": {name: None}}} for name in ("city", "street")),
        {"comment": None},
        {"items": [{"instructions": None}]},
    ],
    ids=str,
)
def test_each_personal_value_counts(fields: dict[str, Any], hidden: str) -> None:
    """A copy in which one personal value is empty or masked never hides the full one, though it says more and a GET
    showed it last."""

    def filled(value: Any, whole: Any) -> Any:
        if isinstance(value, dict):
            return whole | {name: filled(part, whole[name]) for name, part in value.items()}
        return [filled(value[0], whole[0])] if isinstance(value, list) else hidden

    body = order(12, items=[{"_id": "line-1", "instructions": "ripe ones"}])
    full = parse_event(as_bytes(body))
    for number in PAIRS:
        copy = parse_event(as_bytes(filled(fields, body) | {"more": number, "most": 1}))
        for events in ([full, copy], [copy, full]):
            assert merge(events, {copy.digest: NOW}).snapshot.digest == full.digest


def test_clock_counts_to_the_microsecond() -> None:
    """Of two events a microsecond apart the later one is the snapshot, though the other one is further in its life."""
    for number in PAIRS:
        later, earlier = (
            parse_event(
                as_bytes(order(status=status, extra=number, sys={"updated_at": f"2026-10-14T08:00:00.{tail}Z"}))
            )
            for status, tail in (("RECEIVED", "000002"), ("DISPATCHED", "000001"))
        )
        for events in ([earlier, later], [later, earlier]):
            assert merge(events).snapshot.digest == later.digest


@pytest.mark.parametrize("final", ["CANCELLED", "PICKED_UP", "DELIVERED"])
@pytest.mark.parametrize("status", ["RECEIVED", "ACCEPTED", "READY_FOR_PICKUP", "DISPATCHED", "HANDED_TO_DRONE"])
def test_final_status_stays(final: str, status: str) -> None:
    """A later event whose status is not final never replaces a final one."""
    end, later = event(12, final, 1), event(20, status, 2)
    for events in ([end, later], [later, end]):
        assert merge(events).snapshot.status == final


@pytest.mark.parametrize("final", ["CANCELLED", "PICKED_UP", "DELIVERED"])
def test_final_status_without_a_time_stays(final: str) -> None:
    """A final event that has no time of the platform's is above every event that is not final."""
    end, later = parse_event(as_bytes(order(status=final, sys=None))), event(20, "DISPATCHED", 2)
    assert end.occurred_at is None
    for events in ([end, later], [later, end]):
        assert merge(events).snapshot.status == final


@pytest.mark.parametrize(
    ("spelled", "final"),
    [
        *((word, "PICKED_UP") for word in ("PICKED UP", "picked-up", " Picked_Up ", "PICKED  UP", "PICKED - UP")),
        *((word, "CANCELLED") for word in ("CANCELED", "canceled", "Cancelled ", "CANCELED\n")),
        *((word, "DELIVERED") for word in ("delivered", " DELIVERED")),
    ],
)
def test_final_status_stays_however_spelled(spelled: str, final: str) -> None:
    """A final status in another spelling is the same one, and stays."""
    end, later = event(12, spelled, 1), event(20, "DISPACHED", 2)
    for events in ([end, later], [later, end]):
        assert merge(events).snapshot.status == final


@pytest.mark.parametrize("name", ["instructions", "remark"])
def test_one_value_more_wins(name: str) -> None:
    """One value more wins, however many there are: a personal one of the lines, and one that is not personal."""
    events = [
        parse_event(
            as_bytes({"order_id": "a", "status": "RECEIVED", "items": [{name: f"{count}-{n}"} for n in range(count)]})
        )
        for count in range(1, 130)
    ]
    for less, more in itertools.pairwise(events):
        assert merge([less, more]).snapshot.digest == more.digest


@pytest.mark.parametrize("name", ["order_code", "remark"])
@pytest.mark.parametrize("nothing", ["", "***"])
def test_empty_and_masked_values_say_nothing(name: str, nothing: str) -> None:
    """A body with a value says more than the same body with that value empty or masked."""
    for number in PAIRS:
        more = event(12, "RECEIVED", number, **{name: "0417"})
        less = event(12, "RECEIVED", number, **{name: nothing})
        for events in ([more, less], [less, more]):
            assert merge(events).snapshot.digest == more.digest


def test_latest_showing_outranks_more_content() -> None:
    """Of two equal events the one that a GET showed later is the snapshot, though the other one says more."""
    for number in PAIRS:
        less = event(12, "RECEIVED", number)
        more = event(12, "RECEIVED", number, more="x")
        shown: dict[str, datetime] = {less.digest: NOW, more.digest: NOW - timedelta(seconds=1)}
        assert merge([less, more], shown).snapshot.digest == less.digest


def test_digest_decides_last() -> None:
    """Of events that are equal by all other rules, the one with the greatest digest is the snapshot."""
    events = [event(12, "RECEIVED", number) for number in PAIRS]
    for some in (events, events[::-1]):
        assert merge(some).snapshot.digest == max(one.digest for one in events)


def test_white_space_decides_nothing() -> None:
    """Of two copies of one event neither is greater, however much white space is in them."""
    for number in PAIRS:
        body = as_bytes(order(12, extra=number))
        for copy in (body + b"\n" * 50, b" " + body, body.replace(b'":', b'" : ')):
            assert parse_event(copy).snapshot_key_at(NOW) == parse_event(body).snapshot_key_at(NOW)


@pytest.mark.parametrize(
    ("created", "updated", "clock"),
    [
        ("2026-10-14T08:00:00Z", "2026-10-14T08:05:00Z", "2026-10-14T08:05:00Z"),
        ("2026-10-14T08:00:00Z", None, "2026-10-14T08:00:00Z"),
        (None, "2026-10-14T08:05:00Z", "2026-10-14T08:05:00Z"),
        ("2026-10-14T08:05:00Z", "2026-10-14T08:00:00Z", "2026-10-14T08:00:00Z"),
        ("2026-10-14T08:00:00Z", "2026-12-13T08:00:00Z", "2026-12-13T08:00:00Z"),
        ("2026-10-14T08:00:00Z", "2026-12-13T08:00:01Z", "2026-10-14T08:00:00Z"),
        (None, "2010-01-01T00:00:00Z", "2010-01-01T00:00:00Z"),
        (None, "2009-12-31T23:59:59Z", None),
        (None, "2099-12-31T23:59:59Z", "2099-12-31T23:59:59Z"),
        (None, "2100-01-01T00:00:00Z", None),
        (None, "2026-10-14T13:05:00+05:00", "2026-10-14T08:05:00Z"),
        ("2026-10-13T22:05:00-10:00", None, "2026-10-14T08:05:00Z"),
    ],
)
def test_clock_of_an_event(created: str | None, updated: str | None, clock: str | None) -> None:
    """The clock is updated_at, else created_at; from 2010 on, before 2100, and at most 60 days after created_at."""
    for status in ("RECEIVED", "DISPATCHED", "CANCELLED", "PICKED_UP", "DELIVERED", "HANDED_TO_DRONE"):
        body = as_bytes(order(status=status, sys={"created_at": created, "updated_at": updated}))
        assert parse_event(body).occurred_at == (None if clock is None else datetime.fromisoformat(clock))
