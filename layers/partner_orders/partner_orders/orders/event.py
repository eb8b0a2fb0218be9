"""An order event: one observation of an order, parsed, with its place in the one total order of events."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from pydantic import ValidationError

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import digest_and_richness
from partner_orders.orders.model import Order, problems

_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)


class RejectedError(ValueError):
    """A body that cannot be parsed as an order. ``reason`` is a short code, ``problems`` says what was wrong,
    field by field, and quotes nothing."""

    def __init__(self, reason: str, problems: list[str]) -> None:
        super().__init__(f"{reason}: {'; '.join(problems)}")
        self.reason = reason
        self.problems = problems


class CatalogueCallbackError(ValueError):
    """A catalogue job's callback. The platform posts it where the plug-in says, which may be our URL
    (docs/platform.md 6.1)."""


@dataclass(frozen=True)
class OrderEvent:
    """One distinct event of an order. Equal digests mean the same event; the body is the JSON as it came."""

    order: Order
    digest: str
    richness: int
    body: bytes = field(repr=False, compare=False)

    @property
    def order_id(self) -> str:
        return self.order.order_id

    @property
    def status(self) -> str:
        return self.order.status

    @property
    def occurred_at(self) -> datetime | None:
        return self.order.occurred_at

    @cached_property
    def snapshot_key(self) -> str:
        """Text that sorts events as they supersede one another: final statuses above the rest, then the platform's
        clock, then the status's rank, then the body that says more, then the digest."""
        clock = 0 if self.occurred_at is None else (self.occurred_at - _YEAR_ONE) // timedelta(microseconds=1) + 1
        return (
            f"{int(lifecycle.is_final(self.status))}|{clock:018d}|{lifecycle.rank(self.status)}"
            f"|{min(self.richness, 999_999):06d}|{self.digest}"
        )

    @property
    def moment(self) -> str:
        """The part of the snapshot key that events of one status and time share."""
        return self.snapshot_key.rsplit("|", 2)[0]

    def supersedes(self, snapshot_key: str | None) -> bool:
        return snapshot_key is None or self.snapshot_key > snapshot_key


@dataclass(frozen=True)
class Arrival:
    """Bookkeeping: how an event reached us. ``received_at`` is UTC; nothing in a merge depends on it."""

    source: str
    received_at: datetime
    correlation_id: str = ""


def parse_event(body: bytes) -> OrderEvent:
    """Turn a body as received into an event. Raises RejectedError or CatalogueCallbackError."""
    try:
        value = parse(body)
    except MalformedJsonError as error:
        raise RejectedError("malformed_json", [str(error)]) from None
    return event_from(value, body)


def event_from(value: Json, body: bytes) -> OrderEvent:
    """As parse_event(), of a value already parsed from ``body``."""
    if not isinstance(value, dict):
        raise RejectedError("not_an_object", ["the body should be a JSON object"])
    if "job_id" in value and "order_id" not in value:
        raise CatalogueCallbackError("a catalogue callback, not an order event")
    try:
        order = Order.model_validate(value)
    except ValidationError as error:
        raise RejectedError("not_an_order", problems(error)) from None
    digest, richness = digest_and_richness(value)
    return OrderEvent(order=order, digest=digest, richness=richness, body=body)
