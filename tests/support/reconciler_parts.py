"""The parts in which the reconciler reads a window."""

from partner_orders.reconciler.windows import Part, Parts


def take(parts: Parts) -> Part:
    """The next part, which there is."""
    following = parts.next()
    assert following is not None
    return following
