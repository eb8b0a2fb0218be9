"""The promotion file of a store, or of stores that share one (docs/platform.md 11).

The platform ends a promotion by the identical row with another status, and fails a row that differs in anything else.
So a row is ended by what was kept when it was sent, and is never made anew. A row keeps the stores that it was first
sent with: a store that comes later gets a row of its own, and one that goes takes nothing from the others.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from partner_orders.promotions.promotion import Discount, Kind, Promotion, Subtype

type Cells = tuple[str, ...]

COLUMNS: Cells = (
    *("sku", "campaign_name", "reason", "start_date", "end_date", "promotion_type", "promotion_sub_type"),
    *("discounted_price", "max_no_of_orders", "maximum_sales_quantity", "discount_usage_limit"),
    *("bundle_details", "bundle_discount"),
)
STATUS = "campaign_status"
SHARED: Cells = ("vendors", "exclude")
# Of all rows that are kept of the stores of a file, some 180,000.
MAX_KEPT_BYTES = 32 * 1_048_576
# An ended row stays so long after the promotion's own end.
STAYS = timedelta(days=1)
ON, OFF = "1", "0"
_ALL_OFF = Decimal(100)
# The limits of a promotion that have a column.
_LIMITS = frozenset({"global_limit", "max_items_per_order"})


class NotForFilesError(ValueError):
    """A promotion that a file cannot tell; the message says why and what to use."""


class Untold(NamedTuple):
    """Something of a promotion that a file cannot tell: why and what to use, and the field of the promotion, or a SKU
    of the discount, that it is about."""

    what: str
    field: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of a promotion as they were sent, without their status: those that are on, and those that ended.
    ``ends`` is the promotion's own end."""

    ends: datetime
    on: tuple[Cells, ...] = ()
    ended: tuple[Cells, ...] = ()


type Kept = dict[str, KeptRows]


@dataclass(frozen=True, slots=True)
class Group:
    """The stores that one row is about, as it was when the row was first sent: it is never cut or extended.
    ``names``: their ids in a file that several stores share, in the same order."""

    stores: tuple[str, ...]
    names: tuple[str, ...]


