"""A file of a store: checked, measured, held or applied, and written only where something is new."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.guards import Limits, Reason
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import read_lines
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.catalogue.spool import Spool
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import to_send
from partner_orders.loader.checking import check
from partner_orders.loader.loading import ListOfStore, Loader, Measured
from tests.support.fixed_clock import NOW, clock
from tests.support.loader_world import InTurn
from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

STORE = "q7zk"
SKUS = [f"KW-{number}" for number in range(40)]


class Till:
    """Sends files of one store."""

    def __init__(self, folder: Path) -> None:
        self.dynamodb = SimulatedDynamoDB()
        self.tables = Tables.named(self.dynamodb.client, self.dynamodb.new_table())
        self._folder = folder
        self.report = LineReport()
        self.calls: Counter[str] = Counter()
        self.dynamodb.stand_between(lambda call: self.calls.update([call]), None)

    def send(
        self,
        content: str,
        minute: int = 0,
        whole: bool = True,
        absent_off: bool = False,
        dry_run: bool = False,
        by_files: bool = False,
    ) -> Measured:
        version = NOW + timedelta(minutes=minute)
        file = ListOfStore(STORE, f"{minute}.csv", version, version, whole, absent_off, is_by_files=by_files)
        with Spool(self._folder) as spool:
            checked = check(read_lines([content.encode()], "list.csv"), version, spool, version)
        loaded = Loader(self.tables, clock, Limits(), InTurn()).load(file, checked, spool, dry_run)
        self.report = checked.report
        return loaded

    def before_first_write(self, others: Callable[[], object]) -> None:
        """Have others write right before the first product is written, of which the rows were read already."""
        products, change = self.tables.products, self.tables.products.change

        def changed(*given: Any) -> Any:
            products.change = change  # type: ignore[method-assign]
            others()
            return change(*given)

        products.change = changed  # type: ignore[assignment,method-assign]

    def product(self, sku: str) -> Desired:
        return self.tables.products.many(STORE, [sku])[sku]

    def waiting(self) -> set[str]:
        return {sku for change in self.tables.changes.first(STORE, 10_000) for sku in change.skus}

    def confirm_all(self) -> None:
        """The platform processes all that waits."""
        for row in [*self.tables.products.all_of(STORE)]:
            processed = partial(settled, sent=to_send(row), outcome=Outcome.PROCESSED, now=NOW)
            self.tables.products.change(STORE, row.sku, processed, row)
        self.tables.changes.remove(STORE, self.tables.changes.first(STORE, 10_000))


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path)


def whole_list(price: str = "1.95", quantity: int = 5, skus: list[str] = SKUS) -> str:
    return "sku,price,active,quantity\n" + "".join(f"{sku},{price},true,{quantity}\n" for sku in skus)


def said(till: Till, sku: str, values: Values, at: datetime) -> None:
    """A single change, after a whole list."""
    versions = till.tables.states.get(STORE).list_versions
    till.tables.products.change(STORE, sku, lambda row: merged(row, values, at, versions))


def test_first_list(till: Till) -> None:
    """Every product of a first list is taken, and waits to be sent."""
    loaded = till.send(whole_list())
    assert (loaded.changed, loaded.reasons, loaded.held_prices) == (40, (), 0)
    assert till.product("KW-7").values == Values(Decimal("1.95"), True, 5)
    assert till.waiting() == {*SKUS}


def test_unchanged_list_writes_no_product(till: Till) -> None:
    """The same list an hour later costs a query for each shard, and no write of a product."""
    till.send(whole_list())
    till.confirm_all()
    till.calls.clear()
    assert till.send(whole_list(), minute=60).changed == 0
    assert till.waiting() == set()
    # A reading of 16 shards, what is held, and what the test asks; a version by field, and the figures.
    assert till.calls == {"Query": 18, "GetItem": 1, "UpdateItem": 4}


def test_late_older_file_loses(till: Till) -> None:
    """A file that is older than a list which had nothing to write changes nothing, and a newer one does."""
    till.send(whole_list())
    till.send(whole_list(), minute=60)
    till.send("sku,quantity\nKW-7,9\n", minute=30, whole=False)
    assert till.product("KW-7").values.quantity == 5
    said(till, "KW-7", Values(quantity=8), NOW + timedelta(minutes=40))
    assert till.product("KW-7").values.quantity == 5
    till.send("sku,quantity\nKW-7,9\n", minute=61, whole=False)
    assert till.product("KW-7").values.quantity == 9


def test_file_that_comes_twice(till: Till) -> None:
    """A file that is taken again, after what came later, changes nothing."""
    till.send(whole_list())
    till.send(whole_list(price="2.05", skus=SKUS[:3]), minute=5, whole=False)
    before = {row.sku: row for row in till.tables.products.all_of(STORE)}
    assert till.send(whole_list()).changed == 0
    assert {row.sku: row for row in till.tables.products.all_of(STORE)} == before


def test_dry_run(till: Till) -> None:
    """A dry run says what a file would do, and writes nothing."""
    till.send(whole_list())
    till.confirm_all()
    till.calls.clear()
    loaded = till.send(whole_list(price="9.99"), minute=5, dry_run=True)
    assert (loaded.changed, loaded.held_prices) == (0, 40)
    assert {*till.calls} == {"Query", "GetItem"}


def test_held_price(till: Till) -> None:
    """A price that moves too far is held with its file, and the line's quantity is taken."""
    till.send(whole_list())
    till.confirm_all()
    content = whole_list() + "KW-X,1,true,1\n"
    loaded = till.send(content.replace("KW-7,1.95,true,5", "KW-7,19.5,true,4"), minute=5)
    assert (loaded.changed, loaded.held_prices) == (2, 1)
    assert till.product("KW-7").values == Values(Decimal("1.95"), True, 4)
    [held] = till.tables.held.of_store(STORE)
    assert (held.reason, held.source, held.lines) == (Reason.PRICE_STEP, "5.csv", {"KW-7": Values(Decimal("19.5"))})
    till.tables.held.remove(STORE, held)
    assert [*till.tables.held.of_store(STORE)] == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (whole_list(quantity=0), Reason.SWITCHED_OFF),
        (whole_list(skus=[f"X-{number}" for number in range(40)]), Reason.OTHER_STORE),
    ],
)
def test_held_file(till: Till, content: str, reason: Reason) -> None:
    """A list that switches a store off, or is another store's, is held as a whole."""
    till.send(whole_list())
    till.confirm_all()
    before = {row.sku: row for row in till.tables.products.all_of(STORE)}
    loaded = till.send(content, minute=5)
    assert loaded.reasons[0] is reason
    assert {row.sku: row for row in till.tables.products.all_of(STORE)} == before
    [held] = till.tables.held.of_store(STORE)
    assert (held.reason, held.lines) == (reason, {})


