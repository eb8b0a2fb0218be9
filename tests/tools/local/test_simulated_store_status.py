"""The simulated platform's status of stores: what it refuses, what time makes of it, and what each brand shows."""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.partner_api import Request
from tools.local.simulated_platform.profiles import PROFILES
from tools.local.simulated_platform.store_status import CLOSED, FAULTS, OPEN, State, StatusHabits, StoreStatuses

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
STORE = "q7zk"
HOURS = StatusHabits(opens=time(8), closes=time(20))


def put(statuses: StoreStatuses, now: datetime = NOON, **body: Any) -> None:
    statuses.put(STORE, json.dumps(body).encode(), now)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "CLOSED", "closed_reason": "OTHER"},
        {"status": "CLOSED_TODAY"},
        {"status": "CLOSED_TODAY", "closed_reason": "TIRED"},
        {"status": "CLOSED_TODAY", "closed_reason": "OTHER", "closed_until": "2026-10-14T14:00:00Z"},
        {"status": "CLOSED_UNTIL", "closed_reason": "OTHER"},
        {"status": "CLOSED_UNTIL", "closed_reason": "OTHER", "closed_until": "2026-10-14T14:00:00+00:00"},
        {"status": "CLOSED_UNTIL", "closed_reason": "OTHER", "closed_until": "2026-10-14T11:00:00Z"},
        {"status": "OPEN", "closed_reason": "OTHER"},
        {},
    ],
)
def test_bad_bodies_get_400(body: dict[str, Any]) -> None:
    """A status that cannot be sent, a closing without a reason, and an end that does not fit change nothing."""
    statuses = StoreStatuses()
    with pytest.raises(RefusedCallError) as refused:
        put(statuses, **body)
    assert (refused.value.status, statuses.shown(STORE, NOON).status) == (400, OPEN)


def test_closings_end_by_themselves() -> None:
    """A closing for today ends with the day of the store's zone, the other at its time."""
    statuses = StoreStatuses(habits=StatusHabits(zone="Asia/Karachi"))
    put(statuses, status="CLOSED_TODAY", closed_reason="OTHER")
    midnight = datetime(2026, 10, 14, 19, tzinfo=UTC)
    shown = [statuses.shown(STORE, midnight + timedelta(seconds=seconds)).status for seconds in (-1, 0)]
    assert shown == ["CLOSED_TODAY", OPEN]
    put(statuses, status="CLOSED_UNTIL", closed_reason="OTHER", closed_until="2026-10-14T12:30:00Z")
    assert statuses.get(STORE, NOON)["closed_until"] == "2026-10-14T12:30:00Z"
    assert statuses.get(STORE, NOON + timedelta(minutes=30)) == {"vendor_id": STORE, "status": OPEN}


def test_stores_open_within_their_hours_only() -> None:
    """OPEN outside the schedule is refused, and the store shows CLOSED then."""
    statuses, night = StoreStatuses(habits=HOURS), NOON.replace(hour=23)
    assert statuses.shown(STORE, night).status == CLOSED
    with pytest.raises(RefusedCallError, match="outside its schedule"):
        put(statuses, night, status="OPEN")
    statuses.set(STORE, State(CLOSED, "OTHER"), NOON)
    put(statuses, status="OPEN")
    assert statuses.shown(STORE, NOON).status == OPEN


def test_check_in() -> None:
    """Where it is switched on, a store that is not checked in stays closed; it is taken in the half hour before."""
    habits = StatusHabits(opens=time(8), closes=time(20), checks_in=True)
    statuses, early = StoreStatuses(habits=habits), NOON.replace(hour=7, minute=40)
    assert statuses.shown(STORE, NOON).status == CLOSED
    interval = statuses.get(STORE, early)["checkin_interval"]
    assert interval == {"start_time": "2026-10-14T07:30:00Z", "end_time": "2026-10-14T08:00:00Z"}
    with pytest.raises(RefusedCallError, match="not open now"):
        put(statuses, NOON.replace(hour=7), status="CHECKIN")
    put(statuses, early, status="CHECKIN")
    assert [statuses.shown(STORE, at).status for at in (early, NOON)] == ["CHECKIN", OPEN]
    with pytest.raises(RefusedCallError) as refused:
        put(StoreStatuses(habits=HOURS), early, status="CHECKIN")
    assert refused.value.status == 403


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_each_brand_answers(profile: Any) -> None:
    """Every brand answers over the routes, or knows no such call."""
    api = WithCatalogue("chain", "token", 60)
    api.catalogue_routes = CatalogueRoutes(Catalogue(), "chain", statuses=StoreStatuses(habits=profile.status))
    headers = {"authorization": "Bearer token"}
    target = f"/v2/chains/chain/vendors/{STORE}/status"
    body = json.dumps({"status": "CLOSED_TODAY", "closed_reason": "OTHER"}).encode()
    given = [
        api.handle(Request(*call), NOON).status for call in (("PUT", target, headers, body), ("GET", target, headers))
    ]
    offered = [profile.status.put_answers, 200]
    assert given == (offered if profile.status.is_offered else [404, 404])


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: str) -> None:
    """Each fault does what its name says, once."""
    statuses = StoreStatuses()
    statuses.faults = {fault: 1}
    routes = CatalogueRoutes(Catalogue(), "chain", statuses=statuses)
    target, body = f"/v2/chains/chain/vendors/{STORE}/status", b'{"status": "CLOSED_TODAY", "closed_reason": "OTHER"}'
    answer = routes.response("PUT", target, body, NOON)
    read = routes.response("GET", target, b"", NOON)
    assert answer is not None
    assert read is not None
    has_effect = statuses.shown(STORE, NOON).status == "CLOSED_TODAY"
    assert has_effect is not fault.endswith(("before", "refused"))
    assert (fault == "get_error") is (read.status == 500)
    if fault == "put_shown_late":
        assert json.loads(read.body)["status"] == OPEN
