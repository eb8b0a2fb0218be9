"""The simulated world: the platform, the queue and its event source, the real functions, and the trouble between them.

Each environment loads its function's handler anew, as Lambda does; what the handler takes from outside (clients, clock,
executor, HTTP) is replaced. Nothing of their own code is copied or changed.
"""

import base64
import inspect
import io
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import requests
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from urllib3 import HTTPResponse

from partner_orders.consumer import intake
from partner_orders.platform import orders as partner_api
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.webhook_secret import WebhookSecret
from partner_orders.reconciler.backfill import NO_STORE
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.partner_api import Request, SimulatedPartnerApi, Unknowns
from tools.simulation.faults import Faults
from tools.simulation.hour import CHAIN_ID, Fate, Post, trading
from tools.simulation.kernel import InterleavedExecutor, Kernel, Killed, Process
from tools.simulation.simulated_bus import SimulatedBus
from tools.simulation.simulated_queue import Message, SimulatedQueue, SqsClient
from tools.simulation.simulated_stream import SimulatedStream
from tools.simulation.table import DynamoDB

START = datetime(2026, 3, 14, 11, tzinfo=UTC)
HOUR = 3600.0
BASE_URL = "https://partner-api.example.com"
TOKEN = "a-token-of-the-platform"  # noqa: S105 (of the simulated one)
TIMEOUTS = {"webhook": 9.0, "consumer": 30.0, "reconciler": 900.0, "publisher": 60.0}
CONSUMERS = 3
API_FAULTS = (
    "unauthorized",
    "forbidden",
    "not_found",
    "too_many",
    "server_error",
    "html",
    "truncated",
    "repeat_first_page",
)
# How the bus refuses a whole request, with which status.
BUS_REFUSALS = {
    "bus_throttled": ("ThrottlingException", 400),
    "bus_unavailable": ("InternalException", 500),
    "bus_access_denied": ("AccessDeniedException", 400),
    "bus_too_large": ("ValidationException", 400),
}
RETENTION_DAYS = 400
LOG_LEVEL = "CRITICAL"
PUT_OFF = "ChangeMessageVisibilityBatch"
QUEUE_URL = "https://queue.example.com/order-events"
LETTERS_URL = "https://queue.example.com/publisher-dead-letters"
BUS = "order-changes"
STREAM_BATCH = 100


class Violation(AssertionError):  # noqa: N818 (a finding of ours, not an error)
    """Something that must hold does not."""


class Died(Exception):  # noqa: N818 (what happened to it, not to us)
    """The environment was killed, or ran out of time, before it answered."""


def least_seconds(tried: int) -> float:
    """For how long a message that was tried so often is to stay hidden at least: growing, up to 7.5 minutes."""
    return float(int(min(450.0, 2.5 * 2.0 ** (tried - 1))))


class Recorder:
    """Stands for the functions' logger and metrics, which are no part of what is simulated but of what is checked.

    With an ``app``, its own logger and metrics are told as well.
    """

    def __init__(self, app: Any = None) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self._logger: Any = app.logger if app else None
        self._metrics: Any = app.metrics if app else None

    def add_metric(self, name: str, unit: object, value: float) -> None:
        self.counts[name] += int(value)
        if self._metrics:
            self._metrics.add_metric(name, unit, value)

    def info(self, message: str, **fields: object) -> None:
        self.lines.append(f"{message} {fields}")
        if self._logger:
            self._logger.error(message, **fields)

    warning = error = info


