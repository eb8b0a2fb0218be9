"""A platform, a table and workers between them, on a virtual clock: what the reconciler's tests play with."""

import json
from datetime import datetime, timedelta
from typing import Any

from partner_orders.orders.event import Arrival, CatalogueCallbackError, RejectedError, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.orders import PlatformOrders
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.reconciler.comparison import Comparison
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.report import Report
from partner_orders.reconciler.run import Reconciler
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.stores.table import StoresTable
from tests.support.in_memory import MemoryOrders, MemoryQueue
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import RETENTION, TABLE
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime, truth
from tools.local.simulated_platform.lives import Life, Shop, to_text
from tools.local.simulated_platform.partner_api import SimulatedPartnerApi, Unknowns
from tools.simulation.simulated_secrets import SimulatedSecrets

FUNCTION_SECONDS = 900.0


class Killed(BaseException):
    """The worker's environment is gone."""


class World:
    """``lives`` are what the platform knows. Nothing of it reaches us but by the reconciler, or by ``receive``. Their
    stores are as old as the first of them, or were registered at ``registered_at``."""

    def __init__(
        self,
        dynamodb: Any,
        lives: list[Life],
        time: VirtualTime,
        unknowns: Unknowns | None = None,
        limit: int = 60,
        registered_at: datetime | None = None,
    ) -> None:
        self.time = time
        self.lives = lives
        self.limit = limit
        self.api = SimulatedPartnerApi(CHAIN_ID, TOKEN, limit, unknowns=unknowns, clients={"client": "its-secret"})
        self.api.show(lives)
        self.secret = json.dumps({"token": TOKEN})
        self.secret_reads = 0
        self.dynamodb = dynamodb
        self.orders = MemoryOrders(time)
        self.queue = MemoryQueue(time)
        self.stores = StoresTable(dynamodb, TABLE, CHAIN_ID, time.now)
        self.rejected = RejectedTable(dynamodb, TABLE, RETENTION, time.now)
        self.table = ReconciliationTable(dynamodb, TABLE, time.now)
        self.sessions: list[PlatformSession] = []
        self.kill_after: int | None = None
        opened_at = registered_at or min(life.created_at for life in lives)
        earlier = StoresTable(dynamodb, TABLE, CHAIN_ID, lambda: opened_at)
        for life in {life.shop.store_id: life for life in lives}.values():
            earlier.register(parse_event(to_text(life.steps[0].body).encode()).order.client)
        self.worker = self.new_worker()

    def new_worker(self, clock_off_by: timedelta = timedelta()) -> Reconciler:
        """A reconciler in a fresh environment."""

        def clock() -> datetime:
            return self.time.now() + clock_off_by

        session = PlatformSession(self.api, self.time, self.may_die)
        self.sessions.append(session)
        limit = RateLimit(max(1, self.limit * 9 // 10), self.time.monotonic, self.time.sleep)
        secrets: Any = SimulatedSecrets("", self._read_secret, {})
        credentials = PartnerApiCredentials(secrets, "arn", BASE_URL, session, limit, self.time.monotonic)
        api = PartnerApiClient(BASE_URL, credentials, session, limit, clock, self.time.sleep, lambda: 0.5)
        self.platform_orders = PlatformOrders(api, CHAIN_ID)
        self.lease = Lease(self.dynamodb, TABLE, clock)
        self.worker = Reconciler(
            api,
            self.platform_orders,
            self.orders,
            self.stores,
            Comparison(self.orders, self.rejected, self.queue, clock),
            ReconciliationTable(self.dynamodb, TABLE, clock),
            self.queue,
            self.lease,
            RETENTION,
            clock,
            self.time.sleep,
        )
        return self.worker

    def _read_secret(self, *_: object) -> dict[str, str]:
        self.secret_reads += 1
        return {"SecretString": self.secret}

    def may_die(self) -> None:
        """Called around every request: the worker is killed when its count runs out."""
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after < 0:
                self.kill_after = None
                raise Killed

    # -- what happens -----------------------------------------------------------------------------------------------

    def run(self, seconds: float = FUNCTION_SECONDS) -> Report:
        deadline = self.time.seconds + seconds
        return self.worker.run("run", lambda: deadline - self.time.seconds)

    def backfill(self, **request: Any) -> dict[str, Any]:
        """Ask for a backfill, and run until it is done."""
        backfill_id = self.worker.add_backfill(request)
        for _ in range(500):
            self.run()
            self.drain()
            progress = self.worker.backfill(backfill_id)
            if progress["state"] == "done":
                return progress
            self.time.sleep(5)
        raise AssertionError("the backfill does not come to an end")

    def drain(self) -> list[bytes]:
        """Everything on the queue reaches the table, as the consumer would see to."""
        messages, self.queue.messages = self.queue.messages, []
        for message in messages:
            try:
                self.orders.put(message.body, message.shown_at)
            except RejectedError as error:
                arrival = Arrival(message.source, message.received_at, message.correlation_id)
                self.rejected.keep(message.body, arrival, error.reason, error.problems)
            except CatalogueCallbackError:
                continue  # It is counted, and not stored.
        return [message.body for message in messages]

    def receive(self, life: Life, step: int = -1) -> None:
        """A webhook of the platform's arrived."""
        self.orders.put(to_text(life.steps[step].body).encode())

    @property
    def shops(self) -> list[Shop]:
        """Every store of the platform's, once."""
        return [*{life.shop.store_id: life.shop for life in self.lives}.values()]

    # -- what is true -----------------------------------------------------------------------------------------------

    def not_in_sync(self) -> list[str]:
        """Ids of the orders of which what the platform shows now is not among what we have."""
        known = self.orders.known(life.order_id for life in self.lives)
        wrong = []
        for life in self.lives:
            if life.step_shown_at(self.time.now()) is None:
                continue
            shown = parse_event(json.dumps(truth(self.api, life, self.time.now())).encode())
            if life.order_id not in known or shown.digest not in known[life.order_id].digests:
                wrong.append(life.order_id)
        return wrong

    def most_requests_in_a_minute(self) -> int:
        asked = self.api.requests
        most, first = 0, 0
        for last, at in enumerate(asked):
            while asked[first] <= at - timedelta(seconds=60):
                first += 1
            most = max(most, last - first + 1)
        return most
