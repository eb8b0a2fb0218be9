"""``partner-orders``: the operator's command line."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperOption

from partner_orders_console.cli import (
    answers,
    catalogue,
    consumer,
    dead_letters,
    events,
    files,
    orders,
    promotions,
    reconcile,
    rejected,
    reports,
    secrets,
    stores,
    table,
)
from partner_orders_console.cli.call import (
    NAME,
    ConfigEnv,
    Local,
    Profile,
    Region,
    StackName,
    begin_call,
    program,
)
from partner_orders_console.cli.cost import cost
from partner_orders_console.cli.desk import desk
from partner_orders_console.cli.doctor import doctor
from partner_orders_console.cli.export import export
from partner_orders_console.cli.forget import app as erasures
from partner_orders_console.cli.forget import forget
from partner_orders_console.cli.logs import logs
from partner_orders_console.cli.open import open_place
from partner_orders_console.cli.output import out, say
from partner_orders_console.cli.refused import refused
from partner_orders_console.cli.register import register
from partner_orders_console.cli.send import send
from partner_orders_console.cli.stacks import stacks
from partner_orders_console.cli.trace import trace
from partner_orders_console.cli.use import use
from partner_orders_console.cli.watch import watch
from partner_orders_console.operations.errors import CancelledByOperatorError
from partner_orders_console.operations.target import Target

_GROUPS = {
    "orders": orders.app,
    "answers": answers.app,
    "stores": stores.app,
    "catalogue": catalogue.app,
    "promotions": promotions.app,
    "files": files.app,
    "events": events.app,
    "reconcile": reconcile.app,
    "reports": reports.app,
    "rejected": rejected.app,
    "dead-letters": dead_letters.app,
    "consumer": consumer.app,
    "erasures": erasures,
    "table": table.app,
    "secrets": secrets.app,
}
_COMMANDS: dict[str, Callable[..., int | None]] = {
    "desk": desk,
    "stacks": stacks,
    "doctor": doctor,
    "register": register,
    "send": send,
    "logs": logs,
    "watch": watch,
    "refused": refused,
    "trace": trace,
    "open": open_place,
    "export": export,
    "cost": cost,
    "forget": forget,
    "use": use,
}

app = typer.Typer(
    name=NAME,
    help="Look after a stack: its orders, answers, stores, catalogue, promotions, gaps, faults and secrets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name)
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        out.print(f"partner-orders {version('partner-orders')}")
        raise typer.Exit


@app.callback()
def which_stack(
    context: typer.Context,
    stack_name: StackName = None,
    config_env: ConfigEnv = None,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="the version of this command")
    ] = False,
) -> None:
    """Without any of these it is the stack that PARTNER_ORDERS_STACK_NAME or PARTNER_ORDERS_CONFIG_ENV name, or the
    default that `use` chose, or the one that `make up` started."""
    target = Target(stack_name, config_env, region, profile, local)
    begin_call(target.options, (*_GROUPS, *_COMMANDS))
    context.obj = target


def _type_shown(option: TyperOption, ctx: Any) -> str | None:
    """What help names as an option's type: none for a flag, which takes no value."""
    return None if option.type_descriptor.annotation is bool else option.display_type(ctx)


TyperOption.display_type_rich = _type_shown  # type: ignore[assignment]


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0: done. 1: it failed, found a fault, or what was asked for makes no sense. 2: the call could not
    be read. 3: the operator said no. 130: the operator pressed Ctrl-C. 141: who read the output, such as `head`, has
    closed it."""
    try:
        answer = app(args=arguments, standalone_mode=False, prog_name=NAME)
        sys.stdout.flush()
    except typer.Abort:
        say("cancelled")
        return 3
    except CancelledByOperatorError as cancelled:
        say(str(cancelled))
        return 3
    except typer.TyperException as wrong:
        if what := wrong.format_message():  # There is none where no command was named: the help was printed.
            _explain(what.replace("Value error, ", ""), f"`{_called(wrong)} --help` shows how it is called.")
        return wrong.exit_code
    except KeyboardInterrupt:  # Before or after the command itself, such as while the stack is looked for.
        return 130
    except (BrokenPipeError, SystemExit):  # Rich and Typer turn a closed pipe into SystemExit.
        _let_go_of_the_pipe()
        return 141
    except Exception as error:
        from partner_orders_console.operations.explanation import explained

        _explain(*explained(error))
        return 1
    return answer if isinstance(answer, int) else 0


def _called(wrong: typer.TyperException) -> str:
    """The program and the command that could not be called so, as they are typed."""
    context = getattr(wrong, "ctx", None)
    path = context.command_path if context else NAME
    return path.replace(NAME, program(), 1)


def _let_go_of_the_pipe() -> None:
    """Write nothing more, also at the interpreter's end, which would tell of the closed pipe once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _explain(what: str, advice: str) -> None:
    say(f"error: {what}", style="red")
    if advice:
        say(advice)


if __name__ == "__main__":
    sys.exit(main())
