"""The sender and one order: answers in a simulated table, and a platform that responds as a test says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from partner_orders.answers.rules import Brand
from partner_orders.answers.stored import Ending, Progress, StoredAnswer
from partner_orders.answers.table import AnswersTable
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Table
from partner_orders.exact_json import Json
from partner_orders.order_events.message import OrderEventMessage
from partner_orders.orders.event import OrderEvent, parse_event
from partner_orders.platform.failures import OutOfTimeError
from partner_orders.platform.order_exchange import Shown
from partner_orders.sender.sending import Sender
from partner_orders.sender.turn import Sent
from tests.support.answers import ORDER_ID, STORE_ID, read
from tests.support.contracts import simulated_orders_table
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE

# The platform's time of every response.
SHOWN_AT = NOW - timedelta(seconds=1)
# A step takes a few of each. One call that takes more does not end.
MOST_LOOKS, MOST_CALLS = 20, 60

type Said = dict[str, Any] | bytes | Exception | None
type Response = Said | Callable[[], Said]


class OneOrderWorld:
    """``known`` is the order as the table has it, None if it has gone. ``gets`` and ``puts`` are the responses to the
    next requests; one that is a function is called for what it does meanwhile. ``requests`` are those that were made,
    ``room`` for a permit, ``bodies`` what they sent. ``left`` is how many seconds the function has."""

    def __init__(self, brand: str = "foodpanda") -> None:
        client = simulated_orders_table()
        self.now = NOW
        self.known: dict[str, Any] | None = order(10)
        self.answering = {STORE_ID}
        self.has_room = True
        self.gets: list[Response] = []
        self.puts: list[Response] = []
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self.told: list[OrderEventMessage] = []
        self.woken: list[tuple[str, float]] = []
        self.left = 60.0
        self.table = AnswersTable(client, TABLE, RETENTION)
        self._rows = Table(client, TABLE)
        self._brand = Brand(brand)
        self._calls = count(1)
        client.meta.events.register("before-call.dynamodb", self._bound_calls)

    # -- the order's answers ------------------------------------------------------------------------------------

    def accept(
        self,
        progress: Progress | None = None,
        ending: Ending | None = None,
        seconds_ago: float = 40.0,
        answered: tuple[str, ...] = ("line-1",),
        **said: Any,
    ) -> StoredAnswer:
        """Store an answer, that all was found unless it says otherwise, as far as it is."""
        earlier = self.table.get(ORDER_ID)
        number, at = earlier.accepted + 1, NOW - timedelta(seconds=seconds_ago)
        answer = read(**{"answer_id": f"till-{number}"} | said)
        stored = StoredAnswer(number, answer, at, "role/till", "request-7", answered, progress or Progress(at), ending)
        self.table.accept(earlier, stored, STORE_ID)
        return stored

    def stored(self, number: int = 1) -> StoredAnswer:
        return self.table.get(ORDER_ID).answers[number - 1]

    @property
    def row(self) -> Row:
        """The row of all answers."""
        return self._rows.get(keys.answers(ORDER_ID)) or {}

    # -- the sender ---------------------------------------------------------------------------------------------

    def process(self) -> Sent:
        """Have the sender serve one wake-up."""
        looks, self._calls = count(1), count(1)

        def remaining_seconds() -> float:
            assert next(looks) <= MOST_LOOKS
            return self.left

        queue: Any = self
        wake_ups: Any = _WakeUps(self.woken)
        sender = Sender(self.table, self, self, queue, wake_ups, self._brand, lambda: self.now, lambda: 0.5)
        return sender.process(ORDER_ID, remaining_seconds)

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _bound_calls(self, **_: Any) -> None:
        assert next(self._calls) <= MOST_CALLS

    # -- what it reaches ----------------------------------------------------------------------------------------

    def newest(self, order_id: str) -> OrderEvent | None:
        assert order_id == ORDER_ID
        return None if self.known is None else parse_event(as_bytes(self.known))

    def is_answering(self, store_id: str) -> bool:
        return store_id in self.answering

    def send(self, message: OrderEventMessage) -> None:
        self.told.append(message)

    def make_room(self) -> None:
        self.requests.append("room")
        if not self.has_room:
            raise OutOfTimeError

    def show(self, order_id: str) -> Shown:
        shown = self._respond("GET", order_id, self.gets)
        assert shown is not None
        return shown

    def put(self, order_id: str, body: Json) -> Shown | None:
        self.bodies.append(body)
        return self._respond("PUT", order_id, self.puts)

    def _respond(self, method: str, order_id: str, responses: list[Response]) -> Shown | None:
        assert order_id == ORDER_ID
        self.requests.append(method)
        assert responses, f"no {method} is expected"
        response = responses.pop(0)
        said = response() if callable(response) else response
        if isinstance(said, Exception):
            raise said
        if said is None:
            return None
        return Shown(said if isinstance(said, bytes) else as_bytes(said), SHOWN_AT)


class _WakeUps:
    def __init__(self, woken: list[tuple[str, float]]) -> None:
        self._woken = woken

    def send(self, order_id: str, delay_seconds: float = 0.0) -> None:
        self._woken.append((order_id, delay_seconds))


def line(line_id: str = "line-1", status: str = "NOT_PROCESSED", quantity: int = 2) -> dict[str, Any]:
    """A line of the order; its own is line-1."""
    ordered: dict[str, Any] = order()["items"][0]
    return ordered | {"_id": line_id, "status": status, "pricing": ordered["pricing"] | {"quantity": quantity}}


def after(progress: Progress, seconds: float, **changed: Any) -> Progress:
    """A progress whose next try is so many seconds from NOW."""
    return replace(progress, next_try_at=NOW + timedelta(seconds=seconds), **changed)
