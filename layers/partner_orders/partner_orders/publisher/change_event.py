"""The events that the bus carries: what changed of an order, how an answer to it ended, or that an event was rejected
(docs/change-events.md)."""

import re
from dataclasses import dataclass, field

from partner_orders.answers.stored import Ending, StoredAnswer
from partner_orders.clock import to_text
from partner_orders.exact_json import Json, parse, write
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.personal_data import without_personal_data
from partner_orders.orders.rejected import RejectedEvent
from partner_orders.orders.stored import StoredOrder

SCHEMA_VERSION = 1
UPDATED = "order.updated"
REJECTED = "order.rejected"
# What the outcome of an answer follows, such as ``order.answer_applied``.
ANSWER = "order.answer_"
# EventBridge takes 256 KB in one request, all of it counted.
MAX_DETAIL_BYTES = 240_000
MAX_DETAIL_TYPE = 128


@dataclass(frozen=True)
class ChangeEvent:
    """One entry for the bus."""

    detail_type: str
    detail: dict[str, Json] = field(repr=False)

    def detail_text(self) -> str:
        """The detail as JSON; without the order, where that would be more than the bus takes."""
        text = write(self.detail)
        if len(text) > MAX_DETAIL_BYTES:
            text = write(self.detail | {"order": None, "order_left_out": "too_large"})
        return text


def order_changed(
    before: StoredOrder | None, after: StoredOrder, old_body: bytes | None, new_body: bytes, personal_data: bool
) -> ChangeEvent:
    """What is published of a change; the bodies are those of the two snapshots.

    ``detail_type`` names the status that the order has come to, or says that it was updated within one. With
    ``personal_data`` the order is whole; otherwise it has only what is known not to be about a person.
    """
    order = whole = parse(new_body)
    moved = before is None or before.status != after.status or after.republished == after.sequence
    if isinstance(order, dict) and not personal_data:
        order = without_personal_data(order)
    return ChangeEvent(
        detail_type=detail_type(after.status) if moved else UPDATED,
        detail={
            "schema_version": SCHEMA_VERSION,
            "id": f"{after.order_id}/{after.sequence}",
            "sequence": after.sequence,
            "order_id": after.order_id,
            **{
                name: after.attributes.get(name) for name in ("external_order_id", "order_code", "store_id", "chain_id")
            },
            "status": after.status,
            "old_status": before.status if before else None,
            "sale": after.sale.value,
            "disputed": after.disputed,
            "occurred_at": after.snapshot.occurred_at,
            "received_at": after.snapshot.received_at,
            "source": after.snapshot.source,
            "correlation_id": after.snapshot.correlation_id,
            "changed_fields": [*changed_fields(parse(old_body), whole)] if old_body is not None else [],
            "order": order,
        },
    )


def answer_ended(order_id: str, store_id: str | None, stored: StoredAnswer, ending: Ending) -> ChangeEvent:
    """What is published of an answer that has its outcome: which one, how it ended, and why; not what it says."""
    return ChangeEvent(
        detail_type=f"{ANSWER}{ending.outcome.value}",
        detail={
            "schema_version": SCHEMA_VERSION,
            "id": f"{order_id}/answers/{stored.answer.answer_id}",
            "answer_id": stored.answer.answer_id,
            "order_id": order_id,
            "store_id": store_id,
            "kind": stored.answer.kind.value,
            "outcome": ending.outcome.value,
            "reason": ending.reason or None,
            "problems": [*ending.problems],
            "accepted_at": to_text(stored.accepted_at),
            "ended_at": to_text(ending.ended_at),
            "tries": stored.progress.tries,
            "correlation_id": stored.correlation_id,
        },
    )


def event_rejected(rejected: RejectedEvent) -> ChangeEvent:
    """What is published of an event that could not be parsed: that it is there, and why; not what it says."""
    return ChangeEvent(
        detail_type=REJECTED,
        detail={
            "schema_version": SCHEMA_VERSION,
            "id": f"rejected/{rejected.digest}",
            "digest": rejected.digest,
            "reason": rejected.reason,
            "problems": [*rejected.problems],
            "received_at": rejected.first_received_at,
            "source": rejected.source,
            "correlation_id": rejected.correlation_id,
        },
    )


def detail_type(status: str) -> str:
    """``order.received`` for RECEIVED; whatever the platform adds becomes letters, digits and underscores, too,
    and ``order.status_rejected`` where it would be taken for an event of another kind."""
    name = re.sub(r"[^a-z0-9]+", "_", status.lower()).strip("_") or "unknown"
    if f"order.{name}" in (UPDATED, REJECTED) or f"order.{name}".startswith(ANSWER):
        name = f"status_{name}"
    return f"order.{name}"[:MAX_DETAIL_TYPE]
