"""A loader that is killed at any call, or whose call fails, leaves the same behind in the end (rule W1)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_orders.catalogue.files import FileState
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.loader import loading
from partner_orders.loader.file_loading import FileLoading
from tests.support.loader_world import STORE, LoaderWorld, whole_list, world_in_memory
from tests.support.memory_aws import let_pass
from tests.support.sampling import every

pytestmark = pytest.mark.crash

LIST = (
    "sku,price,active,quantity\n"
    "KW-0,2.05,true,5\nKW-1,19.5,true,4\nKW-2,1.95,false,0\nKW-3,oops,true,1\n"
    "NEW-1,1.50,true,1\nKW-4,1.95,true,1\nKW-4,1.95,true,2\n"
)
CHANGES = "sku,quantity,active,price\nKW-0,9,,\nNEW-2,1,true,3.10\nKW-5,,false,\nKW-6,,,0.1\n"


KILLED, FAILED = "killed", "failed"


class KilledError(BaseException):
    """The process is gone."""


class Faults:
    """Lets the ``number``-th call of AWS fail, or kills the process before it."""

    def __init__(self, number: int, kind: str) -> None:
        self.calls = 0
        self._number = number
        self._kind = kind

    @contextmanager
    def planted(self, world: LoaderWorld) -> Iterator[None]:
        world.dynamodb.stand_between(self._count, None)
        world.s3.before = world.sqs.before = self._count
        try:
            yield
        finally:
            world.dynamodb.stand_between(None, None)
            world.s3.before = world.sqs.before = let_pass

    def _count(self, operation: str) -> None:
        self.calls += 1
        if self._kind == KILLED and self.calls >= self._number:
            raise KilledError
        if self._kind == FAILED and self.calls == self._number:
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, operation)


def prepare(world: LoaderWorld) -> None:
    """A store with products on the platform, and two files that are yet to be loaded."""
    world.tables.settings.put(CatalogueSettings(STORE, switches_absent_off=True))
    world.upload(whole_list(count=8))
    world.drain()
    world.confirm_all()
    world.time.sleep(60)
    world.upload(LIST, f"lists/{STORE}/20261014T090100Z.csv", times=2)
    world.upload(CHANGES, f"changes/{STORE}/20261014T090102Z.csv")


def finish(world: LoaderWorld) -> None:
    for _ in range(40):
        world.time.sleep(200)
        world.drain()
        if not world.messages():
            return
    raise AssertionError("files are left")


def left_behind(world: LoaderWorld) -> dict[str, Any]:
    """All that matters, without what only tells times and tries."""
    state = world.tables.states.get(STORE)
    held = [
        (one.reason, one.version, one.source.partition("?")[0], one.lines) for one in world.tables.held.of_store(STORE)
    ]
    files = {
        row.file.key: (
            row.state,
            row.good,
            row.bad,
            row.changed,
            row.held_prices,
            row.switched_off,
            row.version,
            row.fields,
        )
        for row in world.tables.files.of_store(STORE)
    }
    return {
        "products": world.products(),
        "waiting": world.waiting(),
        "lists": state.list_versions,
        "figures": (state.products, state.for_sale, state.last_list),
        "switched_off": sorted(note.products for note in state.switched_off),
        "held": sorted(held, key=str),
        "files": files,
        "reports": sorted(
            entry["Key"].partition(".csv")[0]
            for entry in world.s3.list_objects_v2(Bucket="catalogue-files", Prefix="reports/")["Contents"]
        ),
        "dead": world.dead_letters(),
    }


@cache
def undisturbed() -> tuple[dict[str, Any], int]:
    """What a loader leaves behind that nothing disturbs, and its calls."""
    world = world_in_memory()
    prepare(world)
    faults = Faults(0, "")
    with faults.planted(world):
        world.drain()
    finish(world)
    return left_behind(world), faults.calls


def test_undisturbed() -> None:
    """What a list leaves out goes off sale, but not what only a bad line names, or lines that contradict each other."""
    found, _ = undisturbed()
    values = {sku: row.values for sku, row in found["products"].items()}
    assert {sku for sku, value in values.items() if not value.active} == {"KW-2", "KW-5", "KW-6", "KW-7"}
    assert (values["KW-0"].price, values["KW-0"].quantity, values["KW-3"].quantity) == (Decimal("2.05"), 9, 5)
    assert [lines for *_, lines in found["held"]] == [
        {"KW-6": Values(price=Decimal("0.1"))},
        {"KW-1": Values(price=Decimal("19.5"))},
    ]
    assert (found["figures"], found["switched_off"]) == ((10, 6, 4), [4])


@pytest.mark.parametrize("part", every(4, range(4)))
def test_every_call(part: int) -> None:
    """Whichever call is the last before the process is killed, the next runs bring the table to where it would have
    been."""
    expected, calls = undisturbed()
    assert calls > 60
    for number in range(1 + part, calls + 1, 4):
        check(expected, [(number, KILLED)])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_failing_call(part: int) -> None:
    """Whichever call fails, the file comes again."""
    expected, calls = undisturbed()
    for number in range(1 + part, calls + 1, 2):
        check(expected, [(number, FAILED)])


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 80), st.sampled_from([KILLED, FAILED])), min_size=2, max_size=4))
def test_several_crashes(crashes: list[tuple[int, str]]) -> None:
    """Also after several crashes in a row."""
    check(undisturbed()[0], crashes)


def check(expected: dict[str, Any], crashes: list[tuple[int, str]]) -> None:
    world = world_in_memory()
    prepare(world)
    for number, kind in crashes:
        with Faults(number, kind).planted(world), suppress(KilledError, ClientError):
            world.drain()
        world.time.sleep(200)
    finish(world)
    assert left_behind(world) == expected, crashes


ORDERS = st.permutations([*range(5)]).flatmap(
    lambda order: st.lists(st.sampled_from(order), max_size=3).map(lambda again: [*order, *again])
)


@settings(max_examples=10)
@given(ORDERS)
def test_any_order(order: list[int]) -> None:
    """Files that come twice and out of order give the same products as in their own order."""
    expected = products_after([*range(5)])
    assert products_after(order) == expected


def products_after(order: list[int]) -> dict[str, Any]:
    files = [
        ("lists", "090000", whole_list("1.95", count=6)),
        ("changes", "090030", "sku,price,quantity\nKW-0,2.05,\nKW-1,,1\n"),
        ("lists", "090100", whole_list("1.90", count=4)),
        ("changes", "090130", "sku,price,quantity\nKW-0,2.10,\nKW-5,,3\n"),
        ("changes", "090030", "sku,price,quantity\nKW-0,2.00,\nKW-1,,2\n"),
    ]
    world = world_in_memory()
    world.time.sleep(3600)
    uploaded = [
        world.upload(content, f"{kind}/{STORE}/{number}-20261014T{at}Z.csv", times=0)
        for number, (kind, at, content) in enumerate(files)
    ]
    for number in order:
        world.notify(uploaded[number])
        world.drain()
    return {sku: row.values for sku, row in world.products().items()}


def test_hold_of_a_crashed_run_is_forgotten() -> None:
    """A file that was held by a run that crashed, and passes the guards in the next one, is held no more."""
    world = world_in_memory()
    world.upload(whole_list())
    world.drain()
    world.confirm_all()
    world.time.sleep(60)
    world.upload(whole_list(quantity=0))
    with patch.object(FileLoading, "_end", side_effect=KilledError), suppress(KilledError):
        world.drain()
    assert [held.is_file for held in world.tables.held.of_store(STORE)] == [True]
    with patch.object(loading, "file_reasons", return_value=[]):
        finish(world)
    assert next(world.tables.files.of_store(STORE)).state is FileState.LOADED
    assert [*world.tables.held.of_store(STORE)] == []
