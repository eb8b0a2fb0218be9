"""The subscriber that the documentation shows."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.subscriber import in_sequence


@given(st.lists(st.integers(1, 8), min_size=1))
def test_whatever_the_order_of_arrival_the_newest_wins_once_and_what_is_missing_is_shown(arrivals: list[int]) -> None:
    memory = in_sequence()
    taken = [sequence for sequence in arrivals if memory.take({"order_id": "a", "sequence": sequence})]
    assert taken[-1] == max(arrivals)
    assert taken == sorted(set(taken))
    missing = sorted({*range(1, max(arrivals) + 1)} - {*arrivals})
    assert memory.gaps() == ({"a": missing} if missing else {})


def test_orders_are_independent_of_one_another() -> None:
    memory = in_sequence()
    assert memory.take({"order_id": "a", "sequence": 3})
    assert memory.take({"order_id": "b", "sequence": 1})
    assert memory.gaps() == {"a": [1, 2]}


def test_what_a_restored_table_leaps_over_is_no_gap_and_what_does_not_come_after_it_is_one() -> None:
    memory = in_sequence()
    taken = [memory.take({"order_id": "a", "sequence": sequence}) for sequence in (1, 4, 1_000_002, 5, 1_000_004)]
    assert taken == [True, True, True, False, True]
    assert memory.gaps() == {"a": [2, 3, 1_000_003]}
