"""Exports between the schedule, the simulated platform, the table and the bucket."""

import tracemalloc
from collections.abc import Iterator
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from partner_orders.catalogue.job_result import ExportedProduct
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.exports.table import AskedExport
from partner_orders.platform.calls import EffectUnknownError, NotAllowedError
from partner_orders.platform.failures import PartnerApiError
from partner_orders.platform.job_files import UrlRefusedError
from tests.support.exports_world import ExportsWorld, exports_world

STORE = "store-0"


@pytest.fixture
def world() -> Iterator[ExportsWorld]:
    with exports_world() as made:
        yield made


def test_export_is_asked_for_and_taken(world: ExportsWorld) -> None:
    """A store's first export is asked for at once; its file shows every product, and each by its barcodes."""
    assert [*world.files.shown(STORE)] == []
    assert dict(world.files.barcodes(STORE)) == {}
    assert world.serve() == STORE
    assert world.serve() is None
    assert world.work() == [True]
    products = world.catalogue.products(STORE)
    shown = [*world.files.shown(STORE)]
    assert [(one.sku, one.barcodes, one.price, one.active, one.cap) for one in shown] == [
        (one.sku, one.barcodes, one.price, one.active, one.cap) for one in products
    ]
    barcodes = world.files.barcodes(STORE)
    assert all(product.sku in barcodes[code.lstrip("0")] for product in products for code in product.barcodes)
    note = world.table.get(STORE)
    assert (note.came_at, note.products, note.is_open, note.problem) == (world.time.now(), 12, False, "")
    assert note == world.table.all()[STORE]


@pytest.mark.slow
def test_stores_take_turns() -> None:
    """One export is under way at a time, and each store has one a day."""
    with exports_world(stores=4) as world:
        for _ in range(30):
            world.serve()
            waiting = [note for note in world.table.all().values() if note.is_open]
            assert len(waiting) <= 1
            world.work()
        assert world.requests() == 4
        for _ in range(24 * 4):
            world.serve(minutes=15)
            world.work()
        assert world.requests() == 8


def test_never_means_never() -> None:
    """With 0 hours nothing is asked for."""
    with exports_world(hours=0) as world:
        assert world.serve() is None
        assert world.requests() == 0


@pytest.mark.parametrize("faults", [{"callback_lost": 1}, {"callback_without_link": 1}])
def test_file_without_a_word(world: ExportsWorld, faults: dict[str, float]) -> None:
    """A file whose callback is lost, or has no link, is found by its job."""
    world.catalogue.faults = dict(faults)
    world.serve()
    world.work()
    world.serve(minutes=10)
    assert len([*world.files.shown(STORE)]) == 12
    assert world.requests() == 1


def test_job_that_failed(world: ExportsWorld) -> None:
    """A job that failed is noted, and the export is asked for again hours later."""
    world.catalogue.faults = {"job_fails": 1}
    world.serve()
    assert world.work() == [True]
    assert world.table.get(STORE).problem == "the platform's job failed"
    for _ in range(20):
        world.serve(minutes=10)
        world.work()
    assert world.requests() == 2
    assert world.table.get(STORE).problem == ""
    assert len([*world.files.shown(STORE)]) == 12


def test_stuck_job(world: ExportsWorld) -> None:
    """An export that never comes is looked for now and then, and asked for again hours later."""
    world.catalogue.faults = {"job_stuck": 1}
    for _ in range(180):
        world.serve()
        world.work()
    assert world.requests() == 1
    assert 10 <= world.catalogue.requests["job"] <= 18
    world.serve(minutes=3)
    assert world.work() == [True]


def test_doubled_and_unknown_callbacks(world: ExportsWorld) -> None:
    """A doubled callback downloads nothing, one of another job is not taken, and neither is one that tells no end."""
    world.serve()
    [job_id] = world.catalogue.jobs
    assert world.take(job_id=job_id, status="IN_PROGRESS")
    world.catalogue.work(world.time.now())
    [callback] = world.catalogue.take_callbacks(world.time.now())
    assert [world.take(**callback.body) for _ in range(3)] == [True] * 3
    assert world.catalogue.requests["file"] == 1
    assert not world.take(**(callback.body | {"job_id": "job-of-others"}))


