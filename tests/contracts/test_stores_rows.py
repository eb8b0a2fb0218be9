"""The rows of stores: exactly what events, and an operator, make of them (docs/data-model.md)."""

from dataclasses import asdict
from typing import Any

import pytest

from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import InvalidStoreError, StoreSettings
from tests.support.contracts import QUICK
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tests.support.stores import after, put, rows, say, stores_table

pytestmark = pytest.mark.parametrize("dynamodb", QUICK, indirect=True)

CODE = "external_partner_config_id"


def row(store_id: str, version: int, **attributes: Any) -> dict[str, Any]:
    """What a store's row has, registered now."""
    known = {"schema_version": 1, "version": version, "store_id": store_id, "registered_at": after(0)}
    return known | attributes


def alias(store_id: str, version: int, minutes: int | None, **attributes: Any) -> dict[str, Any]:
    said_at = "" if minutes is None else after(minutes)
    return {"schema_version": 1, "version": version, "store_id": store_id, "said_at": said_at} | attributes


def coded(code: str, minutes: int) -> dict[str, Any]:
    return {CODE: code, f"{CODE}_said_at": after(minutes)}


def test_first_event_is_two_rows(dynamodb: Any) -> None:
    """The first event of a store is a row of the store and one of its code."""
    say(stores_table(dynamodb), 1, code="GB-1", name="Clifton", country_code="pk")
    facts = {"name": "Clifton", "name_said_at": after(1), "country_code": "pk", "country_code_said_at": after(1)}
    assert rows(dynamodb) == {
        "STORE#q7xk": row("q7xk", 1, **facts, **coded("GB-1", 1)),
        "ALIAS#GB-1": alias("q7xk", 1, 1),
    }


def test_code_of_two_stores_is_in_its_row(dynamodb: Any) -> None:
    """The row of a code that two stores had at the same time names both, until one of them is removed."""
    stores = stores_table(dynamodb)
    for store_id in ("s1", "s2"):
        say(stores_table(dynamodb), 1, store_id, code="GB-1")
    assert rows(dynamodb)["ALIAS#GB-1"] == alias("s2", 2, 1, tied_store_ids=["s1", "s2"])
    with pytest.raises(InvalidStoreError) as error:
        stores.set("s3", StoreSettings(external_partner_config_id="GB-1"))
    assert str(error.value) == "GB-1 is the code of s1, s2 already"
    first, _ = stores.all()
    stores.remove(first)
    assert rows(dynamodb) == {"STORE#s2": row("s2", 1, **coded("GB-1", 1)), "ALIAS#GB-1": alias("s2", 3, 1)}


def test_removed_store_leaves_the_others(dynamodb: Any) -> None:
    """Removing a store leaves the rows of other stores and of their codes as they were."""
    stores = stores_table(dynamodb)
    say(stores, 1, "n9wz", code="GB-2")
    before = rows(dynamodb)
    say(stores, 1, code="GB-1")
    stores.remove(stores.all()[1])
    assert rows(dynamodb) == before


def test_store_by_its_code_alone(dynamodb: Any) -> None:
    """A store of which only the code is known has a provisional row, which another store takes over: it merges what
    both rows say, and the provisional one refers to it."""
    say(stores_table(dynamodb), 0, None, code="GB-1", name="Clifton")
    by_code = {"name": "Clifton", "name_said_at": after(0)} | coded("GB-1", 0)
    assert rows(dynamodb) == {"STORE#GB-1": row("GB-1", 1, is_provisional=True, **by_code)}
    say(stores_table(dynamodb), 1, code="GB-1", country_code="pk")
    facts = {"country_code": "pk", "country_code_said_at": after(1)} | by_code | coded("GB-1", 1)
    both = {
        "STORE#GB-1": row("GB-1", 2, merged_into="q7xk", **by_code),
        "STORE#q7xk": row("q7xk", 2, **facts),
        "ALIAS#GB-1": alias("q7xk", 1, 1),
    }
    assert rows(dynamodb) == both
    # From then on an event by the code alone is of that store.
    say(stores_table(dynamodb), 2, None, code="GB-1", name="Clifton II")
    renamed = {"name": "Clifton II", "name_said_at": after(2)} | coded("GB-1", 2)
    assert rows(dynamodb) == both | {"STORE#q7xk": row("q7xk", 3, **(facts | renamed))}


