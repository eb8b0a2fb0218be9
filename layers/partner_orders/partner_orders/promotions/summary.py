"""What lists show of a promotion."""

from dataclasses import dataclass
from datetime import datetime

from partner_orders.promotions.promotion import Kind, Promotion


@dataclass(frozen=True, slots=True)
class Summary:
    """``active_skus`` is how many get something."""

    name: str
    kind: Kind
    vendors: tuple[str, ...]
    starts: datetime
    ends: datetime
    active_skus: int
    reason: str


def summary_of(promotion: Promotion) -> Summary:
    return Summary(
        promotion.name,
        promotion.kind,
        promotion.vendors,
        promotion.starts,
        promotion.ends,
        len(promotion.active_skus) if promotion.is_active else 0,
        promotion.reason,
    )
