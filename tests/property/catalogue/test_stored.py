"""A product's row and a job's row give back what was written."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.aws.attribute_values import from_attributes, to_attributes
from partner_orders.catalogue import job, keys, stored
from partner_orders.catalogue.desired import Desired, PriceInForce
from partner_orders.catalogue.job import Job, JobState
from tests.support.catalogue import PRICES, VALUES, VERSIONS
from tests.support.fixed_clock import NOW

PAST = st.lists(st.builds(PriceInForce, PRICES, VERSIONS), max_size=3).map(tuple)


@st.composite
def products(draw: st.DrawFn) -> Desired:
    values = draw(VALUES)
    versions = {name: draw(VERSIONS) for name in values.said}
    refused = draw(VALUES)
    words = "no such product" if refused.are_said else ""
    return Desired(
        "KW-100",
        values,
        versions,
        draw(VALUES),
        refused,
        words,
        draw(PAST),
        draw(st.none() | VERSIONS),
        draw(st.integers(1, 9)),
    )


@given(products())
def test_product(product: Desired) -> None:
    """A product is read from its row as it was written, number of writes included."""
    attributes = stored.attributes_of(product) | {"sk": f"{keys.SKU}KW-100", "writes": product.writes}
    found = stored.desired_of(from_attributes(to_attributes(attributes)))
    assert found == product
    assert found.writes == product.writes


@given(products(), products())
def test_equal_products_have_equal_rows(one: Desired, other: Desired) -> None:
    """What a row holds follows from the product alone, so rows that differ are of products that differ."""
    assert (stored.attributes_of(one) == stored.attributes_of(other)) == (one == other)


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=5),
    st.sampled_from(JobState),
    st.none() | st.just("0c9b2f74-51f0-4c1d-93a6-2f6f0f7d1a35"),
    st.integers(0, 10**9),
)
def test_job(lines: dict[str, object], state: JobState, job_id: str | None, milliseconds: int) -> None:
    """A job is read from its row as it was written."""
    written = Job(3, NOW + timedelta(milliseconds=milliseconds), lines, state, job_id)  # type: ignore[arg-type]
    assert job.job_of(from_attributes(to_attributes(job.attributes_of(written))), 3) == written
