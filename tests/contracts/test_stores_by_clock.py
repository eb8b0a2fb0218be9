"""A store's row, and who has a code, follow the platform's clock; the same on each DynamoDB."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.model import Client
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import AmbiguousCodeError, StoreSettings
from partner_orders.stores.table import StoresTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import RETENTION, TABLE, Calls
from tests.support.sampling import every

FACTS = [("Old", 1), ("New", 2), ("Old", 3)]


class Passing:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


def table(dynamodb: Any, time: Any = clock) -> StoresTable:
    return StoresTable(dynamodb, TABLE, CHAIN_ID, time)


@pytest.fixture
def stores(dynamodb: Any) -> StoresTable:
    return table(dynamodb)


def say(stores: StoresTable, at: int | None, store_id: str | None = "q7xk", **fields: Any) -> None:
    client = Client.model_validate({"chain_id": CHAIN_ID, "store_id": store_id, **fields})
    stores.register(client, None if at is None else NOW + timedelta(minutes=at))


def code(
    stores: StoresTable, at: int | None, store_id: str | None, name: str = "GB-1", called: str | None = None
) -> None:
    say(stores, at, store_id, external_partner_config_id=name, name=called)


def has(stores: StoresTable, name: str) -> str | None:
    store = stores.find(name)
    return store.store_id if store else None


def test_name_follows_the_platforms_clock(stores: StoresTable) -> None:
    """A store's name is the one that was said last by the platform's clock, whatever arrived last."""
    for number, told in enumerate(permutations([*FACTS, ("No clock", None)])):
        for name, at in told:
            say(stores, at, f"s{number}", name=name)
    assert {store.name for store in stores.all()} == {"Old"}


@pytest.mark.parametrize("fact", ["name", "country_code", "external_partner_config_id"])
def test_each_fact_is_the_latest(dynamodb: Any, fact: str) -> None:
    """A store's name, country and code are those that were said last by the platform's clock, also where each event
    comes to a new environment."""
    for number, told in enumerate(permutations([("First", 1), ("Last", 2), ("No clock", None)])):
        for value, at in told:
            say(table(dynamodb), at, f"s{number}", **{fact: f"{value} {number}"})
    assert {getattr(store, fact) for store in table(dynamodb).all()} == {f"Last {number}" for number in range(6)}


def test_name_changes_back_in_a_warm_environment(stores: StoresTable) -> None:
    """A name that goes Old, New, Old is written each time, also where Old was written before."""
    seen = []
    for name, at in FACTS:
        say(stores, at, name=name)
        seen += [store.name for store in stores.all()]
    assert seen == ["Old", "New", "Old"]


def test_name_said_after_a_final_status_stays(dynamodb: Any) -> None:
    """A name that an event says again after the end of its order counts, also where the end says another name."""
    orders, former, moved = OrdersTable(dynamodb, TABLE, RETENTION), order()["client"], order()["client"]
    moved["name"] = "Greenbasket Clifton (moved)"
    first, end, straggler = (
        parse_event(as_bytes(order(minute, status=status, client=client)))
        for minute, status, client in ((12, "RECEIVED", former), (20, "DELIVERED", moved), (22, "RECEIVED", former))
    )
    warm, fresh = table(dynamodb), table(dynamodb)
    for event, stores in ((first, warm), (straggler, warm), (end, fresh)):
        orders.write([(event, Arrival("webhook", NOW))])
        stores.register(event.order.client, event.occurred_at)
    assert [store.name for store in fresh.all()] == [former["name"]]


def test_each_fact_keeps_its_own_clock(stores: StoresTable) -> None:
    """A later event that says less leaves the rest as it was, whichever arrives first."""
    say(stores, 2, country_code="ae")
    say(stores, 1, name="Clifton", country_code="pk")
    [store] = stores.all()
    assert (store.name, store.country_code) == ("Clifton", "ae")


def test_equal_clocks_do_not_depend_on_arrival(dynamodb: Any) -> None:
    """Of two names of one time the same one stays, whichever arrives first."""
    for store_id, names in (("a", ("One", "Two")), ("b", ("Two", "One"))):
        for name in names:
            say(table(dynamodb), 1, store_id, name=name)
    assert {store.name for store in table(dynamodb).all()} == {"Two"}


def test_other_environments_write_is_noticed(dynamodb: Any) -> None:
    """A warm environment writes a store again that another one has changed since."""
    time = Passing()
    warm = table(dynamodb, time)
    say(warm, 1, name="Old")
    say(table(dynamodb), 2, name="New")
    time.now += timedelta(minutes=2)
    say(warm, 3, name="Old")
    assert [store.name for store in warm.all()] == ["Old"]


def test_busy_store_is_read_again(dynamodb: Any) -> None:
    """However many events of a store come within a minute, the first after it notices another environment's write."""
    time = Passing()
    warm = table(dynamodb, time)
    say(warm, 1, name="Old")
    say(table(dynamodb), 2, name="New")
    for _ in range(4):
        time.now += timedelta(seconds=20)
        say(warm, 3, name="Old")
    assert [store.name for store in warm.all()] == ["Old"]