def test_small_files_that_switch_off(till: Till) -> None:
    """Of many small files each takes some products off sale; those that go too far together are held."""
    till.send(whole_list())
    till.confirm_all()
    taken = []
    for number in range(0, 40, 4):
        off = "sku,active\n" + "".join(f"{sku},false\n" for sku in SKUS[number : number + 4])
        taken.append(not till.send(off, minute=number + 1, whole=False).reasons)
    assert taken == [True] * 5 + [False] * 5
    assert sum(row.values.active is False for row in till.tables.products.all_of(STORE)) == 20


def test_left_out(till: Till) -> None:
    """What a whole list leaves out stays, or goes off sale where the chain wants it."""
    till.send(whole_list())
    till.send(whole_list(skus=SKUS[1:]), minute=5)
    assert till.product("KW-0").values.active is True
    till.send(whole_list(skus=SKUS[1:]), minute=6, absent_off=True)
    assert till.product("KW-0").values.active is False


def test_contradicting_lines(till: Till) -> None:
    """Two lines that say different things of a product are both reported, and the others are taken."""
    till.send("sku,price,version\nA,1,\nB,2,\nA,3,\nC,4,2026-10-14T08:00:00Z\nC,5,2026-10-14T08:30:00Z\n")
    assert {row.sku: row.values.price for row in till.tables.products.all_of(STORE)} == {"B": 2, "C": 5}
    assert [(line.number, line.product) for line in till.report.lines] == [(2, "A"), (4, "A")]
    assert (till.report.good, till.report.bad) == (3, 2)


def test_every_contradiction_is_reported(till: Till) -> None:
    """Of a product that many lines contradict each other on, each line counts as bad, and none is taken."""
    content = "sku,price\n" + "".join(f"A,{price}\n" for price in range(1, 1_041)) + "B,2\n"
    till.send(content)
    assert (till.report.good, till.report.bad) == (1, 1_040)
    assert {row.sku for row in till.tables.products.all_of(STORE)} == {"B"}
    assert {line.product for line in till.report.lines} == {"A"}


def test_what_a_file_does_is_counted(till: Till) -> None:
    """How many products are written, get a price that nothing is compared with, are known, and go off sale."""
    loaded = till.send(whole_list())
    assert (loaded.written, loaded.unguarded, loaded.known) == (40, 40, 0)
    till.confirm_all()
    content = whole_list(skus=SKUS[2:]) + "KW-0,1.95,false,5\nKW-1,2.00,true,5\nNEW,3.00,true,1\nOTHER,,true,1\n"
    loaded = till.send(content, minute=5)
    assert (loaded.written, loaded.changed, loaded.unguarded) == (4, 4, 1)
    assert (loaded.known, loaded.switches_off, loaded.products, loaded.for_sale) == (40, 1, 42, 41)


