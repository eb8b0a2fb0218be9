"""Which answer an order may get now: by the brand, by who delivers, and by what the order and earlier answers are at
(docs/platform.md 8.1)."""

from dataclasses import dataclass
from enum import StrEnum

from partner_orders.answers.answer import Kind
from partner_orders.orders import lifecycle
from partner_orders.orders.model import Order

VENDOR_DELIVERY = "VENDOR_DELIVERY"
PICKUP = "PICKUP"
# In place of a brand's name: the one whose Partner API it is.
AUTO = "auto"
# Brands whose stores accept an order before they pick it, and cannot cancel one.
ACCEPTING_BRANDS = frozenset({"glovo"})


class Hindrance(StrEnum):
    """Why an order may not get an answer, as the API says it."""

    STORE_OFF = "store_off"
    ORDER_FINISHED = "order_finished"
    NOT_ALLOWED = "not_allowed"
    ANSWER_OPEN = "answer_open"
    ORDER_CHANGED = "order_changed"
    TOO_MANY_ANSWERS = "too_many_answers"
    ANSWER_ID_USED = "answer_id_used"


@dataclass(frozen=True)
class Brand:
    """A platform of Delivery Hero, by the first label of its host, such as ``foodpanda``."""

    name: str

    @classmethod
    def of_url(cls, base_url: str) -> "Brand":
        """The brand of the Partner API's base URL (docs/platform.md 4.1)."""
        return cls(base_url.partition("://")[2].partition(".")[0].lower())

    @classmethod
    def named(cls, name: str, base_url: str) -> "Brand":
        """The brand of this name; that of the URL for ``auto``."""
        return cls.of_url(base_url) if name == AUTO else cls(name)

    @property
    def accepts(self) -> bool:
        return self.name in ACCEPTING_BRANDS

    @property
    def cancels(self) -> bool:
        return self.name not in ACCEPTING_BRANDS


def ready_status(order: Order) -> str:
    """The status that says that an order is ready: dispatched, where the store delivers it itself."""
    is_own_delivery = _word(order.transport_type) == VENDOR_DELIVERY and _word(order.order_type) != PICKUP
    return lifecycle.DISPATCHED if is_own_delivery else lifecycle.READY_FOR_PICKUP


def is_picked(status: str) -> bool:
    """Whether an order is ready or beyond, so that its lines are what they are."""
    return lifecycle.rank(status) >= lifecycle.rank(lifecycle.READY_FOR_PICKUP)


def allowed_kinds(order: Order, brand: Brand) -> frozenset[Kind]:
    """What may be said of an order in its present state. An order whose status we do not know may be open."""
    if is_picked(order.status):
        return frozenset()
    kinds = {Kind.READY, Kind.UPDATE}
    if brand.cancels:
        kinds.add(Kind.CANCEL)
    if brand.accepts and _word(order.transport_type) == VENDOR_DELIVERY and order.status == lifecycle.RECEIVED:
        kinds.add(Kind.ACCEPT)
    return frozenset(kinds)


def hindrance(kind: Kind, order: Order, brand: Brand) -> Hindrance | None:
    """Why an order may not get an answer of a kind; None if it may."""
    if kind in allowed_kinds(order, brand):
        return None
    return Hindrance.ORDER_FINISHED if is_picked(order.status) else Hindrance.NOT_ALLOWED


def _word(text: str | None) -> str:
    return (text or "").strip().upper()
