"""``--help``: an operator learns each command from it alone, so each example works as it is printed."""

import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import typer

from partner_orders.orders.event import Arrival, parse_event
from partner_orders.stores.store import StoreSettings
from partner_orders_console.cli.__main__ import app
from partner_orders_console.operations.sending import event_file
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW

EVENTS = Path(__file__).parents[2] / "events"
FILES = {
    "stores.csv": "store_id,currency\n148020,SAR\n",
    "token.txt": "a-token\n",
    "webhook-secret.txt": "a-webhook-secret\n",
    "client.txt": "an-id\nits-secret\n",
    "number.txt": "+966501234567\n",
}
# These need functions that run, a platform, or somebody who presses a button.
NEEDS_A_RUNNING_STACK = {"doctor", "register", "reconcile run", "logs", "watch", "trace", "open"}
NEEDS_A_RUNNING_STACK |= {"secrets set-client", "secrets set-token", "secrets undo"}
# The credentials are not set yet when they are looked at; and nobody is there to be asked.
EXPECTED = {
    "reconcile cancel": 1,
    "reports show": 1,
    "dead-letters purge": 3,
    "consumer pause": 1,
    "consumer resume": 1,
    "table restore": 1,
    "secrets status": 1,
    "rejected discard": 3,
    "secrets retire-webhook": 3,
    "secrets rotate-webhook": 3,
}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command.help or ""


COMMANDS = dict(commands(typer.main.get_command(app)))
GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})


def example(command: str) -> list[str]:
    [found] = re.findall(r"Example: partner-orders (.+)", COMMANDS[command])
    return shlex.split(found)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_help_has_one_example(command: str) -> None:
    """The help of each command has exactly one example, of that command."""
    assert " ".join(example(command)).startswith(command)


def test_help_examples_work_as_printed(
    run: Callable[..., Ran], stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Each example of the help works as printed, given the sample events of this repository."""
    body = (EVENTS / "order.json").read_bytes()
    stack.parameters["ChainId"] = json.loads(body)["client"]["chain_id"]
    event = parse_event(body)
    stack.orders.write([(event, Arrival("webhook", NOW, "request-1"))])
    stack.stores.register(event.order.client)
    no_order = event_file(EVENTS / "webhook" / "no_order_id.json").body
    stack.rejected.keep(no_order, Arrival("webhook", NOW, "request-2"), "not_an_order", ["order_id: Field required"])
    stack.stores.set("148O20", StoreSettings(currency="SAR"))
    for name, content in FILES.items():
        (folder / name).write_text(content)
    (folder / "events").symlink_to(EVENTS)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(requests, "post", lambda *_, **__: SimpleNamespace(status_code=200, text=""))

    # In an order in which each finds what it needs.
    for command in sorted(COMMANDS.keys() - NEEDS_A_RUNNING_STACK, reverse=True):
        arguments, stdin = example(command), ""
        if "<" in arguments:
            arguments, stdin = arguments[:-2], arguments[-1]
        monkeypatch.setattr("sys.stdin", io.StringIO((folder / stdin).read_text() if stdin else ""))
        ran = run(*arguments)
        assert ran.status == EXPECTED.get(command, 0), f"{command}: {ran.err}"


@pytest.mark.parametrize("arguments", [(), *((name,) for name in GROUPS)])
def test_call_without_command_prints_help(run: Callable[..., Ran], arguments: tuple[str, ...]) -> None:
    """A call without a command prints the help and no error."""
    ran = run(*arguments)
    assert (ran.status, ran.err) == (2, "")
    assert " ".join(("Usage: partner-orders", *arguments)) in ran.out


@pytest.mark.parametrize("arguments", [("--help",), ("stores", "list", "--help")])
def test_help_names_no_type_for_flags(run: Callable[..., Ran], arguments: tuple[str, ...]) -> None:
    """Help names no type for a flag, since it takes no value."""
    assert "bool" not in run(*arguments).out
