"""The sender between a table in moto, the simulated platform and a clock that tests move."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from partner_orders.answers.answer import Answer
from partner_orders.answers.intake import AnswersIntake, Taken
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.reading import read_answer
from partner_orders.answers.rules import Brand
from partner_orders.answers.stored import OrderAnswers
from partner_orders.answers.table import AnswersTable
from partner_orders.aws.dynamodb import Table
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.order_exchange import OrderExchange
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.sender.sending import Sender
from partner_orders.sender.turn import Sent
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import RETENTION, TABLE
from tests.support.platform import BASE_URL, START, TOKEN, PlatformSession, VirtualTime
from tools.local.simulated_platform.lives import to_text, waiting_orders
from tools.local.simulated_platform.partner_api import SimulatedPartnerApi, Unknowns


class KilledError(BaseException):
    """The sender's process is gone."""


@dataclass
class WakeUpsOfTest:
    """Wake-ups by order, with when each is due, in the test's seconds."""

    time: VirtualTime
    due: list[tuple[float, str]] = field(default_factory=list)

    def send(self, order_id: str, delay_seconds: float = 0.0) -> None:
        self.due.append((self.time.seconds + max(delay_seconds, 0.0), order_id))


class SecretOfTest:
    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": json.dumps({"token": TOKEN})}


