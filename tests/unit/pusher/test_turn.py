"""What a part of a run may still do, and what ends it."""

from collections import Counter

import pytest

from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError
from partner_orders.pusher.turn import Turn


class MeanwhileError(RuntimeError):
    """Somebody else wrote what is served."""


def serve(turn: Turn, error: Exception | None = None) -> Counter[str]:
    """Serve one thing, with what goes wrong; the faults."""
    faults: Counter[str] = Counter({"RuntimeError": 1})
    with turn.serving(faults, MeanwhileError):
        if error is not None:
            raise error
    return faults


def test_turn_has_so_many_requests() -> None:
    """Each request is counted, and there is none beyond them."""
    turn = Turn(2, lambda: True)
    assert [turn.take() for _ in range(4)] == [True, True, False, False]
    assert turn.may_tell


def test_no_request_when_nothing_may_be_started() -> None:
    """The time that is over ends the requests, and none of them is counted."""
    turn = Turn(2, lambda: False)
    assert (turn.take(), turn.left) == (False, 2)


def test_fault_of_one_thing_ends_nothing() -> None:
    """What cannot be served is counted by kind, and the next things have their requests."""
    turn = Turn(2, lambda: True)
    assert serve(turn, RuntimeError("a fault")) == {"RuntimeError": 2}
    assert (turn.left, turn.error) == (2, None)


@pytest.mark.parametrize("error", [None, MeanwhileError()])
def test_what_was_written_meanwhile_is_no_fault(error: Exception | None) -> None:
    """Whoever wrote it knows better, and the next run goes on from there."""
    turn = Turn(2, lambda: True)
    assert serve(turn, error) == {"RuntimeError": 1}
    assert (turn.left, turn.error) == (2, None)


def test_platform_that_fails_for_all_ends_the_requests() -> None:
    """What befalls others, too, ends the requests, and is told."""
    turn, error = Turn(2, lambda: True), PartnerApiError(Failure.UNAUTHORIZED)
    assert serve(turn, error) == {"RuntimeError": 1}
    assert (turn.take(), turn.error) == (False, error)


def test_time_that_is_over_ends_the_requests() -> None:
    """Where the next request would be too late there is none, and nothing failed."""
    turn = Turn(2, lambda: True)
    assert serve(turn, OutOfTimeError()) == {"RuntimeError": 1}
    assert (turn.take(), turn.error) == (False, None)
