"""How many requests to the platform a chain's catalogue takes: a hundred stores with changes every five minutes, minute
by minute, on a clock that moves only where somebody waits."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings, KnownSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.platform.budgeted_requests import RequestBudgetTable
from partner_orders.platform.catalogue import PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.job_files import JobFiles
from partner_orders.platform.request_budget import Share
from partner_orders.pusher.handler import LAST_START_SECONDS
from partner_orders.pusher.patience import PatientRequests
from partner_orders.pusher.pushing import Pusher
from partner_orders.pusher.run import Minute
from partner_orders.results.callback import Callback
from partner_orders.results.callbacks import Callbacks
from partner_orders.results.callbacks_queue import Delivered
from partner_orders.results.kept_callbacks import KeptCallbacks
from partner_orders.results.settling import Settling
from tools.bench.reconciliation import BASE_URL, RATE_LIMIT, TOKEN, Secrets, Session, VirtualTime
from tools.bench.write_costs import START
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, StorageHost, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Habits
from tools.local.simulated_platform.storage_session import StorageSession
from tools.local.up import CHAIN_ID
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

STORES, PRODUCTS = 100, 12
CHANGED = 5  # products of a store, each time
EVERY_MINUTES = 5
MINUTES, BEFORE = 60, 15  # that are counted, and that pass first
STORAGE, API = "storage", "api"
PUBLIC_ADDRESS = "93.184.215.14"


@dataclass(frozen=True)
class RequestsPerMinute:
    """Of the Partner API. ``waiting_minutes``: how long a change waits at most until it is sent."""

    average: float
    most: int
    waiting_minutes: int


class _Queue:
    """The callbacks queue: a message that is left for later comes in the next run."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._next: list[Delivered] = []

    def receive(self) -> list[Delivered]:
        some, self.messages = self.messages[:10], self.messages[10:]
        return [Delivered(text, "") for text in some]

    def done(self, message: Delivered) -> None:
        """It is gone already."""

    def later(self, messages: list[Delivered]) -> None:
        self._next += messages

    def dead_letter(self, _: Delivered, reason: str) -> None:
        raise AssertionError(f"a callback that cannot be read: {reason}")

    def next_run(self) -> None:
        self.messages = [message.text for message in self._next] + self.messages
        self._next = []


class _Nothing:
    """Neither a store's status nor a promotion is seen to."""

    error = None

    def serve(self, *_: object) -> None:
        """Do nothing."""


class _NoExports:
    """A day's exports are no part of a minute."""

    def take(self, _: Callback) -> bool:
        return False

    def serve(self, _: object) -> None:
        return None


class _Chain:
    """So many stores, their pusher and their platform."""

    def __init__(self, results_at: str, stores: int) -> None:
        self.time = VirtualTime(START)
        self.stores = [f"store-{number:03d}" for number in range(stores)]
        self.catalogue = Catalogue(7, Habits(results_at=results_at))
        for store_id in self.stores:
            self.catalogue.fill(store_id, PRODUCTS)
        api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=RATE_LIMIT)
        api.catalogue_routes = CatalogueRoutes(self.catalogue, CHAIN_ID)
        self.catalogue.api_url = BASE_URL
        self.requests = api.requests
        self.queue = _Queue()
        self.minute = self._minute(api)
        self.waiting_minutes = 0

    def _minute(self, api: WithCatalogue) -> Minute:
        dynamodb, now = SimulatedDynamoDB(), self.time.now
        dynamodb.now = now
        client, table = dynamodb.client, dynamodb.new_table()
        self.tables = Tables.named(client, table)
        for store_id in self.stores:
            self.tables.settings.put(CatalogueSettings(store_id, is_sending=True))
        session = Session(api, self.time)
        budget = RequestBudgetTable(client, dynamodb.new_table(), RATE_LIMIT)
        limit = PatientRequests(budget, Share.CATALOGUE, 1, self.time.monotonic, self.time.sleep)
        credentials = PartnerApiCredentials(Secrets(), "arn", BASE_URL, session, limit)  # type: ignore[arg-type]
        partner_api = PartnerApiClient(BASE_URL, credentials, session, limit, now, self.time.sleep)
        partner_api.begin(RunLimits(remaining_seconds=lambda: 100.0), Handover())
        platform = PlatformCatalogue(partner_api, CHAIN_ID, self.catalogue.habits.cap_name)
        host = StorageHost(self.catalogue)
        storage = partial(StorageSession, host, self.time.now)
        files = JobFiles(partner_api, 1_000_000, 40.0, lambda _: [PUBLIC_ADDRESS], storage)
        known = KnownSettings(self.tables.settings)
        outcomes = Outcomes(self.tables, now, lambda _: NO_MARGINS)
        settling, exports, queue = (
            Settling(self.tables.jobs, outcomes, platform, files.download),
            _NoExports(),
            self.queue,
        )
        callbacks = Callbacks(queue, settling, exports, KeptCallbacks(client, table), now)  # type: ignore[arg-type]
        pusher = Pusher(platform, self.tables, outcomes, now, lambda _: NO_MARGINS)
        nothing = _Nothing()
        return Minute(self.tables, known, callbacks, settling, exports, outcomes, pusher, nothing, nothing, now)

    def change(self, number: int, store_id: str) -> None:
        """The chain changes some prices of a store."""
        now = self.time.now()
        skus = [product.sku for product in self.catalogue.products(store_id)[:CHANGED]]
        said = Values(Decimal(100 + number % 20) / 100, True, 9)
        for sku in skus:
            self.tables.products.change(store_id, sku, _said(said, now))
        self.tables.changes.add(store_id, skus, now)

    def run(self) -> None:
        """The pusher's minute, after the platform's callbacks."""
        self.catalogue.work(self.time.now())
        for callback in self.catalogue.take_callbacks(self.time.now()):
            body = json.dumps(callback.body).encode()
            self.queue.messages.append(OrderEventMessage(WEBHOOK, self.time.now(), "bench", body).to_text())
        begun = self.time.monotonic()
        run = self.minute.run(lambda: self.time.monotonic() - begun < LAST_START_SECONDS)
        if run.faults:
            raise AssertionError(f"the pusher failed: {dict(run.faults)}")
        self.queue.next_run()
        oldest = min(run.waiting.values(), default=self.time.now())
        self.waiting_minutes = max(self.waiting_minutes, int((self.time.now() - oldest).total_seconds() // 60))


def _said(values: Values, now: datetime) -> Callable[[Desired], Desired]:
    return lambda row: merged(row, values, now, {})


def requests_per_minute(results_at: str, stores: int = STORES, minutes: int = MINUTES) -> RequestsPerMinute:
    """What the Partner API gets in a minute where so many stores change every five minutes, not all in one minute.
    ``results_at`` is where the platform keeps results of jobs."""
    chain, counts = _Chain(results_at, stores), []
    for minute in range(BEFORE + minutes):
        chain.time.advance_to(START + timedelta(minutes=minute))
        for number, store_id in enumerate(chain.stores):
            if number % EVERY_MINUTES == minute % EVERY_MINUTES:
                chain.change(minute, store_id)
        before = len(chain.requests)
        chain.run()
        counts.append(len(chain.requests) - before)
    counted = counts[BEFORE:]
    return RequestsPerMinute(round(sum(counted) / len(counted), 1), max(counted), chain.waiting_minutes)


def measured() -> dict[str, RequestsPerMinute]:
    """By where the platform keeps results."""
    return {results_at: requests_per_minute(results_at) for results_at in (STORAGE, API)}
