"""Rejected events and dead letters: replay, discard, redrive."""

from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.operations import dead_letters, rejected
from partner_orders_console.operations.dead_letter_queue import Queue
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.rejected import Choice
from partner_orders_console.operations.rejected_content import Survey, survey
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted, words

_RATE = 20.0  # messages a second that are brought back
_BACK = "/trouble"


def _chosen(stack: DeployedStack, form: Form) -> Survey:
    """One event by its digest, or all of a reason. Raises OperatorError where there is none."""
    if digest := form.get("digest", ""):
        return survey([rejected.named(stack, digest)])
    found = survey(rejected.each(stack, Choice(form["reason"]))) if form.get("reason") else Survey()
    if not found.digests:
        raise OperatorError("no rejected events were chosen", "Choose some on the page of trouble.")
    return found


def _back(form: Form) -> str:
    return f"/trouble/rejected/{form['digest']}" if form.get("digest", "").isalnum() else _BACK


def _ask_replay(stack: DeployedStack, form: Form) -> Question:
    found = _chosen(stack, form)
    return Question(f"replay {_those(found)}", _back(form), (*_prospects(found), *_names(found)))


def _those(found: Survey) -> str:
    """Some events in a question, which the record of changes repeats: one by name, several by reason."""
    if len(found.digests) == 1:
        return f"rejected event {found.named[0]}"
    reasons = ", ".join(map(words, sorted(found.reasons)))
    return f"{counted(len(found.digests), 'rejected event')} ({reasons})"


def _names(found: Survey) -> tuple[str, ...]:
    """The events of a question that is about several."""
    if len(found.digests) == 1:
        return ()
    more = len(found.digests) - len(found.named)
    return (*map(str, found.named), *([f"and {counted(more, 'more event')}"] if more else []))


def _prospects(found: Survey) -> tuple[str, ...]:
    """Whether a replay would help, by the parser of this version; the deployed stack may have another."""
    number, helps = len(found.digests), "Replaying helps only after an update of the stack."
    if found.parsed == number:
        return ("It can be parsed now and leaves the list." if number == 1 else "All of them can be parsed now.",)
    if number == 1:
        return (f"It still cannot be parsed: {found.problem}.", f"It would be rejected again. {helps}")
    parsed = f"{counted(found.parsed, 'of them can', 'of them can')} be parsed now." if found.parsed else ""
    rest = f"{number - found.parsed:,} would be rejected again, the first because {found.problem}. {helps}"
    return tuple(filter(None, (parsed, rest)))


def _replay(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    found = _chosen(stack, form)
    replayed = rejected.replay(stack, found.digests, progress)
    enqueued = f"{counted(replayed.enqueued, 'event is', 'events are')} on the queue again."
    left = tuple(f"Left: {sentence}" for sentence in replayed.left)
    unparsed = len(found.digests) - found.parsed
    warning = f"finished, {counted(unparsed, 'event')} will be rejected again" if unparsed else ""
    label = "See the event now" if form.get("digest") else "See the events that are left"
    return Done((enqueued, *left), _back(form), label, warning)


def _ask_discard(stack: DeployedStack, form: Form) -> Question:
    found = _chosen(stack, form)
    details = (
        "The stored body is deleted, so it can never be replayed.",
        "An order that is missing can still be found by comparing its time with the platform (Reconciliation).",
    )
    return Question(f"delete {_those(found)} for good", _back(form), (*details, *_names(found)), is_final=True)


def _discard(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    found = _chosen(stack, form)
    rejected.discard(stack, found.digests, progress)
    deleted = f"{counted(len(found.digests), 'rejected event is', 'rejected events are')} deleted."
    return Done((deleted, *map(str, found.named)), _BACK, "See the events that are left")


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
    return Done(tuple(sentences), f"/trouble/letters/{queue.value}", "See what is left in the queue")


REPLAY = Action("Replay", _ask_replay, _replay)
DISCARD = Action("Delete", _ask_discard, _discard)
REDRIVE = Action("Bring back", _ask_redrive, _redrive)
