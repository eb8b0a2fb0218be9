"""The commands of the command line, with the example that the help of each one has."""

import json
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import typer

from partner_orders.clock import now
from partner_orders_console.cli.__main__ import app

# These need functions that run, a platform, or somebody who presses a button.
NEEDS_A_RUNNING_STACK = {"doctor", "register", "reconcile run", "logs", "watch", "refused", "stacks", "trace", "open"}
NEEDS_A_RUNNING_STACK |= {"desk", "secrets set-client", "secrets set-token", "secrets undo"}
NEEDS_A_RUNNING_STACK |= {"catalogue urgent"}
FILES = {
    "stores.csv": "store_id,currency\n148020,SAR\n",
    "token.txt": "a-token\n",
    "sftp-password.txt": "a-password\n",
    "webhook-secret.txt": "a-webhook-secret\n",
    "client.txt": "an-id\nits-secret\n",
    "answer.json": '{"answer_id": "till-2", "sequence": 1, "kind": "update",'
    ' "lines": [{"sku": "WM-520955", "quantity": 1}]}',
    "prices.csv": "sku,price,quantity\nWM-520955,3.45,6\n",
    "number.txt": "+966501234567\n",
    "dairy-week.json": json.dumps(
        {
            "vendors": ["148020"],
            "type": "STRIKETHROUGH",
            "reason": "TRADING",
            "display_name": {"en_SA": "Dairy week"},
            "conditions": {
                "start_time": (now() + timedelta(days=1)).isoformat(),
                "end_time": (now() + timedelta(days=7)).isoformat(),
            },
            "discount": [{"sku": "WM-520955", "discount_subtype": "FINAL_PRICE", "discount_value": 2.95}],
        }
    ),
}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The name and the help of each command."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command.help or ""


COMMANDS = dict(commands(typer.main.get_command(app)))


def options(command: str) -> set[str]:
    """The options of a command, such as --json."""
    found: Any = typer.main.get_command(app)
    for name in command.split():
        found = found.commands[name]
    return {option for parameter in found.params for option in parameter.opts}


def example(command: str) -> list[str]:
    """The arguments of the one example in a command's help."""
    [found] = re.findall(r"Example: partner-orders (.+)", COMMANDS[command])
    return shlex.split(found)


def example_and_input(command: str) -> tuple[list[str], str]:
    """The arguments of a command's example, and what it reads from the standard input."""
    arguments = example(command)
    return (arguments[:-2], FILES[arguments[-1]]) if "<" in arguments else (arguments, "")
