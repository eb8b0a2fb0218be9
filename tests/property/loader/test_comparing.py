"""A file beside the rows of the table: every product once, the newest of what is said, whatever the order of lines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.list_file import read_lines
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.spool import Said, Spool, SpooledLine
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.loader.checking import check
from partner_orders.loader.comparing import Comparison, Rules, compared
from tests.support.catalogue import VALUES, VERSIONS
from tests.support.fixed_clock import NOW

SKUS = st.sampled_from(["a", "B", "é", "10", "9", "\U0001f34b", "\uff5e", "KW-100"])
NO_LIMITS = Limits(price_step=Decimal(1_000_000))
LINES = st.lists(st.tuples(SKUS, VERSIONS, VALUES.filter(lambda values: values.are_said)), max_size=20)
ROWS = st.dictionaries(SKUS, st.tuples(VALUES, VERSIONS), max_size=6)
type Lines = list[tuple[str, datetime, Values]]
type Rows = dict[str, tuple[Values, datetime]]


def rules(is_covered: bool = False, switches_absent_off: bool = False) -> Rules:
    return Rules(NOW + timedelta(minutes=9), {}, is_covered, switches_absent_off, NO_LIMITS, NOW)


def spooled(lines: list[SpooledLine]) -> list[list[Said]]:
    with TemporaryDirectory() as folder:
        with Spool(Path(folder)) as spool:
            for line in lines:
                spool.add(line)
        return [list(spool.shard(number)) for number in range(keys.SHARDS)]


def results(rows: dict[str, Desired], lines: list[SpooledLine], how: Rules) -> Iterator[Comparison]:
    for number, said in enumerate(spooled(lines)):
        # In the order in which the table gives a shard's rows: by the bytes of the sort key.
        mine = sorted((sku for sku in rows if keys.shard_number(sku) == number), key=str.encode)
        yield from compared([rows[sku] for sku in mine], said, how)


@given(ROWS, LINES)
def test_each_product_gets_the_newest(present: Rows, said: Lines) -> None:
    """Each product comes once, as if its lines had come one by one; lines that contradict each other are left out."""
    rows = {sku: merged(Desired(sku), values, version, {}) for sku, (values, version) in present.items()}
    lines = [
        SpooledLine(sku, number, milliseconds(version), values)
        for number, (sku, version, values) in enumerate(said, start=2)
    ]
    found = [*results(rows, lines, rules())]
    assert sorted(one.before.sku for one in found) == sorted({*rows, *(line.sku for line in lines)})
    for one in found:
        mine = [line for line in lines if line.sku == one.before.sku]
        good = [
            line for line in mine if all(line.values == other.values for other in mine if other.version == line.version)
        ]
        expected = rows.get(one.before.sku, Desired(one.before.sku))
        for line in good:
            expected = merged(expected, line.values, instant(line.version), {})
        assert one.after == expected
        conflicts = one.said.conflicts if one.said else ()
        assert sorted(line.number for line in conflicts) == sorted(line.number for line in mine if line not in good)


@given(ROWS, st.lists(SKUS, max_size=4))
def test_whole_list_may_switch_the_rest_off(present: Rows, listed: list[str]) -> None:
    """What a whole list leaves out goes off sale only where the chain wants that."""
    rows = {sku: merged(Desired(sku), values, version, {}) for sku, (values, version) in present.items()}
    lines = [SpooledLine(sku, 2, milliseconds(NOW), Values(price=Decimal(2))) for sku in listed]
    for switches_off in (False, True):
        for one in results(rows, lines, rules(is_covered=True, switches_absent_off=switches_off)):
            if one.before.sku not in listed:
                expected = False if switches_off else one.before.values.active
                assert one.after.values.active == expected
                assert one.is_written == (one.before.values.active != expected)


@given(VALUES.filter(lambda values: values.are_said))
def test_held_price_lets_the_rest_through(values: Values) -> None:
    """A price far from the confirmed one is held, and the line's other fields are taken."""
    row = Desired("a", confirmed=Values(price=Decimal(100)))
    [one] = results(
        {"a": row},
        [SpooledLine("a", 2, milliseconds(NOW), values)],
        replace(rules(), limits=Limits(price_step=Decimal("0.35"))),
    )
    assert one.held == Values(price=values.price)
    assert one.after.values == Values(None, values.active, values.quantity, values.cap)


def test_file_is_checked_line_by_line() -> None:
    """Good lines are spooled with their version, bad ones reported with their number; neither costs the other."""
    content = (
        b"sku,barcode,price,active,quantity,version,shelf\n"
        b"KW-100,,3.55,true,18,,A1\n"
        b'KW-220,,"3,55",,,,A2\n'
        b",5012345678900,1.95,,,,A3\n"
        b"KW-310,,1.95,,3.4,2026-10-14T08:15:00Z,A4\n"
        b"KW-315,,1.95,one,cell,too,many,A4,A5\n"
        b"KW-320,,,false,,2026-10-14T08:15:00Z,A5\n"
        b"KW-330,,,false,,tomorrow,A6\n"
    )
    with TemporaryDirectory() as folder:
        with Spool(Path(folder)) as spool:
            checked = check(read_lines([content], "list.csv"), NOW, spool, NOW)
        lines = [line for number in range(keys.SHARDS) for said in spool.shard(number) for line in said.lines]
    assert sorted(lines, key=lambda line: line.number) == [
        SpooledLine("KW-100", 2, milliseconds(NOW), Values(Decimal("3.55"), True, 18)),
        SpooledLine("KW-320", 7, milliseconds(instant(1_791_965_700_000)), Values(active=False)),
    ]
    assert (checked.report.good, checked.report.bad) == (2, 5)
    assert [line.number for line in checked.report.lines] == [3, 4, 5, 6, 8]
    assert checked.fields == {"price", "active", "quantity"}
    assert checked.states_versions
