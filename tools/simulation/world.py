"""The simulated world: one seed's story, told with the real functions in simulated surroundings.

``environment`` runs the functions, ``event_sources`` call them, ``posting_platform`` and ``platform_session`` are the
platform, ``simulated_till`` answers orders, and ``troubled_calls`` is what goes wrong between a call to AWS and its
effect.
"""

import json
import os
import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from partner_orders.consumer import intake
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.platform import budgeted_requests
from partner_orders.platform import orders as partner_api
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.backfill import NO_STORE
from partner_orders.reconciler.windows import GIVEN_UP_FOR
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tools.local.simulated_platform.lives import Life
from tools.local.simulated_platform.picking import is_open, with_line_added
from tools.local.simulated_platform.profiles import Profile
from tools.simulation.environment import TIMEOUTS, Environment, Recorder
from tools.simulation.event_sources import EventSources
from tools.simulation.faults import Faults
from tools.simulation.hour import CHAIN_ID, Post, trading
from tools.simulation.kernel import Kernel, Killed, Process
from tools.simulation.odd_platform import LATE, Odd, OddPartnerApi, brand, brand_accepts, odd, unknowns
from tools.simulation.picked import picked_orders, post_of
from tools.simulation.posting_platform import PostingPlatform
from tools.simulation.simulated_bus import SimulatedBus
from tools.simulation.simulated_queue import SimulatedQueue, SqsClient
from tools.simulation.simulated_secrets import SimulatedSecrets
from tools.simulation.simulated_stream import SimulatedStream
from tools.simulation.simulated_till import SimulatedTills
from tools.simulation.table import DynamoDB
from tools.simulation.troubled_calls import TroubledCalls
from tools.simulation.violation import Violation

