"""A rejected event: a body that could not be parsed as an order, stored whole with the reason."""

import hashlib
from dataclasses import dataclass, field

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.orders.packed_body import unpack


@dataclass(frozen=True)
class RejectedEvent:
    """``digest`` is of the raw body, as it came; ``body`` is that, or what was left of it at ``erased_at``. Times are
    text in UTC; ``source`` and ``correlation_id`` are those of the first arrival."""

    digest: str
    reason: str
    problems: tuple[str, ...]
    first_received_at: str
    source: str
    correlation_id: str
    times_received: int
    resolved_at: str | None
    erased_at: str | None
    body: bytes = field(repr=False)


def digest_of(body: bytes) -> str:
    """What a rejected body is stored under: five retries are one row."""
    return hashlib.sha256(body).hexdigest()[:32]


def rejected_event(row: Row) -> RejectedEvent:
    """A rejected event as its row holds it."""
    return RejectedEvent(
        digest=keys.rejected_digest_of(row["pk"]),
        reason=row["reason"],
        problems=tuple(row["problems"]),
        first_received_at=row["first_received_at"],
        source=row["source"],
        correlation_id=row.get("correlation_id", ""),
        times_received=row["times_received"],
        resolved_at=row.get("resolved_at"),
        erased_at=row.get("erased_at"),
        body=unpack(row["body"]),
    )
