"""The client of a store's status: exact bodies, odd fields that cost nothing, and a failure for each thing to do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from partner_orders.platform.calls import CallRefusedError, EffectUnknownError, NotAllowedError, ThrottledError
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.store_status import PlatformStoreStatus
from partner_orders.store_status.shown import CheckinTimes, Reading
from partner_orders.store_status.wish import Kind, Wish
from tests.support.canned_platform import CannedSession, Reply, client_of
from tests.support.fixed_clock import NOW

PATH = "https://partner-api.example.com/v2/chains/chain/vendors/q7zk/status"
UNTIL = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)


def status_of(*replies: Reply) -> tuple[PlatformStoreStatus, CannedSession]:
    session = CannedSession(*replies)
    return PlatformStoreStatus(client_of(session), "chain"), session


def wish(kind: Kind) -> Wish:
    return Wish(1, kind, UNTIL, "HOLIDAY_SPECIAL_DAY" if kind.closes else "", "a person", "holiday", NOW)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.OPEN, {"status": "OPEN"}),
        (Kind.CHECKIN, {"status": "CHECKIN"}),
        (Kind.CLOSED_TODAY, {"status": "CLOSED_TODAY", "closed_reason": "HOLIDAY_SPECIAL_DAY"}),
        (
            Kind.CLOSED_UNTIL,
            {
                "status": "CLOSED_UNTIL",
                "closed_reason": "HOLIDAY_SPECIAL_DAY",
                "closed_until": "2026-05-04T14:30:00Z",
            },
        ),
    ],
)
@pytest.mark.parametrize("reply", [Reply(204), Reply(200, {"status": "?"}), Reply(200, b"not json"), Reply(202)])
def test_put_is_exact(kind: Kind, body: dict[str, str], reply: Reply) -> None:
    """A PUT has the reason with a closing only, the end with CLOSED_UNTIL only; any 2xx will do."""
    platform, session = status_of(reply)
    platform.put("q7zk", wish(kind))
    [asked] = session.asked
    assert (asked["method"], asked["url"], json.loads(asked["data"])) == ("PUT", PATH, body)


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ({"status": "OPEN"}, Reading("OPEN")),
        ({"status": "closed_until", "closed_until": "2026-05-04T14:30:00Z"}, Reading("CLOSED_UNTIL", "", UNTIL)),
        ({"status": "CLOSED_UNTIL", "closed_until": "2026-05-04T16:30:00+02:00"}, Reading("CLOSED_UNTIL", "", UNTIL)),
        ({"status": "CLOSED_UNTIL", "closed_until": "2026-05-04T14:30:00"}, Reading("CLOSED_UNTIL", "", UNTIL)),
        ({"status": "CLOSED_UNTIL", "closed_until": 7, "closed_reason": ["x"]}, Reading("CLOSED_UNTIL")),
        ({"status": "CLOSED_UNTIL", "closed_until": "9" * 99, "closed_reason": None}, Reading("CLOSED_UNTIL")),
        ({"status": "Closed until", "closed_reason": "something new"}, Reading("CLOSED_UNTIL", "SOMETHING_NEW")),
        ({"status": "PAUSED", "checkin_interval": "soon"}, Reading("PAUSED")),
        ({"status": "CLOSED", "checkin_interval": {"start_time": "2026-05-04T14:30:00Z"}}, Reading("CLOSED")),
        (
            {
                "status": "CLOSED",
                "checkin_interval": {"start_time": "2026-05-04T14:00:00Z", "end_time": "2026-05-04T14:30:00Z"},
            },
            Reading("CLOSED", "", None, CheckinTimes(UNTIL.replace(minute=0), UNTIL)),
        ),
    ],
)
def test_odd_fields_cost_nothing(answer: dict[str, Any], reading: Reading) -> None:
    """Whatever the optional fields hold, the status is read; what cannot be read is missing."""
    platform, session = status_of(Reply(200, answer))
    assert platform.get("q7zk") == reading
    assert (session.asked[0]["method"], session.asked[0]["url"]) == ("GET", PATH)


@pytest.mark.parametrize("reply", [Reply(204), Reply(200, {}), Reply(200, {"status": 0.5}), Reply(200, [1])])
def test_without_a_status_nothing_is_read(reply: Reply) -> None:
    """An answer without a status is none, and may be better the next time."""
    platform, _ = status_of(reply)
    with pytest.raises(PartnerApiError) as raised:
        platform.get("q7zk")
    assert (raised.value.failure, raised.value.retry_after) == (Failure.NOT_JSON, 0.0)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(400, {"code": "OUTSIDE_SCHEDULE", "message": "not now"}), CallRefusedError),
        (Reply(409, {}), CallRefusedError),
        (Reply(500, {}), EffectUnknownError),
        (Reply(408, {}), EffectUnknownError),
        (Reply(429, {}), ThrottledError),
        (Reply(403, {}), NotAllowedError),
        (Reply(404, {}), PartnerApiError),
    ],
)
def test_failures_of_a_put(reply: Reply, error: type[PartnerApiError]) -> None:
    """Each failure has the class that says what to do."""
    platform, _ = status_of(reply)
    with pytest.raises(PartnerApiError) as raised:
        platform.put("q7zk", wish(Kind.OPEN))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda one: one.get("../x"), "..%2Fx/status"),
        (lambda one: one.put("a/b", wish(Kind.OPEN)), "a%2Fb/status"),
    ],
)
def test_an_id_is_no_path(call: Callable[[PlatformStoreStatus], object], path: str) -> None:
    """A store's id never names another path."""
    platform, session = status_of(Reply(200, {"status": "OPEN"}))
    call(platform)
    assert session.asked[0]["url"].rsplit("/vendors/", 1)[1] == path
