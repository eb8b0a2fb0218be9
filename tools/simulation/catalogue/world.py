"""The simulated world of a catalogue: one seed's story, told with the real functions in simulated surroundings."""

import json
import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.aws import dynamodb as gateway
from partner_orders.catalogue import changes, keys
from partner_orders.catalogue.decisions import Decisions, NothingHeldError
from partner_orders.catalogue.files import AlreadyDecidedError, StoredFile
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS, Margins
from partner_orders.loader.file_event import release_message
from partner_orders.platform import budgeted_requests
from partner_orders.promotions.table import PromotionsTable
from partner_orders.store_status.table import StatusesTable
from tools.local.simulated_platform.catalogue_api import CatalogueRoutes, StorageHost, WithCatalogue
from tools.local.simulated_platform.catalogue_records import Callback, Habits
from tools.simulation.catalogue.bucket import SimulatedBucket
from tools.simulation.catalogue.chain import (
    FIRST_AT,
    PRICES,
    SKUS,
    STORES,
    Kind,
    Saying,
    first_list,
    notification,
    sayings,
)
from tools.simulation.catalogue.edits import Edit, edit_for_as_long_as_there_is_trouble
from tools.simulation.catalogue.environment import LOADER, PUSHER, URGENT, WEBHOOK, CatalogueEnvironment, chance_of
from tools.simulation.catalogue.platform import (
    UNKNOWN_SKU,
    TroubledCatalogue,
    TroubledPromotions,
    TroubledStatuses,
    assortment,
)
from tools.simulation.catalogue.promoting import Promoting
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB
from tools.simulation.catalogue.wishing import Wishing
from tools.simulation.environment import TIMEOUTS, Died, Recorder
from tools.simulation.faults import Faults
from tools.simulation.kernel import Kernel, Killed, Process
from tools.simulation.simulated_bus import SimulatedBus
from tools.simulation.simulated_queue import Message, SimulatedQueue, SqsClient
from tools.simulation.simulated_secrets import SimulatedSecrets
from tools.simulation.troubled_calls import TroubledCalls
from tools.simulation.violation import Violation

START = datetime(2026, 3, 14, 11, tzinfo=UTC)
# When the trouble begins: every store has its first list then.
TROUBLE_FROM, SAID_UNTIL, TROUBLE_UNTIL = 420.0, 1_500.0, 1_800.0
REST_WITHIN = 4 * 3_600.0
CHAIN_ID = "6f1b1f0e-8f5b-4d57-9d3c-6f4f4f4b7a10"
BASE_URL = "https://partner-api.example.com"
RATE_LIMIT = 60
TOKENS = ("a-token-of-the-platform", "another-token-of-the-platform")
WEBHOOK_SECRET = "secret-of-the-webhook"  # noqa: S105
BUCKET, BUS = "files", "order-changes"
FILES_URL, FILES_DEAD_URL = "https://queue.example.com/files", "https://queue.example.com/files-dead"
URGENT_URL, URGENT_DEAD_URL = "https://queue.example.com/urgent", "https://queue.example.com/urgent-dead"
CALLBACKS_URL = "https://queue.example.com/callbacks"
CALLBACKS_DEAD_URL = "https://queue.example.com/callbacks-dead"
MARGINS = {STORES[1]: Margins(safety_stock=1, cap=10, safety_stock_of={"KW-101": 2})}
OPERATOR_EVERY = 170.0
_DEAD_URLS = (FILES_DEAD_URL, URGENT_DEAD_URL, CALLBACKS_DEAD_URL)
_AWS_ERRORS = (BotoCoreError, ClientError)
# How often the platform posts a callback that gets no 2xx.
POSTS = 4
# What an operator decides of something held, and how what was begun is ended.
_CHOICES = ("release", "release", "drop", "leave")
_AGAIN = {"released": "release", "dropped": "drop"}


class TroubledQueue(SimulatedQueue):
    """A queue that now and then forgets that a message was deleted."""

    def __init__(self, world: "CatalogueWorld", name: str, **settings: Any) -> None:
        super().__init__(lambda: world.kernel.seconds, chance_of(world.seed, name), late=world.late, **settings)
        self._world = world
        self._name = name

    def delete(self, handle: str) -> None:
        faults, kernel = self._world.faults, self._world.kernel
        if faults.strikes("queue_delete_lost", self._name):
            return
        super().delete(handle)
        if faults.strikes("queue_delivered_twice", self._name):
            delay = faults.between("queue_delivered_twice", 0, 900)
            kernel.spawn(partial(self.revive, handle), self._world.service, delay)


