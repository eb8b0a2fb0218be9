"""Damping loses nothing and bounds what an unsteady order costs, whatever the platform shows at each look."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.orders.stored import Showing, showing
from partner_orders.reconciler.damping import LONGEST_PAUSE, is_damped
from tests.support.orders import as_bytes, order

START = datetime(2026, 10, 14, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
LOOKS_OF_A_DAY = 288
STATES = [
    [parse_event(as_bytes(order(comment=str(number), status=status))) for number in range(30)]
    for status in ("RECEIVED", "DISPATCHED", "CANCELLED")
]


class Looks:
    """An order that is looked at every five minutes, and what is enqueued of it."""

    def __init__(self) -> None:
        self.now = START
        self.noted: dict[str, Showing] = {}
        self.head = ""

    def look(self, event: OrderEvent) -> bool:
        """Whether the event is enqueued now."""
        self.now += EVERY
        if event.digest == self.head or is_damped(event, self.noted.values(), self.now):
            return False
        self.head = event.digest
        self.noted[event.digest] = showing(event, self.now)
        return True


@given(st.lists(st.integers(0, 29), min_size=1, max_size=7), st.integers(1, 4))
def test_unsteady_order_costs_little(pattern: list[int], days: int) -> None:
    """However the states of one moment alternate, few of them are enqueued in a day."""
    looks = Looks()
    made = [looks.look(STATES[0][pattern[n % len(pattern)]]) for n in range(days * LOOKS_OF_A_DAY)]
    assert sum(made) <= 6 + 2 * days


@given(st.lists(st.integers(0, 29), max_size=60), st.integers(0, 29))
def test_last_state_is_enqueued_in_a_day(before: list[int], last: int) -> None:
    """What the platform goes on showing is enqueued when the pause ends."""
    looks = Looks()
    for number in before:
        looks.look(STATES[0][number])
    until = looks.now + LONGEST_PAUSE + EVERY
    while looks.now < until:
        looks.look(STATES[0][last])
    assert looks.head == STATES[0][last].digest


@given(st.lists(st.integers(0, 29), max_size=60), st.integers(1, 59))
def test_new_clock_is_enqueued_at_once(before: list[int], minute: int) -> None:
    """A new clock goes through, whatever was shown of the one before."""
    looks = Looks()
    for shown in before:
        looks.look(STATES[0][shown])
    assert looks.look(parse_event(as_bytes(order(minute))))


@given(st.lists(st.integers(0, 29), max_size=60), st.integers(0, 29))
def test_new_status_is_enqueued_at_once(before: list[int], number: int) -> None:
    """A new status goes through, whatever was shown of the one before."""
    looks = Looks()
    for status in range(2):
        for shown in before:
            looks.look(STATES[status][shown])
        assert looks.look(STATES[status + 1][number])
