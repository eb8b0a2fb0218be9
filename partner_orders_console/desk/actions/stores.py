"""Stores: pause, resume, settings."""

from partner_orders.stores.store import InvalidStoreError, StoreSettings
from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import segment
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.orders import store_named
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.store_pause import pause_store, resume_store
from partner_orders_console.operations.store_settings import check_settings, set_store

_ANSWERS = {"yes": True, "no": False}


def _page(store_id: str) -> str:
    return f"/stores/{segment(store_id)}"


def _ask_pause(stack: DeployedStack, form: Form) -> Question:
    store = store_named(stack, form.get("store", ""))
    details = ("It is left out of reconciliation until somebody resumes it. Its webhooks are stored as ever.",)
    why = form.get("reason", "").strip()
    return Question(f"pause store {store.store_id}{f' ({why})' if why else ''}", _page(store.store_id), details)


def _pause(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    store = store_named(stack, form.get("store", ""))
    pause_store(stack, store, form.get("reason", ""))
    return Done((f"Store {store.store_id} is paused.",), _page(store.store_id), "See the store")


def _ask_resume(stack: DeployedStack, form: Form) -> Question:
    store = store_named(stack, form.get("store", ""))
    return Question(f"reconcile store {store.store_id} again", _page(store.store_id))


def _resume(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    store = store_named(stack, form.get("store", ""))
    resume_store(stack, store)
    return Done((f"Store {store.store_id} is reconciled again.",), _page(store.store_id), "See the store")


def _settings(stack: DeployedStack, form: Form) -> tuple[str, StoreSettings, list[str]]:
    """A store, what of its settings a form changes, and that in words. Raises OperatorError."""
    store = store_named(stack, form.get("store", ""))
    changed: dict[str, str] = {}
    said: list[str] = []
    for name in ("currency", "time_zone", "trading_hours"):
        if name in form and form[name].strip() != (getattr(store, name) or ""):
            changed[name] = form[name].strip()
            said.append(f"{name.replace('_', ' ')}: {changed[name] or '(removed)'}")
    answers = _ANSWERS.get(form.get("answers", ""))
    if answers is not None and answers != store.is_answering:
        said.append("answers to its orders are sent" if answers else "answers to its orders are not sent")
    settings = StoreSettings(
        currency=changed.get("currency"),
        time_zone=changed.get("time_zone"),
        trading_hours=changed.get("trading_hours"),
        is_answering=answers if answers != store.is_answering else None,
    )
    if not said:
        raise OperatorError(f"nothing of store {store.store_id} would change", "Change a setting first.")
    try:
        check_settings(settings)
    except InvalidStoreError as error:
        raise OperatorError(f"{store.store_id}: {error}", "Nothing was changed.") from None
    return store.store_id, settings, said


def _ask_set(stack: DeployedStack, form: Form) -> Question:
    store_id, _, said = _settings(stack, form)
    return Question(f"change store {store_id}", _page(store_id), tuple(said))


def _set(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
    store_id, settings, said = _settings(stack, form)
    set_store(stack, store_id, settings)
    return Done((f"Store {store_id} is changed.", *said), _page(store_id), "See the store")


PAUSE = Action("Pause", _ask_pause, _pause)
RESUME = Action("Resume", _ask_resume, _resume)
SET = Action("Change", _ask_set, _set)
