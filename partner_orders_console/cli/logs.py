"""``partner-orders logs``: what the functions logged."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, at, counted, one_line, print_json, print_text, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.moments import moment

if TYPE_CHECKING:
    from partner_orders_console.operations.logs import LogLine

_FUNCTIONS_HELP = (
    "webhook, consumer, reconciler, publisher, answers or sender; loader, pusher, urgent or catalogue-webhook of the"
    " catalogue; or all"
)
_STYLES = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}


def logs(
    context: typer.Context,
    function: Annotated[str, typer.Argument(help=_FUNCTIONS_HELP)],
    text: Annotated[str, typer.Argument(metavar="[ID]", help="only lines with this correlation id or order id")] = "",
    since: Annotated[str, typer.Option(help="an age such as 30m, 2h or 3d, or a time in UTC")] = "1h",
    errors: Annotated[bool, typer.Option("--errors", help="only errors and warnings")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="show new lines until Ctrl-C")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a function logged. Logs hold no personal data and no secrets.

    Example: partner-orders logs consumer --since 2h --errors
    """
    from partner_orders_console.operations import logs as reading

    every = (*reading.FUNCTIONS, *reading.CATALOGUE_FUNCTIONS)
    if function not in (*every, "all"):
        names = ", ".join(every)
        raise OperatorError(f"there is no function {function!r}", f"Name one of {names}, or all.")
    begin = moment(since)
    stack = stack_of(context)
    chosen = reading.functions_of(stack) if function == "all" else (function,)
    if follow:
        for line in reading.follow(stack, chosen, begin, text, errors):
            _print(line, as_json)
        return
    with working("reading the logs"):
        found = reading.log_lines(stack, chosen, begin, text, errors)
    if as_json:
        print_json([asdict(line) for line in found])
        return
    for line in found:
        _print(line, as_json=False)
    say(f"{counted(len(found), 'line')} since {at(begin)}, times in UTC")
    if not found:
        say("functions log problems and runs, not each order; `partner-orders watch` shows orders as they come")


def _print(line: "LogLine", as_json: bool) -> None:
    if as_json:
        print_json(asdict(line))
        return
    facts = "  ".join(f"{name}={one_line(value)}" for name, value in line.facts.items())
    text = f"{at(line.at)}  {line.function:<10}  {line.level:<7}  {line.message}  {facts}"
    print_text(text.rstrip(), _STYLES.get(line.level, ""))
