"""The stores' status as it is wished and shown, for people and programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_orders.clock import now
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.store_status import PlatformStoreStatus
from partner_orders.store_status.differences import differs, is_closed_by_platform
from partner_orders.store_status.next_step import Act, Step, next_step
from partner_orders.store_status.record import Record
from partner_orders.store_status.shown import CLOSED, Reading
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Outcome, Wish
from partner_orders_console.operations.catalogue.one_request import requested
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.words import at, words

MOST_RECORDS = 100
_ACTS = {Act.READ: "read it", Act.PUT: "send what is wished", Act.END: "end the wish"}


@dataclass(frozen=True)
class StatusView:
    """A store's status, with its newest ``history``, the last first; and what the platform shows now, if it was
    asked."""

    status: StoreStatus
    history: tuple[Record, ...] = ()
    live: Reading | None = None

    @property
    def store_id(self) -> str:
        return self.status.store_id

    @property
    def shown(self) -> str:
        """What the platform showed last: ``CLOSED_UNTIL 2026-03-14 18:00:00 (OTHER)``; empty if nothing is known."""
        return "" if self.status.shown is None else reading_text(self.status.shown.reading)

    @property
    def wished(self) -> str:
        """What is wished, or was last, with its outcome; empty if nothing ever was."""
        wish, outcome = self.status.wish, self.status.outcome
        return "" if wish is None or outcome is None else f"{wish_text(wish)}: {words(outcome)}"

    @property
    def difference(self) -> str:
        """What a person should know, in a sentence; empty if all is as it should be."""
        status, outcome = self.status, self.status.outcome
        if is_closed_by_platform(status, now()):
            return self._closed_by_platform
        if outcome is Outcome.REFUSED:
            return f"the platform refused it: {status.refusal}"
        if outcome is Outcome.GIVEN_UP:
            return "the platform never showed what was wished, and it is not sent any more"
        if differs(status, now()):
            return f"the platform does not show what is wished; it was sent {status.puts} times"
        return f"the status cannot be read: {status.problem}" if status.problem else ""

    @property
    def _closed_by_platform(self) -> str:
        shown, store_id = self.status.shown, self.store_id
        if shown is not None and shown.reading.status == CLOSED:
            return (
                "the platform closed it without an end: `partner-orders stores open"
                f" {store_id} --why TEXT` asks it to open; if it refuses, ask its account manager"
            )
        return f"the platform closed it: `partner-orders stores open {store_id} --why TEXT` opens it"

    @property
    def next_step(self) -> Step:
        return next_step(self.status, now())

    @property
    def next_text(self) -> str:
        """What the pusher does next, and when."""
        step = self.next_step
        return f"{_ACTS[step.act]}, {'within a minute' if step.at <= now() else 'at ' + at(step.at)}"

    def to_json(self) -> dict[str, Any]:
        status, step = self.status, self.next_step
        shown = None if status.shown is None else _reading_json(status.shown.reading)
        if shown is not None and status.shown is not None:
            shown |= {"read_at": status.shown.read_at, "since": status.shown.since}
        wish = None if status.wish is None else wish_json(status.wish)
        if wish is not None and status.outcome is not None:
            sent = {"sends": status.puts, "sent_at": status.put_at, "refusal": status.refusal or None}
            wish |= {"outcome": status.outcome.value, **sent}
        found: dict[str, Any] = {
            "store_id": self.store_id,
            "shown": shown,
            "wish": wish,
            "difference": self.difference or None,
            "problem": status.problem or None,
            "next": {"act": step.act.value, "at": step.at},
        }
        if self.history:
            found["history"] = [record_json(record) for record in self.history]
        return found if self.live is None else found | {"live": _reading_json(self.live)}


def all_stores(catalogue: CatalogueStack) -> list[StatusView]:
    """Every store of the catalogue, and every other one of which something was wished. Raises botocore's errors."""
    known = catalogue.statuses.all()
    missing = {store_id: StoreStatus(store_id) for store_id in catalogue.tables.settings.all()}
    return [StatusView(status) for _, status in sorted((missing | known).items())]


def of_store(catalogue: CatalogueStack, store_id: str, most: int = MOST_RECORDS) -> StatusView:
    """One store with its history. Raises botocore's errors."""
    statuses = catalogue.statuses
    return StatusView(statuses.get(store_id), tuple(statuses.history(store_id, most)))


def live(catalogue: CatalogueStack, store_id: str) -> Reading:
    """What the platform shows now: one request. Raises OperatorError."""

    def request(client: PartnerApiClient, chain_id: str) -> Reading:
        return PlatformStoreStatus(client, chain_id).get(store_id)

    return requested(catalogue, request, "the status", f"Does the platform know the store {store_id}?")


def reading_text(reading: Reading) -> str:
    return _text(reading.status, reading.until, reading.reason)


def wish_text(wish: Wish) -> str:
    return _text(wish.kind.value, wish.until if wish.kind.closes else None, wish.reason)


def _text(status: str, until: datetime | None, reason: str) -> str:
    return " ".join(filter(None, (status, at(until), f"({reason})" if reason else "")))


def record_text(record: Record) -> str:
    """What a record tells: a wish, or a change that the platform showed."""
    if record.wish is not None:
        return wish_text(record.wish)
    return f"the platform shows {reading_text(record.reading)}" if record.reading is not None else ""


def record_json(record: Record) -> dict[str, Any]:
    outcome = None if record.outcome is None else record.outcome.value
    if record.wish is None:
        readings = {"shown": record.reading, "old_shown": record.before}
        shown = {name: None if one is None else _reading_json(one) for name, one in readings.items()}
        return {"at": record.at, **shown}
    wish = wish_json(record.wish)
    return {
        "at": record.wish.at,
        "wish": wish | {"outcome": outcome, "sends": record.puts, "changed_at": record.at},
    } | ({"refusal": record.refusal} if record.refusal else {})


def wish_json(wish: Wish) -> dict[str, Any]:
    closing = {"closed_until": wish.until, "closed_reason": wish.reason} if wish.kind.closes else {}
    return {"status": wish.kind.value, **closing, "by": wish.by, "why": wish.why, "wished_at": wish.at}


def _reading_json(reading: Reading) -> dict[str, Any]:
    checkin = None if reading.checkin is None else {"begins": reading.checkin.begins, "ends": reading.checkin.ends}
    return {
        "status": reading.status,
        "closed_reason": reading.reason or None,
        "closed_until": reading.until,
        "checkin": checkin,
    }