class SenderWorld:
    """``orders`` lives whose stores answer; ``kinds`` are their courses."""

    def __init__(self, client: Any, orders: int = 4, seed: int = 7, accepts: bool = False) -> None:
        self.time = VirtualTime()
        self.api = SimulatedPartnerApi(CHAIN_ID, TOKEN, 6_000, seed, Unknowns(accepts=accepts))
        self.lives = waiting_orders(seed, orders, START + timedelta(hours=1), CHAIN_ID, accepts)
        self.api.show(self.lives)
        self.brand = Brand("glovo" if accepts else "foodpanda")
        self.client = client
        self.table = AnswersTable(client, TABLE, RETENTION)
        self.reads = OrderReads(Table(client, TABLE), self.time.now)
        self.orders = OrdersTable(client, TABLE, RETENTION)
        self.stores = StoresTable(client, TABLE, CHAIN_ID, self.time.now)
        wake_ups: Any = WakeUpsOfTest(self.time)
        self.wake_ups = wake_ups
        self.told: list[OrderEventMessage] = []
        self.session = PlatformSession(self.api, self.time)
        self.intake = AnswersIntake(self.reads, self.table, wake_ups, self.brand, CHAIN_ID, self.time.now)
        self.outcomes: Counter[str] = Counter()
        self._said = 0
        for life in self.lives:
            event = parse_event(to_text(life.steps[0].body).encode())
            self.orders.write([(event, Arrival("webhook", self.time.now(), "request-1"))])
        self.store_id = self.lives[0].shop.store_id
        self.stores.set(self.store_id, StoreSettings(is_answering=True))

    def sender(self) -> Sender:
        """A sender of its own, as another sandbox would have."""
        limit = RateLimit(6_000, self.time.monotonic, self.time.sleep)
        credentials = PartnerApiCredentials(SecretOfTest(), "arn", BASE_URL, self.session, limit)  # type: ignore[arg-type]
        exchange = OrderExchange(BASE_URL, CHAIN_ID, credentials, self.session, limit, self.time.now)
        chance = random.Random(1)
        queue: Any = self
        return Sender(self.table, self.reads, exchange, queue, self.wake_ups, self.brand, self.time.now, chance.random)

    def send(self, message: OrderEventMessage) -> None:
        """The order-events queue, whose consumer stores at once."""
        self.told.append(message)
        event = parse_event(message.body)
        arrival = Arrival(message.source, message.received_at, message.correlation_id, message.shown_at)
        self.orders.write([(event, arrival)])

    def answer(self, order: int = 0, **said: Any) -> Taken:
        """Have an order answered; what is not said is an answer that all was found."""
        order_id = self.lives[order].order_id
        self._said += 1
        content = {"answer_id": f"till-{self._said}", "sequence": self.sequence(order), "kind": "ready"}
        answer = self.read(content | said)
        return self.intake.take(self.store_id, order_id, answer, "arn:aws:iam::1:role/till", "request-7")

    def read(self, content: dict[str, Any]) -> Answer:
        exact = json.loads(json.dumps(content), parse_float=Decimal)
        return read_answer(exact)

    def sequence(self, order: int = 0) -> int:
        stored = self.orders.get(self.lives[order].order_id)
        assert stored is not None
        return stored.sequence

    def lines(self, order: int = 0) -> list[dict[str, Any]]:
        """The lines of an order as the platform has them now."""
        life = self.api.shown(self.lives[order].order_id)
        assert life is not None
        items: list[dict[str, Any]] = life.steps[-1].body["items"]
        return items

    def status(self, order: int = 0) -> str:
        """The status of an order as the platform has it now."""
        life = self.api.shown(self.lives[order].order_id)
        assert life is not None
        return life.steps[-1].status

    def answers(self, order: int = 0) -> OrderAnswers:
        return self.table.get(self.lives[order].order_id)

    def outcome(self, number: int = 1, order: int = 0) -> str:
        """The outcome of an answer of an order; empty while it has none."""
        ending = self.answers(order).answers[number - 1].ending
        return "" if ending is None else ending.outcome.value

    def run(self, seconds: float = 4 * 3600.0) -> None:
        """Serve every wake-up that is due within some seconds, and no more."""
        until = self.time.seconds + seconds
        while self.wake_ups.due:
            self.wake_ups.due.sort()
            at, order_id = self.wake_ups.due[0]
            if at > until:
                return
            del self.wake_ups.due[0]
            self.time.seconds = max(self.time.seconds, at)
            self.tell(self.sender().process(order_id, seconds_left()))

    def storm(self, deaths: Iterable[int], loses_wake_ups: bool = False) -> None:
        """Run to the end of every answer, while a sender dies at each of these calls to AWS or the platform, counted
        over all senders. Only the sweep wakes those whose wake-ups are lost."""
        calls, left = 0, {*deaths}

        def may_die(**_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls in left:
                raise KilledError

        self.session.may_die = may_die
        self.client.meta.events.register("before-call.dynamodb", may_die, unique_id="storm")
        self.client.meta.events.register("after-call.dynamodb", may_die, unique_id="storm after")
        try:
            for _ in range(6 * 60):
                if loses_wake_ups:
                    self.wake_ups.due.clear()
                due = [order_id for at, order_id in sorted(self.wake_ups.due) if at <= self.time.seconds]
                self.wake_ups.due = [(at, order_id) for at, order_id in self.wake_ups.due if at > self.time.seconds]
                with suppress(KilledError):
                    due += self.table.due(self.time.now(), 100)
                for order_id in dict.fromkeys(due):
                    with suppress(KilledError):
                        self.tell(self.sender().process(order_id, seconds_left()))
                self.time.seconds += 60.0
                left -= {*range(calls)}
                if not left and all(self.outcome(number + 1, order) for order, number in self._accepted()):
                    return
        finally:
            self.client.meta.events.unregister("before-call.dynamodb", unique_id="storm")
            self.client.meta.events.unregister("after-call.dynamodb", unique_id="storm after")

    def _accepted(self) -> Iterator[tuple[int, int]]:
        for order in range(len(self.lives)):
            for number in range(self.answers(order).accepted):
                yield order, number

    def tell(self, sent: Sent) -> None:
        self.outcomes.update(outcome.value for outcome, _ in sent.outcomes)


def seconds_left() -> Callable[[], float]:
    """What the function may take yet: a minute at first, and a second less at each look."""
    looks = count()
    return lambda: 60.0 - next(looks)
