"""``partner-orders rejected``: events that could not be parsed; look, replay, discard."""

from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    ShowPersonalData,
    Yes,
    ask,
    at,
    counted,
    print_facts,
    print_json,
    print_table,
    print_text,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.moments import moment_if_given

if TYPE_CHECKING:
    from partner_orders.orders.rejected import RejectedEvent
    from partner_orders_console.operations.rejected import Choice, Chosen
    from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Rejected events: list, show, replay, discard.", no_args_is_help=True)

Digest = Annotated[str, typer.Argument(help="the digest from `rejected list`; its beginning is enough")]
Digests = Annotated[list[str] | None, typer.Argument(metavar="[DIGEST]...", help="which; or --all, or a filter")]
Everything = Annotated[bool, typer.Option("--all", help="every unresolved event")]
Reason = Annotated[str, typer.Option(help="only events with this reason, such as malformed_json")]
Since = Annotated[
    str, typer.Option(help="only events first received since then: an age such as 2h or 3d, or a time in UTC")
]
Until = Annotated[str, typer.Option(help="only events first received before then: an age or a time in UTC")]

_SHOWN_PROBLEMS = 3


@app.command("list")
def list_rejected(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="at most this many, the newest first", min=1)] = 50,
    reason: Reason = "",
    since: Since = "",
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """The unresolved rejected events, newest first. Example: partner-orders rejected list"""
    from partner_orders_console.operations import rejected

    choice = _choice(reason, since, until)
    stack = stack_of(context)
    with working("reading the rejected events"):
        found = rejected.unresolved(stack, choice, limit)
    if as_json:
        print_json([rejected.plain(event) for event in found.events])
        return
    columns = (
        *(Column("first received", Kind.TIME), Column("digest", Kind.ID), Column("reason")),
        *(Column("times", Kind.NUMBER), Column("source"), Column("problems")),
    )
    print_table(columns, map(_row, found.events))
    of_all = f" of {found.total:,}" if found.total > len(found.events) else ""
    say(f"{len(found.events):,}{of_all} rejected {'event' if found.total == 1 else 'events'}, times in UTC")


@app.command()
def show(
    context: typer.Context, digest: Digest, as_json: AsJson = False, show_personal_data: ShowPersonalData = False
) -> None:
    """One rejected event and what is wrong with it; its body only with --show-personal-data.

    Example: partner-orders rejected show 302631e7f1f3fdcc
    """
    from partner_orders_console.operations import rejected

    event = rejected.named(stack_of(context), digest)
    facts, text = rejected.plain(event), event.body.decode("utf-8", "backslashreplace")
    if as_json:
        print_json(facts | ({"body": text} if show_personal_data else {}))
        return
    print_facts({name: value for name, value in facts.items() if name != "problems"})
    print_table(("problems",), ([problem] for problem in event.problems))
    if show_personal_data:
        print_text(text)
    say("times in UTC")


@app.command()
def replay(
    context: typer.Context,
    digests: Digests = None,
    everything: Everything = False,
    reason: Reason = "",
    since: Since = "",
    until: Until = "",
    as_json: AsJson = False,
) -> int:
    """Enqueue rejected events again after their cause is removed. Events that can now be parsed leave the list.

    Example: partner-orders rejected replay --all
    """
    from partner_orders_console.operations import rejected

    choice = _choice(reason, since, until)
    _check_selection(digests, everything, choice)
    stack = stack_of(context)
    with working("reading the rejected events") as progress:
        found = _chosen(stack, digests, choice)
        replayed = rejected.replay(stack, found.digests, progress)
    if as_json:
        print_json({"enqueued": replayed.enqueued, "left": replayed.left})
        return 1 if replayed.left else 0
    for sentence in replayed.left:
        say(f"left: {sentence}")
    enqueued = counted(replayed.enqueued, "event is", "events are")
    say(f"{enqueued} enqueued; `partner-orders rejected list` shows any that are rejected again")
    return 1 if replayed.left else 0


@app.command()
def discard(
    context: typer.Context,
    digests: Digests = None,
    everything: Everything = False,
    reason: Reason = "",
    since: Since = "",
    until: Until = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete rejected events for good. Example: partner-orders rejected discard 302631e7f1f3fdcc"""
    from partner_orders_console.operations import rejected

    choice = _choice(reason, since, until)
    _check_selection(digests, everything, choice)
    stack = stack_of(context)
    with working("reading the rejected events"):
        found = _chosen(stack, digests, choice)
    number = len(found.digests)
    if number:
        ask(f"delete {counted(number, 'rejected event')} ({', '.join(found.reasons)}) for good?", yes)
        with working("deleting") as progress:
            rejected.discard(stack, found.digests, progress)
    if as_json:
        print_json({"deleted": found.digests})
        return
    if not number:
        say("there is nothing to delete")
        return
    say(f"{counted(number, 'rejected event is', 'rejected events are')} deleted")


def _choice(reason: str, since: str, until: str) -> "Choice":
    from partner_orders_console.operations.rejected import Choice

    return Choice(reason, moment_if_given(since), moment_if_given(until))


def _check_selection(digests: list[str] | None, everything: bool, choice: "Choice") -> None:
    """Raises OperatorError unless it is clear which events are meant."""
    is_filtered = bool(choice.reason or choice.since or choice.until)
    if sum((bool(digests), everything or is_filtered)) != 1:
        raise OperatorError(
            "no rejected events were chosen", "Name their digests, use --all, or filter with --reason or --since."
        )


def _chosen(stack: "DeployedStack", digests: list[str] | None, choice: "Choice") -> "Chosen":
    from partner_orders_console.operations import rejected

    if digests:
        return rejected.chosen_by_name(stack, digests)
    return rejected.chosen(stack, choice)


def _row(event: "RejectedEvent") -> tuple[object, ...]:
    more = " ..." if len(event.problems) > _SHOWN_PROBLEMS else ""
    problems = "; ".join(event.problems[:_SHOWN_PROBLEMS]) + more
    received = at(event.first_received_at)
    return received, event.digest, event.reason, event.times_received, event.source, problems
