"""What is stored of an event that cannot be parsed, and what people are shown of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.clock import to_text
from partner_orders.orders import rejected_table
from partner_orders.orders.event import Arrival
from partner_orders.orders.packed_body import pack
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders.orders.rejected_table import MAX_PROBLEMS, RejectedTable
from tests.support.contracts import stale_orders_table
from tests.support.fixed_clock import NOW, clock
from tests.support.orders_table import TABLE, Calls

RETENTION = timedelta(days=90)
BODY = b'{"order_id": 1}'
DIGEST = digest_of(BODY)
LATER = NOW + timedelta(minutes=5)


def keep(rejected: RejectedTable, body: bytes = BODY, at: datetime = NOW, problems: tuple[str, ...] = ()) -> str:
    rejected.keep(body, Arrival("webhook", at, "request-1"), "not_an_order", problems)
    return digest_of(body)


def row_of(dynamodb: Any, digest: str = DIGEST) -> dict[str, Any]:
    row = Table(dynamodb, TABLE).get(keys.rejected(digest))
    assert row is not None
    return row


def test_row_of_a_rejected_event(rejected: RejectedTable, dynamodb: Any) -> None:
    """A row counts the arrivals, keeps what is known of the first, and expires after the last."""
    keep(rejected, problems=("order_id",))
    rejected.keep(BODY, Arrival("replay", LATER, "request-2"), "malformed_json", ["cut"])
    assert row_of(dynamodb) == {
        "pk": f"REJECTED#{DIGEST}",
        "sk": "REJECTED",
        "schema_version": 1,
        "reason": "malformed_json",
        "problems": ["cut"],
        "first_received_at": to_text(NOW),
        "last_received_at": to_text(LATER),
        "listed_at": to_text(NOW),
        "listed_under": "REJECTED",
        "source": "webhook",
        "correlation_id": "request-1",
        "times_received": 2,
        "expires_at": int((NOW + RETENTION).timestamp()),
        "body": pack(BODY),
    }


def test_resolved_event_is_whole(rejected: RejectedTable, dynamodb: Any) -> None:
    """A resolved event keeps its row, which says when that was, and is listed no more; one that comes again is."""
    keep(rejected)
    before = row_of(dynamodb)
    rejected.resolve(BODY)
    del before["listed_under"]
    assert row_of(dynamodb) == before | {"resolved_at": to_text(NOW)}
    assert rejected.get(DIGEST) == RejectedEvent(
        digest=DIGEST,
        reason="not_an_order",
        problems=(),
        first_received_at=to_text(NOW),
        source="webhook",
        correlation_id="request-1",
        times_received=1,
        resolved_at=to_text(NOW),
        erased_at=None,
        body=BODY,
    )
    keep(rejected)
    assert row_of(dynamodb) == before | {"listed_under": "REJECTED", "times_received": 2}


def test_unknown_event_is_left_alone(rejected: RejectedTable, dynamodb: Any) -> None:
    """Nothing is stored of an event that was not rejected, whatever is done with it."""
    rejected.resolve(BODY)
    rejected.discard(DIGEST)
    assert not rejected.publish_again(DIGEST)
    assert rejected.get(DIGEST) is None
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


def test_published_again(rejected: RejectedTable, dynamodb: Any) -> None:
    """A row counts how often it was to be published again, which is what the publisher looks at."""
    keep(rejected)
    before = row_of(dynamodb)
    assert rejected.publish_again(DIGEST)
    assert row_of(dynamodb) == before | {"republished": 1}


def test_discarded_event_is_gone(rejected: RejectedTable, dynamodb: Any) -> None:
    """A discarded event leaves nothing in the table."""
    keep(rejected)
    rejected.discard(DIGEST)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


@pytest.mark.parametrize(("more", "last"), [(0, "problem 49"), (1, "and 1 more"), (20, "and 20 more")])
def test_many_problems_are_counted(rejected: RejectedTable, more: int, last: str) -> None:
    """Of many problems the first fifty are kept, and how many more there are."""
    problems = tuple(f"problem {number}" for number in range(MAX_PROBLEMS + more))
    keep(rejected, problems=problems)
    found = rejected.get(DIGEST)
    assert found is not None
    assert found.problems[:MAX_PROBLEMS] == problems[:MAX_PROBLEMS]
    assert (len(found.problems), found.problems[-1]) == (MAX_PROBLEMS + min(more, 1), last)


@pytest.mark.privacy
def test_shown_event_has_no_body(rejected: RejectedTable) -> None:
    """What a log or an error shows of a rejected event has its digest and none of its body, which may be anybody's."""
    keep(rejected)
    shown = repr(rejected.get(DIGEST))
    assert (DIGEST in shown, "order_id" in shown) == (True, False)


# -- lists ------------------------------------------------------------------------------------------------------


def test_events_of_a_period(rejected: RejectedTable) -> None:
    """The unresolved events are listed newest first: those from a time on, and before another."""
    first, second, third = (keep(rejected, f"{at}".encode(), NOW + timedelta(hours=at)) for at in range(3))
    resolved = b"resolved"
    keep(rejected, resolved, NOW + timedelta(hours=1))
    rejected.resolve(resolved)
    an_hour_later, then = NOW + timedelta(hours=1), NOW + timedelta(hours=2)

    def listed(**choice: Any) -> list[str]:
        return [event.digest for event in rejected.newest(**choice)]

    assert listed() == [third, second, first]
    assert listed(limit=2) == [third, second]
    assert listed(since=an_hour_later) == [third, second]
    assert listed(until=an_hour_later) == [first]
    assert listed(since=an_hour_later, until=then) == [second]
    assert listed(since=an_hour_later, until=an_hour_later + timedelta(microseconds=1)) == [second]


def test_listed_events_are_read_in_batches(
    rejected: RejectedTable, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event of a long list is read once, as many in a request as DynamoDB takes."""
    monkeypatch.setattr(rejected_table, "MAX_KEYS", 2)
    digests = [keep(rejected, b"%d" % number, NOW + timedelta(seconds=number)) for number in range(3)]
    calls = Calls(dynamodb)
    assert [event.digest for event in rejected.each()] == digests[::-1]
    assert calls.made == ["Query", "BatchGetItem", "BatchGetItem"]


def test_chosen_events_are_as_just_written() -> None:
    """Events are read by their digests in the order that was asked for, as they were written a moment ago."""
    rejected = RejectedTable(stale_orders_table(), TABLE, RETENTION, clock)
    first, second = keep(rejected), keep(rejected, b"[]")
    keep(rejected)
    found = rejected.many([second, digest_of(b"never came"), first])
    assert [(event.digest, event.times_received) for event in found] == [(second, 1), (first, 2)]


def test_unresolved_events_are_counted(rejected: RejectedTable) -> None:
    """How many events are unresolved, and when the newest of them first arrived."""
    assert (rejected.unresolved(), rejected.count()) == ((0, ""), 0)
    keep(rejected, b"old", NOW - timedelta(hours=1))
    keep(rejected)
    keep(rejected, b"resolved", LATER)
    rejected.resolve(b"resolved")
    assert (rejected.unresolved(), rejected.count()) == ((2, to_text(NOW)), 2)
