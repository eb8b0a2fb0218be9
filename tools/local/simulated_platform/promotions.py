"""The platform's promotions: bodies that are taken as jobs, what runs where, and what customers see (docs/platform.md
10).

A function of calls and times: no socket, no thread, no clock. Jobs are worked off when somebody looks.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tools.local.simulated_platform.basket import random_uuid
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.striking import strikes

QUEUED, COMPLETED, FAILED, DUPLICATE = "QUEUED", "COMPLETED", "FAILED", "DUPLICATE"
EVERY_STORE = "*"
KINDS = frozenset({"STRIKETHROUGH", "SAME_ITEM_BUNDLE"})
REASONS = frozenset({"OVERSTOCK", "DELISTING", "COMPETITIVENESS", "EXPIRING_SOON", "NMR", "TRADING"})
MOST_PAIRS = 2_000_000
# Of a PUT: a refusal, a 500 or a dropped connection before its effect or after it, and a 2xx without the job. Of a job:
# failed, also at first only; never ended and without effect; late; and worked off after the next one of its promotion.
# Of a GET: a 500, and a 404. A value below 1 is a probability, any other a number of times.
FAULTS = (
    "put_refused", "put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after",
    "put_without_job", "job_fails", "job_fails_at_first", "job_stuck", "job_late", "jobs_swapped",
    "get_error", "job_missing",
)  # fmt: skip
# A job that fails at first is worked off after so long.
RECOVERS_AFTER = timedelta(minutes=3)

type Identity = tuple[str, tuple[str, ...], str, str]


@dataclass(frozen=True)
class PromotionPace:
    """How long a job waits and is worked on, the least and most that a late one takes longer, and how long it takes
    until customers see what a job changed."""

    worked: timedelta = timedelta(0)
    late_least: timedelta = timedelta(minutes=1)
    late_most: timedelta = timedelta(minutes=45)
    visible: timedelta = timedelta(0)


class Version(NamedTuple):
    """What a promotion is, from when customers see it."""

    visible_at: datetime
    content: bytes


@dataclass
class PromotionJob:
    """A body that was taken. ``due_at`` is None for one that never ends."""

    job_id: str
    content: bytes
    accepted_at: datetime
    due_at: datetime | None
    will_fail: bool = False
    fails_until: datetime | None = None
    status: str = QUEUED
    result: dict[str, Any] = field(default_factory=dict)

    def identity(self) -> Identity:
        return identity_of(json.loads(self.content))

    def shown(self, now: datetime) -> str:
        return FAILED if self._fails(now) else self.status

    def _fails(self, now: datetime) -> bool:
        if self.due_at is None or self.fails_until is None:
            return False
        return self.status == QUEUED and self.due_at <= now < self.fails_until


class Running(NamedTuple):
    """A discount that customers see."""

    name: str
    discount: dict[str, Any]


class Promotions:
    """The promotions of a chain. ``jobs`` is the ledger, by id; ``requests`` counts requests by kind. Prices and SKUs
    are those of the catalogue."""

    def __init__(self, catalogue: Catalogue | None = None, seed: int = 0, pace: PromotionPace | None = None) -> None:
        self.catalogue = catalogue or Catalogue()
        self.pace = pace or PromotionPace()
        self.is_offered = True  # else each call gets a 404
        self.faults: dict[str, float] = {}
        self.jobs: dict[str, PromotionJob] = {}
        self.requests: Counter[str] = Counter()
        self.promotions: dict[Identity, list[Version]] = {}
        self._chance = random.Random(f"promotions/{seed}")

    def strikes(self, fault: str) -> bool:
        return strikes(self.faults, fault, self._chance)

    # -- calls ----------------------------------------------------------------------------------------------------

    def put(self, content: bytes, now: datetime) -> PromotionJob:
        """Take a body as a job. Raises RefusedCallError."""
        self.work(now)
        if not self.is_offered:
            raise RefusedCallError(404, "NOT_FOUND", "Not found")
        body = _body(content)
        _check(body)
        if self.strikes("put_refused"):
            raise RefusedCallError(400, "BAD_REQUEST", "The promotion cannot be taken now")
        due_at = now + self.pace.worked + (self._delay() if self.strikes("job_late") else timedelta(0))
        job = PromotionJob(str(random_uuid(self._chance)), content, now, due_at)
        if self.strikes("job_stuck"):
            job.due_at = None
        elif self.strikes("job_fails"):
            job.will_fail = True
        elif self.strikes("job_fails_at_first"):
            job.fails_until = due_at + RECOVERS_AFTER
        self._swap(job)
        self.jobs[job.job_id] = job
        self.work(now)
        return job

    def job(self, job_id: str, now: datetime) -> dict[str, Any]:
        """What GET shows of a job. Raises RefusedCallError."""
        self.work(now)
        job = self.jobs.get(job_id)
        if job is None or not self.is_offered or self.strikes("job_missing"):
            raise RefusedCallError(404, "NOT_FOUND", "Job not found")
        shown: dict[str, Any] = {"job_id": job.job_id, "job_status": job.shown(now)}
        return shown | {"result": job.result} if job.status == COMPLETED else shown

    # -- jobs -----------------------------------------------------------------------------------------------------

    def work(self, now: datetime) -> None:
        """Work off the jobs that are due, in the order in which they are."""
        due = [job for job in self.jobs.values() if job.status == QUEUED and self._end(job) <= now]
        for job in sorted(due, key=lambda one: (self._end(one), one.accepted_at)):
            self._work_off(job, self._end(job))

    def _end(self, job: PromotionJob) -> datetime:
        if job.due_at is None:
            return job.accepted_at + timedelta(days=36_500)
        return job.fails_until or job.due_at

    def _swap(self, job: PromotionJob) -> None:
        """Now and then an older job of the same promotion is worked off after this one."""
        older = [
            one
            for one in self.jobs.values()
            if one.status == QUEUED and one.due_at is not None and one.identity() == job.identity()
        ]
        if older and job.due_at is not None and self.strikes("jobs_swapped"):
            older[-1].due_at = max(self._end(older[-1]), self._end(job)) + timedelta(seconds=30)
            older[-1].fails_until = None

    def _work_off(self, job: PromotionJob, at: datetime) -> None:
        if job.will_fail:
            job.status = FAILED
            return
        versions = self.promotions.setdefault(job.identity(), [])
        if versions and versions[-1].content == job.content:
            job.status = DUPLICATE
            return
        versions.append(Version(at + self.pace.visible, job.content))
        job.status, job.result = COMPLETED, self._result(json.loads(job.content))

    def _result(self, body: dict[str, Any]) -> dict[str, Any]:
        """What is left out of a body: stores that are unknown, SKUs that a store does not have, and prices that are
        not below the present one."""
        result: dict[str, Any] = {"invalid_vendors": [], "missing_skus": {}, "invalid_discounted_skus": {}}
        if not body["active"]:
            return result
        known = self.catalogue.vendors
        for vendor in known if body["vendors"] == [EVERY_STORE] else body["vendors"]:
            if vendor not in known:
                result["invalid_vendors"].append(vendor)
                continue
            prices = {product.sku: product.price for product in self.catalogue.products(vendor)}
            for discount in body["discount"]:
                for sku in discount["sku"] if discount["active"] else []:
                    if sku not in prices:
                        result["missing_skus"].setdefault(vendor, []).append(sku)
                    elif not _is_below(discount, prices[sku]):
                        result["invalid_discounted_skus"].setdefault(vendor, []).append(sku)
        return result

    def _delay(self) -> timedelta:
        return self.pace.late_least + (self.pace.late_most - self.pace.late_least) * self._chance.random()

    # -- what customers see ---------------------------------------------------------------------------------------

    def running(self, vendor: str, at: datetime) -> dict[str, Running]:
        """What runs in a store at a time, by SKU: of two promotions the one with the later start."""
        self.work(at)
        running: dict[str, Running] = {}
        for body in sorted(self._active(vendor, at), key=lambda one: str(one["conditions"]["start_time"])):
            left_out = self._result(body)
            gone = {*left_out["missing_skus"].get(vendor, []), *left_out["invalid_discounted_skus"].get(vendor, [])}
            for discount in body["discount"]:
                name = str(next(iter(body["display_name"].values())))
                found = {sku: Running(name, discount) for sku in discount["sku"] if sku not in gone}
                running |= found if discount["active"] else {}
        return running

    def _active(self, vendor: str, at: datetime) -> Iterator[dict[str, Any]]:
        for versions in self.promotions.values():
            seen = [version for version in versions if version.visible_at <= at]
            if not seen or vendor not in self.catalogue.vendors:
                continue
            body = json.loads(seen[-1].content)
            times = body["conditions"]
            is_named = body["vendors"] == [EVERY_STORE] or vendor in body["vendors"]
            if body["active"] and is_named and _time(times["start_time"]) <= at <= _time(times["end_time"]):
                yield body

    def to_json(self, now: datetime) -> dict[str, Any]:
        """The ledger of jobs and what runs in each store, as the controls show it."""
        self.work(now)
        return {
            "jobs": [
                {"job_id": job.job_id, "status": job.shown(now), "body": json.loads(job.content)}
                for job in self.jobs.values()
            ],
            "running": {
                vendor: {sku: found.name for sku, found in self.running(vendor, now).items()}
                for vendor in self.catalogue.vendors
            },
            "requests": dict(self.requests),
        }


def identity_of(body: dict[str, Any]) -> Identity:
    """What makes two bodies one promotion."""
    names = json.dumps(body["display_name"], sort_keys=True)
    times = body["conditions"]
    return names, tuple(sorted(body["vendors"])), times["start_time"], times["end_time"]


def _is_below(discount: dict[str, Any], price: Decimal) -> bool:
    value = Decimal(str(discount["discount_value"]))
    return discount["discount_subtype"] == "PERCENTAGE" or value < price


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON") from None
    if not isinstance(body, dict):
        raise _bad("the body is not an object")
    return body


def _check(body: dict[str, Any]) -> None:
    """Raises RefusedCallError for a body that is not as the contract has it."""
    try:
        skus = [sku for discount in body["discount"] for sku in discount["sku"]]
        starts, ends = (_time(body["conditions"][name]) for name in ("start_time", "end_time"))
        is_good = (
            body["type"] in KINDS
            and body["reason"] in REASONS
            and isinstance(body["active"], bool)
            and bool(body["display_name"])
            and bool(body["vendors"])
            and (EVERY_STORE not in body["vendors"] or len(body["vendors"]) == 1)
            and starts < ends
            and bool(skus)
            and all(map(_is_good_discount, body["discount"]))
        )
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        is_good, skus = False, []
    if not is_good:
        raise _bad("the promotion is not valid")
    if len(skus) * len(body["vendors"]) > MOST_PAIRS:
        raise _bad("more than 2,000,000 SKUs and vendors")


def _is_good_discount(discount: dict[str, Any]) -> bool:
    value = Decimal(str(discount["discount_value"]))
    is_percentage = discount["discount_subtype"] == "PERCENTAGE"
    is_known = discount["discount_subtype"] in {"PERCENTAGE", "ABSOLUTE", "FINAL_PRICE"}
    return is_known and isinstance(discount["active"], bool) and (1 <= value <= 100 if is_percentage else value > 0)


def _time(text: str) -> datetime:
    if not text.endswith("Z"):
        raise ValueError("a time is in UTC, with Z")
    return datetime.fromisoformat(text)


def _bad(message: str) -> RefusedCallError:
    return RefusedCallError(400, "BAD_REQUEST", message)