@dataclass(frozen=True)
class Pause:
    """When a store was switched off, in seconds of the story, and on again."""

    store_id: str
    begins: float
    ends: float


class CatalogueWorld:
    """One seed's story. ``only`` keeps some of the sayings, by number. What was said is in ``said``, with the version
    id of each file; ``edits`` is what the platform changed by itself. ``asked`` tells at which second the platform was
    asked, by which function; ``asked_of_status`` at which second it was asked of a store's status; and ``puts`` at
    which something was sent to which store. ``trespasses``: what must never happen, and did."""

    def __init__(
        self,
        seed: int,
        numbers: range,
        without: frozenset[str] = frozenset(),
        at_most: int | None = None,
        only: frozenset[int] | None = None,
        loud: bool = False,
    ) -> None:
        self.seed = seed
        self.is_loud = loud
        self.chance = chance_of(seed, "catalogue")
        self.faults = Faults(seed, without, at_most)
        self.faults.over = True  # until the stores have begun
        self.kernel = Kernel(START)
        self.few = chance_of(seed, "few").choice([20, 20, 2])
        self.sayings = [
            saying
            for saying in sayings(seed, numbers, START, TROUBLE_FROM, SAID_UNTIL)
            if only is None or saying.number in only
        ]
        self.said: list[tuple[Saying, str]] = []
        self.environments = 0
        self.recorders: list[Recorder] = []
        self.deaths: Counter[str] = Counter()
        self.asked: list[tuple[float, str]] = []
        self.asked_of_status: list[float] = []
        self.wishing = Wishing(self)
        self.promoting = Promoting(self)
        self.puts: list[tuple[float, str]] = []
        self.pauses: list[Pause] = []
        self.edits: list[Edit] = []
        self.posted = 0
        self.trespasses: list[str] = []
        self.base_url = BASE_URL
        self.storage_address = "93.184.215.14"
        self._down = (float("inf"), float("inf"))
        self.service = Process("the service")
        self._operators: list[Process] = []
        self.pools: dict[str, list[CatalogueEnvironment]] = {function: [] for function in TIMEOUTS}
        self.calls = TroubledCalls(self)
        self._open_platform()
        self._open_services()
        self._in_place = ExitStack()
        self._enter()

    def _open_platform(self) -> None:
        habits = Habits(results_at=chance_of(self.seed, "results").choice(["api", "api", "storage"]))
        self.catalogue = TroubledCatalogue(self.seed, habits, self.faults)
        for store_id in STORES:
            known = [sku for sku in SKUS if sku != UNKNOWN_SKU]
            self.catalogue.stock(store_id, assortment(store_id, known, PRICES))
        self.statuses = TroubledStatuses(self.seed, self.faults)
        self.api = WithCatalogue(CHAIN_ID, TOKENS[0], RATE_LIMIT, seed=self.seed)
        self.promotions = TroubledPromotions(self.catalogue, self.seed, self.faults)
        self.api.catalogue_routes = CatalogueRoutes(
            self.catalogue, CHAIN_ID, statuses=self.statuses, promotions=self.promotions
        )
        self.storage = StorageHost(self.catalogue)

    def _open_services(self) -> None:
        self.dynamodb = SimulatedDynamoDB()
        self.dynamodb.now = self.kernel.now
        self.dynamodb.is_stale = lambda where: self.kernel.in_task() and self.faults.strikes("table_stale", where)
        self.dynamodb.leaves_some = lambda: self.kernel.in_task() and self.faults.strikes("table_keys_unprocessed")
        self.table, self.budget_table = self.dynamodb.new_table(), self.dynamodb.new_table()
        self.tables = Tables.named(self.dynamodb.client, self.table)
        self.status_table = StatusesTable(self.dynamodb.client, self.table)
        self.promotion_table = PromotionsTable(self.dynamodb.client, self.table)
        self.files = TroubledQueue(self, "files", max_receive_count=1_000)
        self.urgent = TroubledQueue(self, "urgent", visibility_timeout=60.0, max_receive_count=200)
        self.callbacks = TroubledQueue(self, "callbacks", max_receive_count=1_000)
        self.dead = {url: SimulatedQueue(lambda: self.kernel.seconds, random.Random(url)) for url in _DEAD_URLS}
        queues = {FILES_URL: self.files, URGENT_URL: self.urgent, CALLBACKS_URL: self.callbacks} | self.dead
        self.bucket = SimulatedBucket(BUCKET, self.kernel.now, self.calls.bucket, self._is_cut)
        self.tokens = {"partner-api-secret": json.dumps({"token": TOKENS[0]})}
        self.secrets = SimulatedSecrets(WEBHOOK_SECRET, self.calls.secrets, self.tokens)
        self.bus = SimulatedBus(BUS, self.calls.bus)
        self.clients: dict[str, Any] = {
            "dynamodb": self.dynamodb.client,
            "sqs": SqsClient({**queues}, self.calls.sqs),
            "s3": self.bucket,
            "secretsmanager": self.secrets,
            "events": self.bus,
        }

    def _is_cut(self, key: str) -> bool:
        return self.faults.strikes("bucket_cut", key)

    def _enter(self) -> None:
        put = self._in_place.enter_context
        ids = SimpleNamespace(token_hex=lambda size: f"{self.chance.getrandbits(8 * size):0{2 * size}x}")
        put(patch.object(budgeted_requests, "secrets", ids))
        put(patch.object(changes, "secrets", ids))
        put(patch.object(keys, "SHARDS", 4))  # So few products do not need more.
        put(patch.object(gateway, "UNPROCESSED_PAUSES", (0.0,) * 7))
        self.dynamodb.stand_between(self.calls.before_table, self.calls.after_table)
        put(patch.dict(os.environ, _environment(self)))

    # -- the story ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin with every store's first list, in calm weather."""
        for store_id in STORES:
            margins = MARGINS.get(store_id, NO_MARGINS)
            settings = CatalogueSettings(store_id, True, store_id == STORES[0], margins, is_promoting=True)
            self.tables.settings.put(settings)
            self.kernel.spawn(partial(self._say, first_list(store_id)), self.service, FIRST_AT)
        for function, delay in ((LOADER, 20.0), (PUSHER, 40.0)):
            self.kernel.spawn(partial(self._each_minute, function), self.service, delay)
        self.kernel.spawn(self._serve_urgent, self.service)
        self.kernel.spawn(self._work, self.service)
        self.kernel.run(TROUBLE_FROM)
        if not self.is_at_rest():
            raise Violation("the stores' first lists are not on the platform after minutes of calm")

    def trouble(self) -> None:
        """Say all that is said, with everything that goes wrong meanwhile."""
        self.faults.over = False
        for saying in self.sayings:
            self.kernel.spawn(partial(self._say, saying), self.service, saying.at - self.kernel.seconds)
        self.kernel.spawn(self._operate, self.service)
        self.wishing.begin()
        self.promoting.begin()
        self._plan_pauses()
        self.kernel.spawn(partial(edit_for_as_long_as_there_is_trouble, self), self.service)
        if self.faults.strikes("token_rotated"):
            self.kernel.spawn(self._rotate_token, self.service, self.chance.uniform(60, 1_000))
        if self.faults.strikes("platform_down"):
            begins = self.kernel.seconds + self.chance.uniform(0, 1_000)
            self._down = begins, begins + self.faults.between("platform_down", 120, 1_500)
        self.kernel.run(TROUBLE_UNTIL)

    def come_to_rest(self) -> None:
        """Go on in calm weather until nothing waits any more. Raises Violation."""
        self.faults.over = True
        self.faults.story.append("calm")
        self._down = (float("inf"), float("inf"))
        until = self.kernel.seconds + REST_WITHIN
        self.finish_decisions()
        while not self.is_at_rest():
            if self.kernel.seconds > until:
                raise Violation(f"after hours of calm it still waits: {', '.join(self._waits())}")
            self.kernel.run(self.kernel.seconds + 60)

    def is_at_rest(self) -> bool:
        return not any(self._waits())

    def _waits(self) -> Iterator[str]:
        for name, queue in (("files", self.files), ("urgent", self.urgent), ("callbacks", self.callbacks)):
            if queue.waiting():
                yield f"{len(queue.waiting())} messages of the {name} queue"
        for pause in self.pauses:
            if self.kernel.seconds < pause.ends + 60:
                yield f"the pause of {pause.store_id}"
        for state in self.tables.states.all().values():
            if state.unfinished:
                yield f"jobs of {state.store_id}"
        yield from self.promoting.waits()
        for store_id in STORES:
            if self.tables.changes.first(store_id, 1):
                yield f"changes of {store_id}"
            yield from self.wishing.waits(store_id)
            for row in self.tables.files.of_store(store_id):
                if not row.has_ended:
                    yield f"the file {row.file.key}"

    # -- the chain ----------------------------------------------------------------------------------------------

    def _say(self, saying: Saying) -> None:
        self.faults.story.append(f"saying {saying.number}: {saying.kind} of {saying.store_id}")
        if saying.kind is Kind.URGENT:
            message_id = self.urgent.send(saying.message)
            sent_at = self.kernel.now().replace(microsecond=self.kernel.now().microsecond // 1000 * 1000)
            self.said.append((replace(saying, given_at=sent_at), message_id))
            if self.faults.strikes("urgent_sent_twice"):
                # The chain's system did not hear that it was taken.
                line = replace(saying.lines[0], version=saying.lines[0].version or sent_at)
                again = replace(saying, lines=(line,))
                delay = self.faults.between("urgent_sent_twice", 1, 600)
                self.kernel.spawn(partial(self._send_again, again.message), self.service, delay)
            return
        stored = self.bucket.put(saying.key, saying.content)
        self.said.append((replace(saying, given_at=stored.stored_at), stored.version_id))
        told = notification(BUCKET, saying.key, stored.version_id)
        delay = 0.0
        if self.faults.strikes("file_told_late"):
            delay = self.faults.between("file_told_late", 30, 900)
        self.files.send(told, delay_seconds=delay)
        if self.faults.strikes("file_told_twice"):
            self.files.send(told, delay_seconds=self.faults.between("file_told_twice", 0, 900))

    def _send_again(self, message: str) -> None:
        self.urgent.send(message)

    # -- the operator -------------------------------------------------------------------------------------------

    def _operate(self) -> None:
        """Now and then somebody decides of what is held, for as long as there is trouble."""
        chance = chance_of(self.seed, "operator")
        while not self.faults.over:
            self.kernel.sleep(OPERATOR_EVERY)
            self.spawn_operator(partial(self._decide, lambda _: chance.choice([*_CHOICES])))

    def chance_of(self, *parts: object) -> random.Random:
        """A chance of this seed's, by a name."""
        return chance_of(self.seed, *parts)

    def spawn_operator(self, work: Callable[[], None]) -> None:
        process = Process("an operator")
        self._operators.append(process)
        self.kernel.spawn(work, process)

    def finish_decisions(self) -> None:
        """Have what an operator began decided to its end: the same command once more."""
        self.spawn_operator(partial(self._decide, lambda held: _AGAIN.get(held.decision or "", "leave")))
        self.kernel.run(self.kernel.seconds + 60)

    def _decide(self, choose: Callable[[Held], str]) -> None:
        decisions = Decisions(self.tables, self.kernel.now, self._tell_loader, _margins)
        for store_id in STORES:
            try:
                for held in [*self.tables.held.of_store(store_id)]:
                    what = choose(held)
                    if what != "leave":
                        decide = getattr(decisions, f"{what}_{'file' if held.is_file else 'lines'}")
                        decide(store_id, held.name, "a person", "it is right")
            except (AlreadyDecidedError, NothingHeldError, *_AWS_ERRORS):
                continue  # Somebody looks again in some minutes.

    def _tell_loader(self, file: StoredFile) -> None:
        text = release_message(file.store_id, file.key, file.version_id)
        self.clients["sqs"].send_message(QueueUrl=FILES_URL, MessageBody=text)

    def _plan_pauses(self) -> None:
        for store_id in STORES:
            chance = chance_of(self.seed, "pause", store_id)
            if chance.random() < 0.4:
                begins = self.kernel.seconds + chance.uniform(60, 1_000)
                self.kernel.spawn(partial(self._pause, store_id, chance.uniform(90, 900)), self.service, begins)

    def _pause(self, store_id: str, seconds: float) -> None:
        self._switch(store_id, is_sending=False)
        begins = self.kernel.seconds
        self.kernel.sleep(seconds)
        self.pauses.append(Pause(store_id, begins, self.kernel.seconds))
        self._switch(store_id, is_sending=True)

    def _switch(self, store_id: str, is_sending: bool) -> None:
        while True:
            try:
                settings = self.tables.settings.get(store_id)
                if settings is None:
                    raise Violation(f"the settings of {store_id} are gone")
                self.tables.settings.put(replace(settings, is_sending=is_sending, is_promoting=is_sending))
            except _AWS_ERRORS:
                self.kernel.sleep(1.0)
            else:
                return

    def _rotate_token(self) -> None:
        """The platform takes another token from now on; the chain stores it a little earlier or later."""
        late = self.faults.between("token_rotated", 0, 300)
        is_stored_first = self.chance.random() < 0.5
        for step in range(2):
            if (step == 0) is is_stored_first:
                self.tokens["partner-api-secret"] = json.dumps({"token": TOKENS[1]})
            else:
                self.api.token = TOKENS[1]
            if step == 0:
                self.kernel.sleep(late)

    # -- the platform -------------------------------------------------------------------------------------------

    def is_down(self) -> bool:
        return self._down[0] <= self.kernel.seconds < self._down[1] and not self.faults.over

    def trespass(self, what: str) -> None:
        """Note what must never happen. The functions would take an error for one of the platform's."""
        self.trespasses.append(what)

    def note_put(self, store_id: str) -> None:
        self.puts.append((self.kernel.seconds, store_id))

    def post_early_callbacks(self) -> None:
        for callback in self.catalogue.take_callbacks(self.kernel.now(), early=True):
            self._post_callback(callback)

    def _work(self) -> None:
        """The platform works jobs off and posts their callbacks, those of others and of nobody among them; for ever."""
        while True:
            self.kernel.sleep(7.0)
            self.catalogue.work(self.kernel.now())
            for callback in self.catalogue.take_callbacks(self.kernel.now()):
                self._post_callback(callback)
                if self.faults.strikes("catalogue_callback_strange"):
                    self._post_strange(callback)

    def _post_callback(self, callback: Callback) -> None:
        body = json.dumps(callback.body).encode()
        self.kernel.spawn(partial(self._post, body, WEBHOOK_SECRET), self.service, self.chance.uniform(0, 2))

    def _post_strange(self, callback: Callback) -> None:
        chance = self.faults.chance_of("catalogue_callback_strange")
        unknown = callback.body | {"job_id": str(uuid.UUID(int=chance.getrandbits(128)))}
        secret, body = chance.choice(
            [
                (WEBHOOK_SECRET, json.dumps(unknown).encode()),
                ("a guess", json.dumps(callback.body | {"status": "FAILED"}).encode()),
                (WEBHOOK_SECRET, b"[1, 2]"),
                (WEBHOOK_SECRET, json.dumps(callback.body | {"status": "SOMETHING"}).encode()),
            ]
        )
        self.kernel.spawn(partial(self._post, body, secret), self.service, chance.uniform(0, 60))

    def _post(self, body: bytes, secret: str) -> None:
        for _ in range(POSTS):
            self.posted += 1
            event = {
                "headers": {"authorization": secret},
                "requestContext": {"requestId": f"c{self.posted}"},
                "isBase64Encoded": False,
                "body": body.decode(),
            }
            try:
                status = self.environment(WEBHOOK).invoke(event, f"c{self.posted}")["statusCode"]
            except Died:
                status = 504
            if secret != WEBHOOK_SECRET and status < 400:
                raise Violation("a callback without the secret was taken")
            if status < 300 or secret != WEBHOOK_SECRET:
                return
            self.kernel.sleep(30.0)

    # -- AWS ----------------------------------------------------------------------------------------------------

    def environment(self, function: str) -> CatalogueEnvironment:
        """A free environment of the function that is still alive, or a cold start."""
        pool = self.pools[function] = [one for one in self.pools[function] if not one.process.killed]
        free = next((one for one in pool if not one.busy), None)
        if free is None:
            free = CatalogueEnvironment(self, function)
            pool.append(free)
        return free

    def _each_minute(self, function: str) -> None:
        """The schedule of a function with a reserved concurrency of one; for ever."""
        number = 0
        while True:
            number += 1
            if not any(one.busy and not one.process.killed for one in self.pools[function]):
                run = partial(self._invoke, function, {}, f"{function} {number}")
                self.kernel.spawn(run, self.service)
            self.kernel.sleep(60.0)

    def _invoke(self, function: str, event: dict[str, Any], request_id: str) -> Any:
        """What a function answers; None if it failed. One that was called in calm weather must not fail."""
        was_calm = self.faults.over
        try:
            return self.environment(function).invoke(event, request_id)
        except Died:
            return None
        except Exception as error:
            if was_calm:
                raise Violation(f"the {function} raises {type(error).__name__} in calm weather: {error}") from error
            return None

    def _serve_urgent(self) -> None:
        """The event source of urgent messages: one at a time; for ever."""
        while True:
            for message in self.urgent.receive(1):
                self.kernel.spawn(partial(self._take_urgent, message, message.handles[-1]), self.service)
                while any(one.busy and not one.process.killed for one in self.pools[URGENT]):
                    self.kernel.sleep(0.5)
            wait = max(self.urgent.next_visible_at() - self.kernel.seconds, 0.5)
            self.kernel.sleep(min(wait, 20.0))

    def _take_urgent(self, message: Message, handle: str) -> None:
        sent_at = int((START.timestamp() + message.sent_at) * 1000)
        attributes = {"ApproximateReceiveCount": str(message.receive_count), "SentTimestamp": str(sent_at)}
        record = {
            "messageId": message.message_id,
            "receiptHandle": handle,
            "body": message.text,
            "attributes": attributes,
        }
        answer = self._invoke(URGENT, {"Records": [record]}, message.message_id)
        if answer is not None and not answer["batchItemFailures"]:
            self.urgent.delete(handle)

    def late(self) -> float:
        """How long a queue keeps a message to itself before it delivers it."""
        if not self.faults.strikes("queue_delivered_late"):
            return 0.0
        return self.faults.between("queue_delivered_late", 10, 600)

    def dies_or_hangs(self, where: str) -> None:
        """Kill or delay the process that is running, if it is its turn. Raises Killed."""
        process = self.kernel.process()
        if process is self.service:
            return
        if self.faults.strikes("killed", f"{process.name} at {where}"):
            self.kernel.kill(process)
            raise Killed
        if self.faults.strikes("hung", f"{process.name} at {where}"):
            process.hung_at.add(where)
            self.kernel.sleep(self.faults.between("hung", 5, 60))

    def close(self) -> None:
        """End every task."""
        environments = (one.process for pool in self.pools.values() for one in pool)
        for process in [self.service, *self._operators, *environments]:
            process.frozen = False
            self.kernel.kill(process)
        self.kernel.run(self.kernel.seconds + 1)
        self.dynamodb.stand_between(None, None)
        self._in_place.close()


def _margins(store_id: str) -> Margins:
    return MARGINS.get(store_id, NO_MARGINS)


def _environment(world: CatalogueWorld) -> dict[str, str]:
    """The environment variables of all functions."""
    return {
        "CATALOGUE_TABLE_NAME": world.table,
        "FILES_BUCKET_NAME": BUCKET,
        "FILES_QUEUE_URL": FILES_URL,
        "FILES_DEAD_LETTERS_URL": FILES_DEAD_URL,
        "URGENT_QUEUE_URL": URGENT_URL,
        "URGENT_DEAD_LETTERS_URL": URGENT_DEAD_URL,
        "CALLBACKS_QUEUE_URL": CALLBACKS_URL,
        "CALLBACKS_DEAD_LETTERS_URL": CALLBACKS_DEAD_URL,
        "ORDER_EVENTS_QUEUE_URL": CALLBACKS_URL,
        "WEBHOOK_SECRET_ARN": "webhook-secret",
        "REQUEST_BUDGET_TABLE_NAME": world.budget_table,
        "PARTNER_API_SECRET_ARN": "partner-api-secret",
        "PARTNER_API_BASE_URL": BASE_URL,
        "CHAIN_ID": CHAIN_ID,
        "RATE_LIMIT_PER_MINUTE": str(RATE_LIMIT),
        "CAP_FIELD": "maximum_sales_quantity",
        "JOB_LINES": str(chance_of(world.seed, "job lines").choice([3, 2_000])),
        "EVENT_BUS_NAME": BUS,
        "EXPORT_EVERY_HOURS": "24",
        "CHECK_IN": "ENABLED" if world.statuses.habits.checks_in else "DISABLED",
        "PRICE_STEP_PERCENT": "35",
        "SWITCHED_OFF_PERCENT": "20",
        "SHORTER_PERCENT": "20",
        "KNOWN_PERCENT": "50",
        "FEW_PRODUCTS": str(world.few),
        "SILENT_AFTER_HOURS": "26",
        "SALES_BUFFER": "0",
        "DRIFT_REPAIR_PERCENT": "100",
        "POWERTOOLS_SERVICE_NAME": "simulation",
        "POWERTOOLS_METRICS_NAMESPACE": "PartnerOrders",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