def test_concurrent_write_is_not_overwritten(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later name that another environment writes between our reading and our writing stays."""
    ours, theirs = table(dynamodb), table(dynamodb)
    say(ours, 0, name="First")
    real = ours._table.update

    def interrupted(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(ours._table, "update", real)
        say(theirs, 2, name="Later")
        return real(*arguments, **options)

    monkeypatch.setattr(ours._table, "update", interrupted)
    say(ours, 1, name="Earlier")
    assert [store.name for store in theirs.all()] == ["Later"]


def test_known_store_costs_nothing(dynamodb: Any, stores: StoresTable) -> None:
    """An event that says nothing new of a store costs no request; a cold environment reads, and writes nothing."""
    code(stores, 1, "q7xk", name="GB-1")
    calls = Calls(dynamodb)
    code(stores, 2, "q7xk", name="GB-1")
    code(stores, 1, "q7xk", name="GB-1")
    assert calls.made == []
    code(table(dynamodb), 3, "q7xk", name="GB-1")
    assert {*calls.made} == {"GetItem"}


@pytest.mark.parametrize("step", every(2, [5, 1]))
def test_code_is_of_who_had_it_last(stores: StoresTable, step: int) -> None:
    """A code that moves from store to store and back is of the one of which it was said last."""
    orders = [*enumerate(permutations([("s1", 0), ("s2", 10), ("s1", 30), ("s2", None)]))][::step]
    for number, told in orders:
        for store_id, at in told:
            code(stores, at, f"{store_id}/{number}", f"GB-{number}")
    listings = {store.store_id: store.other_listings for store in stores.all()}
    for number, _ in orders:
        assert has(stores, f"GB-{number}") == f"s1/{number}"
        assert (listings[f"s1/{number}"], listings[f"s2/{number}"]) == ((f"GB-{number}",), ())


def test_swapped_codes(stores: StoresTable) -> None:
    """Two stores that swap their codes are found by the new ones, also after a late event from before."""
    code(stores, 0, "s1", "A")
    code(stores, 0, "s2", "B")
    code(stores, 5, "s1", "B")
    code(stores, 6, "s2", "A")
    code(stores, 4, "s1", "A")
    assert (has(stores, "A"), has(stores, "B")) == ("s2", "s1")


def test_released_code_is_found_by_its_last_store(stores: StoresTable) -> None:
    """A code that no store says is its own any more still finds the store that had it last."""
    code(stores, 0, "s1", "A")
    code(stores, 5, "s1", "B")
    assert (has(stores, "A"), has(stores, "B")) == ("s1", "s1")


@pytest.mark.parametrize("at", [7, None])
def test_code_of_two_stores_at_once_is_an_error(stores: StoresTable, at: int | None) -> None:
    """A code that two stores have at the same time finds neither, and the error names both."""
    code(stores, at, "s1")
    code(stores, at, "s2")
    with pytest.raises(AmbiguousCodeError, match=r"GB-1 now: s1, s2"):
        stores.find("GB-1")
    stores.set("s2", StoreSettings(external_partner_config_id="GB-1"))  # An operator may settle it.
    assert has(stores, "GB-1") == "s2"


# A store known by its code alone, and then by both ids.
BY_CODE = [(None, "Clifton", 0), ("q", "Clifton II", 1), (None, "Clifton II", 2)]


@pytest.mark.parametrize("is_cold", [True, False])
def test_store_by_its_code_alone_is_one_store(dynamodb: Any, is_cold: bool) -> None:
    """A store that some events name by its code alone and others by both ids is one, whichever come first."""
    warm = table(dynamodb)
    for number, told in enumerate(permutations(BY_CODE)):
        for store_id, name, at in told:
            stores = table(dynamodb) if is_cold else warm
            code(stores, at, f"{store_id}{number}" if store_id else None, f"GB-{number}", called=name)
    expected = [(f"q{number}", "Clifton II", (f"q{number}", f"GB-{number}")) for number in range(6)]
    assert [(store.store_id, store.name, store.listings) for store in warm.all()] == expected
    assert has(warm, "GB-3") == "q3"
    rows = [row["sk"]["S"] for row in dynamodb.scan(TableName=TABLE)["Items"] if "merged_into" not in row]
    assert sorted(row for row in rows if row.startswith("STORE#")) == [f"STORE#q{number}" for number in range(6)]


def test_taken_over_store_keeps_its_settings(dynamodb: Any) -> None:
    """What an operator set of a store while only its code was known stays; so does the time of its registration."""
    time = Passing()
    stores = table(dynamodb, time)
    code(stores, 0, None)
    assert [store.store_id for store in stores.all()] == ["GB-1"]
    stores.set("GB-1", StoreSettings(currency="PKR", is_paused=True))
    time.now += timedelta(days=1)
    code(stores, 1, "q7xk")
    [store] = stores.all()
    assert (store.store_id, store.currency, store.is_paused, store.registered_at) == ("q7xk", "PKR", True, NOW)


def test_store_set_by_its_code_is_one_store(stores: StoresTable) -> None:
    """A store that an operator sets by its code before any event becomes the store of the first event."""
    stores.set("GB-1", StoreSettings(currency="PKR"))
    code(stores, 1, "q7xk")
    assert [(store.store_id, store.currency) for store in stores.all()] == [("q7xk", "PKR")]


@pytest.mark.parametrize("name", ["x" * 1_001, "\u0661" * 501, "half \ud83d"])
def test_id_that_no_key_holds_is_not_registered(stores: StoresTable, name: str) -> None:
    """A store whose id is too long for a key, or no text, is not registered, and costs its order nothing."""
    say(stores, 1, name, external_partner_config_id="GB-1")
    assert stores.all() == []


def test_removed_store_leaves_nothing(dynamodb: Any, stores: StoresTable) -> None:
    """Removing a store that was once known by its code alone removes all its rows."""
    code(stores, 0, None)
    code(stores, 1, "q7xk")
    [store] = stores.all()
    stores.remove(store)
    assert dynamodb.scan(TableName=TABLE)["Count"] == 0


def test_alias_that_names_no_store_is_made_anew(dynamodb: Any, stores: StoresTable) -> None:
    """A row of a code that somebody wrote by hand, without a store, costs no order: the next event makes it whole."""
    dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "STORES"}, "sk": {"S": "ALIAS#GB-1"}})
    assert stores.find("GB-1") is None
    code(stores, 1, "q7xk")
    assert has(stores, "GB-1") == "q7xk"


def test_code_goes_back_to_who_still_has_it(dynamodb: Any) -> None:
    """Where a store has moved on to another code, an event by the code alone is of the one that still says it has it,
    whatever arrived last."""
    told = [("a", 1, "GB"), ("b", 2, "GB"), ("b", 3, "other")]
    for number, sequence in enumerate(permutations(told)):
        stores = table(dynamodb)
        for store_id, at, name in sequence:
            code(stores, at, f"{store_id}{number}", f"{name}-{number}")
        code(table(dynamodb), 5, None, f"GB-{number}", called="by its code")
        [named] = [store.store_id for store in stores.all() if store.name == "by its code"]
        assert named == f"a{number}"
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{named}"}})
