"""A store's rows beside its export: what is told, what is repaired, and what survives a death."""

from dataclasses import replace
from decimal import Decimal

import pytest

from partner_orders.catalogue import keys
from partner_orders.catalogue.job import Job
from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.loading_lease import StoreIsLoadingError
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.drift import comparison
from partner_orders.drift.comparison import NOT_THIS_STORES, ExportReplacedError, RepairRequest
from partner_orders.drift.differences import Finding
from partner_orders.drift.due import GIVEN_UP, MOST_RUNS, START_SECONDS
from partner_orders.drift.guards import Guard, Repair
from partner_orders.exports.table import AskedExport
from tests.support.drift_world import AS_WANTED, BUCKET, HALF, STORE, DriftWorld

SKUS = [f"KW-{number}" for number in range(10)]
ALL = dict.fromkeys(SKUS, AS_WANTED)
FIRST, SECOND, *_ = SKUS
CHEAPER = replace(AS_WANTED, price=Decimal("1.80"))
WILD = replace(AS_WANTED, price=Decimal("20.00"))
# As many as are repaired at once here.
FEW = 200


def test_each_finding_is_told() -> None:
    """Counts, the first products, and a file with all of them: a line for each field that differs."""
    world = DriftWorld(ALL | {"OURS": AS_WANTED})
    world.show(ALL | {FIRST: replace(CHEAPER, cap=3), "THEIRS": AS_WANTED})
    report = world.compare()
    assert report.findings == {
        Finding.SAME: 9, Finding.DIFFERENT: 1, Finding.UNKNOWN_TO_US: 1, Finding.UNKNOWN_TO_PLATFORM: 1
    }  # fmt: skip
    assert (report.fields, report.left) == ({"price": 1, "cap": 1}, 1)
    lines = sorted(tuple(line.values()) for line in world.file(report))
    assert lines == [
        (FIRST, "different", "cap", "6", "3", ""),
        (FIRST, "different", "price", "2.00", "1.80", ""),
        ("OURS", "unknown_to_platform", "", "", "", ""),
        ("THEIRS", "unknown_to_us", "", "", "", ""),
    ]
    assert [*world.table.of_store(STORE, 10)] == [report]
    assert world.table.all() == {STORE: replace(report, listed=())}
    assert not world.waiting()


def test_without_a_wish_nothing_is_repaired() -> None:
    """To compare changes no product."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    before = world.row(FIRST)
    world.compare()
    assert world.row(FIRST) == before


def test_difference_is_repaired() -> None:
    """The chain's value waits to be sent, and the next export shows no drift."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    report = world.compare(RepairRequest(HALF))
    assert (report.repairs, report.left, world.waiting()) == ({Repair.REPAIRED: 1}, 0, {FIRST})
    assert world.row(FIRST).confirmed.price is None
    world.confirm(FIRST)
    world.time.seconds += 86_400
    world.show(ALL)
    assert world.compare(RepairRequest(HALF)).findings == {Finding.SAME: 10}


def test_wild_price_waits_for_a_person() -> None:
    """A far price is told and left; a person who names the product repairs it."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: WILD, SECOND: CHEAPER})
    report = world.compare(RepairRequest(HALF))
    assert report.repairs == {Repair.REPAIRED: 1, Repair.BEYOND_GUARDS: 1}
    assert (report.guards, report.left, world.waiting()) == ((Guard.PRICE_STEP,), 1, {SECOND})
    by_hand = RepairRequest(HALF, skus=frozenset({FIRST}), is_beyond_guards=True, by="anna", why="a slip")
    report = world.compare(by_hand)
    assert (report.repairs, report.by, report.why) == ({Repair.REPAIRED: 1}, "anna", "a slip")
    assert world.waiting() == {FIRST, SECOND}


def test_nobody_gets_past_the_guards_without_names() -> None:
    """To repair beyond the guards, products have to be named."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: WILD})
    assert world.compare(RepairRequest(HALF, is_beyond_guards=True)).repairs == {Repair.BEYOND_GUARDS: 1}


def test_many_differences_wait() -> None:
    """An export in which most products differ is told, and nothing of it is repaired."""
    world = DriftWorld(ALL)
    world.show(dict.fromkeys(SKUS, CHEAPER))
    report = world.compare(RepairRequest(HALF))
    assert (report.repairs, report.guards) == ({Repair.BEYOND_GUARDS: 10}, (Guard.TOO_MANY,))
    assert not world.waiting()


def test_taking_off_counts_with_the_day() -> None:
    """Products that the platform put on sale go off again, as many as may in a day."""
    off = replace(AS_WANTED, active=False, quantity=0)
    world = DriftWorld(ALL | dict.fromkeys(SKUS[:4], off))
    world.show(ALL | dict.fromkeys(SKUS[2:4], off))
    report = world.compare(RepairRequest(HALF))
    assert report.repairs == {Repair.REPAIRED: 2}
    assert world.tables.states.get(STORE).figures(world.time.now()).switched_off == 2
    for sku in SKUS[:2]:
        world.confirm(sku)
    world.time.seconds += 3_600
    world.show(ALL | dict.fromkeys(SKUS[:3], off))
    report = world.compare(RepairRequest(HALF))
    assert (report.repairs, report.guards) == ({Repair.BEYOND_GUARDS: 1}, (Guard.SWITCHED_OFF,))


