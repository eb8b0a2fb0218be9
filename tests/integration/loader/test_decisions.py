"""What a guard holds is released or dropped by a person, once, and never against a newer value."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.decisions import Decisions, LineEffect, NothingHeldError
from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.files import AlreadyDecidedError, Decision, FileState, StoredFile
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.product import Values
from partner_orders.clock import to_text
from partner_orders.loader import loading
from tests.support.loader_world import STORE, LoaderWorld, Uploaded, loader_world, whole_list
from tests.support.sender_world import KilledError

BY, WHY = "anna", "the supplier raised it"


@pytest.fixture
def world() -> Iterator[LoaderWorld]:
    """A store whose products the platform confirmed."""
    with loader_world() as world:
        world.upload(whole_list())
        world.drain()
        world.confirm_all()
        world.time.sleep(60)
        yield world


def hold(world: LoaderWorld, key: str = f"lists/{STORE}/list.csv") -> Held:
    """Two prices that moved too far."""
    world.upload(whole_list().replace("KW-7,1.95", "KW-7,19.5").replace("KW-8,1.95", "KW-8,0.2"), key)
    world.drain()
    [held] = world.tables.held.of_store(STORE)
    return held


def hold_file(world: LoaderWorld) -> tuple[Held, Uploaded]:
    uploaded = world.upload(whole_list(quantity=0))
    world.drain()
    [held] = world.tables.held.of_store(STORE)
    return held, uploaded


@pytest.mark.parametrize("key", [f"lists/{STORE}/list.csv", f"changes/{STORE}/a.csv"])
def test_released_lines(world: LoaderWorld, key: str) -> None:
    """Released prices are what the products should be, and wait to be sent; nothing is held any more."""
    held = hold(world, key)
    tried = world.decisions.release_lines(STORE, held.name, BY, WHY, is_dry_run=True)
    assert [(line.sku, line.before.price, line.held.price, line.effect) for line in tried] == [
        ("KW-7", Decimal("1.95"), Decimal("19.5"), LineEffect.TAKEN),
        ("KW-8", Decimal("1.95"), Decimal("0.2"), LineEffect.TAKEN),
    ]
    assert world.product("KW-7").values.price == Decimal("1.95")
    assert world.decisions.release_lines(STORE, held.name, BY, WHY) == tried
    assert world.product("KW-7").values == Values(Decimal("19.5"), True, 5)
    assert world.product("KW-8").values == Values(Decimal("0.2"), True, 5)
    assert world.waiting() >= {"KW-7", "KW-8"}
    assert [*world.tables.held.of_store(STORE)] == []
    [decided] = world.tables.decisions.of_store(STORE)
    assert (decided.decision, decided.by, decided.why, decided.lines) == ("released", BY, WHY, held.lines)
    with pytest.raises(NothingHeldError):
        world.decisions.release_lines(STORE, held.name, BY, WHY)


def test_prices_of_many_rows_are_all_held(world: LoaderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held prices that do not fit into one row are in several, and none takes the place of another."""
    monkeypatch.setattr(loading, "HELD_TOGETHER", 2)
    changed = whole_list()
    for number in range(5):
        changed = changed.replace(f"KW-{number},1.95", f"KW-{number},19.5")
    world.upload(changed)
    world.drain()
    held = [*world.tables.held.of_store(STORE)]
    assert [len(one.lines) for one in held] == [2, 2, 1]
    assert {sku for one in held for sku in one.lines} == {f"KW-{number}" for number in range(5)}