class Environment:
    """One execution environment of a function: a cold start, then one invocation after another until it is killed."""

    def __init__(self, world: "World", function: str) -> None:
        world.environments += 1
        off = world.faults.between("clock_off", -240, 240) if world.faults.strikes("clock_off", function) else 0.0
        self.function = function
        self.process = Process(f"{function} {world.environments}", clock_off_by=off)
        self.cold = True
        self.busy = False
        self.out_of_time = False
        self._world = world
        self.app, self.recorder = self._load()
        world.recorders.append(self.recorder)

    def _load(self) -> tuple[Any, Recorder]:
        world = self._world
        app: Any = fresh_handler(self.function)
        app.clients = SimpleNamespace(client=lambda name, _: world.clients[name])
        app.now = lambda: world.kernel.now() + timedelta(seconds=self.process.clock_off_by)
        recorder = Recorder(app if world.is_loud else None)
        app.logger = app.metrics = recorder
        if self.function == "webhook":
            app.WebhookSecret = partial(WebhookSecret, seconds=lambda: world.kernel.seconds)
        if self.function == "consumer":
            app.ThreadPoolExecutor = lambda **_: InterleavedExecutor(world.kernel)
            app.random = SimpleNamespace(random=world.chance.random)
        if self.function == "reconciler":
            app.requests = SimpleNamespace(Session=lambda: PlatformSession(world))
            app.time = SimpleNamespace(monotonic=lambda: world.kernel.seconds, sleep=world.kernel.sleep)
            app.PartnerApiCredentials = partial(PartnerApiCredentials, seconds=lambda: world.kernel.seconds)
            app.PartnerApiClient = partial(PartnerApiClient, jitter=world.chance.random)
        return app, recorder

    def invoke(self, event: dict[str, Any], request_id: str) -> Any:
        """Call the handler and wait for it, at most the function's timeout. Raises what the handler raised, or Died."""
        kernel, timeout = self._world.kernel, TIMEOUTS[self.function]
        deadline = kernel.seconds + timeout
        context = SimpleNamespace(
            aws_request_id=request_id,
            get_remaining_time_in_millis=lambda: int(max(0.0, deadline - kernel.seconds) * 1000),
        )
        finished: Future[Any] = Future()

        def work() -> None:
            # Without the decorator that flushes metrics: it is not ours, and writes to the standard output.
            handler = self.app.handler if self._world.is_loud else inspect.unwrap(self.app.handler)
            try:
                answer = handler(event, context)
            except Killed:
                finished.set_exception(Died())
                raise
            except BaseException as error:
                finished.set_exception(error)
            else:
                finished.set_result(answer)
            self.process.frozen = True

        self.busy = True
        self.process.hung_at = set()
        kernel.thaw(self.process)
        kernel.spawn(work, self.process)
        kernel.wait([finished], timeout)
        self.busy = False
        if not finished.done():
            if not self.process.killed:
                self._world.deaths["out_of_time"] += 1
                self.out_of_time = True
            kernel.kill(self.process)
            raise Died
        return finished.result()


