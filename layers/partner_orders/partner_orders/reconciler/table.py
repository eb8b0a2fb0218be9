"""What the reconciler stores: how far each store is checked, the backfills under way, and the reports.

Positions are written under the lease's fencing token: a worker that lost its lease can no longer move them.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range, Table
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Condition, Update, absent, all_of, any_of, at_most, present
from partner_orders.clock import Clock, from_text, to_text
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.lease import LeaseLostError
from partner_orders.reconciler.report import MAX_NAMED, Repair, left_out_to_json
from partner_orders.reconciler.windows import MAX_UNENDED_VISITS, LeftOut, Position

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
REPORT_RETENTION = timedelta(days=90)
# What was found is enqueued, and in sync when its store is read again; so it counts even if the rest of it fails.
_FOUND = ("missing", "different", "not_understood", "enqueued")
POSITION_TIMES = ("checked_until", "swept_at", "tried_at", "older_look_at", "begun_at")
MAX_FOUND = 50  # orders that a preview names
BACKFILL_COUNTS = ("orders_checked", "in_step", *_FOUND, "waiting")


@dataclass(frozen=True)
class Backfill:
    """A window that was asked for, over some stores or all. ``pending`` are the stores still to do, in order, the
    first of them checked up to ``done_until`` with ``store_counts``. ``preview`` finds and queues nothing. What is
    older than ``not_read_before`` had passed the 60 days, or the retention, before the turn of every store came.

    ``is_begun`` is true while a visit of the first pending store is under way, and for ever if it never ended;
    ``unended_visits`` counts those, by store. ``left_out`` are times of stores that could not be read, as reports name
    them. ``found`` are the first orders that a preview would enqueue, with their store and what was found."""

    backfill_id: str
    start: datetime
    end: datetime
    preview: bool
    pending: tuple[str, ...]
    stores: int
    done_until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    store_counts: dict[str, int] = field(default_factory=dict)
    failed_stores: dict[str, str] = field(default_factory=dict)
    not_read_before: datetime | None = None
    is_begun: bool = False
    unended_visits: dict[str, int] = field(default_factory=dict)
    left_out: tuple[dict[str, str], ...] = ()
    is_cancelled: bool = False
    found: tuple[dict[str, str], ...] = ()

    @property
    def is_done(self) -> bool:
        return not self.pending

    @property
    def is_over(self) -> bool:
        return self.is_done or self.is_cancelled

    def counting(self, counts: Mapping[str, int]) -> "Backfill":
        """With what was counted in a part of the first pending store."""
        return replace(self, store_counts=_add(self.store_counts, counts))

    def counting_found(self, counts: Mapping[str, int]) -> "Backfill":
        """With what was found in a part that could not be read to its end; a preview finds it again."""
        found = {} if self.preview else {name: counts.get(name, 0) for name in _FOUND}
        return replace(self, counts=_add(self.counts, found))

    def naming(self, repairs: Iterable[Repair]) -> "Backfill":
        """A preview with the orders that it would enqueue; of many the first MAX_FOUND."""
        known = {order["order_id"] for order in self.found}
        new = {repair.order_id: repair for repair in repairs if repair.order_id not in known}
        named = ({"order_id": it.order_id, "store_id": it.store_id, "found": it.found} for it in new.values())
        return replace(self, found=(*self.found, *named)[:MAX_FOUND]) if self.preview else self

    def begun(self) -> "Backfill":
        """While a visit of the first pending store is under way."""
        return replace(self, is_begun=True)

    def ended(self) -> "Backfill":
        return replace(self, is_begun=False)

    def after_unended_visit(self) -> "Backfill":
        """Where nobody ended the visit of the first pending store, it is put last; after MAX_UNENDED_VISITS of them it
        has failed."""
        name, backfill = self.pending[0], self.ended()
        visits = self.unended_visits.get(name, 0) + 1
        backfill = replace(backfill, unended_visits={**self.unended_visits, name: visits})
        if visits < MAX_UNENDED_VISITS:
            return backfill.with_first_store_last()
        failed = {**self.failed_stores, name: str(Failure.ENDS_THE_RUN)}
        return replace(backfill, failed_stores=failed).after_first_store(Failure.ENDS_THE_RUN)

    def leaving_out(self, start: datetime, left_out: Iterable[LeftOut]) -> "Backfill":
        """With what of the first pending store could not be read from a time on; of what is older, nothing changes."""
        name, text = self.pending[0], to_text(start)
        kept = [known for known in self.left_out if known["store_id"] != name or known["from"] < text]
        new = [left_out_to_json(name, time) for time in left_out if start <= time.start < self.end]
        return replace(self, left_out=(*kept, *new)[:MAX_NAMED])

    def with_first_store_last(self) -> "Backfill":
        """The first pending store begins anew when the others have had their turn; the rest of what it counted is
        counted then."""
        name, *rest = self.pending
        counts = self.counting_found(self.store_counts).counts
        return replace(self, pending=(*rest, name), done_until=None, counts=counts, store_counts={})

    def after_first_store(self, failure: str | None) -> "Backfill":
        """As it is when the first pending store is done, or failed: the first time, it is put last and tried again. No
        visit is under way then."""
        name, *rest = self.pending
        failed = {store: kind for store, kind in self.failed_stores.items() if store != name}
        if failure:
            failed[name] = failure
            if name not in self.failed_stores:
                return replace(self.ended().with_first_store_last(), failed_stores=failed)
        counts = _add(self.counts, self.store_counts)
        return replace(
            self.ended(), pending=tuple(rest), done_until=None, counts=counts, store_counts={}, failed_stores=failed
        )

    def to_json(self) -> dict[str, Any]:
        """Progress, and at the end the report."""
        return {
            "backfill": self.backfill_id,
            "state": "done" if self.is_done else "cancelled" if self.is_cancelled else "running",
            "from": to_text(self.start),
            "to": to_text(self.end),
            "not_read_before": to_text(self.not_read_before) if self.not_read_before else None,
            "preview": self.preview,
            "stores": self.stores,
            "stores_done": self.stores - len(self.pending),
            **_add(self.counts, self.store_counts),
            "failed_stores": self.failed_stores,
            "left_out": [*self.left_out],
            **({"found": [*self.found]} if self.preview else {}),
        }


class BackfillCancelledError(RuntimeError):
    """An operator cancelled the backfill. Its progress is no longer stored."""


class ReconciliationTable:
    def __init__(self, client: "DynamoDBClient", table_name: str, clock: Clock) -> None:
        self._table = Table(client, table_name)
        self._clock = clock

    # -- positions ----------------------------------------------------------------------------------------------

    def positions(self) -> dict[str, Position]:
        """The position of every store that was ever checked, in one query."""
        rows = self._rows(Range(prefix=keys.POSITION))
        return {position.store_id: position for position in _readable(_position, rows)}

    def position(self, store_id: str) -> Position:
        """The position of one store; one that was never checked, or has a row that cannot be read, has an empty one."""
        row = self._table.get(keys.position(store_id))
        return next(_readable(_position, [] if row is None else [row]), Position(store_id))

    def move(self, position: Position, fencing_token: int) -> None:
        """Write a position. Raises LeaseLostError if a newer worker has written it."""
        times = {
            "checked_until": position.checked_until,
            "swept_at": position.daily_check_at,
            "tried_at": position.tried_at,
            "older_look_at": position.older_look_at,
            "begun_at": position.begun_at,
        }
        attributes: dict[str, Any] = {name: to_text(time) for name, time in times.items() if time}
        attributes["store_id"] = position.store_id
        if position.vendor_id:
            attributes["vendor_id"] = position.vendor_id
        if position.unended_visits:
            attributes["unended_visits"] = position.unended_visits
        if position.left_out:
            attributes["left_out"] = _packed([_left_out_state(left_out) for left_out in position.left_out])
        self._put(keys.position(position.store_id), attributes, fencing_token)

    # -- backfills ----------------------------------------------------------------------------------------------

    def add(self, backfill: Backfill) -> None:
        self._put(keys.backfill(backfill.backfill_id), _backfill_row(backfill, self._clock()), None)

    def save(self, backfill: Backfill, fencing_token: int) -> None:
        """Write a backfill's progress. Raises LeaseLostError if a newer worker has written it, and
        BackfillCancelledError if it was cancelled, which stays."""
        key = keys.backfill(backfill.backfill_id)
        try:
            self._put(key, _backfill_row(backfill, self._clock()), fencing_token, absent("cancelled"))
        except LeaseLostError:
            if "cancelled" in (self._table.get(key) or {}):
                raise BackfillCancelledError from None
            raise

    def cancel(self, backfill_id: str) -> None:
        """Mark a backfill as cancelled, whoever works on it. Does nothing if there is none of this id."""
        update = Update().set("cancelled", True).only_if(present("state"))
        with suppress(ConditionFailedError):
            self._table.update(keys.backfill(backfill_id), update)

    def backfills(self) -> list[Backfill]:
        """Every backfill that is still stored, oldest first."""
        return [*_readable(backfill_of, self._rows(Range(prefix=keys.BACKFILL)))]

    def backfill(self, backfill_id: str) -> Backfill | None:
        row = self._table.get(keys.backfill(backfill_id))
        return None if row is None else backfill_of(row)

    # -- reports ------------------------------------------------------------------------------------------------

    def save_report(self, started_at: datetime, report: dict[str, Any]) -> None:
        """Store the report of a run, by the time it began; a later one of the same run replaces it."""
        # A run over thousands of stores names them all; a row holds 400 KB.
        attributes = {"report": _packed(report), "expires_at": _expires_at(self._clock())}
        self._put(keys.report(to_text(started_at)), attributes, None)

    def reports(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The reports of the runs that began between two times, oldest first."""
        first, last = keys.report(to_text(start)), keys.report(to_text(end))
        return [report_of(row) for row in self._rows(Range(first.sk, last.sk))]

    # -----------------------------------------------------------------------------------------------------------

    def _rows(self, sort: Range) -> Iterator[Row]:
        return self._table.query(keys.RECONCILIATION, sort, consistent=True)

    def _put(self, key: Key, attributes: dict[str, Any], fencing_token: int | None, *conditions: Condition) -> None:
        row = {"schema_version": SCHEMA_VERSION, **attributes}
        if fencing_token is None:
            self._table.put(key, row)
            return
        try:
            newest = any_of(absent("fence"), at_most("fence", fencing_token))
            self._table.put(key, {**row, "fence": fencing_token}, all_of(newest, *conditions))
        except ConditionFailedError:
            raise LeaseLostError from None


