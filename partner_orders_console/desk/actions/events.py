"""Rejected events and dead letters: replay, discard, redrive."""

from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.operations import dead_letters, rejected
from partner_orders_console.operations.dead_letter_queue import Queue
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.rejected import Choice, Chosen
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

_RATE = 20.0  # messages a second that are brought back
_BACK = "/trouble"


def _chosen(stack: DeployedStack, form: Form) -> Chosen:
    """One event by its digest, or all of a reason. Raises OperatorError where there is none."""
    if digest := form.get("digest", ""):
        return rejected.chosen_by_name(stack, [digest])
    found = rejected.chosen(stack, Choice(form["reason"])) if form.get("reason") else Chosen([], [])
    if not found.digests:
        raise OperatorError("no rejected events were chosen", "Choose some on the page of trouble.")
    return found


def _back(form: Form) -> str:
    return f"/trouble/rejected/{form['digest']}" if form.get("digest", "").isalnum() else _BACK


def _ask_replay(stack: DeployedStack, form: Form) -> Question:
    found = _chosen(stack, form)
    what = f"replay {counted(len(found.digests), 'rejected event')} ({', '.join(found.reasons)})"
    details = ("They go to the consumer again. Those that can be parsed now leave the list.",)
    return Question(what, _back(form), details)


def _replay(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    replayed = rejected.replay(stack, _chosen(stack, form).digests, progress)
    enqueued = f"{counted(replayed.enqueued, 'event is', 'events are')} on the queue again."
    left = tuple(f"Left: {sentence}" for sentence in replayed.left)
    return Done((enqueued, *left), _back(form), "what became of it" if form.get("digest") else "those that are left")


def _ask_discard(stack: DeployedStack, form: Form) -> Question:
    found = _chosen(stack, form)
    what = f"delete {counted(len(found.digests), 'rejected event')} ({', '.join(found.reasons)}) for good"
    return Question(what, _back(form), is_final=True)


def _discard(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    digests = _chosen(stack, form).digests
    rejected.discard(stack, digests, progress)
    return Done(
        (f"{counted(len(digests), 'rejected event is', 'rejected events are')} deleted.",), _BACK, "those that are left"
    )


def _queue(form: Form) -> Queue:
    try:
        return Queue(form.get("queue", ""))
    except ValueError:
        raise OperatorError("there is no such queue", f"Its name is one of {', '.join(Queue)}.") from None


def _ask_redrive(stack: DeployedStack, form: Form) -> Question:
    queue, about = _queue(form), form.get("about", "")
    found = dead_letters.redrive(stack, queue, _RATE, about, preview=True)
    what = f"bring {counted(len(found.moved), 'dead letter')} of {queue.value} back"
    left = [f"Cannot be brought back: {letter.about}" for letter in found.left]
    return Question(
        what, f"/trouble/letters/{queue.value}", (*(letter.about for letter in found.moved[:20]), *left[:20])
    )


def _redrive(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    queue = _queue(form)
    redriven = dead_letters.redrive(stack, queue, _RATE, form.get("about", ""), preview=False, progress=progress)
    sentences = [f"{counted(len(redriven.moved), 'message is', 'messages are')} brought back."]
    sentences += [f"Left: {letter.about}" for letter in redriven.left]
    if redriven.later:
        came = counted(redriven.later, "message")
        sentences.append(f"{came} came meanwhile and are left: the cause is still there.")
    return Done(tuple(sentences), f"/trouble/letters/{queue.value}", "what is left in the queue")


REPLAY = Action("Replay", _ask_replay, _replay)
DISCARD = Action("Delete", _ask_discard, _discard)
REDRIVE = Action("Bring back", _ask_redrive, _redrive)