def test_dry_run_writes_nothing() -> None:
    """A dry run says what would be, by the same guards, and leaves no trace."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: WILD, SECOND: CHEAPER})
    report = world.compare(RepairRequest(HALF, is_dry_run=True))
    assert report.repairs == {Repair.REPAIRED: 1, Repair.BEYOND_GUARDS: 1}
    assert not world.waiting()
    assert not [*world.table.of_store(STORE, 10)]
    assert {key for key, _ in world.s3.objects} == {f"exports/{STORE}.csv.gz"}


def test_newer_value_overtakes_a_repair() -> None:
    """A value that is said while the store is compared is not undone."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    newest = replace(AS_WANTED, price=Decimal("2.20"))
    change = world.tables.products.change

    def say_first(store_id: str, sku: str, *rest: object) -> object:
        world.tables.products.change = change  # type: ignore[method-assign]
        world.want(FIRST, newest)
        return change(store_id, sku, *rest)  # type: ignore[arg-type]

    object.__setattr__(world.tables.products, "change", say_first)
    report = world.compare(RepairRequest(HALF))
    assert (report.repairs, world.row(FIRST).values) == ({Repair.OVERTAKEN: 1}, newest)
    assert world.row(FIRST).confirmed == AS_WANTED


def test_doubled_product_says_nothing() -> None:
    """Two different lines of one product in an export: nobody knows which one counts."""
    world = DriftWorld(ALL)
    world.show(ALL, [ExportedProduct(FIRST, (), Decimal(9), active=True)])
    assert world.compare().findings == {Finding.SAME: 9, Finding.NOT_SHOWN: 1}


@pytest.fixture
def few_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert comparison.MOST_REPAIRED == 5_000  # As docs/drift.md says.
    monkeypatch.setattr(comparison, "MOST_REPAIRED", FEW)


@pytest.mark.usefixtures("few_repairs")
def test_more_differences_than_are_repaired() -> None:
    """Some are repaired, the others are counted, stand in the file, and come with the next export."""
    skus = [f"S{number}" for number in range(FEW + 3)]
    world = DriftWorld(dict.fromkeys(skus, AS_WANTED))
    world.show(dict.fromkeys(skus, CHEAPER))
    report = world.compare(RepairRequest(replace(HALF, most=None)))
    assert report.repairs == {Repair.REPAIRED: FEW, Repair.LATER: 3}
    assert (report.left, len(world.file(report)), len(world.waiting())) == (3, FEW + 3, FEW)


@pytest.mark.parametrize("is_busy", [False, True])
def test_forgotten_products_are_noted(is_busy: bool) -> None:
    """A death after a repair leaves products of which nothing says that they wait: a later comparison does, however
    busy the store is."""
    world = DriftWorld(ALL)
    world.change(FIRST, lambda row: settled(row, Values(price=AS_WANTED.price), Outcome.UNKNOWN, world.time.now()))
    if is_busy:
        world.tables.changes.add(STORE, [SECOND], world.time.now())
    world.time.seconds += 86_400
    world.show(ALL)
    world.compare()
    assert FIRST in world.waiting()


@pytest.mark.usefixtures("few_repairs")
def test_products_beyond_the_first_ones_have_their_turn() -> None:
    """However many a guard holds, those that may be repaired are, and those that a person names."""
    skus = [f"S{number}" for number in range(FEW + 3)]
    world = DriftWorld(dict.fromkeys(skus, AS_WANTED) | {FIRST: AS_WANTED})
    world.show(dict.fromkeys(skus, WILD) | {FIRST: CHEAPER})
    report = world.compare(RepairRequest(replace(HALF, most=None)))
    assert report.repairs == {Repair.REPAIRED: 1, Repair.BEYOND_GUARDS: FEW + 3}
    last = max(skus, key=keys.shard_number)
    world.compare(RepairRequest(replace(HALF, most=None), frozenset({last}), is_beyond_guards=True))
    assert world.waiting() == {FIRST, last}


def test_price_of_a_fast_seller_is_compared() -> None:
    """Its pieces change every few minutes, and its price differs: that is told."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: replace(CHEAPER, active=False)})
    said = Values(active=True, quantity=4)
    world.tables.jobs.write(STORE, Job(1, world.time.now(), {FIRST: said}))
    world.change(FIRST, lambda row: replace(row, values=replace(row.values, quantity=4)))
    world.change(FIRST, lambda row: settled(row, said, Outcome.PROCESSED, world.time.now()))
    report = world.compare()
    assert [one.found.ours for one in report.listed] == [Values(price=AS_WANTED.price)]


def test_death_between_repair_and_note() -> None:
    """A run that died after it wrote the products, and before it noted them, is made good by the next one, although
    other products of the store wait."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    add = world.tables.changes.add

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    object.__setattr__(world.tables.changes, "add", die)
    with pytest.raises(KeyboardInterrupt):
        world.run_due(20)
    object.__setattr__(world.tables.changes, "add", add)
    world.tables.leases.release(STORE, 1)
    add(STORE, [SECOND], world.time.now())
    assert world.row(FIRST).confirmed.price is None
    world.run_due(20)
    assert world.waiting() == {FIRST, SECOND}


