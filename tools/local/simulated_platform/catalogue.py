"""The platform's catalogue: its stores' products, the rules of a PUT, and its jobs (docs/platform.md 6).

A function of calls and times: no socket, no thread, no clock. The same seed and the same calls give the same results.
Whoever drives it calls work(), and posts what take_callbacks() gives.
"""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from tools.local.simulated_platform.basket import random_uuid
from tools.local.simulated_platform.catalogue_assortment import assortment
from tools.local.simulated_platform.catalogue_call import Line, RefusedCallError, lines_of
from tools.local.simulated_platform.catalogue_records import (
    COMPLETED,
    EXPORT,
    FAILED,
    IN_PROGRESS,
    UPDATE,
    Callback,
    Change,
    Habits,
    Job,
    Outcome,
    Pace,
    Product,
    Shown,
    export_file,
    result_file,
)
from tools.local.simulated_platform.catalogue_store import Store
from tools.local.simulated_platform.striking import strikes

FIRST_NUMBER = 48_100_001  # of the jobs of a brand that numbers them
NOT_IN_CATALOGUE = "product not found in catalog"
# A value below 1 is a probability, any other the number of times that it still happens, as for the orders.
FAULTS = (
    # Of a PUT: a refusal, a 500 or a dropped connection, before its effect or after it.
    "put_refused", "put_error_before", "put_error_after", "put_dropped_before", "put_dropped_after",
    # Of a job: failed, before or after the first half of its lines took effect; never ended and without effect; late;
    # overtaken by the next one of its store; and a line that is refused although its product is there.
    "job_fails", "job_fails_halfway", "job_stuck", "job_late", "jobs_swapped", "line_fails",
    # Of a callback: not sent, late, sent twice, sent before the PUT has its response, and without the link.
    "callback_lost", "callback_late", "callback_doubled", "callback_early", "callback_without_link",
    # Of a file: a 404.
    "file_missing",
)  # fmt: skip


