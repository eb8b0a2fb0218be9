"""Answers to orders: send one, with the checks and the preview of the API, or send an ended one again."""

import time
from collections.abc import Callable

from partner_orders.exact_json import write
from partner_orders.orders.stored import StoredOrder
from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import segment
from partner_orders_console.operations import answers, orders
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.stack import DeployedStack

_WAITS = 60.0  # seconds for the outcome; after that the page of answers shows it
_PAUSE_SECONDS = 1.0


def _order(stack: DeployedStack, form: Form) -> StoredOrder:
    return orders.of_id(stack, form.get("order_id", ""))


def _page(order: StoredOrder) -> str:
    return f"/orders/{segment(order.order_id)}"


def _written(stack: DeployedStack, form: Form) -> answers.ToSend:
    return answers.from_text(form.get("content", ""), _order(stack, form))


def _repeated(stack: DeployedStack, form: Form) -> answers.ToSend:
    order = _order(stack, form)
    answered = answers.named(stack, order.order_id, form.get("answer_id", ""))
    return answers.repetition(answered, order, len(answers.of_order(stack, order.order_id)))


def _asking(request: Callable[[DeployedStack, Form], answers.ToSend]) -> Callable[[DeployedStack, Form], Question]:
    def ask(stack: DeployedStack, form: Form) -> Question:
        order, wanted = _order(stack, form), request(stack, form)
        will_send = answers.preview(stack, wanted)
        if will_send is None:
            details = ("An answer with this answer_id was taken before. Sending it again shows its outcome.",)
            return Question(f"send {wanted.answer_id} to order {order.order_id} again", _page(order), details)
        details = ("The platform gets this, made from the order as it is now:",)
        what = f"answer order {order.order_id}: {wanted.content.get('kind')}"
        return Question(what, _page(order), details, preview=write(will_send), is_final=True)

    return ask


def _sending(
    request: Callable[[DeployedStack, Form], answers.ToSend],
) -> Callable[[DeployedStack, Form, Progress], Done]:
    def perform(stack: DeployedStack, form: Form, progress: Progress) -> Done:
        order, wanted = _order(stack, form), request(stack, form)
        answers.send(stack, wanted)
        deadline = time.monotonic() + _WAITS
        while True:
            answered = answers.named(stack, order.order_id, wanted.answer_id)
            if not answered.stored.is_open or time.monotonic() > deadline:
                return Done((_said(answered),), _page(order), "See the order")
            progress(f"{wanted.answer_id} waits, {answered.stored.progress.tries} requests so far")
            time.sleep(_PAUSE_SECONDS)

    return perform


def _said(answered: answers.Answered) -> str:
    name, ending = answered.stored.answer.answer_id, answered.stored.ending
    if ending is None:
        return f"The answer {name} is accepted, and waits for its outcome."
    why = answers.reasons_of(ending)
    return f"The answer {name} is {ending.outcome.value.replace('_', ' ')}{f': {why}' if why else ''}."


SEND = Action("Send", _asking(_written), _sending(_written))
RETRY = Action("Send again", _asking(_repeated), _sending(_repeated))
