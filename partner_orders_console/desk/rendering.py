"""Pages and their parts from templates. Every value is escaped, and harmless to whoever looks at it."""

import json
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from partner_orders.clock import now
from partner_orders.exact_json import parse
from partner_orders.orders import lifecycle
from partner_orders_console.desk import places
from partner_orders_console.desk.connection import Fault
from partner_orders_console.desk.desk import Desk
from partner_orders_console.desk.places import alarm_title, as_reported, part_title
from partner_orders_console.operations.harmless_text import harmless
from partner_orders_console.operations.marked_json import marked_json
from partner_orders_console.operations.rejected_content import in_words, of_a_field
from partner_orders_console.operations.words import ago, at, counted, values_shown, words

_LONG_WAIT = timedelta(hours=1)
_LONGEST = 300  # characters of a value that are shown
_GOOD = frozenset(
    {"DELIVERED", "PICKED_UP", "DISPATCHED", "COMPLETED", "applied", "done", "SOLD", "loaded", "processed"}
)
_OPEN = frozenset({"waiting", "running", "checking", "applying", "open"})
_BAD = frozenset({"CANCELLED", "refused", "unknown", "expired", "failed", "applied_differently", "NOT_SOLD"})


def desk_of(request: Request) -> Desk:
    """The desk that a request is made at."""
    desk: Desk = request.app.state.desk
    return desk


def page(request: Request, template: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
    """A page, or a part of one, with what every page shows beside its own ``context``."""
    desk = desk_of(request)
    stack = desk.connection.attempt(lambda found: found)
    every = request.app.state.pages
    pages = desk.connection.attempt(lambda found: [one for one in every if one.is_of(found)])
    common = {
        "request": request,
        "pages": every if isinstance(pages, Fault) else pages,
        "options": desk.options,
        "form_token": desk.guard.form_token,
        "stack_name": "" if isinstance(stack, Fault) else stack.name,
        "target": desk.connection.attempt(lambda found: found.label),
        "stack_status": desk.connection.attempt(lambda found: found.status),
        "now": now(),
    }
    return HTMLResponse(_environment().get_template(template).render(common | context), status)


def message(request: Request, status: int, what: str, advice: str = "", back: str = "/") -> Response:
    """A sentence about what cannot be shown, and a way back."""
    return page(request, "message.html", status, what=what, advice=advice, back=back)


def fault_page(request: Request, fault: Fault, back: str, if_missing: str = "") -> Response:
    """Why what a page is about cannot be shown, and a way back; ``if_missing`` is the advice where there is no such
    thing."""
    if fault.is_missing:
        return message(request, HTTPStatus.NOT_FOUND, fault.what, if_missing, back)
    return message(request, HTTPStatus.OK, fault.what, fault.advice, back)


def address(path: str, **query: object) -> str:
    """A path of the desk with a query; what is None, False or empty is left out."""
    given = {
        name: "1" if value is True else str(value) for name, value in query.items() if value not in (None, False, "")
    }
    return f"{path}?{urlencode(given)}" if given else path


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("partner_orders_console.desk"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"address": address, "counted": counted, "places": places}
    environment.filters |= {
        "age": lambda when: since(when).removesuffix(" ago").replace("just now", "under 1 min"),
        "ago": since,
        "alarm_title": alarm_title,
        "as_reported": as_reported,
        "at": _at,
        "cut": cut,
        "iso": lambda when: _moment(when).astimezone(UTC).isoformat(timespec="seconds"),
        "indented": _indented,
        "kind": status_kind,
        "money": _money,
        "part_title": part_title,
        "pretty": _pretty,
        "of_a_field": of_a_field,
        "problem": in_words,
        "number": lambda value: f"{value:,}",
        "seconds": seconds,
        "values": lambda values: values_shown(values.said),
        "segment": segment,
        "waits_long": waits_long,
        "words": words,
    }
    environment.tests["fault"] = lambda value: isinstance(value, Fault)
    return environment


def _harmless(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return harmless(value) if isinstance(value, str) else "" if value is None else value


def cut(text: object, most: int = _LONGEST) -> str:
    """A text of bounded length; a longer one says how long it is."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[:most]}… ({len(whole):,} characters)"


def status_kind(status: str) -> str:
    """Whether a state is ``good``, ``bad``, ``open`` or ``unknown``: the class by which it is drawn."""
    name = str(status)
    if name in _GOOD:
        return "good"
    if name in _BAD:
        return "bad"
    return "open" if lifecycle.is_known(name) or name in _OPEN else "unknown"


def seconds(value: float | None) -> str:
    """A length of time: ``0.8 s``, ``42 s``, ``7 min``, ``3 h``, ``2 days``; a dash where nothing was measured."""
    if value is None:
        return "-"
    if value < 120:
        return f"{value:.2f} s" if abs(value) < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    if value < 7_200:
        return f"{value / 60:.0f} min"
    return f"{value / 3_600:.0f} h" if value < 172_800 else f"{value / 86_400:.0f} days"


def since(when: datetime | str | None) -> str:
    """How long ago a time is, from ``just now`` on."""
    return ago(when, now()).replace("now", "just now")


def waits_long(created_at: datetime | str) -> bool:
    """Whether an open order of this time should have ended by now."""
    return now() - _moment(created_at) > _LONG_WAIT


def _at(when: datetime | str | None, zone: tzinfo = UTC) -> str:
    return at(when, zone)


def _moment(when: datetime | str) -> datetime:
    return datetime.fromisoformat(when) if isinstance(when, str) else when


def _money(amount: Decimal | None, currency: str | None) -> str:
    return "" if amount is None else f"{amount:,f} {currency or ''}".strip()


def _pretty(value: object) -> str:
    """What a message holds, indented; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _indented(text: str) -> str:
    """A JSON text, indented, its numbers exact."""
    return "\n".join("  " * line.depth + line.text for line in marked_json(parse(text.encode()), ()))
