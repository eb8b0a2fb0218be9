"""``partner-orders rejected``: events that could not be understood; look, replay, discard."""

from typing import Annotated, Any

import typer

from partner_orders.clock import now
from partner_orders.order_events.message import REPLAY, OrderEventMessage, UnreadableMessageError
from partner_orders.order_events.queue import QueueRefusedError
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    ShowPersonalData,
    Yes,
    ask,
    counted,
    print_json,
    print_table,
    print_text,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Rejected events: list, show, replay, discard.", no_args_is_help=True)

# What erasing leaves of a body that is no order at all.
_NOTHING_LEFT = (b"", b"{}")

Digest = Annotated[str, typer.Argument(help="as `rejected list` shows it; its beginning is enough")]


@app.command("list")
def list_rejected(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="the newest so many", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """The rejected that nobody has resolved, newest first. Example: partner-orders rejected list"""
    found = stack_of(context).rejected.newest(limit)
    if as_json:
        print_json([_plain(event) for event in found])
        return
    columns = ("first received", "digest", "reason", "times", "source", "problems")
    print_table(columns, map(_row, found))
    say(counted(len(found), "rejected event"))


@app.command()
def show(
    context: typer.Context, digest: Digest, as_json: AsJson = False, show_personal_data: ShowPersonalData = False
) -> None:
    """One rejected event, and what was wrong; its body only with --show-personal-data.

    Example: partner-orders rejected show 302631e7f1f3fdcc
    """
    event = _named(stack_of(context), digest)
    text = event.body.decode("utf-8", "backslashreplace")
    if as_json:
        print_json(_plain(event) | ({"body": text} if show_personal_data else {}))
        return
    print_table(("", ""), ((name, value) for name, value in _plain(event).items() if name != "problems" and value))
    print_table(("problems",), ([problem] for problem in event.problems))
    if show_personal_data:
        print_text(text)


@app.command()
def replay(
    context: typer.Context,
    digests: Annotated[list[str] | None, typer.Argument(help="which; or --all")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every one that `rejected list` shows")] = False,
) -> int:
    """Put rejected events on the queue again, after what was wrong is mended. What is understood then leaves the list.

    Example: partner-orders rejected replay --all
    """
    stack = stack_of(context)
    if bool(digests) == everything:
        raise OperatorError("which ones?", "Name their digests, or say --all.")
    events = stack.rejected.newest() if everything else [_named(stack, digest) for digest in digests or []]
    messages, taken_out, left = [], [], 0
    for event in events:
        body = event.body
        if event.erased_at and body in _NOTHING_LEFT:
            deletes = f"`partner-orders rejected discard {event.digest}` deletes it"
            say(f"left: nothing of {event.digest} is there since a customer was erased; {deletes}")
            left += 1
            continue
        if event.reason == "unreadable_message":
            try:
                body = OrderEventMessage.from_text(body.decode("utf-8", "surrogatepass")).body
            except UnreadableMessageError:
                say(f"left: {event.digest} is no message of ours, and would not be understood as an order either")
                left += 1
                continue
        if digest_of(body) != event.digest:
            taken_out.append(event)
        messages.append(OrderEventMessage(REPLAY, now(), f"replay/{event.digest}", body))
    try:
        with working(f"putting {counted(len(messages), 'event')} on the queue"):
            stack.queue.send_all(messages)
    except QueueRefusedError as error:
        raise OperatorError(str(error), "Try again: what is on the queue twice is stored once.") from None
    for event in taken_out:
        # The consumer knows an event by the body it gets, and so cannot find the row of the message around it, nor of
        # what it was before a customer was erased. What it does not understand gets a row of its own.
        stack.rejected.resolve_row(event.digest)
    queued = counted(len(messages), "event is", "events are")
    say(f"{queued} on the queue; `partner-orders rejected list` shows what is rejected again")
    return 1 if left else 0


@app.command()
def discard(context: typer.Context, digest: Digest, yes: Yes = False) -> None:
    """Delete a rejected event for good. Example: partner-orders rejected discard 302631e7f1f3fdcc"""
    stack = stack_of(context)
    event = _named(stack, digest)
    ask(f"delete the rejected event of {event.first_received_at} ({event.reason}) for good?", yes)
    stack.rejected.discard(event.digest)
    say(f"{event.digest} is deleted")


def _row(event: RejectedEvent) -> tuple[object, ...]:
    problems = "; ".join(event.problems[:3]) + (" ..." if len(event.problems) > 3 else "")
    return event.first_received_at[:19], event.digest, event.reason, event.times_received, event.source, problems


def _named(stack: DeployedStack, digest: str) -> RejectedEvent:
    event = stack.rejected.get(digest)
    found = [event] if event else [one for one in stack.rejected.newest() if digest and one.digest.startswith(digest)]
    if len(found) != 1:
        raise OperatorError(
            f"{'several' if found else 'no'} rejected events begin with {digest}",
            "`partner-orders rejected list` shows them.",
        )
    return found[0]


def _plain(event: RejectedEvent) -> dict[str, Any]:
    return {
        "digest": event.digest,
        "reason": event.reason,
        "problems": list(event.problems),
        "first_received_at": event.first_received_at,
        "source": event.source,
        "correlation_id": event.correlation_id,
        "times_received": event.times_received,
        "resolved_at": event.resolved_at,
        "erased_at": event.erased_at,
    }
