"""The promotion file of a store, or of stores that share one (docs/platform.md 11).

The platform ends a promotion by the identical row with another status, and fails a row that differs in anything else.
So a row is ended by what was kept when it was sent, and is never made anew.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype

type Cells = tuple[str, ...]

COLUMNS: Cells = (
    *("sku", "campaign_name", "reason", "start_date", "end_date", "promotion_type", "promotion_sub_type"),
    *("discounted_price", "max_no_of_orders", "maximum_sales_quantity", "discount_usage_limit"),
    *("bundle_details", "bundle_discount"),
)
STATUS = "campaign_status"
SHARED: Cells = ("vendors", "exclude")
# An ended row stays so long after the promotion's own end.
STAYS = timedelta(days=1)
ON, OFF = "1", "0"
_ALL_OFF = Decimal(100)


class NotForFilesError(ValueError):
    """A promotion that a file cannot tell; the message says why and what to use."""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of a promotion as they were sent, without their status: those that are on, and those that ended.
    ``ends`` is the promotion's own end."""

    ends: datetime
    on: tuple[Cells, ...] = ()
    ended: tuple[Cells, ...] = ()


type Kept = dict[str, KeptRows]


def columns(is_shared: bool) -> Cells:
    return (*COLUMNS, *(SHARED if is_shared else ()), STATUS)


def rows_of(promotion: Promotion, stores: Sequence[str] | None = None) -> tuple[Cells, ...]:
    """The rows of a promotion without their status, one for each SKU that gets something; none of one that is ended.
    ``stores``: those that a shared file names. Raises NotForFilesError."""
    if not promotion.is_active:
        return ()
    shared = () if stores is None else (",".join(stores), "")
    return tuple(
        (*_cells(promotion, discount, sku), *shared)
        for discount in promotion.discounts
        if discount.is_active
        for sku in discount.skus
    )


def next_kept(kept: Mapping[str, KeptRows], wanted: Mapping[str, KeptRows], now: datetime) -> Kept:
    """What is to be kept, and sent, where ``wanted`` has the rows that are on of each promotion. A row that is on no
    more is ended as it was sent. Of a promotion that is not wanted nothing changes. At the promotion's own end the rows
    that are on go, and those that ended a day later."""
    found: Kept = {}
    for promotion_id in {**kept, **wanted}:
        before, after = kept.get(promotion_id), wanted.get(promotion_id)
        rows = before if after is None else _changed(before, after)
        if rows is not None and now > rows.ends:
            rows = replace(rows, on=())
        if rows is not None and now <= rows.ends + STAYS and (rows.on or rows.ended):
            found[promotion_id] = rows
    return found


def file_rows(kept: Mapping[str, KeptRows]) -> Iterator[Cells]:
    """The rows of the file, in an order that does not change. What ends comes before what begins."""
    for promotion_id in sorted(kept):
        for rows, status in ((kept[promotion_id].ended, OFF), (kept[promotion_id].on, ON)):
            yield from ((*row, status) for row in rows)


def to_bytes(kept: Mapping[str, KeptRows]) -> bytes:
    content = {
        promotion_id: {"ends": rows.ends.isoformat(), "on": rows.on, "ended": rows.ended}
        for promotion_id, rows in sorted(kept.items())
    }
    return json.dumps(content, ensure_ascii=False).encode()


def from_bytes(content: bytes) -> Kept:
    """Inverse of to_bytes(); nothing of nothing. Raises LookupError, TypeError or ValueError for anything else."""
    found = json.loads(content or b"{}")
    return {
        promotion_id: KeptRows(
            datetime.fromisoformat(rows["ends"]), tuple(map(tuple, rows["on"])), tuple(map(tuple, rows["ended"]))
        )
        for promotion_id, rows in found.items()
    }


def _changed(before: KeptRows | None, after: KeptRows) -> KeptRows:
    if before is None:
        return after
    on = set(after.on)
    ended = dict.fromkeys((*before.ended, *before.on))
    return KeptRows(after.ends, after.on, tuple(row for row in ended if row not in on))


def _cells(promotion: Promotion, discount: Discount, sku: str) -> Cells:
    limits = promotion.limits
    return (
        sku,
        promotion.name,
        promotion.reason.lower(),
        _time(promotion.starts),
        _time(promotion.ends),
        promotion.kind.value.lower(),
        *_offer(promotion, discount)[:2],
        _number(limits.get("global_limit")),
        _number(discount.max_quantity),
        _number(limits.get("max_items_per_order")),
        *_offer(promotion, discount)[2:],
    )


def _offer(promotion: Promotion, discount: Discount) -> tuple[str, str, str, str]:
    """The sub type, the discounted price, and a bundle's pieces and discount."""
    if promotion.kind is Kind.STRIKETHROUGH:
        if discount.subtype is not Subtype.FINAL_PRICE:
            raise NotForFilesError("a file takes a strikethrough promotion by its FINAL_PRICE only")
        return "", _number(discount.value), "", ""
    if promotion.buy is None or promotion.get is None:
        raise NotForFilesError("a file takes a bundle with the pieces to buy and to get")
    pieces = f"B{promotion.buy}G{promotion.get}"
    match discount.subtype:
        case Subtype.PERCENTAGE if discount.value == _ALL_OFF:
            return "free_item", "", pieces, ""
        case Subtype.PERCENTAGE:
            return "percentage_value_off", "", pieces, _number(discount.value)
        case Subtype.ABSOLUTE:
            return "absolute_value_off", "", pieces, _number(discount.value)
        case _:
            raise NotForFilesError("a file takes a bundle by PERCENTAGE or ABSOLUTE only")


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _number(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else "" if value is None else str(value)