START = datetime(2026, 3, 14, 11, tzinfo=UTC)
HOUR = 3600.0
BASE_URL = "https://partner-api.example.com"
TOKEN = "a-token-of-the-platform"  # noqa: S105 (of the simulated one)
CONSUMERS = 3
# Seconds between two runs of the reconciler in calm weather.
RUN_EVERY = 301.0
SIEGE_RUNS = 14
PATIENT_RUNS = 12
CALM_RUNS = 40
# One run may not need more memory than this, above what the process has needed before.
MOST_GROWTH = 160 * 2**20
RETENTION_DAYS = 400
LOG_LEVEL = "CRITICAL"
QUEUE_URL = "https://queue.example.com/order-events"
LETTERS_URL = "https://queue.example.com/publisher-dead-letters"
ANSWERS_URL = "https://queue.example.com/answers"
RATE_LIMIT = 60
SENDERS = 2
# The longest that an answer may be without its outcome, and the platform's last lag.
ANSWERS_WITHIN = 3.2 * HOUR
BUS = "order-changes"


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class World:
    """One seed's story. ``only`` keeps some of the orders (by number; -1 is what is not an order); in a ``loud`` one
    the functions log and measure as they do in Lambda, and with ``personal_data`` they publish orders whole (the seed
    decides where nobody does). The chain answers ``picked`` more orders. What was said to callers is in ``said``, and
    ``asked`` tells at which second the platform was asked, by which function, and ``lines_added`` which line somebody
    else added to an order."""

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
        picked: int = 0,
    ) -> None:
        self.seed = seed
        self.accepts = brand_accepts(seed)
        made = picked_orders(seed, START, picked, self.accepts) if picked else {}
        self.numbers = {life.order_id: number for number, life in made.items()}
        self.picked = [life for number, life in made.items() if only is None or number in only]
        self.is_loud = loud
        if personal_data is None:
            personal_data = random.Random(f"{seed}/personal data").random() < 0.5
        self.publishes_personal_data = personal_data
        self.said: list[str] = []
        self.chance = random.Random(f"{seed}/world")
        self.faults = Faults(seed, without, at_most)
        self.kernel = Kernel(START)
        odds, profile = odd(seed, orders, self.faults), brand(seed)
        self.hour = trading(seed, START, orders, only, profile, odds, self.faults)
        self.numbers |= self.hour.numbers
        self.dynamodb = dynamodb
        self.table = dynamodb.new_table()
        self.budget_table = dynamodb.new_table() if picked else ""
        self._open_queues()
        self.api = self._platform(profile, odds)
        self.deadly = self._names_of_store(odds.deadly)
        self._overruns: list[tuple[Callable[[], bool], str]] = []
        self.stream = SimulatedStream(partial(dynamodb.look_at, self.table))
        self.calls = TroubledCalls(self)
        self._open_services()
        self.service = Process("the service")
        self.pools: dict[str, list[Environment]] = {function: [] for function in TIMEOUTS}
        self.environments = 0
        self.recorders: list[Recorder] = []
        self.deaths: Counter[str] = Counter()
        self.acknowledged: list[Post] = []
        self.posted: list[Post] = []
        self.cleared = 0
        self.requests = 0
        self.reports: list[dict[str, Any]] = []
        self.asked: list[tuple[float, str]] = []
        self.lines_added: dict[str, str] = {}
        self.posting_platform = PostingPlatform(self)
        self.tills = SimulatedTills(self, self.accepts)
        self._processes: list[Process] = [self.service]
        self._in_place = ExitStack()
        self._enter()

    def _open_queues(self) -> None:
        def queue(name: str, **settings: Any) -> SimulatedQueue:
            return SimulatedQueue(lambda: self.kernel.seconds, random.Random(f"{self.seed}/{name}"), **settings)

        # Some seeds give up early, so that dead letters are seen, too.
        tried = self.chance.choice([80, 80, 4])
        self.queue = queue("queue", max_receive_count=tried, late=self._late)
        self.letters = queue("letters")
        self.wake_ups = queue("wake-ups", visibility_timeout=360.0, max_receive_count=20, late=self._late)

    def _open_services(self) -> None:
        others = {"partner-api-secret": json.dumps({"token": TOKEN})}
        self.secrets = SimulatedSecrets("first secret", self.calls.secrets, others)
        self.bus = SimulatedBus(BUS, self.calls.bus)
        queues = {QUEUE_URL: self.queue, LETTERS_URL: self.letters, ANSWERS_URL: self.wake_ups}
        self.clients: dict[str, Any] = {
            "dynamodb": self.dynamodb.client,
            "sqs": SqsClient(queues, self.calls.sqs),
            "secretsmanager": self.secrets,
            "events": self.bus,
        }

    def _platform(self, profile: Profile | None, odds: Odd) -> OddPartnerApi:
        seed, faults = self.seed, self.faults
        api = OddPartnerApi(CHAIN_ID, TOKEN, RATE_LIMIT, seed=seed, unknowns=unknowns(seed, faults), faults=faults)
        if profile is not None:
            api.form_of_get = profile.form_of_get
        api.unknowns.accepts = self.accepts
        api.show_odd([*self.hour.lives, *self.picked], self.numbers, odds, self.hour.swap)
        api.on_change = self._changed
        return api

    @property
    def lives(self) -> list[Life]:
        """Every order of the platform, as it is now."""
        return [*self.hour.lives, *(self.api.shown(life.order_id) or life for life in self.picked)]

    def _changed(self, life: Life) -> None:
        """Have the platform post what an answer changed."""
        step = life.steps[-1]
        if step.by_webhook:
            post = post_of(life, step, self.numbers[life.order_id])
            self.posting_platform.schedule(post, random.Random(f"{self.seed}/post/{post.name}"))

    def _names_of_store(self, number: int | None) -> set[str]:
        """Both ids of the store of an order, by the order's place in the hour."""
        shops = [life.shop for life in self.hour.lives if self.numbers[life.order_id] == number]
        return {name for shop in shops for name in (shop.store_id, shop.external_partner_config_id)}

    # -- the story ----------------------------------------------------------------------------------------------

    def trade(self) -> None:
        """An hour and a little of trading, with everything that goes wrong in it."""
        platform, event_sources = self.posting_platform, EventSources(self)
        for number, post in enumerate(self.hour.posts):
            platform.schedule(post, random.Random(f"{self.seed}/post/{post.order}/{post.name}/{number}"))
        if self.picked:
            self._open_tills(event_sources)
        for number in range(CONSUMERS):
            self.kernel.spawn(event_sources.poll, self.service, delay=number / 7)
        self.kernel.spawn(event_sources.follow, self.service)
        at = self.chance.uniform(60, 900)
        while at < HOUR:
            self.kernel.spawn(partial(self.reconcile, {}), self.service, at)
            at += self.chance.choice(
                [self.chance.uniform(0, 60), self.chance.uniform(100, 300), self.chance.uniform(300, 1200)]
            )
        if self.faults.strikes("secret_rotated"):
            self.kernel.spawn(platform.rotate_secret, self.service, self.chance.uniform(600, 3000))
        if self.faults.strikes("table_down"):
            start = self.chance.uniform(0, 3000)
            self.calls.take_the_table_down(start, self.faults.between("table_down", 60, 1500))
        self.kernel.run(HOUR * 1.1)

    def _open_tills(self, event_sources: EventSources) -> None:
        """Have the platform tell of the orders that are picked, and the chain answer them."""
        store = self.picked[0].shop.store_id
        stores = StoresTable(self.dynamodb.client, self.table, CHAIN_ID, self.kernel.now)
        stores.set(store, StoreSettings(is_answering=True))
        for life in self.picked:
            self._changed(life)
            if self.faults.strikes("platform_adds_line", life.order_id):
                at = self.kernel.at(life.created_at) + self.faults.between("platform_adds_line", 0, 900)
                self.kernel.spawn(partial(self._add_line, life.order_id), self.service, at)
        self.tills.open(self.picked, self.numbers)
        for number in range(SENDERS):
            self.kernel.spawn(event_sources.wake, self.service, delay=number / 3)
        self.kernel.spawn(event_sources.sweep, self.service)

    def _add_line(self, order_id: str) -> None:
        """Have somebody add a line to an order, if it still waits for its store."""
        life, now = self.api.shown(order_id), self.kernel.now()
        step = life.step_at(now) if life else None
        if life is None or step is None or not is_open(step.status):
            return
        after = with_line_added(life, step, now, self.faults.chance_of("platform_adds_line"))
        self.lines_added[order_id] = after.steps[-1].body["items"][-1]["_id"]
        self.api.replace(after)

    def answers_end(self, have_ended: Callable[[], bool]) -> None:
        """Go on in calm weather until every answer has its outcome. Raises Violation."""
        until = self.kernel.seconds + ANSWERS_WITHIN
        while not (have_ended() and self.tills.are_done):
            if self.kernel.seconds > until:
                raise Violation("answers have no outcome after hours of calm")
            self.kernel.run(self.kernel.seconds + 60)

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

    def besiege(self, is_done: Callable[[], bool]) -> None:
        """Run while every worker dies at one store's request, until what the others have is here."""
        if not self.deadly:
            return
        self._wait_for_the_last_order()
        for _ in range(SIEGE_RUNS):
            self._run_in(RUN_EVERY, {})
            self.calm_down()
            if is_done():
                break
        else:
            raise Violation(f"{SIEGE_RUNS} runs end at one store, and others still have orders that we do not have")
        self.deadly = set()

    def tick_until(self, is_done: Callable[[], bool]) -> None:
        """Let the reconciler go on from where it is, over every store: once, or where the platform is odd as often as
        that may take."""
        self._wait_for_the_last_order()
        for _ in range(self.patience):
            self._in_calm({}, lambda report: report["stopped"] != "another_worker_holds_the_lease")
            self.calm_down()
            if is_done():
                return
            self.kernel.run(self.kernel.seconds + RUN_EVERY)

    @property
    def patience(self) -> int:
        """After how many runs in calm weather no order may be missing any more."""
        odds = self.api.odd
        if odds.late:
            return int(LATE.total_seconds() + HOUR) // int(RUN_EVERY) + 2
        return PATIENT_RUNS if odds.failing or odds.bad or self.unknown_guesses else 1

    @property
    def unknown_guesses(self) -> bool:
        """Whether the platform refuses what is tried first."""
        return self.api.unknowns.times_refused or self.api.unknowns.page_size_refused

    def at_the_end(self, is_wrong: Callable[[], bool], what: str) -> None:
        """Check this once the trouble is over."""
        self._overruns.append((is_wrong, what))

    def overruns(self) -> list[str]:
        """What took more than there is: time, memory."""
        return [what for is_wrong, what in self._overruns if is_wrong()]

    def may_fail(self) -> set[str]:
        """Stores that need not be read to the end: the platform fails at one of their orders."""
        return {life.shop.store_id for life in self.lives if self.numbers[life.order_id] in self.api.odd.failing}

    def _wait_for_the_last_order(self) -> None:
        self.kernel.run(max(self.kernel.seconds, max(map(self.kernel.at, self._ends()), default=0.0) + 60))

    def _run_in(self, seconds: float, event: dict[str, Any]) -> None:
        """Invoke the reconciler after some seconds, whatever becomes of it."""
        self.kernel.run(self.kernel.seconds + seconds)
        self.kernel.spawn(partial(self.reconcile, event), self.service)
        self.kernel.run(self.kernel.seconds + 1000)

    def reconcile_until_in_step(self) -> None:
        """Have the whole hour looked at again, until there is nothing more to do, but for what never is in step."""
        for _ in range(8):
            sent_before = len(self.queue.sent)
            request: dict[str, Any] = {"from": (START - timedelta(hours=1)).isoformat()}
            report = self._in_calm(request, lambda report: "backfill" in report or "error" in report)
            if report.get("error") == NO_STORE:
                return
            while report["state"] != "done":
                self._in_calm({}, lambda report: report["stopped"] != "another_worker_holds_the_lease")
                report = self._in_calm({"backfill": report["backfill"]}, lambda report: "backfill" in report)
            if report["failed_stores"].keys() - self.may_fail():
                raise Violation(f"a backfill fails in calm weather: {report}")
            if all(self._is_restless(message.text) for message in self.queue.sent[sent_before:]):
                return
            self.calm_down()
        raise Violation("the reconciler enqueues again and again: it never finds the orders in step")

    def _is_restless(self, text: str) -> bool:
        """Whether a message has an order that the platform shows differently at each look."""
        body = OrderEventMessage.from_text(text).body.lower()
        numbers = self.hour.numbers.items()
        return any(number in self.api.odd.restless and order_id.encode() in body for order_id, number in numbers)

    def _in_calm(self, event: dict[str, Any], served: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What the reconciler answers once it is its turn and every store's: a worker that died holds its lease a
        little longer, and a store at which several workers died waits for hours."""
        for _ in range(CALM_RUNS):
            reports: list[dict[str, Any] | None] = []
            self.kernel.spawn(partial(self._reconcile_into, reports, event), self.service)
            self.kernel.run(self.kernel.seconds + 1000)
            [report] = reports
            failed = (report or {}).get("failed_stores", {})
            kinds = {failed[store_id] for store_id in failed.keys() - self.may_fail()}
            if report is None or kinds - {Failure.ENDS_THE_RUN}:
                raise Violation(f"the reconciler fails in calm weather: {report}")
            if kinds:
                self.kernel.run(self.kernel.seconds + GIVEN_UP_FOR.total_seconds())
            elif served(report):
                return report
        raise Violation(f"the reconciler never has its turn: {report}")

    def _ends(self) -> list[datetime]:
        """When each order ends, and is in the platform's list."""
        lates = {life.order_id for life in self.lives if self.numbers[life.order_id] in self.api.odd.late}
        return [max(life.steps[-1].at, life.created_at + LATE * (life.order_id in lates)) for life in self.lives]

    def in_the_open(self) -> Iterator[tuple[str, str]]:
        """What functions put where no customer may be named, and where: all that they sent but the bodies of order
        events and, if orders are published whole, of change events."""
        for message in self.queue.sent:
            envelope = json.loads(message.text) | {"body": None}
            yield "the envelope of an order event", json.dumps([envelope, message.group, message.attributes])
        for entry in self.bus.entries:
            yield "an event on the bus", json.dumps(entry | self._whole("Detail"))
        for message in self.wake_ups.sent:
            yield "a wake-up of the sender", json.dumps([message.text, message.group, message.attributes])
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
        for table in filter(None, (self.table, self.budget_table)):
            self.dynamodb.drop_table(table)
        self._in_place.close()

    def _enter(self) -> None:
        put = self._in_place.enter_context
        put(patch.object(intake, "wait", self.kernel.wait))
        put(patch.object(partner_api, "PAGE_SIZE", 4))  # Several pages, of so few orders.
        put(patch.object(partner_api, "SMALLER_PAGE_SIZES", (3, 2), create=True))
        ids = SimpleNamespace(token_hex=lambda size: f"{self.chance.getrandbits(8 * size):0{2 * size}x}")
        put(patch.object(budgeted_requests, "secrets", ids))
        self.dynamodb.stand_between(self.calls.before_table, self.calls.after_table, self.stream.written)
        settings = {
            "ORDERS_TABLE_NAME": self.table,
            "ORDER_EVENTS_QUEUE_URL": QUEUE_URL,
            "WEBHOOK_SECRET_ARN": "webhook-secret",
            "PARTNER_API_SECRET_ARN": "partner-api-secret",
            "PARTNER_API_BASE_URL": BASE_URL,
            "CHAIN_ID": CHAIN_ID,
            "RATE_LIMIT_PER_MINUTE": str(RATE_LIMIT),
            "ORDER_RETENTION_DAYS": str(RETENTION_DAYS),
            "REJECTED_RETENTION_DAYS": "90",
            "EVENT_BUS_NAME": BUS,
            "PUBLISHER_DEAD_LETTERS_URL": LETTERS_URL,
            "PUBLISH_PERSONAL_DATA": str(self.publishes_personal_data).lower(),
            "POWERTOOLS_SERVICE_NAME": "simulation",
            "POWERTOOLS_METRICS_NAMESPACE": "PartnerOrders",
            "POWERTOOLS_LOG_LEVEL": LOG_LEVEL,
        }
        if self.picked:
            settings |= {
                "ANSWERS_QUEUE_URL": ANSWERS_URL,
                "REQUEST_BUDGET_TABLE_NAME": self.budget_table,
                "BRAND": "glovo" if self.accepts else "foodpanda",
                "ANSWER_WITHIN_MINUTES": "15",
            }
        put(patch.dict(os.environ, settings))

    # -- the services of AWS ------------------------------------------------------------------------------------

    def environment(self, function: str) -> Environment:
        """A free environment of the function that is still alive, or a cold start."""
        pool = self.pools[function] = [one for one in self.pools[function] if not one.process.killed]
        for one in pool:
            if not one.busy:
                return one
        pool.append(Environment(self, function))
        self._processes.append(pool[-1].process)
        return pool[-1]

    def _late(self) -> float:
        """How long the queue keeps a message to itself before it delivers it."""
        if not self.faults.strikes("queue_delivered_late"):
            return 0.0
        return self.faults.between("queue_delivered_late", 30, 1500)

    def _reconcile_into(self, reports: list[dict[str, Any] | None], event: dict[str, Any]) -> None:
        reports.append(self.reconcile(event))

    def reconcile(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Invoke the reconciler once; None if it failed. Raises Violation if it enqueued less than it says."""
        taken, peak = self.queue.taken["reconciliation"], peak_bytes()
        try:
            report: dict[str, Any] = self.environment("reconciler").invoke(event, f"run {len(self.reports)}")
        except Exception as error:
            self.said.append(repr(error))
            return None  # The next run does what this one could not.
        finally:
            if (grown := peak_bytes() - peak) > MOST_GROWTH:
                raise Violation(f"a run of the reconciler took {grown >> 20} MiB")
        self.said.append(json.dumps(report))
        self.reports.append(report)
        taken = self.queue.taken["reconciliation"] - taken
        if taken < report.get("enqueued", 0):
            raise Violation(f"the reconciler says it enqueued {report['enqueued']}, the queue took {taken}")
        return report

    def dies_at_the_store(self, vendor: str) -> None:
        """Kill the process that is running if it requests a store that kills. Raises Killed."""
        if vendor in self.deadly:
            self.faults.show("platform_kills")
            self.kernel.kill(self.kernel.process())
            raise Killed

    def dies_or_hangs(self, where: str) -> None:
        """Kill or delay the process that is running, if it is its turn. Raises Killed."""
        process = self.kernel.process()
        if self.faults.strikes("killed", f"{process.name} at {where}"):
            self.kernel.kill(process)
            raise Killed
        if self.faults.strikes("hung", f"{process.name} at {where}"):
            process.hung_at.add(where)
            self.kernel.sleep(self.faults.between("hung", 5, 60))
