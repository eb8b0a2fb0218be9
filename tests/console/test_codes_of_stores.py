"""A store's code, the chain's own id of it, names one store: the one that the platform, or an operator, gave it to."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from partner_orders.orders.model import Client
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import CHAIN_ID

type Run = Callable[..., Ran]
CODE = "MdS-CEN-01"


def register(stack: DeployedStack, store_id: str, code: str = CODE, minute: int = 0) -> None:
    client = Client(chain_id=CHAIN_ID, store_id=store_id, external_partner_config_id=code)
    stack.stores.register(client, NOW + timedelta(minutes=minute))


def named(stack: DeployedStack, name: str) -> str | None:
    store = stack.stores.find(name)
    return store.store_id if store else None


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "stores.csv"


def test_code_of_another_store_is_rejected(run: Run, stack: DeployedStack) -> None:
    """A store cannot be given the code of another store."""
    register(stack, "148003")
    before = stack.stores.all()
    ran = run("stores", "set", "777", "--code", CODE, "--currency", "ARS")
    assert (ran.status, f"777: {CODE} is the code of 148003 already" in ran.err) == (1, True)
    assert (stack.stores.all(), named(stack, CODE)) == (before, "148003")


def test_store_keeps_its_own_code(run: Run, stack: DeployedStack) -> None:
    """Setting a store's own code again works, by id and by code."""
    register(stack, "148003")
    assert run("stores", "set", "148003", "--code", CODE).status == 0
    assert run("stores", "set", CODE, "--code", CODE).status == 0
    assert named(stack, CODE) == "148003"


@pytest.mark.parametrize("freed", [("set", "148003", "--code", ""), ("set", "148003", "--code", "MdS-CEN-02")])
def test_released_code_is_free(run: Run, stack: DeployedStack, freed: tuple[str, ...]) -> None:
    """A code that its store no longer has can be given to another store."""
    register(stack, "148003")
    assert run("stores", *freed).status == 0
    assert run("stores", "set", "777", "--code", CODE).status == 0
    assert named(stack, CODE) == "777"


def test_removal_returns_reassigned_code(run: Run, stack: DeployedStack) -> None:
    """The platform may reassign a code; removing the new store returns it to the old one."""
    register(stack, "148003")
    register(stack, "777", minute=1)
    assert named(stack, CODE) == "777"
    assert run("stores", "remove", CODE, "--yes").status == 0
    assert [store.store_id for store in stack.stores.all()] == ["148003"]
    assert named(stack, CODE) == "148003"


def paused(stack: DeployedStack) -> list[str]:
    return [store.store_id for store in stack.stores.all() if store.is_paused]


def test_pause_by_code_pauses_who_has_it_now(run: Run, stack: DeployedStack) -> None:
    """``stores pause CODE`` pauses the store that had the code last by the platform's clock."""
    for store_id, minute in (("148003", 0), ("777", 10), ("148003", 30), ("777", 20)):
        register(stack, store_id, minute=minute)
    ran = run("stores", "pause", CODE)
    assert (ran.status, "(148003)" in ran.err) == (0, True)
    assert paused(stack) == ["148003"]


@pytest.mark.parametrize(
    "command",
    [
        *(("stores", "pause", CODE), ("stores", "set", CODE, "--currency", "PKR"), ("stores", "remove", CODE, "--yes")),
        *(("export", "--from", "2026-03-14", "--store", CODE), ("orders", "list", "--store", CODE)),
    ],
)
def test_code_of_two_stores_is_an_error(run: Run, stack: DeployedStack, command: tuple[str, ...]) -> None:
    """A code that two stores have at the same time is an error that names both, for every command."""
    register(stack, "148003")
    register(stack, "777")
    before = stack.stores.all()
    ran = run(*command)
    assert (ran.status, f"several stores have the code {CODE} now: 148003, 777" in ran.err) == (1, True)
    assert stack.stores.all() == before


def test_import_rejects_repeated_code(run: Run, file: Path) -> None:
    """An import with the same code in two lines is rejected, and both lines are named."""
    file.write_text(f"store_id,code\n148003,{CODE}\n148013,\n777,{CODE}\n")
    ran = run("stores", "import", str(file))
    assert (ran.status, f"line 4: {CODE} is the code in line 2 already" in ran.err) == (1, True)
    assert run("stores", "list", "--json").json == []


@pytest.mark.parametrize("options", [(), ("--preview",)])
def test_import_rejects_taken_code(run: Run, stack: DeployedStack, file: Path, options: tuple[str, ...]) -> None:
    """An import that takes the code of a registered store is rejected before anything is written."""
    register(stack, "148003")
    before = stack.stores.all()
    file.write_text(f"store_id,code\na,A1\n777,{CODE}\n")
    ran = run("stores", "import", str(file), *options)
    assert (ran.status, f"line 3: {CODE} is the code of 148003 already" in ran.err) == (1, True)
    assert stack.stores.all() == before


def test_json_and_csv_exclude_each_other(run: Run) -> None:
    """``--json`` and ``--csv`` cannot be combined."""
    ran = run("stores", "list", "--json", "--csv")
    assert (ran.status, ran.out, "--json" in ran.err and "--csv" in ran.err) == (2, "", True)
