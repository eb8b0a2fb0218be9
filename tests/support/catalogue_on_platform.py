"""A store between the chain, the pusher, the results and the simulated platform, with a clock that tests move.

The client, its requests and the result files are the real ones; only the network and time are not.
"""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS
from partner_orders.platform.catalogue import PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.job_files import JobFiles
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.pusher.pushing import Pusher
from partner_orders.results.callback import parse_callback
from partner_orders.results.settling import Settling, UnknownJobError
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.sender_world import SecretOfTest
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Habits


class StoreOnPlatform:
    """One store with ``products`` on the platform. Its rows are in a table of ``dynamodb``, under ``store_id``."""

    def __init__(self, dynamodb: Any, table: str, store_id: str, products: int, seed: int, habits: Habits) -> None:
        self.store_id = store_id
        self.time = VirtualTime()
        self.catalogue = Catalogue(seed, habits)
        self.skus = [product.sku for product in self.catalogue.fill(store_id, products)]
        api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=60)
        api.catalogue_routes = CatalogueRoutes(self.catalogue, CHAIN_ID)
        session = PlatformSession(api, self.time)
        limit = RateLimit(54, lambda: self.time.seconds, self.time.sleep)
        credentials = PartnerApiCredentials(SecretOfTest(), "arn", BASE_URL, session, limit)  # type: ignore[arg-type]
        client = PartnerApiClient(BASE_URL, credentials, session, limit, self.time.now, self.time.sleep)
        platform = PlatformCatalogue(client, CHAIN_ID)
        self.tables = Tables.named(dynamodb, table)
        self.outcomes = Outcomes(self.tables, self.time.now, lambda _: NO_MARGINS)
        self.pusher = Pusher(platform, self.tables, self.outcomes, self.time.now, lambda _: NO_MARGINS, job_lines=50)
        files = JobFiles(client, most_bytes=1_000_000, seconds=20.0)
        self.settling = Settling(self.tables.jobs, self.outcomes, platform, files.download)

    def say(self, sku: str, values: Values, is_urgent: bool = False) -> None:
        """What the chain says of a product now."""
        at = self.time.now()
        self.tables.products.change(self.store_id, sku, lambda row: merged(row, values, at, {}))
        self.tables.changes.add(self.store_id, [sku], at, is_urgent)

    def pass_minute(self) -> None:
        """What happens in a minute: the store is served, the platform works, callbacks arrive, old jobs are asked for
        and given up."""
        self.time.sleep(60.0)
        with suppress(PartnerApiError):
            self.pusher.serve(self.store_id)
        self.catalogue.work(self.time.now())
        for callback in self.catalogue.take_callbacks(self.time.now()):
            with suppress(UnknownJobError, PartnerApiError):
                self.settling.take(parse_callback(json.dumps(callback.body).encode()))
        self._look_after_old_jobs()

    def rest(self, minutes: int = 240) -> None:
        """Let time pass until nothing waits and no job is unfinished."""
        for _ in range(minutes):
            self.pass_minute()
            if not (self.unfinished() or self.tables.changes.first(self.store_id, 1)):
                return

    def unfinished(self) -> list[JobPlace]:
        return [JobPlace(self.store_id, number) for number in self.tables.states.get(self.store_id).unfinished]

    def _look_after_old_jobs(self) -> None:
        state, now = self.tables.states.get(self.store_id), self.time.now()
        for place in self.outcomes.too_old(state):
            self.outcomes.give_up(place)
        for number, job_id in state.job_ids.items():
            if timedelta(minutes=10) <= now - state.unfinished[number] < timedelta(minutes=12):
                with suppress(PartnerApiError):
                    self.settling.ask(JobPlace(self.store_id, number), job_id)
