"""Orders that cannot be parsed, one for each kind of damage that was seen. Brackets and strings stay whole."""

from collections.abc import Callable


def _spoiled(member: bytes) -> Callable[[bytes], bytes]:
    """A function that puts a broken member into an order with at least one member."""
    return lambda order: order[:1] + member + b"," + order[1:]


# After each, json.loads or the exact parser rejects the order.
BAD_ORDERS: dict[str, Callable[[bytes], bytes]] = {
    "raw_newline": _spoiled(b'"note":"two\nlines"'),
    "half_a_letter": _spoiled(b'"note":"caf\xc3"'),
    "long_number": _spoiled(b'"number":' + b"7" * 5_000),
    "not_a_number": _spoiled(b'"number":NaN'),
    "too_deep": _spoiled(b'"deep":' + b"[" * 3_000 + b"]" * 3_000),
    "duplicate_key": _spoiled(b'"order_type":"DELIVERY","order_type":"PICKUP"'),
}
