"""Drift is what differs and should not, and a repair brings back the chain's values and nothing else (rules W3, W4 and
W9)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.to_send import Margins, difference, is_waiting, to_send
from partner_orders.drift.comparison import RepairRequest
from partner_orders.drift.differences import SETTLES, ComparisonRules, Finding, ShownProduct, compared, repaired
from partner_orders.drift.guards import Guard, Repair
from tests.support.drift_world import AS_WANTED, HALF, STORE, DriftWorld
from tests.support.fixed_clock import NOW

LONG_AGO = NOW - timedelta(hours=2)
PRICES = st.sampled_from([Decimal(price) for price in ("1.80", "2.00", "2.20", "4.555", "20.00")])
VALUES = st.builds(
    Values,
    price=st.none() | PRICES,
    active=st.none() | st.booleans(),
    quantity=st.none() | st.integers(0, 4),
    cap=st.none() | st.integers(1, 4),
)
SHOWN = VALUES.map(lambda values: replace(values, quantity=None))
MARGINS = st.builds(Margins, safety_stock=st.integers(0, 2), cap=st.none() | st.integers(1, 4))


@st.composite
def rows(draw: Any, margins: Margins) -> Desired:
    """A product of which some is processed, some refused, and some on its way."""
    values = draw(VALUES)
    row = Desired("A", values, dict.fromkeys(values.said, LONG_AGO))
    sent = draw(st.sampled_from([to_send(row, margins), draw(VALUES)]))
    outcome = draw(st.sampled_from([Outcome.PROCESSED, Outcome.PROCESSED, *Outcome]))
    return settled(row, sent, outcome, LONG_AGO, "no" if outcome is Outcome.REFUSED else "")


@st.composite
def cases(draw: Any) -> tuple[Desired, ShownProduct, ComparisonRules]:
    margins = draw(MARGINS)
    rules = ComparisonRules(NOW, margins, draw(st.integers(0, 2)))
    return draw(rows(margins)), ShownProduct("A", draw(SHOWN)), rules


@example(
    (
        settled(
            Desired("A", AS_WANTED, dict.fromkeys(AS_WANTED.said, LONG_AGO)), AS_WANTED, Outcome.PROCESSED, LONG_AGO
        ),
        ShownProduct("A", Values(price=Decimal("1.80"), active=True)),
        ComparisonRules(NOW, Margins(), 0),
    )
)
@given(cases())
def test_only_settled_values_are_compared(case: tuple[Desired, ShownProduct, ComparisonRules]) -> None:
    """What is told as different was confirmed as it is wanted, is not what is shown, and is not within the buffer."""
    row, product, rules = case
    found = compared(row, product, rules)
    wanted = to_send(row, rules.margins)
    assert (found.finding is Finding.DIFFERENT) is found.ours.are_said or found.finding is Finding.UNKNOWN_TO_US
    if found.finding is not Finding.DIFFERENT:
        return
    assert found.ours.said.keys() == found.shown.said.keys()
    for name, ours in found.ours.said.items():
        shown = getattr(product.values, name)
        assert ours == getattr(wanted, name) == getattr(row.confirmed, name)
        assert shown == getattr(found.shown, name) != ours
    if found.ours.active is True and wanted.quantity is not None:
        assert wanted.quantity == row.confirmed.quantity
        assert wanted.quantity > rules.sales_buffer or wanted.quantity == 0


@given(cases())
def test_every_settled_difference_is_told(case: tuple[Desired, ShownProduct, ComparisonRules]) -> None:
    """A price or a cap that was confirmed as wanted, and is shown otherwise, is told."""
    row, product, rules = case
    found, wanted = compared(row, product, rules), to_send(row, rules.margins)
    for name in ("price", "cap"):
        ours, shown = getattr(wanted, name), getattr(product.values, name)
        is_settled = ours is not None and getattr(row.confirmed, name) == ours
        is_cut = name == "price" and ours == Decimal("4.555")
        if is_settled and shown not in (None, ours) and not is_cut:
            assert getattr(found.shown, name) == shown


@given(st.integers(1, 6), st.integers(0, 6))
def test_buffer_is_no_drift(quantity: int, sales_buffer: int) -> None:
    """A product that is off sale with at most the buffer's pieces left is no drift, and with more it is."""
    values = replace(AS_WANTED, quantity=quantity)
    row = Desired("A", values, dict.fromkeys(values.said, LONG_AGO), values, settled_at=LONG_AGO)
    found = compared(
        row, ShownProduct("A", replace(AS_WANTED, active=False)), ComparisonRules(NOW, sales_buffer=sales_buffer)
    )
    assert found.finding is (Finding.IN_BUFFER if quantity <= sales_buffer else Finding.DIFFERENT)


@given(cases(), st.sampled_from([-40, -20, 0, 20, 3_600]), st.sets(st.sampled_from(["price", "active", "cap"])))
def test_fresh_outcome_is_no_drift(
    case: tuple[Desired, ShownProduct, ComparisonRules], seconds: int, sent: set[str]
) -> None:
    """What a job carried whose outcome came after the export was asked for, or just before, is not compared; what no
    job carried is, but for going off sale at once."""
    row, product, rules = case
    fresh = replace(row, settled_at=NOW + timedelta(seconds=seconds))
    usual, found = (compared(one, product, replace(rules, sent_lately={"A": sent})) for one in (row, fresh))
    if seconds < -SETTLES.total_seconds() or usual.finding is not Finding.DIFFERENT:
        assert seconds >= -SETTLES.total_seconds() or found == usual
        return
    assert found.ours.said == {name: value for name, value in usual.ours.said.items() if name not in {"active", *sent}}