def report_of(row: Row) -> dict[str, Any]:
    """The report that a row holds."""
    report: dict[str, Any] = _unpacked(row["report"])
    return report


def _add(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Both, of what a backfill reports."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in BACKFILL_COUNTS}


def _readable[T](read: Callable[[Row], T], rows: Iterable[Row]) -> Iterator[T]:
    """The rows that can be read; one that somebody wrote by hand, or half, stops nothing."""
    for row in rows:
        try:
            yield read(row)
        except (KeyError, TypeError, ValueError, zlib.error):
            continue


def _position(row: Row) -> Position:
    texts = {name: _text(row, name) for name in POSITION_TIMES if name in row}
    times = {name: from_text(text) for name, text in texts.items()}
    return Position(
        store_id=_text(row, "store_id"),
        checked_until=times.get("checked_until"),
        daily_check_at=times.get("swept_at"),
        vendor_id=_text(row, "vendor_id") if "vendor_id" in row else None,
        tried_at=times.get("tried_at"),
        older_look_at=times.get("older_look_at"),
        begun_at=times.get("begun_at"),
        unended_visits=int(row.get("unended_visits", 0)),
        left_out=tuple(_left_out(state) for state in _unpacked(row["left_out"])) if "left_out" in row else (),
    )


def _left_out_state(left_out: LeftOut) -> dict[str, str]:
    return {
        "from": to_text(left_out.start),
        "to": to_text(left_out.end),
        "failure": left_out.failure,
        "tried_at": to_text(left_out.tried_at),
    }


def _left_out(state: dict[str, str]) -> LeftOut:
    return LeftOut(from_text(state["from"]), from_text(state["to"]), state["failure"], from_text(state["tried_at"]))


def _text(row: Row, name: str) -> str:
    """A text of a row. Raises TypeError for an attribute of another type."""
    if not isinstance(value := row[name], str):
        raise TypeError(f"{name} is not a text")
    return value


def _backfill_row(backfill: Backfill, now: datetime) -> Row:
    state = {
        "from": to_text(backfill.start),
        "to": to_text(backfill.end),
        "preview": backfill.preview,
        "pending": backfill.pending,
        "stores": backfill.stores,
        "done_until": to_text(backfill.done_until) if backfill.done_until else None,
        "counts": backfill.counts,
        "store_counts": backfill.store_counts,
        "failed_stores": backfill.failed_stores,
        "not_read_before": to_text(backfill.not_read_before) if backfill.not_read_before else None,
        "is_begun": backfill.is_begun,
        "unended_visits": backfill.unended_visits,
        "left_out": backfill.left_out,
        "found": backfill.found,
    }
    return {"backfill_id": backfill.backfill_id, "state": _packed(state), "expires_at": _expires_at(now)}


def backfill_of(row: Row) -> Backfill:
    """The backfill that a row holds."""
    state = _unpacked(row["state"])
    return Backfill(
        backfill_id=_text(row, "backfill_id"),
        start=from_text(state["from"]),
        end=from_text(state["to"]),
        preview=state["preview"],
        pending=tuple(state["pending"]),
        stores=state["stores"],
        done_until=from_text(state["done_until"]) if state["done_until"] else None,
        counts=state["counts"],
        store_counts=state.get("store_counts", {}),
        failed_stores=state["failed_stores"],
        not_read_before=from_text(state["not_read_before"]) if state.get("not_read_before") else None,
        is_begun=state["is_begun"],
        unended_visits=state["unended_visits"],
        left_out=tuple(state["left_out"]),
        is_cancelled=bool(row.get("cancelled", False)),
        found=tuple(state.get("found", ())),
    )


def _packed(content: Any) -> bytes:
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())


def _unpacked(packed: bytes) -> Any:
    return json.loads(zlib.decompress(packed))


def _expires_at(now: datetime) -> int:
    return int((now + REPORT_RETENTION).timestamp())
