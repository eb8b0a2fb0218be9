"""``partner-orders answers``: what the chain said of its orders, and what has become of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    Yes,
    ask,
    at,
    counted,
    one_line,
    print_data,
    print_facts,
    print_json,
    print_text,
    say,
    working,
)

if TYPE_CHECKING:
    from partner_orders_console.operations.answers import Answered, ToSend
    from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Answers to orders: list, show, send, retry.", no_args_is_help=True)

OrderName = Annotated[
    str, typer.Argument(metavar="ORDER", help="order_id or external_order_id; of a recent order, a unique beginning")
]
Wait = Annotated[bool, typer.Option("--wait", help="wait for the outcome; Ctrl-C ends the wait, not the answer")]


@app.command("list")
def list_answers(
    context: typer.Context,
    store: Annotated[str | None, typer.Option(help="a store, by either of its ids; by default all stores")] = None,
    order: Annotated[str | None, typer.Option(help="only the answers to this order")] = None,
    day: Annotated[
        str | None,
        typer.Option(
            help="answers to orders of a day such as 2026-03-14, in each store's own time zone; by default the last two"
        ),
    ] = None,
    open_only: Annotated[bool, typer.Option("--open", help="only answers without an outcome, of any day")] = False,
    outcome: Annotated[str | None, typer.Option(help="only answers with this outcome, such as refused")] = None,
    as_json: AsJson = False,
) -> None:
    """List answers and their outcomes: of today's and yesterday's orders, of a day, of one order, or all open ones.

    Example: partner-orders answers list --store 148020 --outcome refused
    """
    from partner_orders_console.operations import answers, orders

    stack = stack_of(context)
    found_store = orders.store_named(stack, store) if store else None
    order_id = orders.named(stack, order).order_id if order else None
    choice = answers.Choice(found_store, order_id, day, open_only, answers.outcome_named(outcome))
    with working("looking for answers") as progress:
        found = answers.chosen(stack, choice, progress)
    columns = (
        *(Column("accepted", Kind.TIME), Column("order_id", Kind.ID), Column("answer_id", Kind.ID), Column("store")),
        *(Column("kind"), Column("outcome", Kind.STATE), Column("tries", Kind.NUMBER), Column("because")),
    )
    print_data([it.to_json() for it in found], as_json, columns, map(_row, found))
    if not as_json:
        say(f"{counted(len(found), 'answer')}, times in UTC")
    if not found and "AnswersApiUrl" not in stack.outputs:
        say(f"Answers are off in the stack {stack.name}. Deploy it with Answers=ENABLED to switch them on.")


@app.command()
def show(
    context: typer.Context,
    order: OrderName,
    answer_id: Annotated[str | None, typer.Argument(help="one answer; by default all of the order")] = None,
    as_json: AsJson = False,
) -> None:
    """The answers to an order: what each says, who sent it, and what has become of it.

    Example: partner-orders answers show b7gw-7888-947312
    """
    from partner_orders_console.operations import answers, orders

    stack = stack_of(context)
    order_id = orders.named(stack, order).order_id
    found = [answers.named(stack, order_id, answer_id)] if answer_id else answers.of_order(stack, order_id)
    if as_json:
        shown = [it.to_json() for it in found]
        print_json(shown[0] if answer_id else shown)
        return
    for answered in found:
        _print_answer(answered)
    say(f"{counted(len(found), 'answer')}, times in UTC")


@app.command()
def send(
    context: typer.Context,
    order: OrderName,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the answer's JSON, as the API takes it")],
    wait: Wait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Send an answer to an order through the answers API, signed with your AWS credentials.

    Sending the same file again is safe: its answer_id is taken once.

    Example: partner-orders answers send b7gw-7888-947312 answer.json --yes
    """
    from partner_orders_console.operations import answers, orders

    stack = stack_of(context)
    request = answers.from_file(file, orders.named(stack, order))
    return _send(stack, request, wait, yes, as_json)


@app.command()
def retry(
    context: typer.Context,
    order: OrderName,
    answer_id: Annotated[str, typer.Argument(help="an answer that ended without being applied")],
    wait: Wait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Send what an ended answer said once more, under a new id and for the order's present sequence.

    Compare the order's lines first: `orders show`.

    Example: partner-orders answers retry b7gw-7888-947312 till-1 --yes
    """
    from partner_orders_console.operations import answers, orders

    stack = stack_of(context)
    found = orders.named(stack, order)
    answered = answers.named(stack, found.order_id, answer_id)
    request = answers.repetition(answered, found, len(answers.of_order(stack, found.order_id)))
    return _send(stack, request, wait, yes, as_json)


def _send(stack: "DeployedStack", request: "ToSend", wait: bool, yes: bool, as_json: bool) -> int:
    from partner_orders_console.operations import answers

    stack.answers_output("AnswersApiUrl")
    say(f"to order {request.order_id} of store {request.store_id}: {one_line(request.content)}")
    ask("send this answer?", yes)
    with working("sending"):
        taken = answers.send(stack, request)
    if not wait:
        if as_json:
            print_json(taken)
        else:
            _print_taken(request, taken)
        return 0
    with working("waiting for the outcome") as progress:
        answered = answers.wait(stack, request.order_id, request.answer_id, progress)
    if as_json:
        print_json(answered.to_json())
    else:
        _print_answer(answered)
    return 0 if answered.is_applied else 1


def _print_taken(request: "ToSend", taken: dict[str, object]) -> None:
    say(f"{request.answer_id} is {'accepted' if 'will_send' in taken else 'known already'}: {taken.get('status')}")
    if "will_send" in taken:
        print_text(f"the platform gets: {one_line(taken['will_send'])}")
    say(f"`partner-orders answers show {request.order_id} {request.answer_id}` shows what has become of it")


def _row(answered: "Answered") -> tuple[object, ...]:
    stored = answered.stored
    because = stored.progress.failure if stored.ending is None else stored.ending.reason
    return (
        *(stored.accepted_at, answered.order_id, stored.answer.answer_id, answered.store_id),
        *(stored.answer.kind.value, answered.status, stored.progress.tries, because or None),
    )


def _print_answer(answered: "Answered") -> None:
    from partner_orders.answers.reading import plain

    stored, ending = answered.stored, answered.stored.ending
    print_text(f"{stored.answer.answer_id}  {stored.answer.kind}  {answered.status}", "bold")
    print_facts(
        {
            "order_id": answered.order_id,
            "store_id": answered.store_id,
            "says": one_line(plain(stored.answer)),
            "accepted": at(stored.accepted_at),
            "by": stored.by,
            "correlation_id": stored.correlation_id,
            "tries": stored.progress.tries,
            "next try": None if ending else at(stored.progress.next_try_at),
            "waits for": None if ending else stored.progress.failure,
            "ended": at(ending.ended_at) if ending else None,
            "reason": ending.reason if ending else None,
            "problems": "; ".join(ending.problems) if ending else None,
        }
    )