@given(cases())
def test_repair_sends_what_differs(case: tuple[Desired, ShownProduct, ComparisonRules]) -> None:
    """After a repair the fields that differed wait with the chain's values, and once they are processed nothing does;
    what the chain said stays."""
    row, product, rules = case
    found = compared(row, product, rules)
    after = repaired(row, row, found, rules, NOW)
    assert (after.values, after.versions) == (row.values, row.versions)
    if found.finding is not Finding.DIFFERENT:
        assert after is row
        return
    waits = difference(after, to_send(after, rules.margins))
    # A cap goes along with something else, and the pieces with ``active``.
    lone_cap = found.ours.said.keys() == {"cap"} and (row.values.price, to_send(row).active) == (None, None)
    assert lone_cap or all(getattr(waits, name) == ours for name, ours in found.ours.said.items())
    done = settled(after, waits, Outcome.PROCESSED, NOW)
    assert lone_cap or not is_waiting(done, rules.margins) or is_waiting(row, rules.margins)


@given(cases(), VALUES)
def test_newer_value_is_never_undone(case: tuple[Desired, ShownProduct, ComparisonRules], newer: Values) -> None:
    """A repair of what was compared before a newer value came, or was processed, changes nothing of that."""
    row, product, rules = case
    found = compared(row, product, rules)
    changed = replace(row, values=newer, versions=dict.fromkeys(newer.said, NOW))
    after = repaired(changed, row, found, rules, NOW)
    assert after.values == newer
    if after is not changed:
        assert all(getattr(to_send(changed, rules.margins), name) == ours for name, ours in found.ours.said.items())
    processed = replace(row, settled_at=NOW)
    assert repaired(processed, row, found, rules, NOW) is processed


# -- a store -----------------------------------------------------------------------------------------------------------

SKUS = [f"KW-{number}" for number in range(8)]
OFF = replace(AS_WANTED, active=False, quantity=0)
EDITS = st.dictionaries(
    st.sampled_from(SKUS),
    st.sampled_from([{"price": Decimal("1.90")}, {"price": Decimal(20)}, {"active": True}, {"cap": 2}]),
)


@given(st.sets(st.sampled_from(SKUS)), st.sets(st.sampled_from([*SKUS, "THEIRS"])))
def test_every_product_is_counted_once(ours: set[str], theirs: set[str]) -> None:
    """Each product of either side is the same, or the other side has it not, which is told."""
    world = DriftWorld(dict.fromkeys(ours, AS_WANTED))
    world.show(dict.fromkeys(theirs, AS_WANTED))
    report = world.compare()
    assert report.findings[Finding.SAME] == len(ours & theirs)
    told = {(one.found.sku, one.found.finding) for one in report.listed}
    assert told == {(sku, Finding.UNKNOWN_TO_PLATFORM) for sku in ours - theirs} | {
        (sku, Finding.UNKNOWN_TO_US) for sku in theirs - ours
    }


@given(EDITS, st.booleans())
def test_nothing_beyond_the_guards_is_repaired(edits: dict[str, dict[str, Any]], is_person: bool) -> None:
    """Of any edits each difference is told. What is repaired is within the guards and waits to be sent; the rest stays,
    with a reason."""
    wanted = {sku: OFF if number % 2 else AS_WANTED for number, sku in enumerate(SKUS)}
    world = DriftWorld(wanted)
    world.show({sku: replace(values, **edits.get(sku, {})) for sku, values in wanted.items()})
    rules = replace(HALF, most=None) if is_person else HALF
    report = world.compare(RepairRequest(rules))
    different = {sku: edit for sku, edit in edits.items() if replace(wanted[sku], **edit) != wanted[sku]}
    assert {one.found.sku: one.found.shown.said for one in report.listed} == different
    verdicts = {one.found.sku: one.repair for one in report.listed}
    assert world.waiting() == {sku for sku, verdict in verdicts.items() if verdict is Repair.REPAIRED}
    off = [sku for sku, edit in different.items() if "active" in edit]
    assert (Guard.SWITCHED_OFF in report.guards) is (len(off) > 2)
    is_too_many = not is_person and len(different) > 4
    for sku, edit in different.items():
        is_guarded = edit.get("price") == Decimal(20) or (sku in off and len(off) > 2) or is_too_many
        assert verdicts[sku] is (Repair.BEYOND_GUARDS if is_guarded else Repair.REPAIRED)
    assert report.left == len(different) - len(world.waiting())


@given(st.integers(1, 4), st.integers(1, 4))
def test_days_are_counted_together(first: int, second: int) -> None:
    """Products that two repairs of a day take off sale count together, so neither gets past the guard."""
    wanted = dict.fromkeys(SKUS, OFF) | {f"ON-{number}": AS_WANTED for number in range(4)}
    world, gone = DriftWorld(wanted), 0
    for number, part in ((first, SKUS[:4]), (second, SKUS[4:])):
        world.show(wanted | dict.fromkeys(part[:number], replace(OFF, active=True)))
        report = world.compare(RepairRequest(replace(HALF, most=None)))
        is_within = gone + number <= 2
        assert report.repairs == {Repair.REPAIRED if is_within else Repair.BEYOND_GUARDS: number}
        gone += number if is_within else 0
        for sku in world.waiting():
            world.confirm(sku)
        world.tables.changes.remove(STORE, world.tables.changes.first(STORE, 100))
        world.time.seconds += 3_600
