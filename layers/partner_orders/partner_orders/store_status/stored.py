"""A store's status as a row of the table, and a record of its history as another. Times are whole milliseconds."""

from datetime import datetime
from typing import Any

from partner_orders.aws.attribute_values import Row
from partner_orders.catalogue import keys
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.store_status.record import Record
from partner_orders.store_status.shown import CheckinTimes, Reading, Shown
from partner_orders.store_status.status import StoreStatus
from partner_orders.store_status.wish import Kind, Outcome, Wish

_PLAIN = (
    *("version", "puts", "is_acknowledged", "awaits_reading", "refusal", "was_shown"),
    *("failures", "problem", "is_lasting", "claim"),
)
_TIMES = ("waiting_since", "put_at", "looked_at", "claimed_until", "checked_in_for")


def attributes_of(status: StoreStatus) -> dict[str, Any]:
    """The attributes of a row, without its key; what is not there is left out."""
    found: dict[str, Any] = {name: getattr(status, name) for name in _PLAIN}
    found |= {name: _milliseconds(getattr(status, name)) for name in _TIMES}
    if status.wish is not None:
        found |= {"wish": _of_wish(status.wish), "outcome": status.outcome and status.outcome.value}
    if status.shown is not None:
        shown = _of_reading(status.shown.reading)
        times = {"read_at": milliseconds(status.shown.read_at), "since": milliseconds(status.shown.since)}
        found["shown"] = shown | times
    found["untold"] = [{"name": record.name, **record_attributes(record)} for record in status.untold]
    return _without_nothing(found)


def status_of(row: Row) -> StoreStatus:
    """The status of a row. Raises LookupError, TypeError or ValueError for a row that is none."""
    shown, found = row.get("shown"), {name: row[name] for name in _PLAIN if name in row}
    found |= {name: instant(row[name]) for name in _TIMES if name in row}
    if shown is not None:
        found["shown"] = Shown(_reading(shown), instant(shown["read_at"]), instant(shown["since"]))
    if "wish" in row:
        found |= {"wish": _wish(row["wish"]), "outcome": Outcome(row["outcome"])}
    untold = tuple(record_of(record["name"], record) for record in row.get("untold", ()))
    return StoreStatus(row["sk"].removeprefix(keys.STATUS), **found, untold=untold)


def record_attributes(record: Record) -> dict[str, Any]:
    """The attributes of a record, without its name."""
    return _without_nothing(
        {
            "version": record.version,
            "at": milliseconds(record.at),
            "wish": None if record.wish is None else _of_wish(record.wish),
            "outcome": None if record.outcome is None else record.outcome.value,
            "puts": record.puts,
            "refusal": record.refusal,
            "reading": None if record.reading is None else _of_reading(record.reading),
            "before": None if record.before is None else _of_reading(record.before),
            "is_event": record.is_event,
        }
    )


def record_of(name: str, row: Row) -> Record:
    """The record of a row. Raises LookupError, TypeError or ValueError for a row that is none."""
    return Record(
        name,
        row["version"],
        instant(row["at"]),
        _wish(row["wish"]) if "wish" in row else None,
        Outcome(row["outcome"]) if "outcome" in row else None,
        row.get("puts", 0),
        row.get("refusal", ""),
        _reading(row["reading"]) if "reading" in row else None,
        _reading(row["before"]) if "before" in row else None,
        row.get("is_event", False),
    )


def _of_wish(wish: Wish) -> dict[str, Any]:
    found = {"kind": wish.kind.value, "reason": wish.reason, "by": wish.by, "why": wish.why}
    times = {"until": milliseconds(wish.until), "at": milliseconds(wish.at)}
    return _without_nothing({"number": wish.number, **found, **times})


def _wish(row: Row) -> Wish:
    return Wish(
        row["number"],
        Kind(row["kind"]),
        instant(row["until"]),
        row.get("reason", ""),
        row.get("by", ""),
        row.get("why", ""),
        instant(row["at"]),
    )


def _of_reading(reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {"status": reading.status, "reason": reading.reason, "until": _milliseconds(reading.until)}
    if reading.checkin is not None:
        found["checkin"] = [milliseconds(at) for at in reading.checkin]
    return _without_nothing(found)


def _reading(row: Row) -> Reading:
    checkin = row.get("checkin")
    return Reading(
        row["status"],
        row.get("reason", ""),
        instant(row["until"]) if "until" in row else None,
        None if checkin is None else CheckinTimes(*map(instant, checkin)),
    )


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)


def _without_nothing(found: dict[str, Any]) -> dict[str, Any]:
    """Without what the reader takes for the default."""
    return {name: value for name, value in found.items() if value not in (None, "", 0, [], False)}
