"""The keys of rows, as docs/data-model.md has them."""

import pytest

from partner_orders.aws import keys


@pytest.mark.parametrize(
    ("key", "pk", "sk"),
    [
        (keys.order("o-1"), "ORDER#o-1", "ORDER"),
        (keys.order_event("o-1", "d-1"), "ORDER#o-1", "EVENT#d-1"),
        (keys.rejected("d-1"), "REJECTED#d-1", "REJECTED"),
        (keys.store("s-1"), "STORES", "STORE#s-1"),
        (keys.alias("GB-1"), "STORES", "ALIAS#GB-1"),
        (keys.position("s-1"), "RECONCILIATION", "POSITION#s-1"),
        (keys.backfill("b-1"), "RECONCILIATION", "BACKFILL#b-1"),
        (keys.report("2026-10-14T08:00:00.000Z"), "RECONCILIATION", "REPORT#2026-10-14T08:00:00.000Z"),
        (keys.lease(), "RECONCILIATION", "LEASE"),
        (keys.erasure("2026-10-14T08:00:00.000Z-0417"), "ERASURES", "2026-10-14T08:00:00.000Z-0417"),
        (keys.repair("2026-10-14T08:00:00.000Z"), "REPAIRS", "2026-10-14T08:00:00.000Z"),
    ],
)
def test_row_has_its_key(key: keys.Key, pk: str, sk: str) -> None:
    """Each kind of row has the key that the data model names."""
    assert key == (pk, sk)


@pytest.mark.parametrize("name", ["o-1", "", "ORDER#o-1", "a#b", "ﷺ"])
def test_an_id_comes_back_from_its_key(name: str) -> None:
    """An id is the platform's: it may look like a key."""
    assert keys.order_id_of(keys.order(name).pk) == name
    assert keys.rejected_digest_of(keys.rejected(name).pk) == name
