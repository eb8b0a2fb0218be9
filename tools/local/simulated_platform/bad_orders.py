"""Orders that cannot be read, one for each way in which they were seen to break; brackets and strings stay whole."""

from collections.abc import Callable


def _spoiled(member: bytes) -> Callable[[bytes], bytes]:
    """What puts a broken member into an order that is otherwise whole, and has one member at least."""
    return lambda order: order[:1] + member + b"," + order[1:]


# Each breaks an order so that json.loads, or an exact reading of it, takes it for broken.
BAD_ORDERS: dict[str, Callable[[bytes], bytes]] = {
    "raw_newline": _spoiled(b'"note":"two\nlines"'),
    "half_a_letter": _spoiled(b'"note":"caf\xc3"'),
    "long_number": _spoiled(b'"number":' + b"7" * 5_000),
    "not_a_number": _spoiled(b'"number":NaN'),
    "too_deep": _spoiled(b'"deep":' + b"[" * 3_000 + b"]" * 3_000),
    "duplicate_key": _spoiled(b'"order_type":"DELIVERY","order_type":"PICKUP"'),
}
