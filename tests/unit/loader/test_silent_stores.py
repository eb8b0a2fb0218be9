"""Stores that are sending and have no new file are counted, now and then."""

from datetime import datetime, timedelta

import pytest

from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.store_state import StoreState
from partner_orders.loader.silent_stores import SilentStores
from tests.support.fixed_clock import NOW

AFTER = timedelta(hours=26)
LONG_AGO = NOW - AFTER


def silent(is_sending: bool, loaded_at: datetime | None, changed_at: datetime | None) -> bool:
    settings = {"a": CatalogueSettings("a", is_sending, changed_at=changed_at)}
    states = {"a": StoreState("a", loaded_at=loaded_at)} if loaded_at else {}
    return SilentStores(lambda: settings, lambda: states, AFTER, lambda: NOW).silent() == ["a"]


@pytest.mark.parametrize(
    ("loaded_at", "changed_at", "expected"),
    [
        (LONG_AGO, NOW, True),
        (LONG_AGO + timedelta(seconds=1), LONG_AGO, False),
        (None, LONG_AGO, True),
        (None, NOW, False),
        (None, None, True),
    ],
)
def test_silence(loaded_at: datetime | None, changed_at: datetime | None, expected: bool) -> None:
    """A store is silent since its last file; one that never had any, since it was set."""
    assert silent(True, loaded_at, changed_at) is expected
    assert silent(False, loaded_at, changed_at) is False


def test_count_is_taken_every_five_minutes() -> None:
    """Stores are counted at once, then after five minutes; never where it is switched off."""
    now = NOW
    stores = SilentStores(lambda: {"a": CatalogueSettings("a", True)}, dict, AFTER, lambda: now)
    assert stores.count_if_due() == 1
    now += timedelta(minutes=4)
    assert stores.count_if_due() is None
    now += timedelta(minutes=1)
    assert stores.count_if_due() == 1
    assert SilentStores(dict, dict, timedelta(0), lambda: now).count_if_due() is None
