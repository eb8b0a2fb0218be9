"""What the simulated platform of each brand exports is what our part shows of it."""

from dataclasses import replace

import pytest

from tests.support.exports_world import exports_world
from tools.local.simulated_platform.profiles import BY_NAME

STORE = "store-0"


@pytest.mark.parametrize("results_at", ["api", "storage"])
@pytest.mark.parametrize("brand", sorted(BY_NAME))
def test_export_of_each_brand(brand: str, results_at: str) -> None:
    """Delimiter, byte order mark, ids and names of each brand, from the Partner API and from a storage host; the
    storage host never gets the token."""
    with exports_world(habits=replace(BY_NAME[brand].catalogue, results_at=results_at)) as world:
        world.serve()
        assert world.work() == [True]
        shown = [(one.sku, one.barcodes, one.price, one.active, one.cap) for one in world.files.shown(STORE)]
        assert shown == [
            (one.sku, one.barcodes, one.price, one.active, one.cap) for one in world.catalogue.products(STORE)
        ]
        assert world.catalogue.requests["storage"] == (results_at == "storage")
        assert world.catalogue.requests["storage_with_token"] == 0
