"""A promotion's state as a row of the table, and a record of its history as another. Times are whole milliseconds."""

from datetime import datetime
from typing import Any

from partner_orders.aws.attribute_values import Row
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.promotions.job_result import JobResult
from partner_orders.promotions.promotion import Kind
from partner_orders.promotions.record import Record
from partner_orders.promotions.state import OlderPut, PromotionState
from partner_orders.promotions.summary import Summary
from partner_orders.promotions.wish import Channel, Outcome, Wish

_PLAIN = (
    *("version", "puts", "may_have_it", "job_id", "asks", "failures", "problem", "is_rechecked", "standing", "claim"),
    *("stood", "may_run", "last_number"),
)
_TIMES = ("waiting_since", "put_at", "asked_at", "older_ended_at", "claimed_until")


def attributes_of(state: PromotionState) -> dict[str, Any]:
    """The attributes of a row, without its key; what is not there is left out."""
    found: dict[str, Any] = {name: getattr(state, name) for name in _PLAIN}
    found |= {name: _milliseconds(getattr(state, name)) for name in _TIMES}
    found |= {
        "promotion_id": state.promotion_id,
        "summary": _of_summary(state.summary),
        "channel": state.channel.value,
        "wish": _of_wish(state.wish),
        "outcome": state.outcome.value,
        "planned": None if state.planned is None else _of_wish(state.planned),
        "result": _of_result(state.result),
        "older": [_of_older(one) for one in state.older],
        "untold": [{"name": record.name, **record_attributes(record)} for record in state.untold],
    }
    return _without_nothing(found)


def state_of(row: Row) -> PromotionState:
    """The state of a row. Raises LookupError, TypeError or ValueError for a row that is none."""
    found = {name: row[name] for name in _PLAIN if name in row}
    found |= {name: instant(row[name]) for name in _TIMES if name in row}
    return PromotionState(
        row["promotion_id"],
        _summary(row["summary"]),
        _wish(row["wish"]),
        Channel(row["channel"]),
        outcome=Outcome(row["outcome"]),
        planned=_wish(row["planned"]) if "planned" in row else None,
        result=_result(row.get("result", {})),
        older=tuple(map(_older, row.get("older", ()))),
        untold=tuple(record_of(record["name"], record) for record in row.get("untold", ())),
        **found,
    )


def record_attributes(record: Record) -> dict[str, Any]:
    """The attributes of a record, without its name."""
    return _without_nothing(
        {
            "version": record.version,
            "at": milliseconds(record.at),
            "wish": _of_wish(record.wish),
            "outcome": record.outcome.value,
            "puts": record.puts,
            "problem": record.problem,
            "left_out": record.left_out,
            "is_event": record.is_event,
        }
    )


def record_of(name: str, row: Row) -> Record:
    """The record of a row. Raises LookupError, TypeError or ValueError for a row that is none."""
    return Record(
        name,
        row["version"],
        instant(row["at"]),
        _wish(row["wish"]),
        Outcome(row["outcome"]),
        row.get("puts", 0),
        row.get("problem", ""),
        row.get("left_out", 0),
        row.get("is_event", False),
    )


def _of_summary(summary: Summary) -> dict[str, Any]:
    return {
        "name": summary.name,
        "kind": summary.kind.value,
        "vendors": [*summary.vendors],
        "starts": milliseconds(summary.starts),
        "ends": milliseconds(summary.ends),
        "active_skus": summary.active_skus,
        "reason": summary.reason,
    }


def _summary(row: Row) -> Summary:
    return Summary(
        row["name"],
        Kind(row["kind"]),
        tuple(row["vendors"]),
        instant(row["starts"]),
        instant(row["ends"]),
        row["active_skus"],
        row["reason"],
    )


def _of_wish(wish: Wish) -> dict[str, Any]:
    found: dict[str, Any] = {"number": wish.number, "digest": wish.digest, "is_end": wish.is_end}
    found |= {"by": wish.by, "why": wish.why, "at": milliseconds(wish.at)}
    found |= {"not_before": _milliseconds(wish.not_before), "after": wish.after, "document": wish.document}
    return _without_nothing(found)


def _wish(row: Row) -> Wish:
    return Wish(
        row["number"],
        row["digest"],
        row.get("is_end", False),
        row.get("by", ""),
        row.get("why", ""),
        instant(row["at"]),
        instant(row["not_before"]) if "not_before" in row else None,
        row.get("after", ""),
        row.get("document", ""),
    )


def _of_result(result: JobResult) -> dict[str, Any]:
    return _without_nothing(
        {
            "invalid_vendors": [*result.invalid_vendors],
            "missing_skus": [[*pair] for pair in result.missing_skus],
            "invalid_discounted_skus": [[*pair] for pair in result.invalid_discounted_skus],
            "count": result.count,
        }
    )


def _result(row: Row) -> JobResult:
    return JobResult(
        tuple(row.get("invalid_vendors", ())),
        tuple((vendor, sku) for vendor, sku in row.get("missing_skus", ())),
        tuple((vendor, sku) for vendor, sku in row.get("invalid_discounted_skus", ())),
        row.get("count", 0),
    )


def _of_older(one: OlderPut) -> dict[str, Any]:
    times = {"put_at": milliseconds(one.put_at), "asked_at": _milliseconds(one.asked_at)}
    return _without_nothing(
        {"digest": one.digest, "job_id": one.job_id, "asks": one.asks, "has_failed": one.has_failed, **times}
    )


def _older(row: Row) -> OlderPut:
    return OlderPut(
        row["digest"],
        row.get("job_id", ""),
        instant(row["put_at"]),
        row.get("asks", 0),
        instant(row["asked_at"]) if "asked_at" in row else None,
        row.get("has_failed", False),
    )


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)


def _without_nothing(found: dict[str, Any]) -> dict[str, Any]:
    """Without what the reader takes for the default."""
    return {name: value for name, value in found.items() if value not in (None, "", 0, [], {}, False)}
