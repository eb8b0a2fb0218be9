"""The stores' table does the same on moto and on DynamoDB Local."""

from typing import Any

import pytest

from partner_orders.orders.model import Client
from partner_orders.stores.store import InvalidStoreError, Store, StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE


@pytest.fixture
def stores(dynamodb: Any) -> StoresTable:
    return StoresTable(dynamodb, TABLE, CHAIN_ID, clock)


def client(store_id: str | None = "q7xk", **fields: Any) -> Client:
    return Client.model_validate({"chain_id": CHAIN_ID, "store_id": store_id, "name": "Clifton", **fields})


def test_registered(stores: StoresTable) -> None:
    """A store is registered by its first event, and found by both its ids."""
    stores.register(client(external_partner_config_id="GB-1", country_code="pk"))
    expected = Store("q7xk", "GB-1", "Clifton", "pk", registered_at=NOW)
    assert stores.all() == [expected]
    assert stores.find("q7xk") == stores.find("GB-1") == expected
    assert stores.find("nowhere") is None


def test_foreign(stores: StoresTable) -> None:
    """A store of another chain, or without an id, is not registered."""
    stores.register(client(chain_id="another-chain"))
    stores.register(client(store_id=None))
    assert stores.all() == []


def test_settings(stores: StoresTable) -> None:
    """What an operator sets stays, whatever events say of the store."""
    stores.register(client())
    given = StoreSettings(currency="PKR", time_zone="Asia/Karachi", external_partner_config_id="GB-1", is_paused=True)
    assert stores.set("q7xk", given) == "q7xk"
    stores.register(client(name="Clifton II"))
    found = stores.find("GB-1")
    assert found is not None
    assert (found.name, found.currency, found.time_zone, found.is_paused) == (
        "Clifton II",
        "PKR",
        "Asia/Karachi",
        True,
    )
    stores.set("GB-1", StoreSettings(currency="", is_paused=False))
    [found] = stores.all()
    assert (found.currency, found.time_zone, found.is_paused) == (None, "Asia/Karachi", False)


def test_taken_code(stores: StoresTable) -> None:
    """An operator cannot give a store the code of another."""
    stores.register(client(external_partner_config_id="GB-1"))
    with pytest.raises(InvalidStoreError):
        stores.set("n9wz", StoreSettings(external_partner_config_id="GB-1"))
    assert [store.store_id for store in stores.all()] == ["q7xk"]


def test_removed(stores: StoresTable) -> None:
    """A removed store leaves nothing; a code that another store has too names that one."""
    stores.register(client("n9wz", external_partner_config_id="GB-1"))
    stores.register(client("q7xk", external_partner_config_id="GB-1"))
    removed = stores.find("q7xk")
    assert removed is not None
    stores.remove(removed)
    assert [store.store_id for store in stores.all()] == ["n9wz"]
    by_code = stores.find("GB-1")
    assert by_code is not None
    assert by_code.store_id == "n9wz"
