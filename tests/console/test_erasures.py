"""``forget --preview`` and ``erasures list``; and what a store's settings have to be."""

import io
from collections.abc import Callable

import pytest

from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.orders import order

type Run = Callable[..., Ran]


@pytest.fixture
def number(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr("sys.stdin", io.StringIO("+92300123441\n"))


@pytest.mark.privacy
def test_preview_names_the_orders(run: Run, store_order: Callable[..., None], number: Callable[[], None]) -> None:
    """A preview names the orders that would be erased, and records nothing."""
    store_order(order(), order(order_id="second"))
    number()
    ran = run("forget", "--preview")
    assert (ran.status, "second" in ran.out, order()["order_id"] in ran.out) == (0, True, True)
    assert run("erasures", "list", "--json").json == []


@pytest.mark.privacy
def test_erasures_are_listed_without_the_id(
    run: Run, store_order: Callable[..., None], number: Callable[[], None]
) -> None:
    """An erasure is listed with when, by whom, by what kind of id and how many orders; never with the id."""
    store_order(order())
    number()
    assert run("forget", "--yes").status == 0
    [found] = run("erasures", "list", "--json").json
    assert (found["kind"], found["orders"], found["by"][:8]) == ("phone", 1, "arn:aws:")
    assert found["done_at"]
    assert "123441" not in run("erasures", "list").out


@pytest.mark.privacy
def test_export_has_the_customer_if_asked(run: Run, store_order: Callable[..., None]) -> None:
    """A CSV file has the customer's columns with ``--show-personal-data``, and only then."""
    store_order(order())
    day = ("export", "--from", "2026-10-14")
    assert "first_name" not in run(*day).out
    header, line, *_ = run(*day, "--show-personal-data").out.splitlines()
    assert header.endswith("customer_id,first_name,last_name,phone_number,delivery_address")
    assert all(part in line for part in ("cst_5f81b3", "Amna", "92300123441", "Karachi"))


@pytest.mark.parametrize("currency", ["ZZZ", "pkr", "PK"])
def test_currency_is_one_of_iso_4217(run: Run, stack: DeployedStack, currency: str) -> None:
    """A currency that does not exist is refused, and nothing is changed."""
    ran = run("stores", "set", "q7xk", "--currency", currency)
    assert (ran.status, "Nothing was changed" in ran.err) == (1, True)
    assert stack.stores.all() == []
