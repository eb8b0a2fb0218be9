"""What is released never wins over a value that was said later, in whatever way it was said (rule W3)."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from partner_orders.catalogue.decisions import Decisions, LineEffect
from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.files import short_name
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.tables import Tables
from tests.support.fixed_clock import NOW
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

STORE, SKU, SOURCE = "q7zk", "KW-7", "lists/q7zk/list.csv?versionId=v"
OLD, HELD, NEW = Decimal("1.95"), Decimal("19.5"), Decimal("2.05")
# What else was said of the product, in which minute, before the release: the price itself, or a whole list of it.
SAID = st.lists(st.tuples(st.sampled_from(["change", "list"]), st.integers(-5, 5)), max_size=4)


def minute(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def say(tables: Tables, said: list[tuple[str, int]]) -> None:
    tables.products.change(STORE, SKU, lambda row: merged(row, Values(price=OLD), minute(-9), {}))
    # The list whose price is held.
    tables.states.raise_list_versions(STORE, ["price"], minute(0), short_name(SOURCE))
    tables.held.hold_lines(STORE, SOURCE, minute(0), {SKU: Values(price=HELD)})
    for kind, at in said:
        if kind == "list":
            # A list that states the price as it is writes no product.
            tables.states.raise_list_versions(STORE, ["price"], minute(at), f"another of {at}")
            continue
        versions = tables.states.get(STORE).list_versions
        newer = partial(merged, said=Values(price=NEW), version=minute(at), list_versions=versions)
        tables.products.change(STORE, SKU, newer)


@given(SAID, st.booleans())
def test_release_and_what_came_later(said: list[tuple[str, int]], is_repeated: bool) -> None:
    """A released price is taken and sent where nothing newer was said; the person is told which."""
    simulated = SimulatedDynamoDB()
    tables = Tables.named(simulated.client, simulated.new_table())
    say(tables, said)
    [held] = tables.held.of_store(STORE)
    decisions = Decisions(tables, lambda: minute(99), lambda _: None)
    [tried] = decisions.release_lines(STORE, held.name, "anna", "why", is_dry_run=True)
    if is_repeated:
        tables.held.decide(STORE, held, "released")
    [line] = decisions.release_lines(STORE, held.name, "anna", "why")
    assert line == tried
    is_overtaken = any(at > 0 for _, at in said)
    assert line.effect is (LineEffect.OVERTAKEN if is_overtaken else LineEffect.TAKEN)
    price = tables.products.many(STORE, [SKU])[SKU].values.price
    assert (price == HELD) is not is_overtaken
    assert [one.decision for one in tables.decisions.of_store(STORE)] == ["released"]
    assert [sku for change in tables.changes.first(STORE, 1) for sku in change.skus] == [SKU]
