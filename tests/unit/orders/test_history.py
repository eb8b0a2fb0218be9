"""Which store an order is of, and what cannot be merged."""

import pytest

from partner_orders.orders import lifecycle
from partner_orders.orders.event import parse_event
from partner_orders.orders.history import is_of_store, merge
from partner_orders.orders.model import Client
from tests.support.orders import as_bytes, order


@pytest.mark.parametrize(
    ("store_id", "code", "is_it"),
    [
        ("S-1", None, True),
        ("S-2", None, False),
        (None, None, True),
        (None, "S-1", True),
        (None, "K-1", True),
        (None, "K-2", False),
        ("S-2", "S-1", True),
        ("S-2", "K-1", False),
    ],
)
def test_order_of_a_store(store_id: str | None, code: str | None, is_it: bool) -> None:
    """An order is of the store that it names by the platform's id, or by the code where it has no id."""
    assert is_of_store(Client(store_id=store_id, external_partner_config_id=code), "S-1", "K-1") is is_it


def test_merge_is_of_one_order() -> None:
    """No events make no order, and those of two orders make none either."""
    with pytest.raises(ValueError, match=r"^an order has at least one event$"):
        merge([])
    with pytest.raises(ValueError, match=r"^these events belong to several orders$"):
        merge([parse_event(as_bytes(order(order_id=number))) for number in ("1", "2")])


def test_unknown_status_ranks_lowest() -> None:
    """A status that the platform has added comes before all that we know."""
    assert lifecycle.rank("NEW") == 0
    assert lifecycle.rank(lifecycle.RECEIVED) == 1


def test_status_as_a_person_writes_it() -> None:
    """Spaces around a status count for nothing; an unknown one keeps those between its words."""
    assert lifecycle.normalise(" ready for pickup ") == lifecycle.READY_FOR_PICKUP
    assert lifecycle.normalise(" on hold\t") == "ON HOLD"
