"""Stores between the chain, the pusher's minute, urgent messages and the simulated platform, with a clock to move.

Everything is the functions' own but the network, the queues and time. A world can be killed at any call of AWS or of
the platform, and goes on as new functions would.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from partner_orders.aws.event_bus import EventBus
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.outcomes import Outcomes
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings, KnownSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.platform.catalogue import PlatformCatalogue
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.failures import OutOfTimeError, PartnerApiError
from partner_orders.platform.http import Handover, PartnerApiClient, RunLimits
from partner_orders.platform.job_files import JobFiles
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.pusher.pushing import Pusher
from partner_orders.pusher.refusals import Refusals
from partner_orders.pusher.run import Minute, Run, ServesStatuses
from partner_orders.pusher.urgent import Urgent
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from partner_orders.results.callbacks import Callbacks
from partner_orders.results.callbacks_queue import LATER_SECONDS, CallbacksQueue, Delivered
from partner_orders.results.kept_callbacks import KeptCallbacks
from partner_orders.results.settling import Settling
from tests.support.orders import CHAIN_ID
from tests.support.platform import BASE_URL, TOKEN, PlatformSession, VirtualTime
from tests.support.sender_world import KilledError, SecretOfTest
from tools.local.simulated_platform.catalogue import Catalogue
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Habits, Pace
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

type Step = Callable[[], object]


class InlineExecutor(Executor):
    """Does at once what it is given: a test's clock stands for one thread."""

    def submit(self, step: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(step(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Deaths:
    """Kills at the ``calls``-th moment from now: before or after a call. The dead make no calls."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.is_dead = False

    def plan(self, moments: int | None) -> None:
        self.left, self.is_dead = moments, False

    def pass_by(self, *_: Any, **__: Any) -> None:
        if self.left is not None:
            self.left -= 1
            self.is_dead = self.is_dead or self.left < 0
        if self.is_dead:
            raise KilledError


@dataclass
class QueueOfTest:
    """The callbacks queue, in virtual time."""

    time: VirtualTime
    deaths: Deaths
    waiting: list[tuple[float, str]] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)

    def receive(self) -> list[Delivered]:
        self.deaths.pass_by()
        due = [number for number, (at, _) in enumerate(self.waiting) if at <= self.time.seconds][:10]
        for number in due:
            self.waiting[number] = (self.time.seconds + 180.0, self.waiting[number][1])
        return [Delivered(self.waiting[number][1], self.waiting[number][1]) for number in due]

    def done(self, message: Delivered) -> None:
        self.deaths.pass_by()
        self.waiting.remove(next(one for one in self.waiting if one[1] == message.receipt))

    def later(self, messages: Sequence[Delivered]) -> None:
        self.deaths.pass_by()
        texts = {message.receipt for message in messages}
        self.waiting = [(self.time.seconds + LATER_SECONDS if text in texts else at, text) for at, text in self.waiting]

    def dead_letter(self, message: Delivered, reason: str) -> None:
        self.dead.append((message.text, reason))
        self.done(message)


@dataclass
class BusOfTest:
    """A bus that keeps details; ``fails`` so many requests with a code of EventBridge."""

    details: list[dict[str, Any]] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    fails: int = 0
    code: str = "ThrottlingException"

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.fails:
            self.fails -= 1
            return {"Entries": [{"ErrorCode": self.code} for _ in Entries]}
        self.details += [json.loads(entry["Detail"]) for entry in Entries]
        self.types |= {entry["DetailType"] for entry in Entries}
        return {"Entries": [{"EventId": "1"} for _ in Entries]}


def new_world(stores: int = 1, **options: Any) -> "PusherWorld":
    """A world of its own with so many stores, which can be killed at each call."""
    simulated, deaths = SimulatedDynamoDB(), Deaths()
    calls: Counter[str] = Counter()

    def before(operation: str) -> None:
        calls[operation] += 1
        deaths.pass_by()

    simulated.stand_between(before, deaths.pass_by)
    names = [f"s{number}" for number in range(stores)]
    world = PusherWorld(simulated.client, simulated.new_table(), names, deaths, **options)
    simulated.now, world.calls = world.time.now, calls
    return world


class PusherWorld:
    """``stores`` with ``products`` each on the platform, all switched on."""

    def __init__(
        self,
        dynamodb: Any,
        table: str,
        stores: Sequence[str],
        deaths: Deaths | None = None,
        products: int = 6,
        seed: int = 0,
        habits: Habits | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.dynamodb, self.table_name, self.stores = dynamodb, table, stores
        self.deaths = deaths or Deaths()
        self.time = VirtualTime()
        pace = Pace(queued=timedelta(seconds=20), worked=timedelta(seconds=20))
        self.catalogue = Catalogue(seed, habits or Habits(), pace)
        self.skus = {
            store_id: [product.sku for product in self.catalogue.fill(store_id, products)] for store_id in stores
        }
        self.api = WithCatalogue(CHAIN_ID, TOKEN, rate_limit=600)
        self.api.catalogue_routes = CatalogueRoutes(self.catalogue, CHAIN_ID)
        self.session = PlatformSession(self.api, self.time, self.deaths.pass_by)
        self.queue = QueueOfTest(self.time, self.deaths)
        self.bus = BusOfTest()
        self.limits = limits or Limits()
        self.urgent_messages: list[tuple[datetime, str]] = []
        self._received: set[tuple[datetime, str]] = set()
        self.refused_messages: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()  # of DynamoDB, where they are counted
        self.runs: list[Run] = []
        self.statuses: ServesStatuses = NoStatuses()
        self.restart()
        for store_id in stores:
            self.tables.settings.put(CatalogueSettings(store_id, is_sending=True))

    def restart(self) -> None:
        """New functions in place of those that were there."""
        limit = RateLimit(600, lambda: self.time.seconds, self.time.sleep)
        secret = cast("Any", SecretOfTest())
        credentials = PartnerApiCredentials(secret, "arn", BASE_URL, self.session, limit)
        self.client = PartnerApiClient(
            BASE_URL, credentials, self.session, limit, self.time.now, self.time.sleep, lambda: 0.5
        )
        platform = PlatformCatalogue(self.client, CHAIN_ID, self.catalogue.habits.cap_name)
        self.tables = Tables.named(self.dynamodb, self.table_name)
        known = KnownSettings(self.tables.settings)
        self.refusals = Refusals(EventBus(cast("Any", self.bus), "bus"))
        self.outcomes = Outcomes(self.tables, self.time.now, known.margins, None, self.refusals.tell)
        self.pusher = Pusher(platform, self.tables, self.outcomes, self.time.now, known.margins, job_lines=50)
        files = JobFiles(self.client, most_bytes=1_000_000, seconds=20.0)
        settling = Settling(self.tables.jobs, self.outcomes, platform, files.download)
        kept = KeptCallbacks(self.dynamodb, self.table_name)
        queue, nothing = cast("CallbacksQueue", self.queue), NoExports()
        self.callbacks = Callbacks(queue, settling, nothing, kept, self.time.now)
        self.minute = Minute(
            self.tables,
            known,
            self.callbacks,
            settling,
            nothing,
            self.outcomes,
            self.pusher,
            self.statuses,
            NoStatuses(),
            self.time.now,
        )
        self.urgent = Urgent(
            self.tables, known, self.pusher, platform, self.time.now, self.limits, InlineExecutor(), no_barcodes
        )

    # -- the chain -----------------------------------------------------------------------------------------------------

    def say(self, store_id: str, sku: str, values: Values) -> None:
        """What a file says of a product."""
        at = self.time.now()
        self.tables.products.change(store_id, sku, lambda row: merged(row, values, at, {}))
        self.tables.changes.add(store_id, [sku], at)

    def send_message(self, store_id: str, sku: str, **columns: Any) -> None:
        """An urgent message."""
        self.urgent_messages.append(
            (self.time.now(), json.dumps({"store_id": store_id, "sku": sku} | columns, default=str))
        )

    # -- time ----------------------------------------------------------------------------------------------------------

    def pass_minute(self) -> None:
        """What happens in a minute."""
        self.time.sleep(30.0)
        self.take_messages()
        self.work()
        self.time.sleep(30.0)
        self.run()
        self.work()

    def run(self) -> None:
        """A run of the pusher; one that is killed is followed by another."""
        began = self.time.seconds

        def run() -> None:
            self.client.begin(RunLimits(), Handover())
            self.runs.append(self.minute.run(lambda: self.time.seconds - began < 50.0))
            self.client.end()

        self._survive(run)
        self._collect()

    def take_messages(self) -> None:
        """Take each urgent message once; one that fails, or is killed, comes again."""
        left = []
        for sent_at, text in self.urgent_messages:
            took: list[bool] = []
            is_repeated = (sent_at, text) in self._received
            self._received.add((sent_at, text))

            def take(
                sent_at: datetime = sent_at,
                text: str = text,
                took: list[bool] = took,
                is_repeated: bool = is_repeated,
            ) -> None:
                self.client.begin(RunLimits(), Handover())
                try:
                    self.urgent.take(urgent_change(text, sent_at, self.time.now()), is_repeated=is_repeated)
                except UrgentRefusedError as error:
                    self.refused_messages.append((text, str(error)))
                except (PartnerApiError, OutOfTimeError):
                    return
                took.append(True)

            self._survive(take)
            if not took:
                left.append((sent_at, text))
        self.urgent_messages = left
        self._collect()

    def work(self) -> None:
        """The platform works, and posts its callbacks."""
        now = self.time.now()
        self.catalogue.work(now)
        for is_early in (True, False):
            for callback in self.catalogue.take_callbacks(now, is_early):
                self.post(callback.body)

    def post(self, body: Any) -> None:
        """A callback arrives at the webhook."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        number = len(self.queue.waiting) + len(self.queue.dead)
        message = OrderEventMessage(WEBHOOK, self.time.now(), f"c-{number}-{self.time.seconds}", content)
        self.queue.waiting.append((self.time.seconds, message.to_text()))

    def rest(self, minutes: int = 150) -> None:
        """No more faults: let time pass until nothing waits and no job is unfinished."""
        self.catalogue.faults, self.bus.fails = {}, 0
        for _ in range(minutes):
            self.pass_minute()
            if self.is_at_rest():
                return

    def is_at_rest(self) -> bool:
        return not (self.urgent_messages or any(self.unfinished(one) or self.waits(one) for one in self.sending()))

    # -- looking -------------------------------------------------------------------------------------------------------

    def sending(self) -> list[str]:
        return [one.store_id for one in self.tables.settings.all().values() if one.is_sending]

    def unfinished(self, store_id: str) -> list[int]:
        return [*self.tables.states.get(store_id).unfinished]

    def waits(self, store_id: str) -> bool:
        return bool(self.tables.changes.first(store_id, 1))

    def product(self, store_id: str, sku: str) -> Desired:
        return self.tables.products.many(store_id, [sku]).get(sku, Desired(sku))

    def puts(self, store_id: str) -> int:
        """How many PUTs were made for a store."""
        return sum(asked.method == "PUT" and f"/{store_id}/" in asked.url for asked in self.session.asked)

    def kept(self, job_id: str) -> str:
        """Why a callback of a job was kept; empty if none was."""
        key = {"pk": {"S": f"CALLBACK#{job_id}"}, "sk": {"S": "CALLBACK"}}
        item = self.dynamodb.get_item(TableName=self.table_name, Key=key).get("Item", {})
        return str(item.get("reason", {}).get("S", ""))

    def _survive(self, step: Step) -> None:
        try:
            step()
        except KilledError:
            self.deaths.plan(None)
            self.restart()

    def _collect(self) -> None:
        for counts in (
            *(self.callbacks.counts, self.outcomes.counts, self.pusher.counts, self.urgent.counts),
            *(self.refusals.counts, self.runs[-1].counts if self.runs else Counter()),
        ):
            self.counts += counts
            counts.clear()


class NoStatuses:
    """Neither a store's status nor a promotion is seen to here (tests/support/status_world.py, promotion_world.py)."""

    error = None

    def serve(self, *_: object) -> None:
        """Do nothing."""


class NoExports:
    """No exports are asked for here."""

    def take(self, _: object) -> bool:
        return False

    def serve(self, _: object) -> None:
        return None


def no_barcodes(store_id: str, barcode: str) -> None:
    """There is no export."""
