"""A change that the desk can make: what it asks before, and how it is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from partner_orders_console.desk.jobs import Done
from partner_orders_console.operations.progress import Progress
from partner_orders_console.operations.stack import DeployedStack

type Form = Mapping[str, str]
"""The fields of a form, as the browser sent them."""


@dataclass(frozen=True)
class Question:
    """What would be done, in the words of the question, and what the operator should know of it. ``back`` is where the
    form was. ``preview`` is what would be sent. ``is_final`` marks what cannot be undone."""

    what: str
    back: str
    details: tuple[str, ...] = ()
    preview: str = ""
    is_final: bool = False


@dataclass(frozen=True)
class Action:
    """``title`` is the verb on its button. ``ask`` and ``perform`` raise OperatorError for a form that makes no sense,
    and botocore's errors."""

    title: str
    ask: Callable[[DeployedStack, Form], Question]
    perform: Callable[[DeployedStack, Form, Progress], Done]
