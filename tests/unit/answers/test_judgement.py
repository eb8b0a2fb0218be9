"""An outcome follows from what the platform shows, and from nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.answers.answer import CancelReason
from partner_orders.answers.judgement import Outcome, Target, judge
from partner_orders.answers.put_body import target_of
from partner_orders.answers.rules import Brand
from partner_orders.orders.event import parse_event
from partner_orders.orders.model import Order
from tests.support.answers import lines, read
from tests.support.orders import as_bytes, order

FOODPANDA, GLOVO = Brand("foodpanda"), Brand("glovo")
PICKED = [item | {"status": "IN_CART"} for item in lines()]


def made(**fields: Any) -> Order:
    return parse_event(as_bytes(order(**({"items": lines()} | fields)))).order


def target(brand: Brand = FOODPANDA, transport: str = "LOGISTICS_DELIVERY", **content: Any) -> Target:
    return target_of(read(**content), made(transport_type=transport), brand)


@pytest.mark.parametrize(
    ("status", "items", "was_sent", "outcome"),
    [
        ("RECEIVED", PICKED, True, None),
        ("READY_FOR_PICKUP", PICKED, True, "applied"),
        ("READY_FOR_PICKUP", PICKED, False, "applied"),
        ("PICKED_UP", PICKED, True, "applied"),
        ("READY_FOR_PICKUP", PICKED[:4], True, "applied_differently"),
        ("READY_FOR_PICKUP", PICKED[:4], False, "overtaken"),
        ("CANCELLED", PICKED, True, "overtaken"),
        ("HANDED_TO_DRONE", PICKED, True, None),
    ],
)
def test_ready_is_judged(status: str, items: list[Any], was_sent: bool, outcome: str | None) -> None:
    """Ready is applied once its status or a later one is shown with its lines."""
    assert judge(target(), made(status=status, items=items), was_sent) == outcome


@pytest.mark.parametrize(
    ("brand", "status", "outcome"),
    [
        (FOODPANDA, "READY_FOR_PICKUP", None),
        (FOODPANDA, "DISPATCHED", "applied"),
        (GLOVO, "READY_FOR_PICKUP", "applied"),
        (GLOVO, "ACCEPTED", None),
    ],
)
def test_dispatch_is_judged_by_brand(brand: Brand, status: str, outcome: str | None) -> None:
    """A dispatched order of Glovo is shown as ready."""
    wanted = target(brand, "VENDOR_DELIVERY")
    assert judge(wanted, made(status=status, items=PICKED), was_sent=True) == outcome


@pytest.mark.parametrize(
    ("status", "items", "outcome"),
    [
        ("RECEIVED", PICKED, "applied"),
        ("RECEIVED", lines(), None),
        ("READY_FOR_PICKUP", PICKED, "applied"),
        ("READY_FOR_PICKUP", lines(), "overtaken"),
        ("CANCELLED", PICKED, "overtaken"),
    ],
)
def test_update_is_judged_by_lines(status: str, items: list[Any], outcome: str | None) -> None:
    """An update is applied once its lines are shown, unless somebody else finished the order."""
    assert judge(target(kind="update"), made(status=status, items=items), was_sent=True) == outcome


@pytest.mark.parametrize(
    ("status", "was_sent", "outcome"),
    [
        ("RECEIVED", True, None),
        ("ACCEPTED", True, "applied"),
        ("READY_FOR_PICKUP", True, "applied"),
        ("READY_FOR_PICKUP", False, "overtaken"),
        ("CANCELLED", True, "overtaken"),
    ],
)
def test_accept_is_judged(status: str, was_sent: bool, outcome: str | None) -> None:
    """An accept is applied once its status or a later one is shown."""
    wanted = target(GLOVO, "VENDOR_DELIVERY", kind="accept", ready_at="2026-10-14T09:30:00Z")
    assert judge(wanted, made(status=status), was_sent) == outcome


@pytest.mark.parametrize(
    ("status", "cancellation", "was_sent", "outcome"),
    [
        ("RECEIVED", None, True, None),
        ("CANCELLED", {"reason": "TOO_BUSY"}, True, "applied"),
        ("CANCELLED", {"reason": " too_busy "}, True, "applied"),
        ("CANCELLED", {"reason": "customer changed her mind"}, True, "overtaken"),
        ("CANCELLED", {"reason": "TOO_BUSY"}, False, "overtaken"),
        ("CANCELLED", None, True, "applied"),
        ("CANCELLED", "TOO_BUSY", True, "applied"),
        ("DISPATCHED", None, True, "overtaken"),
    ],
)
def test_cancel_is_judged(status: str, cancellation: Any, was_sent: bool, outcome: str | None) -> None:
    """A cancel is applied once the order is cancelled by our request, with our reason or none."""
    shown = made(status=status, cancellation=cancellation)
    assert judge(target(kind="cancel", reason="TOO_BUSY"), shown, was_sent) == outcome


def test_weight_off_by_a_gram_differs() -> None:
    """A line that shows another weight has been applied differently."""
    wanted = target(lines=[{"id": "ln-3", "weight": 0.842}])
    items = [
        item | {"pricing": item["pricing"] | {"weight": 0.843}} if item["_id"] == "ln-3" else item for item in PICKED
    ]
    shown = made(status="READY_FOR_PICKUP", items=items)
    assert judge(wanted, shown, was_sent=True) is Outcome.APPLIED_DIFFERENTLY
    close = [replace(line, weight=Decimal("0.8431")) if line.id == "ln-3" else line for line in wanted.lines]
    assert judge(replace(wanted, lines=close), shown, was_sent=True) is Outcome.APPLIED


def test_outcomes_for_a_person() -> None:
    """A person looks at what was applied differently, expired or is unknown."""
    assert {outcome for outcome in Outcome if outcome.is_for_a_person} == {
        *(Outcome.APPLIED_DIFFERENTLY, Outcome.EXPIRED, Outcome.UNKNOWN),
    }
    assert target(kind="cancel", reason="CLOSED").reason is CancelReason.CLOSED
