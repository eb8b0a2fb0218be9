"""What a backfill may be asked for, and what it says of a request that it cannot take."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_orders.clock import to_text
from partner_orders.reconciler.backfill import BackfillRequest, InvalidRequestError

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
HISTORY = timedelta(days=60)
FIRST = NOW - HISTORY
NO_TIME = '"{}" should be a time in ISO 8601, such as 2026-03-14T08:00:00Z'
TOO_OLD = '"from" should be within the last 60 days: before, there is nothing to compare'
NO_WINDOW = '"from" should be before "to", and not in the future'


def asked(**event: Any) -> BackfillRequest:
    """The request of an event, in which times may be given as such."""
    texts = {name: to_text(value) if isinstance(value, datetime) else value for name, value in event.items()}
    return BackfillRequest.from_event(texts, NOW, HISTORY)


def test_everything_by_default() -> None:
    """By default a backfill is of every store, from the oldest order that can be compared until now."""
    nothing: dict[str, Any] = {"from": None, "to": None, "stores": None}
    assert asked() == asked(**nothing) == BackfillRequest(FIRST, NOW, (), preview=False)


def test_what_was_asked_for() -> None:
    """A backfill is of the time and the stores that it is asked for."""
    event: dict[str, Any] = {"from": NOW - timedelta(days=2), "to": NOW - timedelta(days=1)}
    wanted = BackfillRequest(NOW - timedelta(days=2), NOW - timedelta(days=1), ("a", "b"), preview=True)
    assert asked(**event, stores=["a", "b"], preview=True) == wanted
    assert asked(to=NOW + timedelta(days=1)).end == NOW


def test_request_may_be_late() -> None:
    """A time that has just become too old means the oldest that can be compared."""
    late = {"from": FIRST - timedelta(minutes=10)}
    assert asked(**late).start == FIRST
    with pytest.raises(InvalidRequestError, match="within the last 60 days"):
        asked(**{"from": FIRST - timedelta(minutes=10, microseconds=1)})


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"form": NOW, "end": NOW}, "end, form: not known; a backfill has from, to, stores, preview"),
        ({"from": "yesterday"}, NO_TIME.format("from")),
        ({"from": 5}, NO_TIME.format("from")),
        ({"to": "0001-01-01T00:00:00+14:00"}, NO_TIME.format("to")),
        ({"to": ["2026"]}, NO_TIME.format("to")),
        ({"from": NOW - timedelta(days=61)}, TOO_OLD),
        ({"from": NOW}, NO_WINDOW),
        ({"from": NOW - timedelta(days=1), "to": NOW - timedelta(days=1)}, NO_WINDOW),
        ({"stores": "a"}, '"stores" should be a list of store ids'),
        ({"stores": [""]}, '"stores" should be a list of store ids'),
        ({"stores": [7]}, '"stores" should be a list of store ids'),
        ({"preview": 1}, '"preview" should be true or false'),
    ],
)
def test_request_that_cannot_be_taken(event: dict[str, Any], says: str) -> None:
    """A request that cannot be taken is told what it should be."""
    with pytest.raises(InvalidRequestError) as raised:
        asked(**event)
    assert str(raised.value) == says
