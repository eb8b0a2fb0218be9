"""The spool gives the same however few lines it sorts at a time, and keeps few of any number of lines."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue import keys
from partner_orders.catalogue.line_report import MAX_LINES
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.spool import Said, Spool, SpooledLine
from tests.support.catalogue import VALUES

LINES = st.lists(
    st.builds(SpooledLine, st.sampled_from(["a", "é", "10", "9"]), st.integers(2, 99), st.integers(0, 3), VALUES),
    max_size=30,
)


def spooled(lines: list[SpooledLine], sorted_together: int) -> list[Said]:
    with TemporaryDirectory() as folder:
        with Spool(Path(folder), sorted_together) as spool:
            for line in lines:
                spool.add(line)
        first = [said for number in range(keys.SHARDS) for said in spool.shard(number)]
        assert [said for number in range(keys.SHARDS) for said in spool.shard(number)] == first
        return first


@given(LINES)
def test_sorted_in_parts(lines: list[SpooledLine]) -> None:
    """Sorting a few lines at a time gives what sorting all of them does."""
    assert spooled(lines, 2) == spooled(lines, 1_000)


@given(LINES)
def test_few_lines_count(lines: list[SpooledLine]) -> None:
    """Of each product every field is stated once, by the newest line that does not contradict another."""
    for said in spooled(lines, 5):
        fields = [name for line in said.lines for name in line.values.said]
        assert len(fields) == len(set(fields))
        mine = [line for line in lines if line.sku == said.sku and line.values.are_said]
        good = [line for line in mine if all(one.values == line.values for one in mine if one.version == line.version)]
        for line in said.lines:
            for name, value in line.values.said.items():
                newest = max(one.version for one in good if name in one.values.said)
                assert (line.version, value) in [
                    (newest, getattr(one.values, name)) for one in good if one.version == newest
                ]


def test_many_lines_of_one_product() -> None:
    """Of any number of lines of one product few are kept, and all are counted."""
    versions = [SpooledLine("a", number, number, Values(quantity=number)) for number in range(5_000)]
    [said] = spooled(versions, 1_000)
    assert [line.number for line in said.lines] == [4_999]
    contradicting = [SpooledLine("a", number, number // 2, Values(quantity=number)) for number in range(5_000)]
    [said] = spooled(contradicting, 1_000)
    assert (said.lines, len(said.conflicts), said.more_conflicts) == ((), MAX_LINES, 4_000)
