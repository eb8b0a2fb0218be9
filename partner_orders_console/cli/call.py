"""The call that is being served: which options it had, and which stack it acts on."""

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.operations.target import Target, resolved

if TYPE_CHECKING:
    from partner_orders_console.operations.stack import DeployedStack

NAME = "partner-orders"

# The options that name a target.
StackName = Annotated[str | None, typer.Option(help="the CloudFormation stack")]
ConfigEnv = Annotated[str | None, typer.Option(help="an environment of samconfig.toml, such as production")]
Region = Annotated[str | None, typer.Option(help="the AWS region")]
Profile = Annotated[str | None, typer.Option(help="a profile of the AWS CLI")]
Local = Annotated[bool, typer.Option("--local", help="the stack that `make up` started")]


@dataclass
class Call:
    """``options`` are those that named the target; ``target`` is the stack for a person, once it was found."""

    options: str = ""
    commands: tuple[str, ...] = ()
    target: str = ""


this_call = Call()


def begin_call(options: str, commands: tuple[str, ...]) -> None:
    """A call begins: hints that it prints name ``commands`` with these ``options``."""
    this_call.options, this_call.commands, this_call.target = options, commands, ""


def hint(text: str) -> str:
    """The text, in which each `partner-orders COMMAND` can be typed as it is: it begins with the program as this call
    named it, and has the options with which it named its target. `use` chooses another target, so it has none."""
    commands = "|".join(map(re.escape, this_call.commands))

    def typed(match: re.Match[str]) -> str:
        options = "" if match[1] == "use" else this_call.options
        return " ".join(filter(None, (program(), options, match[1])))

    return re.sub(rf"(?<!/)\bpartner-orders ({commands})\b", typed, text) if commands else text


def program() -> str:
    """How the shell finds this program: by its name, or by the path that the call gave, from the current folder."""
    called, folder = Path(sys.argv[0]), Path.cwd()
    if called.name != NAME or not called.is_file():
        return NAME
    if (found := shutil.which(NAME)) and called.samefile(found):
        return NAME
    path = str(called.relative_to(folder) if called.is_relative_to(folder) else called)
    return shlex.quote(path if "/" in path else f"./{path}")


def stack_of(context: typer.Context) -> "DeployedStack":
    """The stack that the call means; tells on the standard error which one that is. Raises OperatorError."""
    from partner_orders_console.cli.output import say
    from partner_orders_console.operations.stack import DeployedStack

    target = context.obj
    if not isinstance(target, Target):
        raise TypeError("the call's options come first")
    stack = DeployedStack.find(resolved(target))
    this_call.target = stack.label
    say(f"target: {this_call.target}", style="dim")
    return stack
