"""What ``export`` writes: each order once, safe in any spreadsheet, and private where it holds customers' data."""

import csv
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.operations.spreadsheet import csv_cell, csv_line, from_csv_cell
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.sampling import pairs

type Run = Callable[..., Ran]
CODE = "GB-CLIFTON-01"
DAY = ("--from", "2026-10-14")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def receive(stack: DeployedStack, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        event = parse_event(as_bytes(body))
        stack.orders.write([(event, Arrival("webhook", NOW, "request-1"))])
        stack.stores.register(event.order.client, event.occurred_at)


def by_code(minute: int, order_id: str, **client: Any) -> dict[str, Any]:
    """An order that names its store by the chain's own code."""
    body = order(minute, order_id=order_id)
    body["client"] = {"chain_id": body["client"]["chain_id"], "external_partner_config_id": CODE, **client}
    return body


def ids(ran: Ran) -> list[str]:
    assert ran.status == 0, ran.err
    return sorted(row["order_id"] for row in csv.DictReader(io.StringIO(ran.out)))


def test_disputed_is_yes_or_no(run: Run, stack: DeployedStack) -> None:
    """A CSV file says of a dispute what it says of a sale: a word, not a value of Python."""
    receive(stack, order(12, order_id="a"))
    [row] = csv.DictReader(io.StringIO(run("export", *DAY).out))
    assert row["disputed"] == "no"


@pytest.mark.parametrize("names", [("q7xk", CODE), ("q7xk", "q7xk"), (CODE, "q7xk", CODE), ()])
def test_store_named_twice_is_exported_once(run: Run, stack: DeployedStack, names: tuple[str, ...]) -> None:
    """An order is exported once, however often and by whichever id its store is named."""
    receive(stack, order(12, order_id="a"), order(13, order_id="b"))
    ran = run("export", *DAY, *(word for name in names for word in ("--store", name)))
    assert (ids(ran), "2 orders of 1 store" in ran.err) == (["a", "b"], True)


@pytest.mark.parametrize("named", [("--store", "q7xk"), ("--store", CODE), ()])
def test_orders_by_code_alone_are_the_stores(run: Run, stack: DeployedStack, named: tuple[str, ...]) -> None:
    """Orders that name their store by its code alone, before or after its id is known, are found under the store."""
    receive(stack, by_code(10, "before"), by_code(11, "both", store_id="q7xk"), by_code(12, "after"))
    ran = run("export", *DAY, *named)
    assert ids(ran) == ["after", "before", "both"]
    assert {row["store_id"] for row in csv.DictReader(io.StringIO(ran.out))} == {"q7xk"}
    assert "of 1 store" in ran.err
    listed = run("orders", "list", "--store", "q7xk", "--day", "2026-10-14", "--json").json
    assert {row["order_id"] for row in listed} == {"before", "both", "after"}
    opened = run("orders", "list", "--open", "--store", "q7xk", "--day", "2026-10-14", "--json").json
    assert len(opened) == 3
    assert len(run("orders", "find", "0417", "--store", CODE, "--json").json) == 3


def test_store_with_orders_by_its_code_stays(run: Run, stack: DeployedStack) -> None:
    """A store with orders that name it by its code alone is not removed."""
    receive(stack, by_code(10, "before"))
    stack.stores.register(parse_event(as_bytes(by_code(11, "b", store_id="q7xk"))).order.client)
    ran = run("stores", "remove", "q7xk", "--yes")
    assert (ran.status, "orders are listed" in ran.err) == (1, True)


def test_export_by_code_follows_the_clock(run: Run, stack: DeployedStack) -> None:
    """``export --store CODE`` prints the orders of the store that has the code now."""
    receive(stack, *(by_code(minute, f"live/{minute}", store_id="live") for minute in range(10, 31, 5)))
    receive(stack, by_code(12, "closed", store_id="closed"))
    assert ids(run("export", *DAY, "--store", CODE)) == [f"live/{minute}" for minute in range(10, 31, 5)]


@pytest.mark.parametrize(
    ("code", "separator"),
    pairs(["7;=1+1;", '7;"=1+1"', "7; =1+1", "7,=1+1", "7\t=1+1", "a\n=1", ";@x", ";'=1", "x;-1"], [";", ",", "\t"]),
)
def test_no_locale_runs_a_formula(run: Run, stack: DeployedStack, code: str, separator: str) -> None:
    """However a spreadsheet splits the file, no cell begins as a formula; the text can be restored."""
    receive(stack, order(order_code=code))
    ran = run("export", *DAY)
    for line in ran.out.splitlines():
        cells = [cell.lstrip(' "') for cell in line.split(separator)]
        assert [cell for cell in cells if cell.startswith(FORMULA) and cell[1:2] not in "0123456789"] == []
    [row] = csv.DictReader(io.StringIO(ran.out, newline=""))
    assert from_csv_cell(row["order_code"]) == code
    assert row["discount"] == "-100.0"


@given(st.text(alphabet=st.sampled_from("=+-@;,\t\r\n'\" 1a\uff1d\u00a0")))
def test_marked_text_is_restored(text: str) -> None:
    """A text for a CSV file is restored exactly, and begins no formula at its start or after any separator."""
    cell = str(csv_cell(text))
    assert from_csv_cell(cell) == text
    for separator in ";,\t":
        for part in cell.split(separator):
            assert not part.lstrip(' \u00a0"').startswith(FORMULA)
    [row] = csv.reader(io.StringIO(csv_line(["id", text]), newline=""))
    assert row == ["id", cell]


def test_plain_cells_stay_as_they_are() -> None:
    """Numbers, ids and plain words are neither quoted nor marked."""
    assert csv_line(["b7gw-7888-947312", 7, None, True, "Clifton 2"]) == "b7gw-7888-947312,7,,True,Clifton 2\n"


@pytest.mark.parametrize("before", [None, 0o644, 0o600])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_export_of_personal_data_is_private(
    run: Run, stack: DeployedStack, folder: Path, before: int | None, form: str
) -> None:
    """A file with customers' data is its owner's alone, whatever it was before; then it says so."""
    receive(stack, order())
    file = folder / "orders"
    if before is not None:
        file.write_text("x" * 100_000)
        file.chmod(before)
    umask = os.umask(0)
    try:
        ran = run("export", *DAY, "--format", form, "--show-personal-data", "--output", str(file))
    finally:
        os.umask(umask)
    assert (ran.status, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    assert ("only its owner can" in ran.err) == (before == 0o644)
    assert file.read_text().count("\n") == (2 if form == "csv" else 1)


def test_export_without_personal_data_keeps_mode(run: Run, stack: DeployedStack, folder: Path) -> None:
    """A file without customers' data keeps the mode that it has."""
    receive(stack, order())
    file = folder / "orders.csv"
    file.write_text("x")
    file.chmod(0o644)
    assert run("export", *DAY, "--output", str(file)).status == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
