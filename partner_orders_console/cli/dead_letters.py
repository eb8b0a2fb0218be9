"""``partner-orders dead-letters``: what could not be stored, published or started; look, bring back, delete."""

from dataclasses import asdict
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
    one_line,
    print_data,
    print_json,
    print_table,
    say,
    working,
)
from partner_orders_console.operations.dead_letter_queue import Queue

if TYPE_CHECKING:
    from partner_orders_console.operations.dead_letters import Redriven

app = typer.Typer(help="Dead-letter messages: list, show, redrive, purge.", no_args_is_help=True)


@app.command("list")
def list_letters(context: typer.Context, as_json: AsJson = False) -> None:
    """How many messages wait in each dead-letter queue, and what some of them are about.

    Example: partner-orders dead-letters list
    """
    from partner_orders_console.operations import dead_letters

    stack = stack_of(context)
    with working("looking at the queues") as progress:
        states = dead_letters.states(stack, progress)
    columns = (Column("queue", Kind.ID), Column("messages", Kind.NUMBER), Column("oldest seen", Kind.TIME), "about")
    rows = ((state.queue, state.messages, state.oldest_seen, ", ".join(state.about)) for state in states)
    print_data([asdict(state) for state in states], as_json, columns, rows)


@app.command()
def show(
    context: typer.Context,
    queue: Queue,
    limit: Annotated[int, typer.Option(help="at most this many messages", min=1, max=1000)] = 10,
    as_json: AsJson = False,
    show_personal_data: ShowPersonalData = False,
) -> None:
    """Show messages of a dead-letter queue without removing them.

    Example: partner-orders dead-letters show order-events
    """
    from partner_orders_console.operations import dead_letters

    stack = stack_of(context)
    with working("reading messages"):
        found = dead_letters.messages(stack, queue, limit)
    contents = [dead_letters.content(queue, letter, show_personal_data) for letter in found]
    if as_json:
        facts = zip(found, contents, strict=True)
        print_json([{"sent_at": letter.sent_at, "about": letter.about, "content": it} for letter, it in facts])
        return
    rows = ((letter.sent_at, letter.about, one_line(it)) for letter, it in zip(found, contents, strict=True))
    print_table((Column("sent", Kind.TIME), "about", "content"), rows)
    if any(it is None for it in contents):
        say("null stands for a text that cannot be parsed; --show-personal-data prints it.")
    say(f"{counted(len(found), 'message')}, times in UTC")


@app.command()
def purge(context: typer.Context, queue: Queue, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete every message of a dead-letter queue for good. Example: partner-orders dead-letters purge publisher"""
    from partner_orders_console.operations import dead_letters

    stack = stack_of(context)
    count = dead_letters.DeadLetters(stack, queue).count()
    ask(f"delete about {counted(count, 'dead-letter message')} of {queue} for good?", yes)
    dead_letters.purge(stack, queue)
    if as_json:
        print_json({"queue": queue, "messages": count})
        return
    say(f"the dead-letter queue of {queue} is being emptied, which takes up to a minute")


@app.command()
def redrive(
    context: typer.Context,
    queue: Annotated[
        Queue, typer.Argument(help="which queue; reconciliation is refused, since the next run does the same work")
    ],
    rate: Annotated[float, typer.Option(help="messages a second", min=0.1)] = 50.0,
    about: Annotated[
        str, typer.Option("--filter", help="only those whose `about` has this: an order's id, a source")
    ] = "",
    preview: Annotated[bool, typer.Option("--preview", help="show them, and change nothing")] = False,
    as_json: AsJson = False,
) -> int:
    """Bring dead-letter messages back. Safe to repeat, and to interrupt.

    Order events go onto their queue again. Of what the bus refused, the order's present state is published, or the
    outcome of the answer. Of `answers`, the sender is woken again. The catalogue's messages go onto their queues
    again, but for urgent changes without a version: they would undo what was said since.

    Example: partner-orders dead-letters redrive order-events --rate 20
    """
    from partner_orders_console.operations import dead_letters

    stack = stack_of(context)
    with working("bringing messages back") as progress:
        redriven = dead_letters.redrive(stack, queue, rate, about, preview, progress)
    if as_json:
        print_json(_plain(redriven))
    else:
        _report(queue, redriven, preview)
    return 1 if redriven.left or redriven.later else 0


def _plain(redriven: "Redriven") -> dict[str, object]:
    moved, left = (
        [{"sent_at": letter.sent_at, "about": letter.about} for letter in letters]
        for letters in (redriven.moved, redriven.left)
    )
    return {"brought_back": moved, "left": left, "came_meanwhile": redriven.later}


def _report(queue: Queue, redriven: "Redriven", preview: bool) -> None:
    if preview:
        for letter in redriven.moved:
            say(f"{at(letter.sent_at)} {letter.about}")
    for letter in redriven.left:
        say(f"left where it is: {letter.about}")
    number, left = len(redriven.moved), len(redriven.left)
    done = f"{counted(number, 'message')} would be" if preview else counted(number, "message is", "messages are")
    say(f"{done} brought back" + (f", {counted(left, 'is', 'are')} left" if left else ""))
    if left:
        say(
            "What is left cannot be brought back. Look at it with `partner-orders dead-letters show`; once nothing else"
            f" waits, `partner-orders dead-letters purge {queue}` deletes it: docs/runbooks/{queue}-dead-letters.md"
        )
    if redriven.later:
        say(f"{redriven.later} came meanwhile; check that the cause is removed")
