"""Several environments write stores at once, and each remembers what it has read: what that costs, and how it ends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.stores.table import MAX_WRITES, ContendedStoreError
from tests.support.contracts import QUICK
from tests.support.fixed_clock import NOW
from tests.support.orders_table import Calls
from tests.support.stores import after, put, rows, say, stores_table

pytestmark = pytest.mark.parametrize("dynamodb", QUICK, indirect=True)


def before_the_write(dynamodb: Any, of: str, act: Callable[[], None]) -> None:
    """Have another environment act right before the next write of a row of stores."""

    def interrupt(params: Any, **_: Any) -> None:
        if f'"{of}"'.encode() in params["body"]:
            dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", interrupt)
            act()

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", interrupt)


def named(dynamodb: Any, name: str) -> list[str]:
    return [store.store_id for store in stores_table(dynamodb).all() if store.name == name]


def test_what_an_event_costs(dynamodb: Any) -> None:
    """A new store, or a new code of it, costs a read and a write of each row, and a look for a row that stands for
    it."""
    stores, calls = stores_table(dynamodb), Calls(dynamodb)
    say(stores, 1)
    assert calls.made == ["GetItem", "UpdateItem"]
    calls.made.clear()
    say(stores, 2, code="GB-1")
    assert calls.made == [*("GetItem", "UpdateItem") * 2, "GetItem"]


def test_code_alone_costs_no_row(dynamodb: Any) -> None:
    """An event by the code alone of a store that is known leaves no row of its own."""
    say(stores_table(dynamodb), 1, code="GB-1")
    say(stores_table(dynamodb), 2, None, code="GB-1", name="Clifton")
    assert rows(dynamodb).keys() == {"STORE#q7xk", "ALIAS#GB-1"}
    assert named(dynamodb, "Clifton") == ["q7xk"]


def test_memory_is_fresh_for_a_minute(dynamodb: Any) -> None:
    """What an environment read of a store counts for a minute, and no longer."""
    time = NOW
    warm = stores_table(dynamodb, lambda: time)
    say(warm, 1, name="Clifton")
    calls = Calls(dynamodb)
    time = NOW + timedelta(seconds=59.9)
    say(warm, 2, name="Clifton")
    assert calls.made == []
    time = NOW + timedelta(minutes=1)
    say(warm, 3, name="Clifton")
    assert calls.made == ["GetItem"]


def test_taken_over_facts_are_remembered(dynamodb: Any) -> None:
    """An event that says of a store what it took over costs nothing."""
    stores = stores_table(dynamodb)
    say(stores_table(dynamodb), 0, None, code="GB-1", name="Clifton")
    say(stores, 1, code="GB-1")
    calls = Calls(dynamodb)
    say(stores, 2, code="GB-1", name="Clifton")
    assert calls.made == []


def test_repeated_claim_is_remembered(dynamodb: Any) -> None:
    """A code that its store said again is not given to a store that had it before then."""
    warm = stores_table(dynamodb)
    say(warm, 0, "s1", code="GB-1")
    say(warm, 10, "s1", code="GB-1")
    say(warm, 5, "s2", code="GB-1")
    say(warm, 20, None, code="GB-1", name="by its code")
    assert named(dynamodb, "by its code") == ["s1"]


def test_claim_of_another_environment_stays(dynamodb: Any) -> None:
    """A code that another environment has given to another store is not given back by what this one remembers."""
    warm, other = stores_table(dynamodb), stores_table(dynamodb)
    say(warm, 0, "s1", code="GB-1")
    say(warm, 10, "s1", code="GB-1")
    say(other, 5, "s2", code="GB-1")
    say(other, 12, "s1", code="GB-2")
    say(warm, 20, None, code="GB-1", name="by its code")
    assert named(dynamodb, "by its code") == ["s2"]


def test_both_ids_between_two_writes(dynamodb: Any) -> None:
    """An event with both ids may come while another environment registers the store by its code alone: there is one
    store in the end."""

    def both() -> None:
        say(stores_table(dynamodb), 1, code="GB-1")

    before_the_write(dynamodb, "STORE#GB-1", both)
    say(stores_table(dynamodb), 2, None, code="GB-1", name="Clifton")
    assert rows(dynamodb)["STORE#GB-1"]["merged_into"] == "q7xk"
    assert named(dynamodb, "Clifton") == ["q7xk"]


def test_later_claim_between_read_and_write(dynamodb: Any) -> None:
    """A later claim of a code that another environment writes between our reading and our writing stays."""

    def later() -> None:
        say(stores_table(dynamodb), 20, "s2", code="GB-1")

    before_the_write(dynamodb, "ALIAS#GB-1", later)
    say(stores_table(dynamodb), 10, "s1", code="GB-1")
    assert rows(dynamodb)["ALIAS#GB-1"]["store_id"] == "s2"
    assert rows(dynamodb)["ALIAS#GB-1"]["said_at"] == after(20)


def test_row_by_hand_is_not_overwritten(dynamodb: Any) -> None:
    """A later name stays that another environment writes between our reading and our writing, also in a row that
    somebody wrote by hand."""
    put(dynamodb, "STORE#q7xk", name="By hand")

    def later() -> None:
        say(stores_table(dynamodb), 20, name="Later")

    before_the_write(dynamodb, "STORE#q7xk", later)
    say(stores_table(dynamodb), 10, name="Earlier")
    assert [store.name for store in stores_table(dynamodb).all()] == ["Later"]


def test_endless_contention_is_an_error(dynamodb: Any) -> None:
    """A store that others write each time in between is given up, and its message comes again."""

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")

    calls = Calls(dynamodb)
    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", fail)
    with pytest.raises(ContendedStoreError):
        say(stores_table(dynamodb), 1)
    assert calls.made == ["GetItem"] * MAX_WRITES