def test_file_of_the_store_is_loading() -> None:
    """Two who count what goes off sale would count each other's products."""
    world = DriftWorld(ALL)
    world.show(ALL)
    world.tables.leases.acquire(STORE, world.time.now())
    with pytest.raises(StoreIsLoadingError):
        world.compare()


def test_newer_export_ends_the_comparison() -> None:
    """What was read may be of both exports."""
    world = DriftWorld(ALL)
    world.show(ALL)
    shown = world.exports.shown

    def replaced(store_id: str) -> object:
        yield from shown(store_id)
        world.exports_table.came(AskedExport(store_id, world.time.now()), 10, world.time.now(), is_last=True)

    object.__setattr__(world.exports, "shown", replaced)
    with pytest.raises(ExportReplacedError):
        world.compare()


# -- what is due -------------------------------------------------------------------------------------------------------


def test_each_export_is_compared_once() -> None:
    """Each run compares what came since the last one."""
    world = DriftWorld(ALL)
    assert world.run_due() == []
    world.show(ALL | {FIRST: CHEAPER})
    assert [report.left for report in world.run_due()] == [1]
    assert world.run_due() == []
    world.time.seconds += 86_400
    world.show(ALL)
    assert [report.different for report in world.run_due()] == [0]


def test_repair_by_parameter() -> None:
    """With a share, what differs is repaired without a person."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    [report] = world.run_due(repair_percent=20)
    assert (report.repairs, world.waiting()) == ({Repair.REPAIRED: 1}, {FIRST})


def test_person_does_not_take_the_loaders_turn() -> None:
    """Whatever a person repairs meanwhile, the loader compares each export by itself."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER, SECOND: CHEAPER})
    world.compare(RepairRequest(HALF, skus=frozenset({FIRST}), by="anna", why="a slip"))
    assert [report.left for report in world.run_due()] == [1]


def test_unreadable_export_is_told_once() -> None:
    """It cannot be compared, which is told; the next export takes its place."""
    world = DriftWorld(ALL)
    world.show(ALL)
    world.s3.put_object(Bucket=BUCKET, Key=f"exports/{STORE}.csv.gz", Body=b"no export")
    [report] = world.run_due()
    assert "cannot be read" in report.problem
    assert world.run_due() == []


@pytest.mark.parametrize("shown", [{}, {f"OTHER-{number}": AS_WANTED for number in range(9)}])
def test_foreign_export_is_a_problem(shown: dict[str, Values]) -> None:
    """An export without the store's products says that something is wrong with it, also where nothing is repaired."""
    world = DriftWorld(ALL)
    world.show(shown)
    [report] = world.run_due()
    assert (report.problem, report.left) == (NOT_THIS_STORES, 0)


def test_store_that_loads_comes_later() -> None:
    """A store whose file is being loaded is compared in a later minute, and that is no failure."""
    world = DriftWorld(ALL)
    world.show(ALL)
    token = world.tables.leases.acquire(STORE, world.time.now())
    due = world.due()
    for _ in range(2 * MOST_RUNS):
        assert ([*due.run(lambda: 900.0)], due.faults) == ([], {})
    world.tables.leases.release(STORE, token)
    assert len(world.run_due()) == 1


def test_time_is_bounded() -> None:
    """Nothing is begun with little time, and nothing goes on when it ends; that is no failure either."""
    world = DriftWorld(ALL)
    world.show(ALL | {FIRST: CHEAPER})
    assert world.run_due(seconds=START_SECONDS - 1) == []
    assert not world.table.begun()
    for _ in range(2 * MOST_RUNS):
        left = iter([900.0, 0.0, 0.0])
        assert [*world.due(20).run(lambda left=left: next(left))] == []  # type: ignore[misc]
    assert not world.waiting()
    assert len(world.run_due(20)) == 1


def test_comparison_that_always_fails_is_given_up() -> None:
    """After ten failures or deaths it is told, and costs nothing more; no other store waits for it."""
    world, other = DriftWorld(ALL), "another"
    world.show(ALL)
    world.exports_table.came(AskedExport(other, world.time.now()), 1, world.time.now(), is_last=True)
    found = [world.run_due() for _ in range(MOST_RUNS + 2)]
    assert [report.store_id for report in found[0]] == [STORE]
    assert [report.problem for reports in found[1:] for report in reports] == [GIVEN_UP]
    assert world.run_due() == []
