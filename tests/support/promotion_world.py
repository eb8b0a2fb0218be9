"""Promotions between operators, the minute's part for them, and the simulated platform, with a clock to move.

Everything is the functions' own but the network and time. A world can be killed at any call of AWS or of the platform,
and goes on as a new function would.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from partner_orders.aws.event_bus import EventBus
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.promotions import PlatformPromotions
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.promotions.bodies import Bodies
from partner_orders.promotions.promotion import Promotion, body_of, ended
from partner_orders.promotions.record import Record
from partner_orders.promotions.state import PromotionState
from partner_orders.promotions.table import PromotionsTable
from partner_orders.promotions.wish import Channel, Outcome, Wish
from partner_orders.pusher.promotion_events import PromotionEvents
from partner_orders.pusher.promotions import Promotions
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.promotions import STORE, BucketOfTest, promotion
from tests.support.pusher_world import BusOfTest, Deaths
from tests.support.sender_world import KilledError, SecretOfTest
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Product
from tools.local.simulated_platform.promotions import PromotionPace
from tools.local.simulated_platform.promotions import Promotions as PlatformsPromotions
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

SKUS = ("KW-1", "KW-2", "KW-3")
PRICE = Decimal("4.00")


class PromotionWorld:
    """Stores that are in the catalogue and take promotions. ``may_die`` can kill before and after each call."""

    def __init__(
        self, stores: Sequence[str] = (STORE, "s1"), pace: PromotionPace | None = None, is_promoting: bool = True
    ) -> None:
        self.time, self.deaths, self.bus = VirtualTime(), Deaths(), BusOfTest()
        simulated = SimulatedDynamoDB()
        simulated.stand_between(self.deaths.pass_by, self.deaths.pass_by)
        simulated.now = self.time.now
        self.dynamodb, self.table_name = simulated.client, simulated.new_table()
        self.bucket = BucketOfTest()
        self.bucket.before = self.deaths.pass_by
        catalogue = Catalogue()
        for store_id in stores:
            catalogue.stock(store_id, [Product(sku, (), {"en_PK": sku}, PRICE) for sku in SKUS])
        self.platform = PlatformsPromotions(catalogue, pace=pace)
        self.api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=600)
        self.api.catalogue_routes = CatalogueRoutes(catalogue, CHAIN_ID, promotions=self.platform)
        self.session = PlatformSession(self.api, self.time, self.deaths.pass_by)
        self.settings = {store_id: CatalogueSettings(store_id, is_promoting=is_promoting) for store_id in stores}
        self.counts: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        """A new function in place of the one that was there."""
        limit = RateLimit(600, lambda: self.time.seconds, self.time.sleep)
        credentials = PartnerApiCredentials(cast("Any", SecretOfTest()), "arn", BASE_URL, self.session, limit)
        self.client = PartnerApiClient(
            BASE_URL, credentials, self.session, limit, self.time.now, self.time.sleep, lambda: 0.5
        )
        self.table, self.bodies = PromotionsTable(self.dynamodb, self.table_name), Bodies(self.bucket, "files")
        events = PromotionEvents(EventBus(cast("Any", self.bus), "bus"))
        platform = PlatformPromotions(self.client, CHAIN_ID)
        self.promotions = Promotions(self.table, self.bodies, platform, events, self.time.monotonic)

    # -- operators -----------------------------------------------------------------------------------------------------

    def promotion(self, name: str = "Dairy week", days: float = 3, **given: Any) -> Promotion:
        """A promotion that begins now and ends in so many days."""
        starts = self.time.now().replace(microsecond=0)
        return promotion(name, starts=starts, ends=starts + timedelta(days=days), **given)

    def put(
        self,
        promoted: Promotion,
        not_before: datetime | None = None,
        after: str = "",
        channel: Channel = Channel.API,
    ) -> PromotionState:
        """An operator's wish, whose body is kept first."""
        digest = self.bodies.write(promoted.promotion_id, body_of(promoted))
        is_end, now = not promoted.is_active, self.time.now()
        return self.table.wish(
            promoted,
            lambda number: Wish(number, digest, is_end, "a person", "because", now, not_before=not_before, after=after),
            self.time.now,
            channel,
        )

    def end(
        self, promoted: Promotion, not_before: datetime | None = None, channel: Channel = Channel.API
    ) -> PromotionState:
        return self.put(ended(promoted), not_before, channel=channel)

    # -- time ----------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """A minute passes, and the function runs; one that is killed is followed by another in the next minute."""
        self.time.sleep(60.0)
        self.client.begin(RunLimits(remaining_seconds=lambda: self.promotions.seconds_left), Handover())
        try:
            self.promotions.serve(self.settings, lambda: True)
            self.client.end()
        except KilledError:
            self.deaths.plan(None)
            self.restart()
        for name, number in self.promotions.counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        self.counts |= {name: self.promotions.counts[name] for name in ("PromotionsUnanswered", "PromotionEndsLate")}
        self.promotions.counts.clear()

    def runs(self, minutes: int) -> None:
        for _ in range(minutes):
            self.run()

    # -- looking -------------------------------------------------------------------------------------------------------

    def state(self, promoted: Promotion) -> PromotionState:
        found = self.table.get(promoted.promotion_id)
        if found is None:
            raise LookupError(promoted.promotion_id)
        return found

    def outcome(self, promoted: Promotion) -> Outcome:
        return self.state(promoted).outcome

    def running(self, store_id: str = STORE) -> dict[str, str]:
        """What runs in a store now: the name of the promotion and the price, by SKU."""
        running = self.platform.running(store_id, self.time.now())
        return {sku: f"{found.name} {found.discount['discount_value']}" for sku, found in running.items()}

    def puts(self) -> list[dict[str, Any]]:
        """The bodies that the platform took."""
        return [json.loads(job.content) for job in self.platform.jobs.values()]

    def asked(self) -> int:
        """How many requests were made about promotions."""
        return sum("/promotion" in asked.url for asked in self.session.asked)

    def history(self, promoted: Promotion) -> list[Record]:
        """The history of a promotion, the oldest first."""
        return [*self.table.history(promoted.promotion_id)][::-1]