def test_price_stays_held_beside_another_writer(world: LoaderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A price that a guard held does not get through where another one was faster to write the product's row."""
    products = world.tables.products
    change, others = products.change, [Values(quantity=3)]

    def overtaken(store_id: str, sku: str, how: Any, known: Any = None) -> Any:
        if sku == "KW-7" and others:
            said = others.pop()
            change(store_id, sku, lambda row: merged(row, said, world.time.now(), {}))
        return change(store_id, sku, how, known)

    monkeypatch.setattr(products, "change", overtaken)
    world.upload(whole_list().replace("KW-7,1.95,true,5", "KW-7,19.5,true,4"))
    world.drain()
    [held] = world.tables.held.of_store(STORE)
    assert (others, held.lines["KW-7"].price) == ([], Decimal("19.5"))
    # The other one said its quantity later than the file did.
    assert world.product("KW-7").values == Values(Decimal("1.95"), True, 3)


def test_release_against_newer_values(world: LoaderWorld) -> None:
    """A held price that is released after a newer one was said changes nothing, and the person is told."""
    held = hold(world)
    world.time.sleep(60)
    world.upload("sku,price\nKW-7,2.05\n", f"changes/{STORE}/a.csv")
    world.drain()
    world.time.sleep(60)
    effects = {line.sku: line.effect for line in world.decisions.release_lines(STORE, held.name, BY, WHY)}
    assert effects == {"KW-7": LineEffect.OVERTAKEN, "KW-8": LineEffect.TAKEN}
    assert world.product("KW-7").values.price == Decimal("2.05")


def test_some_products(world: LoaderWorld) -> None:
    """One product is released by itself, and the other is held and dropped."""
    held = hold(world)
    [tried] = world.decisions.release_lines(STORE, held.name, BY, WHY, skus={"KW-7"}, is_dry_run=True)
    [line] = world.decisions.release_lines(STORE, held.name, BY, WHY, skus={"KW-7"})
    assert line == tried
    [left] = world.tables.held.of_store(STORE)
    assert (left.name, [*left.lines]) == (held.name, ["KW-8"])
    with pytest.raises(NothingHeldError):
        world.decisions.drop_lines(STORE, held.name, BY, WHY, skus={"KW-7"})
    world.decisions.drop_lines(STORE, held.name, BY, WHY, skus={"KW-8"}, is_dry_run=True)
    assert len([*world.tables.held.of_store(STORE)]) == 1
    world.decisions.drop_lines(STORE, held.name, BY, WHY, skus={"KW-8"})
    assert [*world.tables.held.of_store(STORE)] == []
    assert world.product("KW-8").values.price == Decimal("1.95")
    assert sorted(one.decision for one in world.tables.decisions.of_store(STORE)) == ["dropped", "released"]


def test_two_persons(world: LoaderWorld) -> None:
    """What one person decides, another cannot decide otherwise, also after a crash."""
    held = hold(world)
    world.tables.held.decide(STORE, held, "released")
    with pytest.raises(AlreadyDecidedError):
        world.decisions.drop_lines(STORE, held.name, BY, WHY)
    assert len(world.decisions.release_lines(STORE, held.name, BY, WHY)) == 2


def test_released_file(world: LoaderWorld) -> None:
    """A released file is loaded without its file's guards, once, and those of its lines stay."""
    uploaded = world.upload(whole_list(quantity=0).replace("KW-7,1.95", "KW-7,19.5"))
    world.drain()
    [held] = world.tables.held.of_store(STORE)
    tried = world.decisions.release_file(STORE, held.name, BY, WHY, is_dry_run=True)
    assert tried.row is not None
    assert (tried.row.changed, tried.row.held_prices, tried.is_superseded) == (40, 1, False)
    world.notify(uploaded)
    assert world.drain().ended == []
    world.decisions.release_file(STORE, held.name, BY, WHY)
    world.notify(uploaded)
    assert world.drain().metrics["FilesLoaded"] == 1
    assert {row.values.quantity for row in world.products().values()} == {0}
    assert world.product("KW-7").values.price == Decimal("1.95")
    [left] = world.tables.held.of_store(STORE)
    assert [*left.lines] == ["KW-7"]
    row = world.row(uploaded)
    assert (row.state, row.decision, row.decided_by) == (FileState.LOADED, "released", BY)
    assert world.messages() == 0


def test_loader_is_told_of_a_decided_file(world: LoaderWorld) -> None:
    """The decision is written before the loader is told: a message that nobody decided goes to the dead letters."""
    held, uploaded = hold_file(world)
    told: list[tuple[Decision | None, int]] = []

    def tell(_: StoredFile) -> None:
        told.append((world.row(uploaded).decision, len([*world.tables.decisions.of_store(STORE)])))

    Decisions(world.tables, world.time.now, tell).release_file(STORE, held.name, BY, WHY)
    assert told == [(Decision.RELEASED, 1)]


@pytest.mark.parametrize(
    ("decide", "killed_at"),
    [
        ("release_lines", ("products", "change")),
        ("release_lines", ("changes", "add")),
        ("release_lines", ("held", "remove")),
        ("drop_lines", ("held", "remove")),
    ],
)
def test_decision_is_on_record_before_it_acts(
    world: LoaderWorld, monkeypatch: pytest.MonkeyPatch, decide: str, killed_at: tuple[str, str]
) -> None:
    """Wherever a decision on held lines is killed, who made it and why is on record."""
    held = hold(world)

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    table, method = killed_at
    monkeypatch.setattr(getattr(world.tables, table), method, die)
    with pytest.raises(KilledError):
        getattr(world.decisions, decide)(STORE, held.name, BY, WHY)
    [decided] = world.tables.decisions.of_store(STORE)
    assert (decided.by, decided.why, decided.lines) == (BY, WHY, held.lines)


def test_two_persons_and_a_file(world: LoaderWorld) -> None:
    """What one person has begun to decide of a file, another cannot decide otherwise."""
    held, uploaded = hold_file(world)
    world.tables.held.decide(STORE, held, "released")
    with pytest.raises(AlreadyDecidedError):
        world.decisions.drop_file(STORE, held.name, BY, WHY)
    assert (world.row(uploaded).state, [*world.tables.decisions.of_store(STORE)]) == (FileState.HELD, [])


def test_only_its_own_hold_is_forgotten(world: LoaderWorld) -> None:
    """A file that passes after a crash takes back that it was held itself; what else is held waits for a person."""
    held, _ = hold_file(world)
    now = world.time.now()
    another = loading.ListOfStore(STORE, "another", now, now, is_whole_list=True)
    with ThreadPoolExecutor(1) as executor:
        loader = loading.Loader(world.tables, world.time.now, Limits(), executor)
        loader.forget_hold(another)
        assert [*world.tables.held.of_store(STORE)] == [held]
        loader.forget_hold(replace(another, source=held.source))
    assert [*world.tables.held.of_store(STORE)] == []


def test_release_is_repeated(world: LoaderWorld) -> None:
    """A release that ended before the loader was told is made again, and another decision is not."""
    held, _ = hold_file(world)
    file = world.decisions.held_file(STORE, held.name).file
    world.tables.held.decide(STORE, held, "released")
    world.tables.files.decide(file, Decision.RELEASED, BY, world.time.now())
    with pytest.raises(AlreadyDecidedError):
        world.decisions.drop_file(STORE, held.name, BY, WHY)
    world.decisions.release_file(STORE, held.name, BY, WHY)
    assert world.drain().metrics["FilesLoaded"] == 1


def test_dropped_file(world: LoaderWorld) -> None:
    """A dropped file is never loaded, although S3 tells of it again."""
    held, uploaded = hold_file(world)
    world.decisions.drop_file(STORE, held.name, BY, WHY, is_dry_run=True)
    assert world.row(uploaded).state is FileState.HELD
    world.decisions.drop_file(STORE, held.name, BY, WHY)
    world.notify(uploaded)
    assert world.drain().repeated == 1
    assert (world.row(uploaded).state, [*world.tables.held.of_store(STORE)]) == (FileState.DROPPED, [])
    with pytest.raises(NothingHeldError):
        world.decisions.release_file(STORE, held.name, BY, WHY)


def test_superseded_file(world: LoaderWorld) -> None:
    """A held list says that a newer one was loaded; released all the same, it changes nothing."""
    held, uploaded = hold_file(world)
    assert not world.decisions.held_file(STORE, held.name).is_superseded
    world.time.sleep(60)
    world.upload(whole_list(quantity=6))
    world.drain()
    assert world.decisions.release_file(STORE, held.name, BY, WHY).is_superseded
    world.drain()
    assert {row.values.quantity for row in world.products().values()} == {6}
    assert world.row(uploaded).state is FileState.LOADED


def test_held_line_keeps_its_own_version(world: LoaderWorld) -> None:
    """A held price is released in the version that its line states, not in that of its file."""
    world.time.sleep(1_200)
    old, new = world.time.now() - timedelta(minutes=9), world.time.now() - timedelta(minutes=1)
    stated = to_text(new).replace(".000000", "")
    world.upload(f"sku,price,version\nKW-7,19.5,{stated}\nKW-8,0.2,\n", f"changes/{STORE}/a-{old:%Y%m%dT%H%M%SZ}.csv")
    world.upload("sku,price\nKW-7,2.05\n", f"changes/{STORE}/b-{old + timedelta(minutes=3):%Y%m%dT%H%M%SZ}.csv")
    world.drain()
    [held] = world.tables.held.of_store(STORE)
    assert (held.version_of("KW-7"), held.version_of("KW-8")) == (
        new.replace(microsecond=0),
        old.replace(microsecond=0),
    )
    [line] = world.decisions.release_lines(STORE, held.name, BY, WHY, skus=["KW-7"])
    assert line.effect is LineEffect.TAKEN
    assert world.product("KW-7").values.price == Decimal("19.5")
    [left] = world.tables.held.of_store(STORE)
    assert {*left.lines} == {"KW-8"}
