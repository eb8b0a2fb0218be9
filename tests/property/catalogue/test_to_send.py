"""What is sent of a product: after the chain's margins, and with active and quantity in agreement."""

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.to_send import Margins, difference, is_waiting, off_at_once, to_send
from tests.support.catalogue import VALUES
from tests.support.fixed_clock import NOW

ROWS = st.builds(Desired, sku=st.just("KW-100"), values=VALUES, confirmed=VALUES, refused=VALUES)
MARGINS = st.builds(Margins, safety_stock=st.integers(0, 3), cap=st.none() | st.integers(1, 3))


@given(ROWS, MARGINS)
def test_active_agrees_with_quantity(row: Desired, margins: Margins) -> None:
    """A quantity never goes alone: above zero with active, and zero without."""
    sent = to_send(row, margins)
    if row.values.quantity is None:
        assert (sent.active, sent.quantity) == (row.values.active, None)
    else:
        left = row.values.quantity - margins.safety_stock
        assert sent.active == (row.values.active is not False and left > 0)
        assert sent.quantity == (left if sent.active else 0)


@given(ROWS, MARGINS)
def test_cap_is_the_smaller(row: Desired, margins: Margins) -> None:
    """The store's cap holds where the product states none or more."""
    caps = [cap for cap in (row.values.cap, margins.cap) if cap is not None]
    assert to_send(row, margins).cap == (min(caps) if caps else None)


@given(ROWS, MARGINS)
def test_processed_product_waits_no_more(row: Desired, margins: Margins) -> None:
    """Once the platform processed what was sent, nothing is left to send."""
    sent = difference(row, to_send(row, margins))
    assert not is_waiting(settled(row, sent, Outcome.PROCESSED, NOW), margins)


@given(ROWS, MARGINS)
def test_refused_values_wait_no_more(row: Desired, margins: Margins) -> None:
    """What the platform refused is not sent again, and its words are kept."""
    sent = difference(row, to_send(row, margins))
    refused = settled(row, sent, Outcome.REFUSED, NOW, "no such product")
    assert not is_waiting(refused, margins)
    assert refused.refusal == "no such product"


@given(ROWS, MARGINS)
def test_lost_outcome_waits_again(row: Desired, margins: Margins) -> None:
    """What was sent without an outcome goes again, unless the platform refused it before."""
    sent = difference(row, to_send(row, margins))
    assert is_waiting(settled(row, sent, Outcome.UNKNOWN, NOW), margins) == sent.are_said


@given(ROWS, VALUES)
def test_late_job_makes_the_newest_go_again(row: Desired, earlier: Values) -> None:
    """A job with another price that settles last leaves the newest price to be sent."""
    wanted = to_send(row)
    late = settled(settled(row, wanted, Outcome.PROCESSED, NOW), earlier, Outcome.PROCESSED, NOW)
    has_other_price = wanted.price is not None and earlier.price not in (None, wanted.price)
    assert difference(late, wanted).price in ([wanted.price] if has_other_price else [None, wanted.price])


@given(ROWS, MARGINS)
def test_cap_never_goes_alone(row: Desired, margins: Margins) -> None:
    """A cap goes with a price or active, which the platform asks for, and waits for one where there is none."""
    sent = difference(row, to_send(row, margins))
    assert sent.cap is None or (sent.price, sent.active) != (None, None)


@given(ROWS, MARGINS)
def test_off_goes_at_once(row: Desired, margins: Margins) -> None:
    """A product that has to go off sale goes alone as inactive, unless it is off already."""
    is_off = to_send(row, margins).active is False
    expected = Values(active=False) if is_off and row.confirmed.active is not False else None
    assert off_at_once(row, margins) == expected
