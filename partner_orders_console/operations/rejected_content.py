"""What can be said of a rejected event by its stored body: whose it is, what is wrong, and whether a replay would help.

Nothing here shows personal data: of a body only the ids of its order and its store are read.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.order_events.message import UnreadableMessageError
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, parse_event
from partner_orders.orders.personal_data import without_personal_data
from partner_orders.orders.rejected import RejectedEvent
from partner_orders_console.operations.rejected import readable_body
from partner_orders_console.operations.words import words

_NAMED = 20  # events that a survey names
_LONGEST_ID = 60  # characters of an id in a name
_PLACE = re.compile(r"not JSON \(at character (\d+)\)")
_OF_A_FIELD = re.compile(r"([\w.\[\]-]+): (.*)", re.DOTALL)
# What the parser says of a field, in words that follow its name.
_SENTENCES = {
    "Field required": "is missing",
    "Input should not be null": "is null",
    "Input should be a valid string": "should be a text",
    "Input should be a valid string, without half a surrogate pair": "has a character that no text can have",
    "Input should be a valid dictionary": "should be an object",
    "Input should be a valid dictionary or list": "should be an object or a list",
    "Input should be a valid list": "should be a list",
    "Input should be a valid boolean": "should be true or false",
    "String should have at least 1 character": "is empty",
}


@dataclass(frozen=True)
class About:
    """An event as a person names it, with the ids in its body; those that it does not have are empty."""

    digest: str
    reason: str
    order_id: str = ""
    order_code: str = ""
    store_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        order_id = (self.order_code or self.order_id)[:_LONGEST_ID]
        order = f"order {order_id}" if order_id else "no order named"
        store = f" of store {self.store_ids[0][:_LONGEST_ID]}" if self.store_ids else ""
        return f"{self.digest[:16]} ({words(self.reason)}, {order}{store})"


@dataclass
class Survey:
    """Some events: their digests and reasons, the first of them by name, and how many can be parsed by now. ``problem``
    says why the first that still cannot be parsed cannot."""

    digests: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    named: list[About] = field(default_factory=list)
    parsed: int = 0
    problem: str = ""


def survey(events: Iterable[RejectedEvent]) -> Survey:
    """Look through events, one at a time."""
    found = Survey()
    for event in events:
        found.digests.append(event.digest)
        found.reasons.add(event.reason)
        if len(found.named) < _NAMED:
            found.named.append(about(event))
        problem = still_wrong(event)
        found.parsed += not problem
        found.problem = found.problem or problem
    return found


def still_wrong(event: RejectedEvent) -> str:
    """Why the parser of this version rejects the stored body; empty where it would parse it."""
    try:
        parse_event(readable_body(event))
    except RejectedError as error:
        return "; ".join(in_words(problem, event) for problem in error.problems)
    except UnreadableMessageError as error:
        return str(error)
    except CatalogueCallbackError:
        return ""  # Nothing rejects it now; the consumer counts it.
    return ""


def in_words(problem: str, event: RejectedEvent | None = None) -> str:
    """A problem as a person would say it: ``the field status is missing``. Where ``event`` is not JSON, it also tells
    how long its body is, and whether it breaks off."""
    if (place := _PLACE.fullmatch(problem)) and event is not None and not event.erased_at:
        return problem[:-1] + _of_length(int(place[1]), event.body) + ")"
    found = _OF_A_FIELD.fullmatch(problem)
    return f"the field {found[1]} {_SENTENCES.get(found[2], found[2])}" if found else problem


def of_a_field(problem: str) -> str:
    """The same of a problem that stands beside its field."""
    return _SENTENCES.get(problem, problem)


def _of_length(place: int, body: bytes) -> str:
    """For the place at which a body stops being JSON: how long it is, and whether it breaks off."""
    text = body.decode("utf-8-sig", "replace")
    ends = ""
    try:
        json.loads(text)
    except RecursionError:
        pass
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated string"):
            ends = ", it breaks off in the text that begins there"
        elif place >= len(text.rstrip()):
            ends = ", it ends there"
    return f" of {len(text):,}{ends}"


def about(event: RejectedEvent) -> About:
    """An event by name."""
    try:
        value = parse(readable_body(event))
    except (MalformedJsonError, UnreadableMessageError):
        value = None
    known = without_personal_data(value) if isinstance(value, dict) else {}
    client = known.get("client")
    store = client if isinstance(client, dict) else {}
    stores = [_text(store, name) for name in ("store_id", "external_partner_config_id")]
    return About(
        event.digest,
        event.reason,
        _text(known, "order_id"),
        _text(known, "order_code"),
        tuple(dict.fromkeys(filter(None, stores))),
    )


def _text(of: Mapping[str, Json], name: str) -> str:
    value = of.get(name)
    return value.strip() if isinstance(value, str) else ""
