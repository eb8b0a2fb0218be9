"""What may be kept of a rejected body that names an order whose customer was erased."""

import re
from collections.abc import Callable, Iterable

from partner_orders.exact_json import Json, MalformedJsonError, parse
from partner_orders.orders.personal_data import redacted
from partner_orders.orders.readable_text import readable_text

# Given ids of orders, those of erased ones.
type Erased = Callable[[Iterable[str]], set[str]]
# So many ids of a body are looked up, 100 in one request.
MAX_IDS = 500
_UUID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_NAMED = re.compile(r"order_?id[\"'\s]{0,9}[:=>]{0,3}[\"'\s\[]{0,9}([^\"'\s,;<>{}\[\]]{1,200})", re.IGNORECASE)
_ANYWHERE = re.compile(rf"(?<![0-9a-fA-F]){_UUID}(?![0-9a-fA-F])")


def named_orders(*texts: bytes) -> list[str]:
    """The ids of orders that bytes name, which need not be JSON: what stands after ``order_id``, then whatever looks
    like a UUID; MAX_IDS at most."""
    read = [*map(readable_text, texts)]
    ids = [order_id for text in read for order_id in _NAMED.findall(text)]
    ids += [order_id for text in read for order_id in _ANYWHERE.findall(text)]
    lowered = (order_id.lower() if re.fullmatch(_UUID, order_id) else order_id for order_id in ids)
    return [*dict.fromkeys(lowered)][:MAX_IDS]


def left_of(body: bytes, erased: Erased, within: bytes) -> bytes | None:
    """What may be kept of a body, with another one ``within`` it or an empty one; None for all of it. Where it names an
    erased order, an object is kept without personal data, and nothing of what cannot be parsed."""
    names = named_orders(body, within)
    value = _parsed(body)
    if isinstance(value, dict) and isinstance(value.get("order_id"), str):
        names = [*dict.fromkeys([str(value["order_id"]), *names])][:MAX_IDS]
    if not names or not erased(names):
        return None
    try:
        return b"" if within else redacted(body)
    except MalformedJsonError:
        return b""


def _parsed(body: bytes) -> Json:
    try:
        return parse(body)
    except MalformedJsonError:
        return None
