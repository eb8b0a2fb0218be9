"""The simulated platform's promotions: what it refuses, what its jobs say, and what runs where."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.promotions.promotion import EVERY_STORE, Promotion, body_of, ended
from tests.support.promotions import NOW, promotion
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.catalogue_records import Product
from tools.local.simulated_platform.promotions import PromotionPace, Promotions

MINUTE = timedelta(minutes=1)


def platform(pace: PromotionPace | None = None, **faults: float) -> Promotions:
    catalogue = Catalogue()
    for store_id in ("s0", "s1"):
        catalogue.stock(store_id, [Product(sku, (), {"en_PK": sku}, Decimal(4)) for sku in ("KW-1", "KW-2")])
    found = Promotions(catalogue, pace=pace)
    found.faults = dict(faults)
    return found


def shown(promotions: Promotions, promoted: Promotion, minutes: float = 0) -> dict[str, Any]:
    """What a job of a body is, so long after it was taken."""
    job = promotions.put(body_of(promoted), NOW)
    return promotions.job(job.job_id, NOW + minutes * MINUTE)


def running(promotions: Promotions, store_id: str = "s0", minutes: float = 1) -> dict[str, str]:
    found = promotions.running(store_id, NOW + minutes * MINUTE)
    return {sku: f"{one.name} {one.discount['discount_value']}" for sku, one in found.items()}


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "GIFT"},
        {"reason": "BORED"},
        {"vendors": []},
        {"vendors": ["*", "s0"]},
        {"active": "yes"},
        {"display_name": {}},
        {"discount": []},
        {"discount": [{"sku": ["A"], "discount_subtype": "PERCENTAGE", "discount_value": 101, "active": True}]},
        {"conditions": {"start_time": "2026-05-07T00:00:00Z", "end_time": "2026-05-06T00:00:00Z"}},
        {"conditions": {"start_time": "2026-05-06T00:00:00+00:00", "end_time": "2026-05-07T00:00:00+00:00"}},
    ],
)
def test_bad_bodies_get_400(changed: dict[str, Any]) -> None:
    """A body that is not as the contract has it changes nothing."""
    promotions, body = platform(), json.loads(body_of(promotion()))
    with pytest.raises(RefusedCallError) as refused:
        promotions.put(json.dumps(body | changed).encode(), NOW)
    assert (refused.value.status, promotions.jobs) == (400, {})


def test_a_promotion_is_upserted_by_its_identity() -> None:
    """The same names, stores and times are one promotion; the same body again is a duplicate; an end ends it."""
    promotions = platform()
    assert shown(promotions, promotion())["job_status"] == "COMPLETED"
    assert running(promotions) == {"KW-1": "Dairy week 2.95", "KW-2": "Dairy week 2.95"}
    assert shown(promotions, promotion(price="2.50"))["job_status"] == "COMPLETED"
    assert shown(promotions, promotion(price="2.50"))["job_status"] == "DUPLICATE"
    assert (running(promotions)["KW-1"], len(promotions.promotions)) == ("Dairy week 2.5", 1)
    shown(promotions, ended(promotion()))
    assert running(promotions) == {}


def test_what_is_left_out() -> None:
    """Unknown stores and SKUs, and prices that are not below the present one, are in the lists of the result."""
    promotions = platform()
    vendors = ("s0", "s9")
    result = shown(promotions, promotion(vendors=vendors, skus=("KW-1", "NONE"), price="4.00"))["result"]
    assert result == {
        "invalid_vendors": ["s9"],
        "missing_skus": {"s0": ["NONE"]},
        "invalid_discounted_skus": {"s0": ["KW-1"]},
    }
    assert running(promotions) == {}


def test_the_later_start_is_shown() -> None:
    """Of two promotions on one SKU the one that started later is shown, until it ends."""
    promotions = platform()
    shown(promotions, promotion("long", vendors=(EVERY_STORE,)))
    later = NOW + 10 * MINUTE
    shown(promotions, promotion("short", skus=("KW-1",), starts=later, ends=later + 10 * MINUTE))
    names = [running(promotions, minutes=minutes)["KW-1"].split()[0] for minutes in (5, 15, 25)]
    assert names == ["long", "short", "long"]
    assert running(promotions, "s1", 15)["KW-1"].startswith("long")


def test_jobs_take_their_time() -> None:
    """A job is queued while it is worked on, and customers see what it changed some time later."""
    promotions = platform(PromotionPace(worked=2 * MINUTE, visible=5 * MINUTE))
    assert shown(promotions, promotion(), minutes=1)["job_status"] == "QUEUED"
    assert [bool(running(promotions, minutes=minutes)) for minutes in (1, 3, 6, 8)] == [False, False, False, True]


def test_faults_of_jobs() -> None:
    """A job may fail, fail at first, never end, and be worked off after the next one."""
    assert shown(platform(job_fails=1), promotion())["job_status"] == "FAILED"
    assert shown(platform(job_stuck=1), promotion(), minutes=9_999)["job_status"] == "QUEUED"
    promotions = platform(job_fails_at_first=1)
    assert shown(promotions, promotion())["job_status"] == "FAILED"
    assert running(promotions, minutes=4) != {}
    promotions = platform(PromotionPace(worked=MINUTE))
    promotions.put(body_of(promotion()), NOW)
    promotions.faults = {"jobs_swapped": 1}
    promotions.put(body_of(ended(promotion())), NOW)
    assert [bool(running(promotions, minutes=minutes)) for minutes in (1, 2)] == [False, True]


def test_routes() -> None:
    """A body is answered 202 with a job, which GET shows; responses may be lost before and after the effect."""
    promotions = platform()
    routes = CatalogueRoutes(promotions.catalogue, "chain", promotions=promotions)

    def put() -> tuple[int, bytes]:
        response = routes.response("PUT", "/v2/chains/chain/promotion", body_of(promotion()), NOW)
        assert response is not None
        return response.status, response.body

    for fault, status, jobs in (("put_error_before", 500, 0), ("put_dropped_after", 0, 1), ("put_without_job", 202, 2)):
        promotions.faults = {fault: 1}
        assert (put()[0], len(promotions.jobs)) == (status, jobs)
    status, body = put()
    job = json.loads(body)
    assert (status, job["job_status"]) == (202, "QUEUED")
    found = routes.response("GET", f"/v2/chains/chain/promotion/jobs/{job['job_id']}", b"", NOW)
    assert found is not None
    assert json.loads(found.body)["job_status"] == "DUPLICATE"
    missing = routes.response("GET", "/v2/chains/chain/promotion/jobs/none", b"", NOW)
    assert missing is not None
    assert missing.status == 404