class PlatformSession:
    """``requests.Session``, answered by the simulated platform."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def get(self, url: str, params: dict[str, str], headers: dict[str, str], **_: object) -> requests.Response:
        world, chance = self._world, self._world.chance
        world.kernel.sleep(chance.uniform(0.05, 0.4))
        world.dies_or_hangs("GET orders")
        if world.faults.strikes("api_no_answer", "GET orders"):
            world.kernel.sleep(20.0)
            raise requests.ReadTimeout
        if world.faults.strikes("api_trickles", "GET orders"):
            # A byte now and then, for longer than the lease; meanwhile somebody invokes the function.
            seconds = world.faults.between("api_trickles", 130, 400)
            world.kernel.spawn(partial(world.reconcile, {}), world.service, chance.uniform(60, seconds))
            world.kernel.sleep(seconds)
        api = world.api
        api.faults = {}
        for kind in API_FAULTS:
            if world.faults.strikes(f"api_{kind}", "GET orders"):
                api.faults = {kind: 1}
                break
        lower = {name.lower(): value for name, value in headers.items()}
        target = f"{urlsplit(url).path}?{urlencode(params)}"
        given = api.handle(Request("GET", target, lower), world.kernel.now())
        answer = requests.Response()
        answer.status_code = given.status
        answer.headers.update(given.headers)
        answer.raw = HTTPResponse(io.BytesIO(given.body), preload_content=False)
        world.kernel.sleep(chance.uniform(0.01, 0.1))
        world.dies_or_hangs("after GET orders")
        return answer


def _unknowns(seed: int) -> Unknowns:
    """One of the ways in which the platform may do what the contract does not say."""
    chance = random.Random(f"{seed}/unknowns")
    return Unknowns(
        filter_by=chance.choice(["created", "updated"]),
        order=chance.choice(["ascending", "descending", "none"]),
        start_included=chance.random() < 0.5,
        end_included=chance.random() < 0.5,
        times=chance.choice(["any", "with_z", "without_z"]),
        page_size_honoured=chance.random() < 0.8,
        sort_by=chance.choice(["created", "updated"]),
    )


class SimulatedSecrets:
    """Secrets Manager with the webhook secret in its two stages, and the Partner API's."""

    class exceptions:  # noqa: N801 (boto3's name)
        class ResourceNotFoundException(Exception):  # noqa: N818
            pass

    def __init__(self, world: "World") -> None:
        self._world = world
        self.webhook = {"AWSCURRENT": "first secret"}

    def rotate(self, secret: str) -> None:
        self.webhook = {"AWSCURRENT": secret, "AWSPREVIOUS": self.webhook["AWSCURRENT"]}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "AWSCURRENT") -> dict[str, str]:  # noqa: N803
        world = self._world
        world.kernel.sleep(world.chance.uniform(0.005, 0.05))
        world.dies_or_hangs("GetSecretValue")
        if world.faults.strikes("secret_unavailable", SecretId):
            raise ClientError({"Error": {"Code": "InternalServiceError", "Message": ""}}, "GetSecretValue")
        if SecretId == "partner-api-secret":
            return {"SecretString": json.dumps({"token": TOKEN})}
        if VersionStage not in self.webhook:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.webhook[VersionStage]}


