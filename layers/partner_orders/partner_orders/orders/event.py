"""An order event: one observation of an order, parsed, with its place in the one total order of events."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.orders import lifecycle
from partner_orders.orders.digest import digest_of_canonical
from partner_orders.orders.model import Order
from partner_orders.orders.reading import Reading, read_order

_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
# What decides between stored and rejected; any other part that cannot be read counts as absent.
REQUIRED = ("order_id", "status")
# So many problems of an event are kept.
MAX_PROBLEMS = 20


class RejectedError(ValueError):
    """A body that cannot be parsed as an order. ``reason`` is a short code, ``problems`` says what was wrong, field by
    field, and quotes nothing."""

    def __init__(self, reason: str, problems: list[str]) -> None:
        super().__init__(f"{reason}: {'; '.join(problems)}")
        self.reason = reason
        self.problems = problems


class CatalogueCallbackError(ValueError):
    """A catalogue job's callback. The platform posts it where the plug-in says, which may be our URL
    (docs/platform.md 6.1)."""


@dataclass(frozen=True)
class OrderEvent:
    """One distinct event of an order. Equal digests mean the same event; the body is the JSON as it came.

    ``richness`` and ``unmasked`` say how much the body tells, and how much of it about the customer. ``problems`` are
    the paths of its parts that could not be read.
    """

    order: Order
    digest: str
    richness: int
    unmasked: int
    problems: tuple[str, ...]
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

    @property
    def snapshot_key(self) -> str:
        """As ``snapshot_key_at``, of an event that no GET has shown."""
        return self.snapshot_key_at(None)

    def snapshot_key_at(self, shown_at: datetime | None) -> str:
        """Text that sorts events as they supersede one another: final statuses above the rest, then the platform's
        clock, the status's rank, the unmasked personal values, the time at which a GET last showed the event as the
        present state (UTC), the body that says more, and the digest."""
        return (
            f"{self.moment}|{min(self.unmasked, 999_999):06d}|{_microseconds(shown_at):018d}"
            f"|{min(self.richness, 999_999):06d}|{self.digest}"
        )

    @cached_property
    def moment(self) -> str:
        """The part of the snapshot key that events of one status and time share."""
        final = int(lifecycle.is_final(self.status))
        return f"{final}|{_microseconds(self.occurred_at):018d}|{lifecycle.rank(self.status)}"

    def supersedes(self, snapshot_key: str | None, shown_at: datetime | None = None) -> bool:
        """Whether this event, last shown at ``shown_at``, is later than the one of a snapshot key."""
        return snapshot_key is None or self.snapshot_key_at(shown_at) > snapshot_key


@dataclass(frozen=True)
class Arrival:
    """How an event reached us. ``received_at`` (UTC) and the rest are bookkeeping, and nothing in a merge depends on
    them. ``shown_at`` is an observation: the time, by the platform's clock, at which a GET showed the event as the
    order's present state; None where no GET did."""

    source: str
    received_at: datetime
    correlation_id: str = ""
    shown_at: datetime | None = None


def parse_event(body: bytes) -> OrderEvent:
    """Parse a body as received into an event. Raises RejectedError or CatalogueCallbackError."""
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
    reading = read_order(value)
    if wrong := [f"{name}: {problem}" for name in REQUIRED if (problem := _what_is_wrong(name, reading))]:
        raise RejectedError("not_an_order", wrong)
    return OrderEvent(
        order=Order.model_validate(reading.values),
        digest=digest_of_canonical(reading.canonical),
        richness=reading.richness,
        unmasked=reading.unmasked,
        problems=tuple(reading.problems)[:MAX_PROBLEMS],
        body=body,
    )


def _what_is_wrong(name: str, reading: Reading) -> str:
    if name in reading.problems:
        return reading.problems[name]
    if name not in reading.values:
        return "Field required"
    return "" if reading.values[name] else "String should have at least 1 character"


def _microseconds(instant: datetime | None) -> int:
    """Since the year 1; 0 for no time."""
    return 0 if instant is None else (instant - _YEAR_ONE) // timedelta(microseconds=1) + 1
