"""Promotions: end one now, or take back an end that was set for later."""

from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import segment
from partner_orders_console.operations.catalogue import access
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.promotions import ending
from partner_orders_console.operations.promotions.kept import why_given
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at


def _named(stack: DeployedStack, form: Form) -> tuple[CatalogueStack, str]:
    """Raises OperatorError."""
    return access.catalogue_of(stack), form.get("promotion", "")[:40]


def _ask_to_end(stack: DeployedStack, form: Form) -> Question:
    catalogue, promotion_id = _named(stack, form)
    planned = ending.plan_end(catalogue, promotion_id)
    what = f"{planned.text} ({why_given(form.get('why', ''))})"
    details = ("It is tried until the platform has done it.", "To run it again, put it again.")
    return Question(what, _page(planned.state.promotion_id), details, is_final=True)


def _end(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    catalogue, promotion_id = _named(stack, form)
    planned = ending.plan_end(catalogue, promotion_id)
    ending.do_end(catalogue, planned, form.get("why", ""))
    said = f"The end of {planned.state.summary.name} is sent within minutes."
    return Done((said,), _page(planned.state.promotion_id), "See the promotion")


def _ask_to_keep(stack: DeployedStack, form: Form) -> Question:
    catalogue, promotion_id = _named(stack, form)
    planned_for, why = ending.planned_end(catalogue, promotion_id), why_given(form.get("why", ""))
    return Question(f"keep {promotion_id}, which was to end at {at(planned_for)} UTC ({why})", _page(promotion_id))


def _keep(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    catalogue, promotion_id = _named(stack, form)
    ending.keep(catalogue, promotion_id, form.get("why", ""))
    return Done(("The promotion runs until its own end.",), _page(promotion_id), "See the promotion")


def _page(promotion_id: str) -> str:
    return f"/promotions/{segment(promotion_id)}"


END = Action("End", _ask_to_end, _end)
KEEP = Action("Keep", _ask_to_keep, _keep)