type Groups = dict[Group, Kept]
# The rows of one promotion.
type _Part = Mapping[Group, KeptRows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a promotion should be: ``on`` are its rows, none of one that is to end. ``begins``: the stores in which a
    row may begin; elsewhere it goes on where it is on."""

    ends: datetime
    on: tuple[Cells, ...] = ()
    begins: tuple[str, ...] = ()


def columns(is_shared: bool) -> Cells:
    return (*COLUMNS, *(SHARED if is_shared else ()), STATUS)


def rows_of(promotion: Promotion) -> tuple[Cells, ...]:
    """The rows of a promotion without stores and status, one for each SKU that gets something; none of one that is
    ended. Raises NotForFilesError."""
    if not promotion.is_active:
        return ()
    for untold in untold_of(promotion):
        raise NotForFilesError(untold.what)
    return tuple(
        _cells(promotion, discount, sku)
        for discount in promotion.discounts
        if discount.is_active
        for sku in discount.skus
    )


def untold_of(promotion: Promotion) -> Iterator[Untold]:
    """What a file cannot tell of a promotion: nothing where it can tell all of it."""
    if len(promotion.names) > 1:
        yield Untold("a file has one name for every language; give one", "display_name")
    for limit in sorted(promotion.limits.keys() - _LIMITS):
        yield Untold(f"a file has no column for the limit {limit}; leave it out", f"limits.{limit}")
    is_bundle = promotion.kind is not Kind.STRIKETHROUGH
    if is_bundle and (promotion.buy is None or promotion.get is None):
        yield Untold("a file takes a bundle with the pieces to buy and to get", "conditions")
    for discount in promotion.discounts:
        if is_bundle and discount.subtype is Subtype.FINAL_PRICE:
            yield Untold("a file takes a bundle by PERCENTAGE or ABSOLUTE only", sku=discount.skus[0])
        if not is_bundle and discount.subtype is not Subtype.FINAL_PRICE:
            yield Untold("a file takes a strikethrough promotion by its FINAL_PRICE only", sku=discount.skus[0])


def next_groups(
    before: Groups, wanted: Mapping[str, Wanted], names: Mapping[str, str], now: datetime, most: int = MAX_KEPT_BYTES
) -> tuple[Groups, list[str]]:
    """What is to be kept and sent, and the promotions that stay as they are since more than ``most`` bytes would be
    kept with them; ends are never held back. Of a promotion that is not wanted nothing changes. ``names``: what the
    file calls each store. At a promotion's own end the rows that are on go, and those that ended a day later."""
    parts, grown, size, held = dict[str, _Part](), dict[str, _Part](), 0, list[str]()
    for promotion_id in sorted({*wanted, *(name for kept in before.values() for name in kept)}):
        part: _Part = {group: kept[promotion_id] for group, kept in before.items() if promotion_id in kept}
        one = wanted.get(promotion_id)
        changed = part if one is None else _changed(part, one, names)
        parts[promotion_id] = part if _begins(part, changed) else changed
        if parts[promotion_id] is not changed:
            grown[promotion_id] = changed
        size += _size(parts[promotion_id])
    for promotion_id, changed in grown.items():
        larger = size - _size(parts[promotion_id]) + _size(changed)
        if larger > most:
            held.append(promotion_id)
        else:
            size, parts[promotion_id] = larger, changed
    after: Groups = {group: {} for group in before}
    for promotion_id, part in parts.items():
        for group, rows in part.items():
            if (lasting := _lasting(rows, now)) is not None:
                after.setdefault(group, {})[promotion_id] = lasting
    return after, held


def file_rows(groups: Groups, is_shared: bool) -> Iterator[Cells]:
    """The rows of the file, in an order that does not change. All that ends comes before anything that is on, and a row
    that is on in any promotion is not ended by another one."""
    on, ended = dict[Cells, None](), dict[Cells, None]()
    for group in sorted(groups, key=lambda one: (one.stores, one.names)):
        shared = (",".join(group.names), "") if is_shared else ()
        for promotion_id in sorted(groups[group]):
            rows = groups[group][promotion_id]
            on |= {(*row, *shared): None for row in rows.on}
            ended |= {(*row, *shared): None for row in rows.ended}
    yield from ((*row, OFF) for row in ended if row not in on)
    yield from ((*row, ON) for row in on)


def to_bytes(kept: Mapping[str, KeptRows]) -> bytes:
    content = {
        promotion_id: {"ends": rows.ends.isoformat(), "on": rows.on, "ended": rows.ended}
        for promotion_id, rows in sorted(kept.items())
    }
    return json.dumps(content, ensure_ascii=False).encode()


def from_bytes(content: bytes) -> Kept:
    """Inverse of to_bytes(); nothing of nothing. Raises LookupError, TypeError or ValueError for anything else."""
    found, texts = json.loads(content or b"{}"), dict[str, str]()

    def rows(every: list[list[str]]) -> tuple[Cells, ...]:
        """Most cells are the same in many rows: one text for all of them."""
        return tuple(tuple(texts.setdefault(cell, cell) for cell in row) for row in every)

    return {
        promotion_id: KeptRows(datetime.fromisoformat(one["ends"]), rows(one["on"]), rows(one["ended"]))
        for promotion_id, one in found.items()
    }


def _begins(before: _Part, after: _Part) -> bool:
    """Whether any row is on that was not."""
    return any({*rows.on} - {*(before[group].on if group in before else ())} for group, rows in after.items())


def _size(part: _Part) -> int:
    return sum(len(to_bytes({"": rows})) for rows in part.values())


def _lasting(rows: KeptRows, now: datetime) -> KeptRows | None:
    if now > rows.ends:
        rows = replace(rows, on=())
    return rows if now <= rows.ends + STAYS and (rows.on or rows.ended) else None


def _changed(before: _Part, wanted: Wanted, names: Mapping[str, str]) -> _Part:
    """A row that is wanted no more is ended as it was sent. One that is wanted begins where no row has it on: by the
    row that was ended there if that is about these stores alone, or else by a row of their own."""
    every = {*wanted.on}
    on = {group: dict.fromkeys(row for row in rows.on if row in every) for group, rows in before.items()}
    ended = {
        group: dict.fromkeys((*rows.ended, *(row for row in rows.on if row not in every)))
        for group, rows in before.items()
    }
    for row in wanted.on:
        has_it = {store_id for group, rows in on.items() if row in rows for store_id in group.stores}
        left = [store_id for store_id in wanted.begins if store_id not in has_it]
        for group in [group for group, rows in ended.items() if row in rows]:
            if {*group.stores} <= {*left} and group == _group(group.stores, names):
                on[group][row] = ended[group].pop(row)
                left = [store_id for store_id in left if store_id not in group.stores]
        if left:
            group = _group(left, names)
            on.setdefault(group, {})[row] = None
            ended.setdefault(group, {}).pop(row, None)
    return {group: KeptRows(wanted.ends, tuple(on[group]), tuple(ended[group])) for group in on}


def _group(stores: Sequence[str], names: Mapping[str, str]) -> Group:
    return Group(tuple(stores), tuple(names[store_id] for store_id in stores))


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
    """The sub type, the discounted price, and a bundle's pieces and discount, of one that a file can tell."""
    if promotion.kind is Kind.STRIKETHROUGH:
        return "", _number(discount.value), "", ""
    pieces = f"B{promotion.buy}G{promotion.get}"
    if discount.subtype is Subtype.ABSOLUTE:
        return "absolute_value_off", "", pieces, _number(discount.value)
    if discount.value == _ALL_OFF:
        return "free_item", "", pieces, ""
    return "percentage_value_off", "", pieces, _number(discount.value)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _number(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else "" if value is None else str(value)
