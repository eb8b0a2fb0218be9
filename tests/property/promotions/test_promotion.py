"""A promotion: its body, what makes it the same one, and what ends it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.promotions.promotion import (
    EVERY_STORE,
    REASONS,
    Discount,
    Kind,
    Promotion,
    Subtype,
    body_of,
    ended,
    promotion_of,
    without,
)

SKUS = st.text("ABC123-", min_size=1, max_size=6)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1_000 * 1_000)
)
DISCOUNTS = st.builds(
    Discount,
    st.lists(SKUS, min_size=1, max_size=5, unique=True).map(tuple),
    st.sampled_from(Subtype),
    st.decimals(Decimal("0.001"), 1000, places=3),
    st.booleans(),
    st.none() | st.integers(1, 99),
)
PROMOTIONS = st.builds(
    Promotion,
    st.just((EVERY_STORE,)) | st.lists(SKUS, min_size=1, max_size=4, unique=True).map(tuple),
    st.sampled_from(Kind),
    st.sampled_from(REASONS),
    st.dictionaries(st.sampled_from(["en_PK", "ur_PK", "es_AR"]), st.text(max_size=9), min_size=1),
    TIMES,
    TIMES,
    st.lists(DISCOUNTS, min_size=1, max_size=4).map(tuple),
    st.dictionaries(st.sampled_from(["global_limit", "max_discount_per_order"]), st.integers(1, 9)),
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 9),
    st.booleans(),
)


@given(PROMOTIONS)
def test_body_round_trip(promotion: Promotion) -> None:
    """A promotion is read back from its body as it was, and gives the same bytes again."""
    body = body_of(promotion)
    assert promotion_of(body) == promotion
    assert body_of(promotion_of(body)) == body


@given(PROMOTIONS, st.sets(SKUS))
def test_identity_survives_changes(promotion: Promotion, skus: Collection[str]) -> None:
    """Ending and shrinking a promotion, and another order of its stores, leave it the same promotion."""
    reordered = replace(promotion, vendors=promotion.vendors[::-1])
    same = {one.promotion_id for one in (promotion, ended(promotion), without(promotion, skus), reordered)}
    assert len(same) == 1


@given(PROMOTIONS, st.integers(1, 10**6))
def test_new_end_is_another(promotion: Promotion, seconds: int) -> None:
    """A promotion with another end is another promotion."""
    assert replace(promotion, ends=promotion.ends + timedelta(seconds=seconds)).promotion_id != promotion.promotion_id


@given(PROMOTIONS, st.sets(SKUS))
def test_shrinking_names_every_sku(promotion: Promotion, skus: Collection[str]) -> None:
    """A SKU that is taken out is still named, as not active; the others keep what they get."""
    shrunk = without(promotion, skus)
    before, after = _by_sku(promotion), _by_sku(shrunk)
    assert before.keys() == after.keys()
    for sku, discounts in before.items():
        for old, new in zip(discounts, after[sku], strict=True):
            assert new == (old if sku not in skus else replace(old, is_active=False))


def _by_sku(promotion: Promotion) -> dict[str, list[Discount]]:
    """What each SKU gets, as discounts of that SKU alone."""
    found: dict[str, list[Discount]] = {}
    for one in promotion.discounts:
        for sku in one.skus:
            found.setdefault(sku, []).append(replace(one, skus=(sku,)))
    return found