def test_taken_over_row_by_hand(dynamodb: Any) -> None:
    """A store takes over the row that stands for its code also where somebody wrote both by hand, so that nobody knows
    since when they are registered."""
    put(dynamodb, "ALIAS#GB-1", store_id="q7xk", said_at=after(0))
    put(dynamodb, "STORE#q7xk", **coded("GB-1", 0))
    put(dynamodb, "STORE#GB-1", is_provisional=True, name="Clifton", currency="PKR", **coded("GB-1", 0))
    say(stores_table(dynamodb), 0, None, code="GB-1")
    taken = row("q7xk", 1, name="Clifton", currency="PKR", **coded("GB-1", 0))
    assert rows(dynamodb)["STORE#q7xk"] == taken


def test_every_setting_is_taken_over(dynamodb: Any) -> None:
    """Whatever an operator set of a store by its code alone is of the store that turns out to have the code."""
    stores = stores_table(dynamodb)
    settings = StoreSettings(
        currency="PKR",
        time_zone="Asia/Karachi",
        trading_hours="mon-fri 08:00-22:00",
        is_paused=True,
        is_answering=True,
        paused_at=after(0),
        paused_by="Amina",
        paused_reason="a flood",
    )
    given = {name: value for name, value in asdict(settings).items() if value is not None}
    assert stores.set("GB-1", settings) == "GB-1"
    assert rows(dynamodb) == {"STORE#GB-1": row("GB-1", 1, is_provisional=True, **given)}
    say(stores, 1, code="GB-1")
    assert rows(dynamodb)["STORE#q7xk"] == row("q7xk", 2, **given, **coded("GB-1", 1))


def test_provisional_store_gets_its_id(dynamodb: Any) -> None:
    """A store that an operator set by what turns out to be the platform's id is provisional no longer."""
    stores = stores_table(dynamodb)
    stores.set("q7xk", StoreSettings(currency="PKR"))
    say(stores, 1)
    assert rows(dynamodb) == {"STORE#q7xk": row("q7xk", 2, currency="PKR")}


def test_code_that_is_an_id_too(dynamodb: Any) -> None:
    """A store whose id is the code of another, which took its row over, is a store of its own from its first event
    on."""
    stores = stores_table(dynamodb)
    say(stores, 0, None, code="GB-1")
    say(stores, 1, code="GB-1")
    assert [store.store_id for store in stores.all()] == ["q7xk"]
    say(stores, 2, "GB-1")
    assert [store.store_id for store in stores.all()] == ["GB-1", "q7xk"]
    assert rows(dynamodb)["STORE#GB-1"] == row("GB-1", 3, **coded("GB-1", 0))


def test_operators_code_is_written(dynamodb: Any) -> None:
    """A code that an operator gives a store is in its row, with the time, and has a row of its own; a store that is not
    known yet is known by its id then."""
    stores = stores_table(dynamodb)
    assert stores.set("q7xk", StoreSettings(external_partner_config_id="GB-1")) == "q7xk"
    both = {"STORE#q7xk": row("q7xk", 1, **coded("GB-1", 0)), "ALIAS#GB-1": alias("q7xk", 1, 0)}
    assert rows(dynamodb) == both
    # By either id, and without a code.
    assert stores.set("GB-1", StoreSettings(currency="PKR")) == "q7xk"
    assert rows(dynamodb) == both | {"STORE#q7xk": row("q7xk", 2, currency="PKR", **coded("GB-1", 0))}
    stores.set("q7xk", StoreSettings(currency="", external_partner_config_id=""))
    right_after = {f"{CODE}_said_at": "2026-10-14T09:00:00.000001Z"}
    assert rows(dynamodb) == both | {"STORE#q7xk": row("q7xk", 3, **right_after)}


def test_code_that_is_the_stores_id(dynamodb: Any) -> None:
    """A code that is the id of its store needs no row of its own."""
    stores_table(dynamodb).set("q7xk", StoreSettings(external_partner_config_id="q7xk"))
    assert rows(dynamodb) == {"STORE#q7xk": row("q7xk", 1, **coded("q7xk", 0))}


