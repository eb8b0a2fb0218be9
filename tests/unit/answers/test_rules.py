"""Which answer an order may get: by brand, delivery and status (docs/platform.md 8.1)."""

from typing import Any

import pytest

from partner_orders.answers.answer import Kind
from partner_orders.answers.rules import Brand, Hindrance, allowed_kinds, hindrance, ready_status
from partner_orders.orders import lifecycle
from partner_orders.orders.event import parse_event
from partner_orders.orders.model import Order
from tests.support.orders import as_bytes, order

FOODPANDA, GLOVO = Brand("foodpanda"), Brand("glovo")


def made(**fields: Any) -> Order:
    return parse_event(as_bytes(order(**fields))).order


@pytest.mark.parametrize(
    ("transport", "kind", "status"),
    [
        ("LOGISTICS_DELIVERY", "DELIVERY", "READY_FOR_PICKUP"),
        ("VENDOR_DELIVERY", "DELIVERY", "DISPATCHED"),
        (" vendor_delivery ", "DELIVERY", "DISPATCHED"),
        ("VENDOR_DELIVERY", "PICKUP", "READY_FOR_PICKUP"),
        (None, "PICKUP", "READY_FOR_PICKUP"),
        (None, None, "READY_FOR_PICKUP"),
    ],
)
def test_ready_means_by_delivery(transport: str | None, kind: str | None, status: str) -> None:
    """Ready is DISPATCHED where the store delivers, and READY_FOR_PICKUP elsewhere."""
    assert ready_status(made(transport_type=transport, order_type=kind)) == status


@pytest.mark.parametrize(
    ("brand", "transport", "status", "kinds"),
    [
        (FOODPANDA, "LOGISTICS_DELIVERY", "RECEIVED", {"ready", "update", "cancel"}),
        (FOODPANDA, "VENDOR_DELIVERY", "RECEIVED", {"ready", "update", "cancel"}),
        (FOODPANDA, "LOGISTICS_DELIVERY", "HANDED_TO_DRONE", {"ready", "update", "cancel"}),
        (GLOVO, "LOGISTICS_DELIVERY", "RECEIVED", {"ready", "update"}),
        (GLOVO, "VENDOR_DELIVERY", "RECEIVED", {"ready", "update", "accept"}),
        (GLOVO, "VENDOR_DELIVERY", "ACCEPTED", {"ready", "update"}),
    ],
)
def test_kinds_that_are_allowed(brand: Brand, transport: str, status: str, kinds: set[str]) -> None:
    """Before an order is ready, the brand and the delivery decide."""
    assert allowed_kinds(made(transport_type=transport, status=status), brand) == kinds


@pytest.mark.parametrize("brand", [FOODPANDA, GLOVO])
@pytest.mark.parametrize(
    "status", ["READY_FOR_PICKUP", "DISPATCHED", "PICKED_UP", "DELIVERED", "CANCELLED", "CANCELED"]
)
def test_nothing_is_allowed_after_ready(brand: Brand, status: str) -> None:
    """From ready on an order takes no answer, of any kind."""
    finished = made(status=status, transport_type="VENDOR_DELIVERY")
    assert allowed_kinds(finished, brand) == frozenset()
    assert {hindrance(kind, finished, brand) for kind in Kind} == {Hindrance.ORDER_FINISHED}
    assert lifecycle.rank(finished.status) >= lifecycle.rank("READY_FOR_PICKUP")


def test_hindrance_tells_kinds_apart() -> None:
    """A kind that the brand does not have is not allowed; one that it has is not hindered."""
    assert hindrance(Kind.ACCEPT, made(), FOODPANDA) is Hindrance.NOT_ALLOWED
    assert hindrance(Kind.CANCEL, made(), GLOVO) is Hindrance.NOT_ALLOWED
    assert hindrance(Kind.READY, made(), FOODPANDA) is None


def test_brand_follows_from_the_url() -> None:
    """The brand is that of the Partner API's host, unless it is named."""
    url = "https://Glovo.partner.deliveryhero.io"
    assert Brand.named("auto", url) == GLOVO
    assert Brand.named("foodpanda", url) == FOODPANDA