def test_older_file_comes_late(world: ExportsWorld) -> None:
    """The file of an export that was overtaken by a newer one is not taken."""
    world.catalogue.faults = {"callback_late": 1}
    world.serve()
    world.catalogue.work(world.time.now())
    first = next(iter(world.catalogue.jobs))
    world.table.failed(STORE, "lost")
    world.catalogue.edit(STORE, world.catalogue.products(STORE)[0].sku, world.time.now(), price=Decimal("9.99"))
    assert world.serve(minutes=200) == STORE
    world.catalogue.work(world.time.now())
    for callback in reversed(world.catalogue.take_callbacks(world.time.now())):
        world.take(**callback.body)
    assert len(world.catalogue.jobs) == 2
    assert next(world.files.shown(STORE)).price == Decimal("9.99")
    files = world.catalogue.requests["file"]
    world.take(job_id=first, status="COMPLETED", download_url=f"/v2/files/{first}.csv")
    assert world.catalogue.requests["file"] == files
    assert next(world.files.shown(STORE)).price == Decimal("9.99")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://10.0.0.7/f.csv", UrlRefusedError),
        ("https://169.254.169.254/latest", UrlRefusedError),
        ("http://files.example.com/f.csv", UrlRefusedError),
        ("/v2/files/unknown.csv", PartnerApiError),
    ],
)
def test_file_that_cannot_be_had(world: ExportsWorld, url: str, kind: type[Exception]) -> None:
    """A link that is refused or leads nowhere is told and noted once; the same callback again changes nothing."""
    world.serve()
    [job_id] = world.catalogue.jobs
    with pytest.raises(kind):
        world.take(job_id=job_id, status="COMPLETED", download_url=url)
    note = world.table.get(STORE)
    assert not note.is_open
    assert note.problem
    assert world.take(job_id=job_id, status="COMPLETED", download_url=url)
    assert [*world.files.shown(STORE)] == []


def test_unreadable_file_leaves_the_last_one(world: ExportsWorld) -> None:
    """A file that is no export is told, and what came before it stays."""
    world.serve()
    world.work()
    world.serve(minutes=24 * 60)
    job = [*world.catalogue.jobs.values()][-1]
    world.catalogue.work(world.time.now())
    job.file = b"<html>maintenance</html>"
    with pytest.raises(UnreadableResultError):
        world.take(job_id=job.job_id, status="COMPLETED", download_url=f"/v2/files/{job.job_id}.csv")
    assert len([*world.files.shown(STORE)]) == 12
    assert "no header" in world.table.get(STORE).problem


def test_store_that_the_platform_refuses(world: ExportsWorld) -> None:
    """A store without a catalogue is noted, holds no other up, and is not asked for each minute."""
    world.stores = ["unknown", STORE]
    asked = []
    for _ in range(10):
        asked.append(world.serve())
        world.work()
    assert asked.count(STORE) == 1
    assert world.table.get("unknown").problem == "not_found:platform"
    assert len([one for one in world.session.asked if "unknown" in one.url]) == 1


def test_rejected_token(world: ExportsWorld) -> None:
    """Where the platform takes nothing, nothing is noted as asked for, and the next run asks."""
    world.api.faults = {"unauthorized": 2}
    with pytest.raises(NotAllowedError):
        world.serve()
    assert (world.table.get(STORE).asked_at, world.table.get(STORE).is_open) == (None, False)
    assert world.serve() == STORE


def test_unknown_effect(world: ExportsWorld) -> None:
    """An export that may have been asked for is not asked for again within hours."""
    world.api.faults = {"server_error": 1}
    with pytest.raises(EffectUnknownError):
        world.serve()
    assert [world.serve(minutes=30) for _ in range(6)] == [None] * 5 + [STORE]


@pytest.mark.slow
def test_memory_is_bounded(world: ExportsWorld) -> None:
    """A large export takes little memory to write, to read and to look barcodes up in."""
    number = 60_000
    products = (ExportedProduct(f"KW-{n:08d}", (f"{n:014d}",), Decimal("1.95"), True) for n in range(number))
    tracemalloc.start()
    try:
        assert world.files.write(STORE, products) == number
        world.table.came(AskedExport(STORE, world.time.now()), number, world.time.now(), is_last=True)
        barcodes = world.files.barcodes(STORE)
        assert barcodes["4711"] == ("KW-00004711",)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # moto keeps the file itself: some 500 KB.
    assert peak < 16_000_000


def test_missing_bucket_is_told(world: ExportsWorld) -> None:
    """Where the bucket refuses the file, the export stays open and comes with the next callback."""
    world.serve()
    world.files._bucket_name = "another"
    with pytest.raises(ClientError):
        world.work()
    assert world.table.get(STORE).is_open
