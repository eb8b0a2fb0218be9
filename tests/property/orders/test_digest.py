"""Two bodies that say different things are never one event, wherever in them the difference is."""

import copy
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.orders.event import RejectedError, parse_event
from tests.support.lives import bodies
from tests.support.orders import as_bytes, order

type Place = tuple[Any, Any]
VOLATILE = "webhook_status"


def places(value: Any) -> Iterator[Place]:
    """Every container in an order, and a name or position in it."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(item, dict | list):
            yield from places(item)


def another(value: Any, is_time: bool) -> Any:
    """A value that is not the same, by what it means."""
    match value:
        case str() if is_time:
            return value.replace("Z", "0001Z") if "." in value else f"{value} "
        case str():
            return f"{value}x"
        case bool():
            return not value
        case None:
            return "something"
        case int() | float():
            return f"{value}0000000000000001" if "." in str(value) else value + 1
        case list():
            return [*value, *value[:1]] if value else ["something"]
        case _:
            return value | {"a field nobody knows": 1}


class Last(Random):
    def choice(self, seq: Sequence[Any]) -> Any:  # type: ignore[override]
        return seq[-1]


@example(order(colour="red"), Last())
@given(bodies(), st.randoms(use_true_random=False))
def test_any_difference_makes_another_event(body: dict[str, Any], chance: Any) -> None:
    """A difference anywhere in a body makes another event."""
    other = copy.deepcopy(body)
    found = [(holder, name) for holder, name in places(other) if name not in ("order_id", VOLATILE)]
    holder, name = chance.choice(found)
    holder[name] = another(holder[name], str(name).endswith(("_at", "_for")))
    try:
        assert parse_event(as_bytes(body)).digest != parse_event(as_bytes(other)).digest
    except RejectedError:
        return  # No order any more.


@given(bodies(), st.integers(1, 999), st.integers(1, 999))
def test_nanoseconds_make_another_event(body: dict[str, Any], one: int, other: int) -> None:
    """Times that differ by nanoseconds make two events."""
    texts = [f"2026-10-14T08:12:44.107000{nanoseconds:03}Z" for nanoseconds in (one, other)]
    first, second = (parse_event(as_bytes(body | {"sys": {"updated_at": text}})) for text in texts)
    assert (first.digest == second.digest) == (one == other)


@given(bodies(), st.randoms(use_true_random=False))
def test_odd_parts_make_two_events(body: dict[str, Any], chance: Any) -> None:
    """Two values that cannot be read, at the same place, make two events."""
    one, other = copy.deepcopy(body), copy.deepcopy(body)
    position = chance.randrange(len([*places(one)]))
    for number, changed in enumerate((one, other)):
        holder, name = [*places(changed)][position]
        if name in ("order_id", VOLATILE):
            return
        holder[name] = [[{"odd": number}]]
    try:
        assert parse_event(as_bytes(one)).digest != parse_event(as_bytes(other)).digest
    except RejectedError:
        return  # No order any more.


def test_no_two_of_many_events_are_one() -> None:
    """Thousands of orders that differ a little are as many events."""
    texts = {parse_event(as_bytes(order(comment=f"Ring {number} times"))).digest for number in range(2_000)}
    prices = {parse_event(as_bytes(order()).replace(b"690.0", b"690.%060d" % number, 1)).digest for number in range(99)}
    assert (len(texts), len(prices)) == (2_000, 99)