def test_operators_code_takes_over(dynamodb: Any) -> None:
    """A store that an operator gives the code of a provisional one takes that over."""
    stores = stores_table(dynamodb)
    say(stores, 0, None, code="GB-1", name="Clifton")
    stores.set("q7xk", StoreSettings(external_partner_config_id="GB-1"))
    assert [(store.store_id, store.name) for store in stores.all()] == [("q7xk", "Clifton")]


def test_store_may_lose_its_code(dynamodb: Any) -> None:
    """An operator can take a store its code, whatever other stores have none."""
    stores = stores_table(dynamodb)
    say(stores, 1, "n9wz")
    say(stores, 1, code="GB-1")
    stores.set("q7xk", StoreSettings(external_partner_config_id=""))
    assert [store.external_partner_config_id for store in stores.all()] == [None, None]


def test_invalid_setting_is_not_written(dynamodb: Any) -> None:
    """A setting that is not one is an error, and nothing is written."""
    with pytest.raises(InvalidStoreError, match="three capital letters"):
        stores_table(dynamodb).set("q7xk", StoreSettings(currency="pkr"))
    assert rows(dynamodb) == {}


def test_operator_comes_after_all_that_was_said(dynamodb: Any) -> None:
    """An operator's code counts as later than what was said of the store, and of the code, also where the platform's
    clock is ahead of ours."""
    stores = stores_table(dynamodb)
    say(stores, 60, "s1", code="GB-1")
    say(stores, 70, "s1", code="GB-2")
    right_after = "2026-10-14T10:{}:00.000001Z".format
    # The code was said last at 60, the store's own at 70, and of another store nothing.
    stores.set("s2", StoreSettings(external_partner_config_id="GB-1"))
    assert rows(dynamodb)["STORE#s2"][f"{CODE}_said_at"] == rows(dynamodb)["ALIAS#GB-1"]["said_at"] == right_after("00")
    stores.set("s1", StoreSettings(external_partner_config_id=""))
    assert rows(dynamodb)["STORE#s1"][f"{CODE}_said_at"] == right_after("10")
    say(stores, -10, "s3", code="GB-3")
    stores.set("s3", StoreSettings(external_partner_config_id=""))
    assert rows(dynamodb)["STORE#s3"][f"{CODE}_said_at"] == after(0)


def test_code_by_hand_has_no_time(dynamodb: Any) -> None:
    """A code that somebody gave a store by hand, without a time, goes to the first store that says it has it."""
    put(dynamodb, "STORE#s1", **{CODE: "GB-1"})
    put(dynamodb, "ALIAS#GB-1", store_id="s1")
    stores = stores_table(dynamodb)
    say(stores, 1, "s2", code="GB-1")
    found = stores.find("GB-1")
    assert found is not None
    assert found.store_id == "s2"


def test_tied_code_stays_with_who_says_so(dynamodb: Any) -> None:
    """Of two stores that had a code at the same time one has moved on: an older claim takes it from neither."""
    put(dynamodb, "ALIAS#GB-1", store_id="s2", tied_store_ids=["s1", "s2"], said_at=after(10))
    put(dynamodb, "STORE#s1", store_id="s1", **coded("GB-9", 12))
    put(dynamodb, "STORE#s2", store_id="s2", **coded("GB-1", 10))
    say(stores_table(dynamodb), 5, "s3", code="GB-1")
    say(stores_table(dynamodb), 20, None, code="GB-1", name="by its code")
    assert [store.store_id for store in stores_table(dynamodb).all() if store.name] == ["s2"]


def test_foreign_order_tells_no_name(dynamodb: Any) -> None:
    """Of a store's newest orders, one of another chain says nothing of our store."""
    body = order(50)
    body["client"] |= {"chain_id": "another", "name": "Foreign"}
    OrdersTable(dynamodb, TABLE, RETENTION).write([(parse_event(as_bytes(body)), Arrival("webhook", NOW))])
    for minute, name in ((-50, "Old"), (-20, "New")):
        say(stores_table(dynamodb), minute, name=name)
    assert [store.name for store in stores_table(dynamodb).all()] == ["New"]