def test_progress_is_told(till: Till, tmp_path: Path) -> None:
    """Whoever has the store hears of every 500 products, while they are measured and while they are applied."""
    version = NOW + timedelta(minutes=1)
    file = ListOfStore(STORE, "1.csv", version, version, is_whole_list=True, switches_absent_off=False)
    heard: list[int] = []
    seen: list[str] = []
    loader = Loader(till.tables, clock, Limits(), InTurn())
    with Spool(tmp_path) as spool:
        content = whole_list(skus=[f"KW-{number}" for number in range(1_200)])
        checked = check(read_lines([content.encode()], "list.csv"), version, spool, version)
    measured = loader.measure(file, checked, spool, heard.append, lambda one: seen.append(one.before.sku))
    assert (heard, len({*seen})) == ([0, 500, 1_000], 1_200)
    heard.clear()
    loader.apply(file, checked, spool, measured, beat=heard.append)
    assert heard == [0, 500, 1_000]


@pytest.mark.parametrize("by_files", [False, True])
@pytest.mark.parametrize("absent_off", [False, True])
def test_another_writer_beside_a_file(till: Till, by_files: bool, absent_off: bool) -> None:
    """Where somebody else was faster to write a product, the file's values are taken over what is there now: the newer
    ones stay, and the prices that were in force meanwhile are measured later."""
    till.send(whole_list(), by_files=by_files)
    till.confirm_all()
    newer, older = NOW + timedelta(minutes=9), NOW + timedelta(minutes=2)
    pending = {
        "KW-1": (Values(price=Decimal("2.05"), quantity=8), newer),
        "KW-2": (Values(price=Decimal("2.05"), quantity=8), older),
        "KW-3": (Values(active=True), newer),
    }

    def others() -> None:
        for sku, (values, at) in pending.items():
            till.tables.products.change(STORE, sku, lambda row, v=values, a=at: merged(row, v, a, {}))  # type: ignore[misc]

    till.before_first_write(others)
    content = whole_list(price="2.00", quantity=6, skus=[sku for sku in SKUS if sku != "KW-3"])
    till.send(content, minute=5, absent_off=absent_off, by_files=by_files)
    assert till.product("KW-1").values == Values(Decimal("2.05"), True, 8)
    assert till.product("KW-2").values == Values(Decimal("2.00"), True, 6)
    assert till.product("KW-3").values.active is True
    past = [one.price for one in till.product("KW-2").past_prices]
    assert (Decimal("2.05") in past) is by_files


def test_product_that_a_list_leaves_out_beside_another_writer(till: Till) -> None:
    """A product that is written right before a newer list takes it off sale goes off all the same."""
    till.send(whole_list())
    till.confirm_all()
    at = NOW + timedelta(minutes=2)
    till.before_first_write(
        lambda: till.tables.products.change(STORE, "KW-3", lambda row: merged(row, Values(quantity=9), at, {}))
    )
    till.send(whole_list(skus=[sku for sku in SKUS if sku != "KW-3"]), minute=5, absent_off=True)
    assert till.product("KW-3").values == Values(Decimal("1.95"), False, 9)


def test_prices_of_later_products_are_held_too(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held prices fill rows as they are found, and every one of them can be decided."""
    monkeypatch.setattr("partner_orders.loader.loading.HELD_TOGETHER", 3)
    monkeypatch.setattr("partner_orders.loader.loading.WRITTEN_TOGETHER", 7)
    till.send(whole_list())
    till.confirm_all()
    till.send(whole_list(price="19.5"), minute=5)
    rows = [*till.tables.held.of_store(STORE)]
    assert {sku for row in rows for sku in row.lines} == {*SKUS}
    assert max(len(row.lines) for row in rows) == 3
    assert len(rows) == 14


def test_list_by_files_says_one_of_what_it_changes(till: Till) -> None:
    """In a store that is sent by files, what a list changes makes the next file due, and a list without news does
    not."""
    till.send(whole_list(), by_files=True)
    assert till.waiting() == {*SKUS}
    till.confirm_all()
    till.send(whole_list(), minute=5, by_files=True)
    assert till.waiting() == set()
    till.send(whole_list(skus=SKUS[1:]) + "KW-0,1.99,true,5\n", minute=6, by_files=True)
    assert till.waiting() == {"KW-0"}
    till.confirm_all()
    assert till.send(whole_list(skus=SKUS[1:]) + "KW-0,19.9,true,5\n", minute=7, by_files=True).held_prices == 1
    assert till.waiting() == set()
