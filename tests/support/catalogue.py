"""Products, values and versions that the tests of the catalogue generate."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from partner_orders.catalogue.product import Values
from tests.support.fixed_clock import NOW

PRICES = st.sampled_from([Decimal("1.5"), Decimal("1.9"), Decimal("2.05"), Decimal(3)])
VALUES = st.builds(
    Values,
    price=st.none() | PRICES,
    active=st.none() | st.booleans(),
    quantity=st.none() | st.integers(0, 4),
    cap=st.none() | st.integers(1, 4),
)
# Few of them, so that they meet.
VERSIONS = st.integers(0, 4).map(lambda minute: NOW + timedelta(minutes=minute))
