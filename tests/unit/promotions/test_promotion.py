"""What the platform gets of a promotion, and what makes two of them one."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partner_orders.promotions.promotion import (
    MAX_BODY_BYTES,
    MOST_PAIRS,
    REASONS,
    Discount,
    Kind,
    Promotion,
    Subtype,
    body_of,
    digest_of,
    ended,
    promotion_of,
    without,
)

ROOT = Path(__file__).parents[3]
PAKISTAN = timezone(timedelta(hours=5))
BUNDLE = Promotion(
    ("s1", "s0"),
    Kind.SAME_ITEM_BUNDLE,
    "OVERSTOCK",
    {"ur_PK": "ہفتہ", "en_PK": "Dairy week"},
    datetime(2026, 5, 6, 0, 0, 0, 7_000, tzinfo=PAKISTAN),
    datetime(2026, 5, 8, 23, 59, 59, 999_999, tzinfo=UTC),
    (
        Discount(("A", "B"), Subtype.PERCENTAGE, Decimal(50)),
        Discount(("C",), Subtype.ABSOLUTE, Decimal("0.50"), is_active=False, max_quantity=2),
    ),
    {"per_customer": 3},
    buy=2,
    get=1,
)
PROMOTION_ID = "10076d74f4d1"
BODY: dict[str, Any] = {
    "vendors": ["s1", "s0"],
    "type": "SAME_ITEM_BUNDLE",
    "active": True,
    "reason": "OVERSTOCK",
    "display_name": {"ur_PK": "ہفتہ", "en_PK": "Dairy week"},
    "conditions": {
        "start_time": "2026-05-05T19:00:00.007Z",
        "end_time": "2026-05-08T23:59:59.999Z",
        "purchased_quantity": 2,
        "discounted_quantity": 1,
    },
    "limits": {"per_customer": 3},
    "discount": [
        {"sku": ["A", "B"], "discount_subtype": "PERCENTAGE", "discount_value": 50, "active": True},
        {"sku": ["C"], "discount_subtype": "ABSOLUTE", "discount_value": 0.5, "active": False, "max_quantity": 2},
    ],
}


def test_body() -> None:
    """The body has every field, with times to the millisecond, and is read back."""
    body = body_of(BUNDLE)
    assert json.loads(body) == BODY
    assert [*json.loads(body)] == [*BODY]
    assert b'"discount_value":0.50,' in body
    again = promotion_of(body)
    assert body_of(again) == body
    assert (again.starts, again.kind, again.buy, again.get, again.limits) == (
        BUNDLE.starts.astimezone(UTC),
        *(BUNDLE.kind, 2, 1, {"per_customer": 3}),
    )
    assert again.discounts == BUNDLE.discounts
    assert digest_of(body) == digest_of(body_of(again)) != digest_of(body_of(ended(BUNDLE)))


def test_plain_body() -> None:
    """What a promotion does not have is left out of its body."""
    plain = replace(BUNDLE, buy=None, get=None, limits={}, kind=Kind.STRIKETHROUGH)
    body = json.loads(body_of(plain))
    assert "limits" not in body
    assert [*body["conditions"]] == ["start_time", "end_time"]
    assert promotion_of(body_of(plain)) == replace(
        plain, starts=plain.starts.astimezone(UTC), ends=plain.ends.replace(microsecond=999_000)
    )
    assert promotion_of(body_of(ended(plain))).is_active is False


def test_same_promotion() -> None:
    """Names, stores, start and end make a promotion. The id is stored, so it never changes."""
    assert BUNDLE.promotion_id == PROMOTION_ID
    for same in (
        replace(BUNDLE, vendors=("s0", "s1")),
        replace(BUNDLE, names={name: BUNDLE.names[name] for name in sorted(BUNDLE.names)}),
        replace(BUNDLE, discounts=(), reason="TRADING", buy=None),
        ended(BUNDLE),
    ):
        assert same.promotion_id == PROMOTION_ID
    for other in (
        replace(BUNDLE, vendors=("s0",)),
        replace(BUNDLE, names={"en_PK": "Dairy week"}),
        replace(BUNDLE, starts=BUNDLE.starts + timedelta(seconds=1)),
        replace(BUNDLE, ends=BUNDLE.ends + timedelta(seconds=1)),
    ):
        assert other.promotion_id != PROMOTION_ID


def test_name_and_skus() -> None:
    """A list shows the first name by locale; SKUs that are taken out get nothing."""
    assert BUNDLE.name == "Dairy week"
    assert replace(BUNDLE, names={}).name == ""
    twice = replace(BUNDLE, discounts=(BUNDLE.discounts[0], Discount(("B", "D"), Subtype.ABSOLUTE, Decimal(1))))
    assert twice.active_skus == ("A", "B", "D")
    assert BUNDLE.active_skus == ("A", "B")


def test_without_some_skus() -> None:
    """SKUs that are taken out are named by a discount that is not active; nothing else changes."""
    first, second = BUNDLE.discounts
    assert without(BUNDLE, {"B", "C"}).discounts == (
        replace(first, skus=("A",)),
        replace(first, skus=("B",), is_active=False),
        second,
    )
    assert without(BUNDLE, {"A", "B"}).discounts == (replace(first, is_active=False), second)
    assert without(BUNDLE, {"D"}).discounts == BUNDLE.discounts


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"vendors": "s0"}, "not a list"),
        ({"vendors": [1]}, "not a text"),
        ({"display_name": []}, "not an object"),
        ({"conditions": {"start_time": 5, "end_time": "2026-05-08T23:59:59Z"}}, "not a text"),
        ({"conditions": BODY["conditions"] | {"purchased_quantity": "2"}}, "not a whole number"),
        ({"conditions": BODY["conditions"] | {"discounted_quantity": True}}, "not a whole number"),
        ({"discount": [BODY["discount"][0] | {"discount_value": True}]}, "a discount's value is a number"),
        ({"discount": [BODY["discount"][0] | {"discount_value": "5"}]}, "a discount's value is a number"),
        ({"discount": ["A"]}, "not an object"),
    ],
)
def test_other_body(change: dict[str, Any], error: str) -> None:
    """A body that is not one of ours is refused."""
    with pytest.raises(TypeError, match=f"^{error}$"):
        promotion_of(json.dumps(BODY | change).encode())


def test_body_is_an_object() -> None:
    """So is JSON that is no object."""
    with pytest.raises(TypeError, match=r"^a body is an object$"):
        promotion_of(b"[]")


def test_limits_are_the_platforms() -> None:
    """The reasons and the two limits are those of docs/promotions.md, which has them from the platform."""
    page = (ROOT / "docs" / "promotions.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `reason` |"))
    assert re.findall(r"`([A-Z_]+)`", row) == [*REASONS]
    assert f"more than {MOST_PAIRS:,} pairs of a SKU and a store, or a body of more than 5 MB" in page
    assert MAX_BODY_BYTES == 5_000_000
