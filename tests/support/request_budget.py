"""The request budget's table in memory, and workers that share it, on a clock that tests move."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from partner_orders.clock import PassedSeconds
from partner_orders.platform.budgeted_requests import BudgetedRequests, RequestBudgetTable
from partner_orders.platform.request_budget import Share

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 10, 14, 10, 0, tzinfo=UTC)


def _nothing() -> None:
    """Nothing happens meanwhile."""


class Service:
    """DynamoDB, as far as the budget uses it: one row, and its own time. ``seconds`` are those that truly passed.
    ``meanwhile`` is called, once, between a read and what follows."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.item: dict[str, Any] | None = None
        self.calls = 0
        self.latency = 0.0
        self.loses_responses = False
        self.meanwhile: Callable[[], None] = _nothing

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def get_item(self, **_: Any) -> dict[str, Any]:
        self._travel()
        date, item = format_datetime(self.now, usegmt=True), self.item
        self._travel()
        meanwhile, self.meanwhile = self.meanwhile, _nothing
        meanwhile()
        found = {} if item is None else {"Item": item}
        return found | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        self._travel()
        names, values = arguments["ExpressionAttributeNames"], arguments["ExpressionAttributeValues"]
        if not self._holds(arguments["ConditionExpression"], names, values):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "UpdateItem")
        changes = (change.split(" = ") for change in arguments["UpdateExpression"].removeprefix("SET ").split(", "))
        self.item = (self.item or {}) | {names[name]: values[value] for name, value in changes}
        self._travel()
        if self.loses_responses:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return {}

    def _holds(self, condition: str, names: dict[str, str], values: dict[str, Any]) -> bool:
        item = self.item or {}
        if condition.startswith("attribute_not_exists("):
            return names[condition.removeprefix("attribute_not_exists(").removesuffix(")")] not in item
        name, value = condition.split(" = ")
        return bool(item.get(names[name]) == values[value])

    def _travel(self) -> None:
        self.calls += 1
        self.seconds += self.latency


class Sent(NamedTuple):
    """A request: who made it, and between which times the platform may have counted it."""

    share: Share
    began: float
    ended: float


class Worker:
    """A process with clocks of its own. ``calendar_offset`` is how wrong its calendar's clock is; ``frozen`` how long
    its monotonic clock has stood still."""

    def __init__(self, service: Service, share: Share, limit_per_minute: int, block_size: int = 1) -> None:
        self.service = service
        self.share = share
        self.calendar_offset = 0.0
        self.frozen = 0.0
        client: Any = service
        self.seconds = PassedSeconds(
            lambda: service.seconds - self.frozen, lambda: service.now.timestamp() + self.calendar_offset
        )
        table = RequestBudgetTable(client, "budget", limit_per_minute)
        self.limit = BudgetedRequests(table, share, block_size, self.seconds, service.sleep, lambda: 0.5)

    def set_calendar(self, offset: float) -> None:
        """Set the calendar's clock, though not while the other one stands still."""
        self.seconds()
        self.calendar_offset = offset
        self.seconds()

    def request(self, seconds: float = 0.2, remaining_seconds: float = 0.0) -> Sent | None:
        """A request that takes some seconds, if there is a permit."""
        if not self.limit.wait(remaining_seconds):
            return None
        began = self.service.seconds
        self.service.seconds += seconds
        self.limit.record()
        return Sent(self.share, began, self.service.seconds)

    def requests(self, most: int) -> int:
        """As many requests as there are permits for now; how many."""
        return next((count for count in range(most) if self.request(0.0) is None), most)


def most_at_once(sent: list[Sent], least_urgent: Share = Share.ANSWERS) -> int:
    """How many requests the platform may have counted in some 60 seconds, of a share and those less urgent."""
    counted = [request for request in sent if request.share >= least_urgent]
    return max(
        (
            sum(other.began <= request.began and other.ended > request.began - 60.0 for other in counted)
            for request in counted
        ),
        default=0,
    )
