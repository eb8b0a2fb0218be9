"""``partner-orders consumer``: pause the consumer on purpose, and have it go on."""

from dataclasses import asdict
from typing import Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Yes, ask, print_json, say

app = typer.Typer(help="The consumer: pause, resume.", no_args_is_help=True)


@app.command()
def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="why, for whoever finds it paused")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stop the consumer. Events wait in their queue, which keeps them for four days.

    Example: partner-orders consumer pause --reason "restoring the table" --yes
    """
    from partner_orders_console.operations import consumer_pause

    stack = stack_of(context)
    ask("stop storing order events until `consumer resume`?", yes)
    begun = consumer_pause.pause(stack, reason)
    if as_json:
        print_json(asdict(begun))
        return
    say(f"the consumer is paused {begun}")
    say("`partner-orders consumer resume` ends the pause; `partner-orders doctor` shows it")


@app.command()
def resume(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:  # noqa: ARG001 (asks nothing)
    """End a pause. Waiting events are stored within minutes. Example: partner-orders consumer resume"""
    from partner_orders_console.operations import consumer_pause

    ended = consumer_pause.resume(stack_of(context))
    if as_json:
        print_json(asdict(ended))
        return
    say(f"the consumer receives events again; it was paused {ended}")
