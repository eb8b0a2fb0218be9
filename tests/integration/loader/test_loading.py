"""A file of a store: checked, measured, held or applied, and written only where something is new."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from tests.support.aws_calls import counted_calls
from tests.support.catalogue_table import catalogue_table
from tests.support.fixed_clock import NOW, clock

pytestmark = pytest.mark.slow

STORE, TABLE = "q7zk", "catalogue"
SKUS = [f"KW-{number}" for number in range(40)]


class Till:
    """Sends files of one store."""

    def __init__(self, dynamodb: Any, folder: Path) -> None:
        self.tables = Tables.named(dynamodb, TABLE)
        self._folder = folder
        self.report = LineReport()

    def send(
        self, content: str, minute: int = 0, whole: bool = True, absent_off: bool = False, dry_run: bool = False
    ) -> Measured:
        version = NOW + timedelta(minutes=minute)
        file = ListOfStore(STORE, f"{minute}.csv", version, version, whole, absent_off)
        with Spool(self._folder) as spool:
            checked = check(read_lines([content.encode()], "list.csv"), version, spool, version)
        with ThreadPoolExecutor(4) as executor:
            loader = Loader(self.tables, clock, Limits(), executor)
            loaded = loader.load(file, checked, spool, dry_run)
        self.report = checked.report
        return loaded

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
def till(tmp_path: Path) -> Iterator[Till]:
    with catalogue_table(TABLE) as client:
        yield Till(client, tmp_path)


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


def test_unchanged_list_writes_no_product(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same list an hour later costs a query for each shard, and no write of a product."""
    till.send(whole_list())
    till.confirm_all()
    calls = counted_calls(monkeypatch)
    assert till.send(whole_list(), minute=60).changed == 0
    assert till.waiting() == set()
    # A reading of 16 shards, what is held, and what the test asks; a version by field, and the figures.
    assert calls == {"Query": 18, "GetItem": 1, "UpdateItem": 4}


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


def test_dry_run(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run says what a file would do, and writes nothing."""
    till.send(whole_list())
    till.confirm_all()
    calls = counted_calls(monkeypatch)
    loaded = till.send(whole_list(price="9.99"), minute=5, dry_run=True)
    assert (loaded.changed, loaded.held_prices) == (0, 40)
    assert {*calls} == {"Query", "GetItem"}


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
