"""A promotion as the platform takes it, and what makes two of them the same one (docs/platform.md 10).

The platform changes and ends a promotion by the same body with what changes, and knows it by its names, stores, start
and end. So a promotion is written one way only, and is read back from what was kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from partner_orders.exact_json import Json, parse, write_bytes

EVERY_STORE = "*"
REASONS = ("OVERSTOCK", "DELISTING", "COMPETITIVENESS", "EXPIRING_SOON", "NMR", "TRADING")
# SKUs x stores in one call.
MOST_PAIRS = 2_000_000
MAX_BODY_BYTES = 5_000_000
_ID_CHARACTERS = 12


class Kind(StrEnum):
    STRIKETHROUGH = "STRIKETHROUGH"
    SAME_ITEM_BUNDLE = "SAME_ITEM_BUNDLE"


class Subtype(StrEnum):
    PERCENTAGE = "PERCENTAGE"
    ABSOLUTE = "ABSOLUTE"
    FINAL_PRICE = "FINAL_PRICE"


@dataclass(frozen=True, slots=True)
class Discount:
    """What some SKUs get. ``value`` is in per cent for PERCENTAGE, else in major units. ``max_quantity`` is the most
    pieces that get it. A SKU is taken out of a promotion by a discount that is not active."""

    skus: tuple[str, ...]
    subtype: Subtype
    value: Decimal
    is_active: bool = True
    max_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """``vendors`` are the platform's ids of stores, or EVERY_STORE alone. ``names`` are what customers see, by locale
    such as en_PK. Times are UTC; ``ends`` is the last moment. ``limits`` go to the platform as they came. Of a bundle,
    ``buy`` pieces are bought and ``get`` are discounted."""

    vendors: tuple[str, ...]
    kind: Kind
    reason: str
    names: Mapping[str, str]
    starts: datetime
    ends: datetime
    discounts: tuple[Discount, ...]
    limits: Mapping[str, Json] = field(default_factory=dict)
    buy: int | None = None
    get: int | None = None
    is_active: bool = True

    @property
    def promotion_id(self) -> str:
        """The same for two bodies that the platform takes for one promotion."""
        identity: dict[str, Json] = {
            "names": dict(sorted(self.names.items())),
            "vendors": [*sorted(self.vendors)],
            "starts": _text(self.starts),
            "ends": _text(self.ends),
        }
        return sha256(write_bytes(identity)).hexdigest()[:_ID_CHARACTERS]

    @property
    def name(self) -> str:
        """One name, for lists."""
        return next((self.names[locale] for locale in sorted(self.names)), "")

    @property
    def active_skus(self) -> tuple[str, ...]:
        """The SKUs that get something, each once, in the order of the document."""
        return tuple(dict.fromkeys(sku for one in self.discounts if one.is_active for sku in one.skus))


def ended(promotion: Promotion) -> Promotion:
    """The same promotion, to be ended."""
    return replace(promotion, is_active=False)


def without(promotion: Promotion, skus: Collection[str]) -> Promotion:
    """The same promotion without some of its SKUs, which it still names, as not active."""
    discounts: list[Discount] = []
    for one in promotion.discounts:
        gone = tuple(sku for sku in one.skus if sku in skus)
        kept = tuple(sku for sku in one.skus if sku not in skus)
        if not one.is_active or not gone:
            discounts.append(one)
            continue
        if kept:
            discounts.append(replace(one, skus=kept))
        discounts.append(replace(one, skus=gone, is_active=False))
    return replace(promotion, discounts=tuple(discounts))


# -- the body --------------------------------------------------------------------------------------------------------


def body_of(promotion: Promotion) -> bytes:
    """The body of the call: the same bytes for the same promotion."""
    conditions: dict[str, Json] = {"start_time": _text(promotion.starts), "end_time": _text(promotion.ends)}
    if promotion.buy is not None:
        conditions["purchased_quantity"] = promotion.buy
    if promotion.get is not None:
        conditions["discounted_quantity"] = promotion.get
    body: dict[str, Json] = {
        "vendors": [*promotion.vendors],
        "type": promotion.kind.value,
        "active": promotion.is_active,
        "reason": promotion.reason,
        "display_name": dict(promotion.names),
        "conditions": conditions,
    }
    if promotion.limits:
        body["limits"] = dict(promotion.limits)
    body["discount"] = [_discount_body(one) for one in promotion.discounts]
    return write_bytes(body)


def digest_of(body: bytes) -> str:
    """What a body, or a document, is kept under."""
    return sha256(body).hexdigest()


def promotion_of(body: bytes) -> Promotion:
    """The promotion of a body that body_of() wrote. Raises LookupError, TypeError or ValueError for any other."""
    content = parse(body)
    if not isinstance(content, dict):
        raise TypeError("a body is an object")
    conditions = _object(content["conditions"])
    return Promotion(
        tuple(map(_string, _list(content["vendors"]))),
        Kind(_string(content["type"])),
        _string(content["reason"]),
        {locale: _string(name) for locale, name in _object(content["display_name"]).items()},
        _time(conditions["start_time"]),
        _time(conditions["end_time"]),
        tuple(map(_discount, _list(content["discount"]))),
        _object(content.get("limits", {})),
        _whole(conditions.get("purchased_quantity")),
        _whole(conditions.get("discounted_quantity")),
        content["active"] is True,
    )


def _discount_body(discount: Discount) -> dict[str, Json]:
    body: dict[str, Json] = {
        "sku": [*discount.skus],
        "discount_subtype": discount.subtype.value,
        "discount_value": discount.value,
        "active": discount.is_active,
    }
    return body if discount.max_quantity is None else {**body, "max_quantity": discount.max_quantity}


def _discount(value: Json) -> Discount:
    content = _object(value)
    number = content["discount_value"]
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise TypeError("a discount's value is a number")
    return Discount(
        tuple(map(_string, _list(content["sku"]))),
        Subtype(_string(content["discount_subtype"])),
        Decimal(number),
        content["active"] is True,
        _whole(content.get("max_quantity")),
    )


def _text(at: datetime) -> str:
    """``2026-05-06T00:00:00.000Z``."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1_000:03d}Z"


def _time(value: Json) -> datetime:
    return datetime.fromisoformat(_string(value)).astimezone(UTC)


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: Json) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError("not a whole number")


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value
