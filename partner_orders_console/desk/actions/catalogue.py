"""The catalogue: pause, resume; release and drop what guards hold."""

from collections.abc import Callable

from partner_orders_console.desk.actions.action import Action, Form, Question
from partner_orders_console.desk.jobs import Done
from partner_orders_console.desk.rendering import segment
from partner_orders_console.operations.catalogue import access, holding, switching
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted, values_shown

_NAMED = 20  # products in a question
_EFFECTS = {"taken": "takes effect", "overtaken": "a newer value stays", "dropped": "is forgotten"}


def _page(store_id: str) -> str:
    return f"/catalogue/stores/{segment(store_id)}"


def _store(stack: DeployedStack, form: Form) -> tuple[CatalogueStack, str]:
    """Raises OperatorError."""
    return access.catalogue_of(stack), access.store_id_named(stack, form.get("store", ""))


# -- pause and resume --------------------------------------------------------------------------------------------------


def _switch(form: Form, is_sending: bool) -> switching.Switch:
    return switching.Switch(is_sending, form.get("reason", ""))


def _asking_to_switch(is_sending: bool) -> Callable[[DeployedStack, Form], Question]:
    def ask(stack: DeployedStack, form: Form) -> Question:
        catalogue, store_id = _store(stack, form)
        wanted = _switch(form, is_sending)
        if not switching.to_switch(catalogue, [store_id], wanted):
            raise OperatorError(f"store {store_id} is {'sent' if is_sending else 'paused'} already", "")
        what = "send what changed in" if is_sending else "send nothing more of"
        detail = (
            "The newest values go out within a minute."
            if is_sending
            else "Files are still taken. The newest values go out once it is resumed."
        )
        return Question(f"{what} store {store_id} ({wanted.reason.strip()})", _page(store_id), (detail,))

    return ask


def _switching(is_sending: bool) -> Callable[[DeployedStack, Form, Progress], Done]:
    def perform(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
        catalogue, store_id = _store(stack, form)
        wanted = _switch(form, is_sending)
        switching.switch(catalogue, switching.to_switch(catalogue, [store_id], wanted), wanted)
        said = f"Store {store_id} is {'sent' if is_sending else 'paused'}, within a minute."
        return Done((said,), _page(store_id), "See the store")

    return perform


# -- what is held ------------------------------------------------------------------------------------------------------


def _choice(form: Form) -> holding.Choice:
    sku, file = form.get("sku", ""), form.get("file", "")
    return holding.Choice((sku,) if sku else (), bool(form.get("all_prices")), file or None)


def _asking_to_decide(verb: str, decide: "_Decide") -> Callable[[DeployedStack, Form], Question]:
    def ask(stack: DeployedStack, form: Form) -> Question:
        catalogue, store_id = _store(stack, form)
        would = decide(catalogue, store_id, _choice(form), form.get("reason", ""), True)
        reason = form.get("reason", "").strip()
        what = f"{verb} {_what(would)} of store {store_id} ({reason})"
        return Question(what, _page(store_id), _details(would), is_final=verb == "drop")

    return ask


def _deciding(done: str, decide: "_Decide") -> Callable[[DeployedStack, Form, Progress], Done]:
    def perform(stack: DeployedStack, form: Form, _progress: Progress) -> Done:
        catalogue, store_id = _store(stack, form)
        decided = decide(catalogue, store_id, _choice(form), form.get("reason", ""), False)
        later = " The loader loads it within a minute." if decided.files and done == "released" else ""
        said = f"{_what(decided)} of store {store_id}: {done}.{later}"
        return Done((said[:1].upper() + said[1:], *_details(decided)), _page(store_id), "See the store")

    return perform


type _Decide = Callable[[CatalogueStack, str, holding.Choice, str, bool], holding.Decision]


def _what(would: holding.Decision) -> str:
    if would.files:
        return f"the held file {would.files[0].file.key}"
    if len(would.lines) == 1:
        return f"the held value of {would.lines[0].sku}"
    return counted(len(would.lines), "held value")


def _details(would: holding.Decision) -> tuple[str, ...]:
    details = [
        f"{line.sku}: {values_shown(line.held.said)} in place of {values_shown(line.before.said)}, "
        f"{_EFFECTS[line.effect.value]}"
        for line in would.lines[:_NAMED]
    ]
    if len(would.lines) > _NAMED:
        details.append(f"and {counted(len(would.lines) - _NAMED, 'more product')}")
    for file in would.files:
        details += [f"It is held since {holding.REASONS[reason]}." for reason in file.reasons]
        if file.row is not None:
            row = file.row
            details.append(f"{counted(row.changed, 'product')} would change, {row.switched_off:,} would go off sale.")
        if file.is_superseded:
            details.append("A newer whole list was loaded since, so it would change nothing.")
    return tuple(details)


PAUSE = Action("Pause", _asking_to_switch(is_sending=False), _switching(is_sending=False))
RESUME = Action("Resume", _asking_to_switch(is_sending=True), _switching(is_sending=True))
RELEASE = Action("Release", _asking_to_decide("release", holding.release), _deciding("released", holding.release))
DROP = Action("Drop", _asking_to_decide("drop", holding.drop), _deciding("dropped", holding.drop))
