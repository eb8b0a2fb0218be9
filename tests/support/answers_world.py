"""The answers API on moto: orders as they were stored, a caller, and the wake-ups of the sender."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from partner_orders.answers.endpoint import GET, LIST, POST, AnswersEndpoint
from partner_orders.answers.intake import AnswersIntake
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.order_reads import OrderReads
from partner_orders.answers.rules import Brand
from partner_orders.answers.stored import Ending
from partner_orders.answers.table import AnswersTable
from partner_orders.aws.dynamodb import Table
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.answers import ORDER_ID, STORE_ID, lines, said
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tools.local.events import answers_request


@dataclass
class WakeUpsOfTest:
    woken: list[str] = field(default_factory=list)
    fails: bool = False

    def send(self, order_id: str, _: float = 0.0) -> None:
        if self.fails:
            raise ConnectionError
        self.woken.append(order_id)


class AnswersWorld:
    """One store that answers, with one order; ``now`` is the intake's clock."""

    def __init__(self, dynamodb: Any, brand: str = "foodpanda", **fields: Any) -> None:
        self.client = client = dynamodb
        self.brand = Brand(brand)
        self.now: datetime = NOW
        self.orders = OrdersTable(client, TABLE, RETENTION)
        self.stores = StoresTable(client, TABLE, CHAIN_ID, clock)
        self.table = AnswersTable(client, TABLE, RETENTION)
        self.wake_ups = WakeUpsOfTest()
        self.endpoint = AnswersEndpoint(self.intake())
        self.switch(True)
        self.receive(**fields)

    def intake(self) -> AnswersIntake:
        """An intake of its own, as another sandbox would have."""
        reads, wake_ups = OrderReads(Table(self.client, TABLE), self._clock), self.wake_ups
        return AnswersIntake(reads, self.table, wake_ups, self.brand, CHAIN_ID, self._clock)  # type: ignore[arg-type]

    def _clock(self) -> datetime:
        return self.now

    def switch(self, answering: bool) -> None:
        self.stores.set(STORE_ID, StoreSettings(is_answering=answering))

    def receive(self, minute: int = 10, **fields: Any) -> None:
        """Store an event of the order."""
        event = parse_event(as_bytes(order(minute, **({"items": lines()} | fields))))
        self.orders.write([(event, Arrival("webhook", self.now, "request-1"))])

    def request(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        http = self.endpoint.respond(event).to_http()
        return http["statusCode"], json.loads(http["body"])

    def post(
        self, body: Any = None, store_id: str = STORE_ID, order_id: str = ORDER_ID, **content: Any
    ) -> tuple[int, dict[str, Any]]:
        """Answer the order, by a body or by the content of one."""
        raw = body if isinstance(body, str | bytes) else json.dumps(said(**content) if body is None else body)
        return self.request(answers_request(POST, store_id, order_id, raw))

    def shown(self, store_id: str = STORE_ID, order_id: str = ORDER_ID) -> tuple[int, dict[str, Any]]:
        return self.request(answers_request(LIST, store_id, order_id))

    def get(self, answer_id: str) -> tuple[int, dict[str, Any]]:
        return self.request(answers_request(GET, STORE_ID, ORDER_ID, answer_id=answer_id))

    def end(self, outcome: Outcome = Outcome.APPLIED, reason: str = "", problems: tuple[str, ...] = ()) -> None:
        """End the oldest open answer, as the sender would."""
        claimed = self.table.claim(ORDER_ID, self.now)
        assert claimed is not None
        assert claimed.oldest_open is not None
        self.table.end(claimed, claimed.oldest_open, Ending(outcome, self.now, reason, problems))

    @property
    def stored(self) -> list[str]:
        """The ids of the answers that are stored for the order."""
        return [stored.answer.answer_id for stored in self.table.get(ORDER_ID).answers]
