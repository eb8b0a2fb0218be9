"""``partner-orders use``: choose the stack that later calls act on."""

from dataclasses import asdict
from typing import Annotated

import typer

from partner_orders_console.cli.call import ConfigEnv, Local, Profile, Region, StackName
from partner_orders_console.cli.output import AsJson, print_json, print_text, say
from partner_orders_console.operations import target as targets
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.target import Target


def use(
    context: typer.Context,
    stack_name: StackName = None,
    config_env: ConfigEnv = None,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
    clear: Annotated[bool, typer.Option("--clear", help="forget the default stack")] = False,
    as_json: AsJson = False,
) -> None:
    """Choose the stack that later calls act on. Without options, show the chosen one.

    Example: partner-orders use --config-env staging
    """
    before: Target = context.obj  # The options may stand before the command, too.
    asked = Target(
        stack_name or before.stack_name,
        config_env or before.config_env,
        region or before.region,
        profile or before.profile,
        local or before.is_local,
    )
    if clear:
        if asked.options:
            raise OperatorError("--clear takes no target", "Leave out the other options.")
        targets.forget_choice()
        say("there is no default stack now")
        return
    if asked.options:
        file = targets.choose(asked)
        say(f"later calls act on {asked.options} ({file})")
        return
    chosen = targets.chosen()
    if as_json:
        print_json(asdict(chosen) if chosen else None)
    elif chosen:
        print_text(chosen.options)
    else:
        say("no default was chosen; `partner-orders use --config-env staging` chooses one")