class World:
    """One seed's story. ``only`` keeps some of the orders (by number; -1 is what is not an order); in a ``loud`` one
    the functions log and measure as they do in Lambda, and with ``personal_data`` they publish orders whole (the seed
    decides where nobody does). What was said to callers is in ``said``."""

    def __init__(
        self,
        seed: int,
        dynamodb: DynamoDB,
        orders: int,
        without: frozenset[str] = frozenset(),
        at_most: int | None = None,
        only: frozenset[int] | None = None,
        loud: bool = False,
        personal_data: bool | None = None,
    ) -> None:
        self.seed = seed
        self.is_loud = loud
        if personal_data is None:
            personal_data = random.Random(f"{seed}/personal data").random() < 0.5
        self.publishes_personal_data = personal_data
        self.said: list[str] = []
        self.chance = random.Random(f"{seed}/world")
        self.faults = Faults(seed, without, at_most)
        self.kernel = Kernel(START)
        self.hour = trading(seed, START, orders, only)
        self.dynamodb = dynamodb
        self.table = dynamodb.new_table()
        self.queue = SimulatedQueue(
            lambda: self.kernel.seconds,
            random.Random(f"{seed}/queue"),
            # Some seeds give up early, so that dead letters are seen, too.
            max_receive_count=self.chance.choice([80, 80, 4]),
            late=self._late,
        )
        self.api = SimulatedPartnerApi(CHAIN_ID, TOKEN, rate_limit=60, seed=seed, unknowns=_unknowns(seed))
        self.api.show(self.hour.lives)
        self.secrets = SimulatedSecrets(self)
        self.platforms_secret = "first secret"  # noqa: S105
        self._secret_changed_at = float("-inf")
        self.stream = SimulatedStream(partial(dynamodb.look_at, self.table))
        self.bus = SimulatedBus(BUS, self._bus_call)
        self.letters = SimulatedQueue(lambda: self.kernel.seconds, random.Random(f"{seed}/letters"))
        self.clients: dict[str, Any] = {
            "dynamodb": dynamodb.client,
            "sqs": SqsClient({QUEUE_URL: self.queue, LETTERS_URL: self.letters}, self._sqs_call),
            "secretsmanager": self.secrets,
            "events": self.bus,
        }
        self.service = Process("the service")
        self.pools: dict[str, list[Environment]] = {function: [] for function in TIMEOUTS}
        self.environments = 0
        self.recorders: list[Recorder] = []
        self.deaths: Counter[str] = Counter()
        self.acknowledged: list[Post] = []
        self.posted: list[Post] = []
        self.cleared = 0
        self.requests = 0
        self._table_down_from = self._table_down_to = float("inf")
        self.reports: list[dict[str, Any]] = []
        self.fences: dict[str, int] = {}
        self.trespasses: list[str] = []
        self._processes: list[Process] = [self.service]
        self._in_place = ExitStack()
        self._enter()

    # -- the story ----------------------------------------------------------------------------------------------

    def trade(self) -> None:
        """An hour and a little of trading, with everything that goes wrong in it."""
        for number, post in enumerate(self.hour.posts):
            self._schedule(post, random.Random(f"{self.seed}/post/{post.order}/{post.name}/{number}"))
        for number in range(CONSUMERS):
            self.kernel.spawn(self._poll, self.service, delay=number / 7)
        self.kernel.spawn(self._follow, self.service)
        at = self.chance.uniform(60, 900)
        while at < HOUR:
            self.kernel.spawn(partial(self.reconcile, {}), self.service, at)
            at += self.chance.choice(
                [self.chance.uniform(0, 60), self.chance.uniform(100, 300), self.chance.uniform(300, 1200)]
            )
        if self.faults.strikes("secret_rotated"):
            self.kernel.spawn(self._rotate, self.service, self.chance.uniform(600, 3000))
        if self.faults.strikes("table_down"):
            self._table_down_from = self.chance.uniform(0, 3000)
            self._table_down_to = self._table_down_from + self.faults.between("table_down", 60, 1500)
        self.kernel.run(HOUR * 1.1)

    def calm_down(self) -> None:
        """No more trouble: let queue and stream drain, dead letters brought back."""
        self.faults.over = True
        self.faults.story.append("calm")
        for _ in range(60):
            self.queue.redrive()
            waits = bool(self.queue.waiting())
            if not waits and not self.stream.records:
                return
            self.kernel.run(max(self.queue.next_visible_at() if waits else 0.0, self.kernel.seconds) + 61)
        if left := [*self.queue.waiting(), *self.queue.dead]:
            raise Violation(f"{len(left)} messages still wait, or are dead again, after hours of calm")
        raise Violation(f"{len(self.stream.records)} changes are still not published, after hours of calm")

    def tick_once(self) -> None:
        """Let the reconciler go on from where it is, over every store, once."""
        self.kernel.run(max(self.kernel.seconds, max(map(self.kernel.at, self._ends()), default=0.0) + 60))
        self._in_calm({}, lambda report: report["stopped"] != "another_worker_holds_the_lease")

    def reconcile_until_in_step(self) -> None:
        """Have the whole hour looked at again, until there is nothing more to do."""
        for _ in range(8):
            request: dict[str, Any] = {"from": (START - timedelta(hours=1)).isoformat()}
            report = self._in_calm(request, lambda report: "backfill" in report or "error" in report)
            if report.get("error") == NO_STORE:
                return
            while report["state"] != "done":
                self._in_calm({}, lambda report: report["stopped"] != "another_worker_holds_the_lease")
                report = self._in_calm({"backfill": report["backfill"]}, lambda report: "backfill" in report)
            if report["failed_stores"]:
                raise Violation(f"a backfill fails in calm weather: {report}")
            if not report["enqueued"]:
                return
            self.calm_down()
        raise Violation("the reconciler enqueues again and again: it never finds the orders in step")

    def _in_calm(self, event: dict[str, Any], served: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What the reconciler answers once it is its turn: a worker that died holds its lease a little longer."""
        for _ in range(5):
            reports: list[dict[str, Any] | None] = []
            self.kernel.spawn(partial(self._reconcile_into, reports, event), self.service)
            self.kernel.run(self.kernel.seconds + 1000)
            [report] = reports
            if report is None or report.get("failed_stores"):
                raise Violation(f"the reconciler fails in calm weather: {report}")
            if served(report):
                return report
        raise Violation(f"the reconciler never has its turn: {report}")

    def _ends(self) -> list[datetime]:
        return [life.steps[-1].at for life in self.hour.lives]

    def in_the_open(self) -> Iterator[tuple[str, str]]:
        """What functions put where no customer may be named, and where: all that they sent but the bodies of order
        events and, if orders are published whole, of change events."""
        for message in self.queue.sent:
            envelope = json.loads(message.text) | {"body": None}
            yield "the envelope of an order event", json.dumps([envelope, message.group, message.attributes])
        for entry in self.bus.entries:
            yield "an event on the bus", json.dumps(entry | self._whole("Detail"))
        for message in self.letters.sent:
            letter = json.loads(message.text) | self._whole("detail")
            yield "a dead letter of the publisher", json.dumps([letter, message.group, message.attributes])

    def _whole(self, name: str) -> dict[str, None]:
        return {name: None} if self.publishes_personal_data else {}

    def close(self) -> None:
        """End every task."""
        for process in self._processes:
            process.frozen = False
            self.kernel.kill(process)
        self.kernel.run(self.kernel.seconds + 1)
        self.dynamodb.stand_between(None, None)
        self.dynamodb.drop_table(self.table)
        self._in_place.close()

    def _enter(self) -> None:
        put = self._in_place.enter_context
        put(patch.object(intake, "wait", self.kernel.wait))
        put(patch.object(partner_api, "PAGE_SIZE", 4))  # Several pages, of so few orders.
        self.dynamodb.stand_between(self._before_table_call, self._after_table_call, self.stream.written)
        settings = {
            "ORDERS_TABLE_NAME": self.table,
            "ORDER_EVENTS_QUEUE_URL": QUEUE_URL,
            "WEBHOOK_SECRET_ARN": "webhook-secret",
            "PARTNER_API_SECRET_ARN": "partner-api-secret",
            "PARTNER_API_BASE_URL": BASE_URL,
            "CHAIN_ID": CHAIN_ID,
            "RATE_LIMIT_PER_MINUTE": "60",
            "ORDER_RETENTION_DAYS": str(RETENTION_DAYS),
            "REJECTED_RETENTION_DAYS": "90",
            "EVENT_BUS_NAME": BUS,
            "PUBLISHER_DEAD_LETTERS_URL": LETTERS_URL,
            "PUBLISH_PERSONAL_DATA": str(self.publishes_personal_data).lower(),
            "POWERTOOLS_SERVICE_NAME": "simulation",
            "POWERTOOLS_METRICS_NAMESPACE": "PartnerOrders",
            "POWERTOOLS_LOG_LEVEL": LOG_LEVEL,
        }
        put(patch.dict(os.environ, settings))

    # -- the platform -------------------------------------------------------------------------------------------

    def _schedule(self, post: Post, chance: random.Random) -> None:
        """When, and how often, the platform posts one thing."""
        faults = self.faults
        at = max(0.0, self.kernel.at(post.at))
        late, again = chance.uniform(0, 900), chance.uniform(0, 1800)
        if post.order >= 0 and faults.strikes("webhook_dropped", post.name):
            return
        if faults.strikes("webhook_reordered", post.name):
            at += late
        retried = not faults.strikes("webhook_not_retried", post.name)
        self.posted.append(post)
        self.kernel.spawn(partial(self._post, post, retried), self.service, at)
        if faults.strikes("webhook_duplicated", post.name):
            self.kernel.spawn(partial(self._post, post, retried), self.service, at + again)

    def _post(self, post: Post, retried: bool) -> None:
        for _ in range(6 if retried else 1):
            if self._answer(post) and not self.faults.strikes("webhook_answer_lost", post.name):
                return
            self.kernel.sleep(60.0)

    def _answer(self, post: Post) -> bool:
        """Post once; whether the answer is a 2xx. From then on the event is ours."""
        environment = self._environment("webhook")
        if environment.cold and not post.stranger and self.chance.random() < 0.5:
            # Whoever knocks first, before the secret was ever read, is not let in either.
            environment.cold = False
            self._answer(self.hour.stranger)
            environment = self._environment("webhook")
        environment.cold = False
        self.requests += 1
        as_text = post.body.decode("utf-8", "replace").encode() == post.body and self.chance.random() < 0.5
        event = {
            "headers": {"authorization": self._guess() if post.stranger else self.platforms_secret},
            "requestContext": {"requestId": f"r{self.requests}"},
            "isBase64Encoded": not as_text,
            "body": post.body.decode() if as_text else base64.b64encode(post.body).decode(),
        }
        try:
            answer = environment.invoke(event, f"r{self.requests}")
            status = answer["statusCode"]
            self.said.append(json.dumps(answer))
        except Died:
            return False
        except Exception as error:
            raise Violation(f"the webhook raised {type(error).__name__} for {post.name}") from error
        if status == 401 and not post.stranger and not self._may_not_know_yet():
            raise Violation(f"the platform was refused: {post.name}")
        if 200 <= status < 300:
            if post.fate is Fate.REFUSED:
                raise Violation(f"acknowledged what should be refused: {post.name}")
            self.acknowledged.append(post)
        elif 400 <= status < 500 and status != 401 and post.fate is not Fate.REFUSED:
            raise Violation(f"refused with {status} what should be acknowledged: {post.name}")
        return bool(200 <= status < 300)

    def _guess(self) -> str:
        """What a stranger says."""
        secret = self.platforms_secret
        return self.chance.choice(["a guess", "", "Bearer", secret[:-1], secret.upper(), f"{secret}, {secret}"])

    def _may_not_know_yet(self) -> bool:
        """Whether a webhook may not have read the new secret yet: it reads at most once a minute. One that tried and
        failed refuses nobody."""
        just_now = self.kernel.seconds - self._secret_changed_at < 61.0
        return self.platforms_secret == self.secrets.webhook["AWSCURRENT"] and just_now

    def _rotate(self) -> None:
        self.secrets.rotate("second secret")
        self._secret_changed_at = self.kernel.seconds
        self.kernel.sleep(self.faults.between("secret_rotated", 0, 400))
        self.platforms_secret = "second secret"  # noqa: S105

    # -- the services of AWS ------------------------------------------------------------------------------------

    def _environment(self, function: str) -> Environment:
        """A free environment of the function that is still alive, or a cold start."""
        pool = self.pools[function] = [one for one in self.pools[function] if not one.process.killed]
        for one in pool:
            if not one.busy:
                return one
        pool.append(Environment(self, function))
        self._processes.append(pool[-1].process)
        return pool[-1]

    def _poll(self) -> None:
        """The event source: receive, invoke, delete what did not fail; for ever."""
        while True:
            steals = self.faults.strikes("queue_delivered_to_two_at_once") if self.queue.waiting() else False
            messages = self.queue.receive(self.chance.randint(1, 10), steals=0.5 if steals else 0.0)
            if messages:
                self._consume([(message, message.handles[-1]) for message in messages])
                continue
            wait = max(self.queue.next_visible_at() - self.kernel.seconds, 0.2)
            self.kernel.sleep(min(wait, 20.0) + self.chance.uniform(0, 0.5))

    def _consume(self, received: list[tuple[Message, str]]) -> None:
        environment = self._environment("consumer")
        records = [
            {
                "messageId": message.message_id,
                "receiptHandle": handle,
                "body": message.text,
                "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
            }
            for message, handle in received
        ]
        before, put_offs_failed = environment.recorder.counts.copy(), self.faults.counts["queue_put_off_failed"]
        try:
            answer = environment.invoke({"Records": records}, "batch")
        except Died:
            if environment.out_of_time and not environment.process.hung_at & {PUT_OFF, f"after {PUT_OFF}"}:
                raise Violation("a consumer ran out of time, and did not hand back what it had") from None
            return  # Nothing is deleted; all of it comes again after the visibility timeout.
        except Exception as error:
            raise Violation(f"a consumer raised {type(error).__name__}: a whole batch comes again") from error
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if not failed <= {message.message_id for message, _ in received}:
            return  # As the event source does with an answer that makes no sense: all of it failed.
        counts = environment.recorder.counts - before
        cleared = len(received) - len(failed)
        accounted = sum(counts[name] for name in ("Stored", "Duplicate", "Expired", "Rejected", "CatalogueCallback"))
        if accounted != cleared:
            raise Violation(f"{cleared} messages of a batch are done with, but {accounted} are accounted for: {counts}")
        self.cleared += cleared
        for message, handle in received:
            if message.message_id in failed:
                self._has_put_off(message, handle, put_offs_failed)
                continue
            if self.faults.strikes("queue_delete_lost", message.message_id):
                continue
            self.queue.delete(handle)
            if self.faults.strikes("queue_delivered_twice", message.message_id):
                delay = self.faults.between("queue_delivered_twice", 0, self.chance.choice([1, 1500]))
                self.kernel.spawn(partial(self.queue.revive, handle), self.service, delay)

    def _follow(self) -> None:
        """The stream's event source: a batch in the stream's order, again from the first that is held; for ever."""
        most = STREAM_BATCH
        while True:
            self.kernel.sleep(self.chance.uniform(0.2, 5.0))
            batch = self.stream.records[:most]
            if not batch:
                continue
            try:
                answer = self._environment("publisher").invoke({"Records": batch}, "batch")
            except Died:
                most = max(1, len(batch) // 2)  # It bisects.
                continue
            except Exception as error:
                raise Violation(f"the publisher raised {type(error).__name__}: a whole batch comes again") from error
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            held = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            if not held <= {*numbers}:
                raise Violation("the publisher holds what it was not given: the whole batch comes again")
            most = STREAM_BATCH
            self.stream.done_until(min(held, key=int, default=str(int(numbers[-1]) + 1)))

    def _late(self) -> float:
        """How long the queue keeps a message to itself before it delivers it."""
        if not self.faults.strikes("queue_delivered_late"):
            return 0.0
        return self.faults.between("queue_delivered_late", 30, 1500)

    def _has_put_off(self, message: Message, handle: str, faults_before: int) -> None:
        """Check that a message that failed comes back the later, the more often it was tried."""
        hidden_for = self.queue.put_off.get(handle)
        if hidden_for is None:
            if self.faults.counts["queue_put_off_failed"] == faults_before:
                raise Violation(f"{message.message_id} failed, and was not put off")
            return
        tried = int(handle.rpartition("/")[2])
        if not least_seconds(tried) <= hidden_for <= 900:
            raise Violation(f"{message.message_id} failed for the {tried}th time, and was put off by {hidden_for} s")

    def _reconcile_into(self, reports: list[dict[str, Any] | None], event: dict[str, Any]) -> None:
        reports.append(self.reconcile(event))

    def reconcile(self, event: dict[str, Any]) -> dict[str, Any] | None:
        taken = self.queue.taken["reconciliation"]
        try:
            report: dict[str, Any] = self._environment("reconciler").invoke(event, f"run {len(self.reports)}")
        except Exception as error:
            self.said.append(repr(error))
            return None  # The next run does what this one could not.
        self.said.append(json.dumps(report))
        self.reports.append(report)
        taken = self.queue.taken["reconciliation"] - taken
        if taken < report.get("enqueued", 0):
            raise Violation(f"the reconciler says it enqueued {report['enqueued']}, the queue took {taken}")
        return report

    def dies_or_hangs(self, where: str) -> None:
        process = self.kernel.process()
        if self.faults.strikes("killed", f"{process.name} at {where}"):
            self.kernel.kill(process)
            raise Killed
        if self.faults.strikes("hung", f"{process.name} at {where}"):
            process.hung_at.add(where)
            self.kernel.sleep(self.faults.between("hung", 5, 60))

    # -- what stands between a call and its effect --------------------------------------------------------------

    def _sqs_call(self, operation: str, entries: int, effect: Callable[[set[int]], Any]) -> Any:
        faults = self.faults
        self.kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(operation)
        sends = operation.startswith("Send")
        if sends and faults.strikes("queue_send_failed_before", operation):
            raise EndpointConnectionError(endpoint_url="sqs")
        if not sends and faults.strikes("queue_put_off_failed", operation):
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, operation)
        refused = set[int]()
        if operation == "SendMessageBatch":
            refused = {n for n in range(entries) if faults.strikes("queue_batch_partly_refused", operation)}
        answer = effect(refused)
        self.kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(f"after {operation}")
        if sends and faults.strikes("queue_send_failed_after", operation):
            raise ReadTimeoutError(endpoint_url="sqs")
        return answer

    def _bus_call(self, entries: int, effect: Callable[[dict[int, str]], Any]) -> Any:
        faults, where = self.faults, "PutEvents"
        self.kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(where)
        if faults.strikes("bus_no_answer_before", where):
            raise EndpointConnectionError(endpoint_url="events")
        for kind, (code, status) in BUS_REFUSALS.items():
            if faults.strikes(kind, where):
                answered: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
                raise ClientError(answered, where)
        failed = {n: "InternalFailure" for n in range(entries) if faults.strikes("bus_entry_failed", where)}
        refused = {n: "MalformedDetail" for n in range(entries) if faults.strikes("bus_entry_refused", where)}
        answer = effect(failed | refused)
        self.kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(f"after {where}")
        if faults.strikes("bus_no_answer_after", where):
            raise ReadTimeoutError(endpoint_url="events")
        return answer

    def _written_under_a_fence(self, item: dict[str, Any]) -> None:
        name, fence = item["sk"]["S"], int(item["fence"]["N"])
        if fence < self.fences.get(name, 0):
            # Not raised here, where our own code would take it for a fault of the table's.
            self.trespasses.append(f"{name} was written by a worker that had lost its lease")
        self.fences[name] = fence

    def _before_table_call(self, operation: str) -> None:
        if not self.kernel.in_task():
            return
        faults, kernel = self.faults, self.kernel
        kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(operation)
        if faults.strikes("table_slow", operation):
            kernel.sleep(faults.between("table_slow", 2, 9))
        down = self._table_down_from <= kernel.seconds < self._table_down_to and not faults.over
        if down or faults.strikes("table_throttled", operation):
            error = {"Code": "ProvisionedThroughputExceededException", "Message": "The level of configured ..."}
            raise ClientError({"Error": error}, operation)  # type: ignore[typeddict-item]
        if faults.strikes("table_failed_before", operation):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, operation)

    def _after_table_call(self, operation: str, sent: bytes, parsed: dict[str, Any]) -> None:
        if not self.kernel.in_task():
            return
        if operation == "PutItem" and b'"fence"' in sent:
            self._written_under_a_fence(json.loads(sent)["Item"])
        self.kernel.sleep(self.chance.uniform(0.001, 0.02))
        self.dies_or_hangs(f"after {operation}")
        if self.faults.strikes("table_failed_after", operation):
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if operation == "BatchGetItem" and self.faults.strikes("table_keys_unprocessed", operation):
            for table, items in parsed["Responses"].items():
                if len(items) > 1:
                    put_back = [{"pk": item["pk"], "sk": item["sk"]} for item in items[1:]]
                    del items[1:]
                    parsed["UnprocessedKeys"] = {table: {"Keys": put_back}}
