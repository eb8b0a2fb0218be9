"""Backfills: preview, run, cancel."""

from typing import Any

from partner_orders.clock import to_text
from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import address
from partner_orders_console.operations import reconciliation
from partner_orders_console.operations.moments import moment
from partner_orders_console.operations.orders import store_named
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.reconciliation import Request
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted, words

_BACK = "/reconciliation"
_NAMED = 20


def _request(stack: DeployedStack, form: Form) -> Request:
    """The window that a form names. Raises OperatorError."""
    start, end = (to_text(moment(form[name])) if form.get(name) else None for name in ("from", "to"))
    stores = [store_named(stack, form["store"]).store_id] if form.get("store") else []
    return Request(start, end, stores)


def _window(request: Request) -> str:
    stores = f"of store {request.stores[0]}" if request.stores else "of all stores that are not paused"
    start, end = at(request.start) or "60 days ago", at(request.end) or "now"
    return f"orders {stores} from {start} to {end} (UTC)"


def _ask_preview(stack: DeployedStack, form: Form) -> Question:
    what = f"compare {_window(_request(stack, form))} with the platform"
    return Question(what, _BACK, ("Nothing is enqueued. The requests count against the platform's rate limit.",))


def _preview(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    report = reconciliation.follow(stack, _request(stack, form), preview=True, progress=progress)
    found = reconciliation.found_in(report)
    sentences = [*_said(report), f"A backfill would enqueue {counted(found, 'order')}."]
    sentences += [f"{it['order_id']} of store {it['store_id']}: {it['found']}" for it in report["found"][:_NAMED]]
    if not found:
        return Done(tuple(sentences), _BACK, "See reconciliation", _warning(report))
    wanted = {name: form.get(name, "") for name in ("from", "to", "store")}
    link, label = address("/changes/run-backfill", **wanted), f"Enqueue {counted(found, 'order')} …"
    return Done(tuple(sentences), link, label, _warning(report))


def _ask_run(stack: DeployedStack, form: Form) -> Question:
    what = f"enqueue what is missing or different among {_window(_request(stack, form))}"
    return Question(what, _BACK, ("The consumer stores it. A backfill can be cancelled while it runs.",))


def _run(stack: DeployedStack, form: Form, progress: Progress) -> Done:
    report = reconciliation.follow(stack, _request(stack, form), preview=False, progress=progress)
    enqueued = f"{counted(report['enqueued'], 'order is', 'orders are')} enqueued."
    return Done((*_said(report), enqueued), _BACK, "See reconciliation", _warning(report))


def _warning(report: dict[str, Any]) -> str:
    """The state of a comparison that is not whole; empty for one that is."""
    failed = len(report["failed_stores"])
    if report["state"] == "cancelled":
        return "cancelled"
    return f"finished, {counted(failed, 'store')} not checked" if failed else ""


def _said(report: dict[str, Any]) -> list[str]:
    failed: dict[str, str] = report["failed_stores"]
    is_whole = report["state"] != "cancelled"
    stores = max(report["stores_done"] - len(failed), 0) if is_whole else report["stores_done"]
    checked = f"{counted(report['orders_checked'], 'order')} of {counted(stores, 'store')} checked"
    said = [f"{checked}: {report['missing']} missing, {report['different']} different."] if stores or not failed else []
    said += [f"Store {store_id} could not be checked: {words(why)}." for store_id, why in failed.items()]
    if report["state"] == "cancelled":
        said.append("It was cancelled before it was done.")
    return said


def _ask_cancel(_stack: DeployedStack, form: Form) -> Question:
    return Question(f"cancel the backfill {form.get('id', '')}", _BACK, ("Orders that it has enqueued stay enqueued.",))


def _cancel(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    backfill = reconciliation.cancel(stack, form.get("id", ""))
    state = backfill.to_json()["state"]
    return Done((f"The backfill {backfill.backfill_id} is {state}.",), _BACK, "See reconciliation")


PREVIEW = Action("Compare", _ask_preview, _preview)
RUN = Action("Enqueue", _ask_run, _run)
CANCEL = Action("Cancel it", _ask_cancel, _cancel)
