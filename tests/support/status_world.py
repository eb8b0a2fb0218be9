"""Stores between operators, the minute's part for their status, and the simulated platform, with a clock to move.

Everything is the functions' own but the network and time. A world can be killed at any call of AWS or of the platform,
and goes on as a new function would.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from partner_orders.aws.event_bus import EventBus
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.platform.store_status import PlatformStoreStatus
from partner_orders.pusher.status_events import StatusEvents
from partner_orders.pusher.statuses import Statuses
from partner_orders.store_status.record import Record
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.table import StatusesTable
from partner_orders.store_status.wish import OPENING_TRIED_FOR, Kind, Wish
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.pusher_world import BusOfTest, Deaths
from tests.support.sender_world import KilledError, SecretOfTest
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue
from tools.local.simulated_platform.store_status import State, StatusHabits, StoreStatuses
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

STORE = "s0"


class StatusWorld:
    """Stores that are in the catalogue. ``may_die`` can kill before and after each call."""

    def __init__(
        self,
        stores: Sequence[str] = (STORE,),
        habits: StatusHabits | None = None,
        seed: int = 0,
        checks_in: bool = False,
    ) -> None:
        self.stores, self.checks_in = stores, checks_in
        self.time, self.deaths, self.bus = VirtualTime(), Deaths(), BusOfTest()
        simulated = SimulatedDynamoDB()
        simulated.stand_between(self.deaths.pass_by, self.deaths.pass_by)
        simulated.now = self.time.now
        self.dynamodb, self.table_name = simulated.client, simulated.new_table()
        self.platform = StoreStatuses(seed, habits)
        self.api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=600)
        self.api.catalogue_routes = CatalogueRoutes(Catalogue(), CHAIN_ID, statuses=self.platform)
        self.session = PlatformSession(self.api, self.time, self.deaths.pass_by)
        self.counts: dict[str, int] = {}
        # How far the function's clock is behind the platform's.
        self.behind = timedelta(0)
        self.restart()

    def restart(self) -> None:
        """A new function in place of the one that was there."""
        limit = RateLimit(600, lambda: self.time.seconds, self.time.sleep)
        credentials = PartnerApiCredentials(cast("Any", SecretOfTest()), "arn", BASE_URL, self.session, limit)
        self.client = PartnerApiClient(
            BASE_URL, credentials, self.session, limit, self._now, self.time.sleep, lambda: 0.5
        )
        self.table = StatusesTable(self.dynamodb, self.table_name)
        events = StatusEvents(EventBus(cast("Any", self.bus), "bus"))
        platform = PlatformStoreStatus(self.client, CHAIN_ID)
        self.statuses = Statuses(self.table, platform, events, self.time.monotonic, checks_in=self.checks_in)

    def _now(self) -> datetime:
        return self.time.now() - self.behind

    # -- operators -----------------------------------------------------------------------------------------------------

    def wish(
        self, kind: Kind = Kind.CLOSED_UNTIL, hours: float = 4, store_id: str = STORE, reason: str = "OTHER"
    ) -> StoreStatus:
        """An operator's wish, whose closing ends in so many hours."""
        now = self.time.now().replace(microsecond=0)
        until = now + (timedelta(hours=hours) if kind.closes else OPENING_TRIED_FOR)
        return self.table.wish(
            lambda number: Wish(number, kind, until, reason if kind.closes else "", "a person", "because", now),
            store_id,
            self.time.now,
        )

    # -- time ----------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """A minute passes, and the function runs; one that is killed is followed by another in the next minute."""
        self.time.sleep(60.0)
        self.client.begin(RunLimits(), Handover())
        try:
            self.statuses.serve(self.stores, lambda: True)
            self.client.end()
        except KilledError:
            self.deaths.plan(None)
            self.restart()
        for name, number in self.statuses.counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        self.counts |= {name: self.statuses.counts[name] for name in ("StoresClosedByPlatform", "StatusDiffers")}
        self.statuses.counts.clear()

    def runs(self, minutes: int) -> None:
        for _ in range(minutes):
            self.run()

    # -- looking -------------------------------------------------------------------------------------------------------

    def status(self, store_id: str = STORE) -> StoreStatus:
        return self.table.get(store_id)

    def outcome(self, store_id: str = STORE) -> str:
        return str(self.status(store_id).outcome)

    def shown(self, store_id: str = STORE) -> State:
        """What is in force on the platform."""
        return self.platform.shown(store_id, self.time.now())

    def puts(self, store_id: str = STORE) -> list[dict[str, Any]]:
        """The bodies of the PUTs that took effect."""
        return [change.body for change in self.platform.store(store_id).changes if change.body is not None]

    def asked(self) -> int:
        """How many requests were made for a status."""
        return sum(asked.url.endswith("/status") for asked in self.session.asked)

    def history(self, store_id: str = STORE) -> list[Record]:
        """The history of a store, the oldest first."""
        return [*self.table.history(store_id)][::-1]
