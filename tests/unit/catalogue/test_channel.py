"""The channel of a store, and where its files go."""

from partner_orders.catalogue.channel import NO_PLACE, Channel, FilePlace, Layout


def test_stored_words() -> None:
    """Rows and commands have these words, so they stay."""
    assert [*Channel] == ["api", "files"]
    assert [*Layout] == ["one_vendor", "many_vendors"]


def test_vendor_in_files() -> None:
    """A store has the platform's id in files, or the chain's code where one is set."""
    assert FilePlace("shop").vendor_of("store-1") == "store-1"
    assert FilePlace("shop", vendor_id="K-7").vendor_of("store-1") == "K-7"


def test_no_place() -> None:
    """A store by API has a place without a prefix, folder or code."""
    assert FilePlace("", "", Layout.ONE_VENDOR, "") == NO_PLACE