class Catalogue:
    """The catalogue of a chain's stores. ``jobs`` is the ledger, by id; ``requests`` counts requests by kind.

    ``api_url`` and ``storage_url`` begin the links to files; without the first, a link is a path.
    """

    def __init__(self, seed: int = 0, habits: Habits | None = None, pace: Pace | None = None) -> None:
        self.habits = habits or Habits()
        self.pace = pace or Pace()
        self.faults: dict[str, float] = {}
        self.jobs: dict[str, Job] = {}
        self.requests: Counter[str] = Counter()
        self.api_url = ""
        self.storage_url = "https://storage.example.com"
        self._seed = seed
        self._chance = random.Random(f"catalogue/{seed}")
        self._stores: dict[str, Store] = {}
        self._outbox: list[Callback] = []

    # -- the stores ---------------------------------------------------------------------------------------------

    def fill(self, vendor: str, count: int, code: str = "", locale: str = "en_PK") -> list[Product]:
        """Set up a store with ``count`` believable products, and return them. ``code`` is the chain's name of it."""
        products = assortment(self._seed, vendor, count, locale)
        self.stock(vendor, products, code)
        return products

    def stock(self, vendor: str, products: Iterable[Product], code: str = "") -> None:
        """Set up a store with these products, in place of those that it had."""
        store = self._stores.get(vendor) or Store(vendor)
        store.stock(products, code or vendor)
        self._stores |= {vendor: store, store.code: store}

    @property
    def vendors(self) -> list[str]:
        """The ids of the stores that are set up."""
        return list(dict.fromkeys(store.vendor for store in self._stores.values()))

    def products(self, vendor: str) -> list[Product]:
        """The products of a store, by id or code. Raises RefusedCallError where no catalogue is set up."""
        return [*self._store(vendor).products.values()]

    def shown(self, vendor: str) -> dict[str, Shown]:
        """What customers see of a store now, by SKU."""
        return {sku: product.shown for sku, product in self._store(vendor).products.items()}

    def history(self, vendor: str, sku: str) -> list[Change]:
        """Every value of a product that took effect, the oldest first."""
        return [*self._store(vendor).changes.get(sku, [])]

    def edit(
        self,
        vendor: str,
        sku: str,
        now: datetime,
        price: Decimal | None = None,
        active: bool | None = None,
        cap: int | None = None,
    ) -> None:
        """Change values of a product as the platform's own people do. Raises KeyError for an unknown SKU."""
        self._store(vendor).edit(sku, now, price, active, cap)

    # -- calls --------------------------------------------------------------------------------------------------

    def put(self, vendor: str, content: bytes, now: datetime) -> Job | str:
        """Take a PUT: a job, or the SKU of a single product that took effect at once. Raises RefusedCallError."""
        store, habits = self._store(vendor), self.habits
        lines = lines_of(content, habits.cap_name, habits.most_bytes, habits.most_products)
        if self.strikes("put_refused"):
            raise RefusedCallError(400, "BAD_REQUEST", "The catalog cannot be changed")
        if len(lines) == 1 and not habits.single_by_job:
            return self._put_single(store, lines[0], now)
        job = self._accept(store, UPDATE, now, tuple(lines))
        if self.strikes("callback_early"):
            for other in [*store.queue]:
                self._end(store, other, now, is_early=other is job)
            store.queue.clear()
        return job

    def export(self, vendor: str, now: datetime) -> Job:
        """Take the request for an export. Raises RefusedCallError."""
        return self._accept(self._store(vendor), EXPORT, now)

    def public_id(self, job: Job) -> str | int:
        """A job's id as this brand writes it."""
        return int(job.job_id) if self.habits.job_ids == "number" and job.job_id.isdecimal() else job.job_id

    def link(self, job: Job, now: datetime) -> str | None:
        """The link to a job's file; that to the storage host is valid for a while. None: there is no file."""
        if job.file is None:
            return None
        if self.habits.results_at == "api":
            return f"{self.api_url}/v2/files/{job.job_id}.csv"
        expires = int((now + self.pace.link).timestamp())
        return f"{self.storage_url}/{job.job_id}.csv?expires={expires}&signature={self.signature(job.job_id, expires)}"

    def signature(self, job_id: str, expires: int) -> str:
        """What makes a link to the storage host valid until ``expires`` (seconds since 1970)."""
        return sha256(f"{self._seed}/{job_id}/{expires}".encode()).hexdigest()[:32]

    def file(self, job_id: str) -> bytes | None:
        """The file of a job that completed."""
        job = self.jobs.get(job_id)
        return job.file if job and not self.strikes("file_missing") else None

    def strikes(self, fault: str) -> bool:
        """Whether a fault happens now."""
        return strikes(self.faults, fault, self._chance)

    # -- jobs ---------------------------------------------------------------------------------------------------

    def work(self, now: datetime) -> list[Job]:
        """Begin and end the jobs that are due, those of one store one after another; returns those that ended."""
        ended = []
        for vendor in self.vendors:
            store = self._stores[vendor]
            while job := self._due(store, now):
                self._end(store, job, now)
                store.queue.popleft()
                ended.append(job)
        return ended

    def take_callbacks(self, now: datetime, early: bool = False) -> list[Callback]:
        """Take out the callbacks to post now, the oldest first. ``early`` ones go out before the response to the PUT
        that made them."""
        due: list[Callback] = []
        left: list[Callback] = []
        for callback in self._outbox:
            (due if callback.at <= now and callback.is_early == early else left).append(callback)
        self._outbox = left
        return sorted(due, key=_by_time)

    @property
    def next_callback_at(self) -> datetime | None:
        """When the next callback is due, for a driver in virtual time."""
        return min((callback.at for callback in self._outbox), default=None)

    def _store(self, vendor: str) -> Store:
        if vendor not in self._stores:
            raise RefusedCallError(404, "NOT_FOUND", "Platform Not Found")
        return self._stores[vendor]

    def _accept(self, store: Store, kind: str, now: datetime, lines: tuple[Line, ...] = ()) -> Job:
        is_number = self.habits.job_ids == "number"
        job_id = str(FIRST_NUMBER + len(self.jobs)) if is_number else str(random_uuid(self._chance))
        job = Job(job_id, store.vendor, kind, now, lines, is_single=len(lines) == 1)
        self.jobs[job_id] = job
        store.queue.append(job)
        return job

    def _due(self, store: Store, now: datetime) -> Job | None:
        """The store's job that ends now; begins the next one if it is its time. None if there is nothing to do yet."""
        while store.queue:
            queue = store.queue
            job = queue[0]
            if job.due_at is not None:
                return job if job.due_at <= now else None
            if now < job.accepted_at + self.pace.queued:
                return None
            if len(queue) > 1 and self.strikes("jobs_swapped"):
                queue[0], queue[1] = queue[1], queue[0]
                job = queue[0]
            job.status, job.begun_at = IN_PROGRESS, now
            if self.strikes("job_stuck"):
                queue.popleft()
                continue
            job.due_at = now + self.pace.worked + (self._delay() if self.strikes("job_late") else timedelta(0))
        return None

    def _end(self, store: Store, job: Job, now: datetime, is_early: bool = False) -> None:
        lines, job.status = job.lines, COMPLETED
        if self.strikes("job_fails"):
            lines, job.status = (), FAILED
        elif self.strikes("job_fails_halfway"):
            lines, job.status = lines[: len(lines) // 2], FAILED
        job.begun_at, job.ended_at = job.begun_at or now, now
        job.outcomes = [self._worked_off(store, job, line, now) for line in lines]
        if job.status == COMPLETED:
            if job.kind == UPDATE:
                job.file = result_file(job.outcomes, self.habits)
            else:
                job.file = export_file(store.products.values(), self.habits)
        self._call_back(store, job, now, is_early)

    def _worked_off(self, store: Store, job: Job, line: Line, now: datetime) -> Outcome:
        product = store.product(line)
        if product is None:
            return Outcome(line.sku or line.barcode or "", NOT_IN_CATALOGUE)
        if self.strikes("line_fails"):
            return Outcome(product.sku, "product is locked by the content team")
        store.take(product, line, job, self.habits, now)
        return Outcome(product.sku, "")

    def _put_single(self, store: Store, line: Line, now: datetime) -> str:
        product = store.product(line)
        if product is None:
            if self.habits.unknown_single != 200:
                raise RefusedCallError(self.habits.unknown_single, "PRODUCT_NOT_FOUND", NOT_IN_CATALOGUE)
            return line.sku or line.barcode or ""
        store.take_single(product, line, self.habits, now)
        return product.sku

    def _call_back(self, store: Store, job: Job, now: datetime, is_early: bool) -> None:
        if self.strikes("callback_lost"):
            return
        body: dict[str, Any] = {
            "job_id": self.public_id(job),
            "platform_vendor_id": store.code if self.habits.stores_by_code else store.vendor,
            self.habits.status_name: job.status,
        }
        if (link := self.link(job, now)) and not self.strikes("callback_without_link"):
            body["download_url"] = link
        first = now if is_early or not self.strikes("callback_late") else now + self._delay()
        job.callbacks.append(first)
        self._outbox.append(Callback(job.job_id, job.status, first, body, is_early))
        if self.strikes("callback_doubled"):
            again = first + self._delay()
            job.callbacks.append(again)
            self._outbox.append(Callback(job.job_id, job.status, again, body))

    def _delay(self) -> timedelta:
        return self.pace.late_least + (self.pace.late_most - self.pace.late_least) * self._chance.random()


def _by_time(callback: Callback) -> datetime:
    return callback.at
