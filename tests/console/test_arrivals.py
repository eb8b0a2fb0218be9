"""What `make up` shows of each change and each refused request."""

import json
import zlib
from typing import Any

import pytest

from partner_orders_console.operations.changes import line_of
from partner_orders_console.operations.refused_requests import line_of_log

RECEIVED = {"source": "webhook", "received_at": "2026-03-14T09:00:00.000000Z", "status": "RECEIVED"}
PICKED_UP = {"source": "reconciliation", "received_at": "2026-03-14T09:05:00.000000Z", "status": "PICKED_UP"}
ORDER = {"pk": "ORDER#o-1", "sk": "ORDER", "store_id": "q7xk", "status": "RECEIVED", "e#1.a": RECEIVED}


def test_stored_order_is_a_line() -> None:
    """A new order shows its id, status, store and source; a later event shows both statuses."""
    assert line_of(None, ORDER) == "stored      o-1  RECEIVED, store q7xk, by webhook"
    later = ORDER | {"status": "PICKED_UP", "e#1.b": PICKED_UP}
    assert line_of(ORDER, later) == "stored      o-1  RECEIVED → PICKED_UP, store q7xk, by reconciliation"


@pytest.mark.parametrize(
    "row",
    [
        ORDER | {"republished": 1},
        {"pk": "ORDER#o-1", "sk": "EVENT#1.a", "body": b"{}"},
        {"pk": "STORES", "sk": "STORE#q7xk"},
        {"pk": "RECONCILIATION", "sk": "LEASE"},
    ],
    ids=lambda row: row["sk"],
)
def test_other_changes_are_not_shown(row: dict[str, Any]) -> None:
    """A change that no event came by is not shown."""
    assert line_of(ORDER, row) is None


def test_rejected_event_is_a_line() -> None:
    """A rejected event shows its digest and reason, and nothing of its body."""
    row = {"pk": "REJECTED#74", "sk": "REJECTED", "reason": "malformed_json", "source": "webhook", "body": b"Amna"}
    assert line_of(None, row) == "rejected    74  malformed_json, by webhook"


def test_reconciler_run_is_a_line() -> None:
    """A run shows its counts, and why it stopped."""
    report = {"stores_checked": 2, "missing": 3, "different": 1, "enqueued": 4, "failed_stores": {}, "stopped": ""}

    def line(**changes: Any) -> str | None:
        packed = zlib.compress(json.dumps(report | changes).encode())
        return line_of(None, {"pk": "RECONCILIATION", "sk": "REPORT#2026-03-14T09:00:00.000000Z", "report": packed})

    assert line() == "reconciled  2 stores: 3 orders missing, 1 different, 4 enqueued"
    assert line(stores_checked=1, missing=1) == "reconciled  1 store: 1 order missing, 1 different, 4 enqueued"
    stopped = line(failed_stores={"q7xk": "timeout"}, stopped="unauthorized")
    assert stopped == (
        "reconciled  2 stores: 3 orders missing, 1 different, 4 enqueued, 1 store failed, stopped: unauthorized"
    )


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            '{"message": "refused", "reason": "wrong_secret", "has_body": true, "network": "192.0.2.0/24"}',
            "refused     a wrong secret (401), from 192.0.2.0/24",
        ),
        (
            '{"message": "refused", "reason": "no_authorization", "has_body": false, "unlisted": 4100}',
            "refused     no Authorization (401), no body; 4,100 more before it",
        ),
        ('{"message": "refused", "reason": "too_large"}', "refused     a body over the limit (413)"),
        ('{"message": "unavailable"}', "refused     the queue could not be reached (503)"),
        ('{"message": "refused", "reason": "of_a_later_version"}', "refused     of_a_later_version"),
        ('{"RefusedUnauthorized": [1.0]}', None),
        ("START RequestId: 1 refused", None),
        ('["refused"]', None),
    ],
)
def test_refused_request_is_a_line(message: str, line: str | None) -> None:
    """A refused request shows why; other lines of the log are not shown."""
    assert line_of_log(message) == line


def test_backfill_is_a_line_once_it_is_done() -> None:
    """A backfill shows its counts when it is done; the report of its run is not shown beside it."""
    times = {"from": "2026-03-14T09:00:00.000000Z", "to": "2026-03-14T10:00:00.000000Z", "done_until": None}
    state: dict[str, Any] = {
        **times, "preview": False, "stores": 2, "counts": {"missing": 3, "enqueued": 3}, "failed_stores": {},
        "is_begun": False, "unended_visits": {}, "left_out": [],
    }  # fmt: skip

    def line(*pending: str) -> str | None:
        packed = zlib.compress(json.dumps(state | {"pending": pending}).encode())
        row = {"pk": "RECONCILIATION", "sk": "BACKFILL#1", "backfill_id": "1", "state": packed}
        return line_of(None, row)

    assert line("q7xk") is None
    assert line() == "reconciled  a window of 2 stores: 3 orders missing, 0 different, 3 enqueued"
    report = zlib.compress(b'{"regular": false}')
    assert line_of(None, {"pk": "RECONCILIATION", "sk": "REPORT#1", "report": report}) is None
