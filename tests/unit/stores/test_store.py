"""What an operator sets of a store is checked."""

import pytest

from partner_orders.stores.store import AmbiguousCodeError, InvalidStoreError, Store, StoreSettings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (StoreSettings(currency="pkr"), "the currency should be three capital letters, such as PKR"),
        (StoreSettings(currency="PKRS"), "the currency should be three capital letters, such as PKR"),
        (StoreSettings(time_zone="Mars"), "'Mars' is not a time zone; use e.g. Asia/Karachi"),
        (StoreSettings(trading_hours="always"), "'always' should look like mon-fri 08:00-22:00"),
    ],
)
def test_bad_setting(settings: StoreSettings, problem: str) -> None:
    """The message says how the setting should look."""
    with pytest.raises(InvalidStoreError) as error:
        settings.check()
    assert str(error.value) == problem


def test_good_settings() -> None:
    """What is not set, or removed, is fine."""
    StoreSettings().check()
    StoreSettings("", "", "", "").check()
    StoreSettings("PKR", "Asia/Karachi", "mon-fri 08:00-22:00").check()


def test_code_of_several_stores() -> None:
    """A code that names several stores is told with them."""
    assert str(AmbiguousCodeError("K-1", ["s1", "s2"])) == (
        "several stores have the code K-1 now: s1, s2; name one by its store_id"
    )


def test_listings() -> None:
    """A store is listed under its id first; other listings make no difference between two stores."""
    store = Store("s0", other_listings=("K-1",))
    assert store.listings == ("s0", "K-1")
    assert store == Store("s0")
    assert not store.is_paused
    assert not store.is_answering
