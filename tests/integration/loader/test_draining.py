"""The loader's run: from a message to the desired state and a report, whatever comes and however often."""

import errno
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.files import FileState, short_name, source_of
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.loading_lease import DURATION
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.spool import Spool
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.to_send import Margins
from partner_orders.loader.draining import MOST_RECEIVES, START_SECONDS, Drained
from partner_orders.loader.file_event import release_message
from tests.support.fixed_clock import NOW
from tests.support.loader_world import BUCKET, STORE, LoaderWorld, Uploaded, loader_world, record, whole_list

# Who put a file there, and from where, stands in S3's notification.
PERSONAL: dict[str, object] = {
    **record("lists/q7zk/a.csv", "v", bucket="another"),
    "userIdentity": {"principalId": "AWS:AIDA:anna"},
    "requestParameters": {"sourceIPAddress": "203.0.113.77"},
}


@pytest.fixture
def world() -> Iterator[LoaderWorld]:
    with loader_world() as world:
        yield world


def test_list_is_loaded(world: LoaderWorld) -> None:
    """A file becomes the desired state, a row and a report; its message is gone."""
    uploaded = world.upload(whole_list() + "KW-X,zero,true,1\n")
    drained = world.drain()
    assert drained.metrics == {
        **dict.fromkeys(drained.metrics, 0),
        "FilesLoaded": 1,
        "LinesGood": 40,
        "LinesBad": 1,
        "ProductsChanged": 40,
    }
    assert world.product("KW-7").values == Values(Decimal("1.95"), True, 5)
    assert len(world.waiting()) == 40
    row = world.row(uploaded)
    assert (row.state, row.good, row.bad, row.changed, row.version) == (FileState.LOADED, 40, 1, 40, NOW)
    assert len(world.reports()) == 1
    report = world.report(uploaded)
    assert (report["outcome"], report["good"], report["changed"]) == ("loaded", 40, 40)
    assert [(line["line"], line["product"]) for line in report["lines"]] == [(42, "KW-X")]
    assert (world.messages(), world.dead_letters()) == (0, [])
    assert world.tables.states.get(STORE).loaded_at == NOW


@pytest.mark.parametrize("name", ["Preise & Bestand +1.csv", "äöü 100%.csv", "a%2Bb.csv"])
def test_names_are_decoded(world: LoaderWorld, name: str) -> None:
    """S3 encodes names in its notifications; the file that is meant is read."""
    world.upload(whole_list(count=2), f"changes/{STORE}/{name}")
    assert world.drain().metrics["FilesLoaded"] == 1


@pytest.mark.limits
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_file_that_takes_too_much_room(world: LoaderWorld, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A file for which the loader has no room is refused as a whole, and its report says what to do."""
    monkeypatch.setattr(Spool, "add", failing_with(code))
    uploaded = world.upload(whole_list())
    assert world.drain().metrics["FilesRefused"] == 1
    assert (world.row(uploaded).state, world.waiting(), world.messages()) == (FileState.REFUSED, set(), 0)
    assert "Split it into several files." in world.report(uploaded)["file_problem"]


def test_file_is_read_again_after_a_fault_of_the_disk(world: LoaderWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other fault of the disk says nothing of the file: it comes again."""
    monkeypatch.setattr(Spool, "add", failing_with(errno.EIO))
    uploaded = world.upload(whole_list())
    drained = world.drain()
    assert (drained.metrics["FilesRefused"], drained.failed) == (0, [(uploaded.key, "OSError")])
    assert world.messages() == 1


def failing_with(code: int) -> Callable[..., None]:
    """A method of the spool that fails by a number of the operating system's."""

    def fail(*_: object) -> None:
        raise OSError(code, "a fault of the disk")

    return fail


def test_file_that_is_told_twice(world: LoaderWorld) -> None:
    """A file is loaded once, however often S3 tells of it, also in one message."""
    uploaded = world.upload(whole_list(), times=3)
    both = [record(uploaded.key, uploaded.version_id)] * 2
    world.send(json.dumps({"Records": both}))
    drained = world.drain()
    assert (drained.metrics["FilesLoaded"], drained.repeated, world.messages()) == (1, 3, 0)


def test_versions_out_of_order(world: LoaderWorld) -> None:
    """Of versions of one file the newest wins, whatever order S3 tells of them in."""
    older = world.upload(whole_list("1.95"), times=0)
    world.time.sleep(60)
    newer = world.upload(whole_list("2.05"), times=0)
    world.notify(newer)
    world.drain()
    world.notify(older)
    assert world.drain().metrics["FilesLoaded"] == 1
    assert {row.values.price for row in world.products().values()} == {Decimal("2.05")}


def test_whole_list_wins_on_repeat(world: LoaderWorld) -> None:
    """A list whose version was noted before a crash is applied by the next run all the same."""
    world.upload(whole_list("1.95"))
    world.drain()
    world.time.sleep(60)
    uploaded = world.upload(whole_list("2.05"), times=0)
    name = short_name(source_of(uploaded.key, uploaded.version_id))
    world.tables.states.raise_list_versions(STORE, ["price", "active", "quantity"], world.time.now(), name)
    world.notify(uploaded)
    world.drain()
    assert {row.values.price for row in world.products().values()} == {Decimal("2.05")}


def test_unknown_store(world: LoaderWorld) -> None:
    """A file of a store that is not in the catalogue is refused, with the command that takes it in."""
    uploaded = world.upload(whole_list(), "lists/new-store/list.csv", times=2)
    drained = world.drain()
    assert (drained.metrics["FilesRefused"], drained.repeated) == (1, 1)
    assert "partner-orders catalogue set new-store" in world.report(uploaded)["file_problem"]
    assert [*world.tables.states.all()] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "empty"),
        (b"\x1f\x8b\x08\x00" + b"\0" * 100, "compressed"),
        ("sku,price\n".encode("utf-16"), "UTF-16"),
        ("sku;price\nKW-1;1,95\n", "No line of the file can be taken"),
        ("sku,price\nKW-1,1\nKW-1,2\n", "No line of the file can be taken"),
        ("article,amount\n1,2\n", "neither sku nor barcode"),
    ],
)
def test_refused_file(world: LoaderWorld, content: str | bytes, problem: str) -> None:
    """A file that is no list changes nothing, and its report says what is wrong."""
    world.tables.settings.put(CatalogueSettings(STORE, switches_absent_off=True))
    world.upload(whole_list(count=5))
    world.drain()
    before = world.products()
    uploaded = world.upload(content)
    assert world.drain().metrics["FilesRefused"] == 1
    assert problem in world.report(uploaded)["file_problem"]
    assert world.row(uploaded).problem == world.report(uploaded)["file_problem"]
    assert world.products() == before


def test_name_of_the_future(world: LoaderWorld) -> None:
    """A file whose name states a time that is yet to come is refused."""
    uploaded = world.upload(whole_list(), f"lists/{STORE}/20261014T120000Z.csv")
    assert world.drain().metrics["FilesRefused"] == 1
    assert "minutes ahead" in world.report(uploaded)["file_problem"]


def test_left_out_products(world: LoaderWorld) -> None:
    """A whole list takes off sale what it leaves out, but not what a bad line names, nor if a line names nobody knows
    what."""
    world.tables.settings.put(CatalogueSettings(STORE, switches_absent_off=True))
    world.upload(whole_list(count=4))
    world.drain()
    world.time.sleep(60)
    world.upload(whole_list(count=2) + "KW-2,1.95,perhaps,1\nnot,a,line\n")
    world.drain()
    assert all(row.values.active for row in world.products().values())
    world.time.sleep(60)
    world.upload(whole_list(count=2) + "KW-2,1.95,perhaps,1\n")
    world.drain()
    assert {sku: row.values.active for sku, row in world.products().items()} == {
        "KW-0": True,
        "KW-1": True,
        "KW-2": True,
        "KW-3": False,
    }


def test_margins_of_the_store(world: LoaderWorld) -> None:
    """A product of which only the safety stock is left waits to be sent as off sale."""
    world.upload("sku,active,quantity\nKW-1,true,3\nKW-2,true,9\n", f"changes/{STORE}/a.csv")
    world.drain()
    world.confirm_all()
    world.tables.settings.put(CatalogueSettings(STORE, margins=Margins(safety_stock=3)))
    world.time.sleep(60)
    world.upload("sku,active,quantity\nKW-1,true,2\nKW-2,true,9\n", f"changes/{STORE}/b.csv")
    world.drain()
    assert "KW-1" in world.waiting()


def test_barcodes(world: LoaderWorld) -> None:
    """A barcode alone is resolved by the last export, whatever its leading zeros; one of several SKUs is reported."""
    world.barcodes = {"5012345678900": ("KW-1",), "4006381333931": ("KW-2", "KW-3")}
    content = "sku,barcode,price\n,5012345678900,1.95\n,05012345678900,1.95\n,4006381333931,2.50\n,999,3\nKW-4,999,3\n"
    uploaded = world.upload(content, f"changes/{STORE}/a.csv")
    world.drain()
    assert {sku: row.values.price for sku, row in world.products().items()} == {"KW-1": Decimal("1.95"), "KW-4": 3}
    problems = {line["line"]: line["problems"][0] for line in world.report(uploaded)["lines"]}
    assert [*problems] == [4, 5]
    assert "several products" in problems[4]
    assert "no product of the store's last export" in problems[5]


# -- messages ----------------------------------------------------------------------------------------------------------


def test_ignored_objects(world: LoaderWorld) -> None:
    """S3's test message, deletions and objects that are no store's file are counted, and nothing else."""
    world.send(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}))
    for key in ("reports/lists/q7zk/a.csv.x.json", "lists/q7zk/", "lists/a.csv", "lists/q7zk/old/a.csv", "exports/a"):
        world.send(json.dumps({"Records": [record(key, "v")]}))
    world.notify(Uploaded(f"lists/{STORE}/a.csv", "v"), event="ObjectRemoved:DeleteMarkerCreated")
    drained = world.drain()
    assert (drained.ignored, world.messages(), world.dead_letters()) == (7, 0, [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not JSON", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "neither"),
        (json.dumps({"Records": [{"eventSource": "aws:sqs"}]}), "not S3's"),
        (json.dumps({"Records": [record("lists/q7zk/a.csv", "v", bucket="another")]}), "another bucket"),
        (json.dumps({"Records": [record(f"lists/q7zk/{'a' * 800}", "v")]}), "a key of over"),
        (json.dumps({"Records": [record("lists/q7zk/gone.csv", "v")]}), "not in the bucket any more"),
        (release_message("another", f"lists/{STORE}/a.csv", "v"), "not the store's"),
    ],
)
def test_bad_message(world: LoaderWorld, text: str, reason: str) -> None:
    """A message that cannot be worked on goes to the dead letters as it is, with the reason."""
    world.send(text)
    drained = world.drain()
    assert [(body == text, reason in said) for body, said in world.dead_letters()] == [(True, True)]
    assert world.messages() == 0
    assert drained.metrics["FileMessagesRejected"] == 1


@pytest.mark.privacy
@pytest.mark.parametrize("message", [{"Records": [PERSONAL]}, {"Records": [PERSONAL], "more": "x"}, PERSONAL])
def test_reason_quotes_nobody(world: LoaderWorld, message: dict[str, object]) -> None:
    """Why a message was rejected, which the log tells too, has nothing of who put the file there, or from where."""
    world.send(json.dumps(message))
    drained = world.drain()
    [(_, reason)] = world.dead_letters()
    assert drained.rejected == [reason]
    assert not [text for text in ("anna", "203.0.113") if text in reason]


def test_message_of_good_and_bad(world: LoaderWorld) -> None:
    """What a message tells of a good file is taken, before the message goes to the dead letters."""
    uploaded = world.upload(whole_list(), times=0)
    world.send(json.dumps({"Records": [record("lists/q7zk/gone.csv", "v"), record(uploaded.key, uploaded.version_id)]}))
    assert world.drain().metrics["FilesLoaded"] == 1
    assert len(world.dead_letters()) == 1


def test_release_that_nobody_decided(world: LoaderWorld) -> None:
    """A message alone releases nothing."""
    uploaded = world.upload(whole_list(), times=0)
    world.send(release_message(STORE, uploaded.key, uploaded.version_id))
    world.drain()
    assert world.products() == {}
    assert "nobody decided" in world.dead_letters()[0][1]


# -- time, crashes and other loaders -----------------------------------------------------------------------------------


def test_no_file_is_begun_late(world: LoaderWorld) -> None:
    """A run with little time takes no message."""
    world.upload(whole_list())
    assert world.drain(START_SECONDS).ended == []
    assert world.messages() == 1
    assert world.drain().metrics["FilesLoaded"] == 1


def test_time_runs_out(world: LoaderWorld) -> None:
    """A file that takes too long is gone on with by the next run, and counts as one load."""
    uploaded = world.upload(whole_list(count=600))
    left = iter([900.0, 900.0, 900.0, 900.0, 10.0])
    drained = Drained()
    world.draining().run(lambda: next(left), drained)
    assert (drained.ended, world.messages()) == ([], 1)
    world.time.sleep(1)
    assert world.drain().metrics["FilesLoaded"] == 1
    row = world.row(uploaded)
    assert (row.runs, row.changed, len(world.products())) == (2, 600, 600)
    assert world.tables.states.get(STORE).products == 600


def test_busy_store(world: LoaderWorld) -> None:
    """While another loader has a store its files wait, and those of other stores do not."""
    world.tables.settings.put(CatalogueSettings("other"))
    token = world.tables.leases.acquire(STORE, world.time.now())
    world.upload(whole_list())
    world.upload(whole_list(), "lists/other/list.csv")
    assert [row.file.store_id for row in world.drain().ended] == ["other"]
    world.tables.leases.release(STORE, token)
    assert world.drain().ended == []
    world.time.sleep(DURATION.total_seconds() + 2)
    assert [row.file.store_id for row in world.drain().ended] == [STORE]


def test_lost_lease(world: LoaderWorld) -> None:
    """A loader that lost its store notes nothing any more, and the file comes again."""
    uploaded = world.upload(whole_list())
    bucket_read = world.s3.get_object

    def slow(**request: object) -> object:
        world.time.sleep(DURATION.total_seconds() + 1)
        world.s3.get_object = bucket_read
        world.tables.leases.acquire(STORE, world.time.now())
        return bucket_read(**request)

    world.s3.get_object = slow
    drained = world.drain()
    assert (drained.ended, drained.metrics["FilesFailed"], world.messages()) == ([], 0, 1)
    assert world.row(uploaded).state is FileState.CHECKING
    assert world.products() == {}


def test_message_that_keeps_failing(world: LoaderWorld) -> None:
    """A file that fails each time goes to the dead letters after hours, and none is tried without a pause."""
    uploaded = world.upload(whole_list())
    world.s3.get_object = lambda **_: 1 / 0
    begun = world.time.now()
    tries = 0
    while world.messages():
        tries += world.drain().metrics["FilesFailed"]
        world.time.sleep(300)
    assert tries == MOST_RECEIVES
    assert world.time.now() - begun > timedelta(hours=5)
    assert "failed 30 times" in world.dead_letters()[0][1]
    assert world.row(uploaded).state is FileState.CHECKING


# -- guards ------------------------------------------------------------------------------------------------------------


def test_held_file(world: LoaderWorld) -> None:
    """A file that a guard holds changes nothing; it says what it would do, once, however often it comes."""
    world.upload(whole_list())
    world.drain()
    world.confirm_all()
    before = world.products()
    world.time.sleep(60)
    uploaded = world.upload(whole_list(quantity=0), times=2)
    drained = world.drain()
    assert (drained.metrics["FilesHeld"], drained.repeated) == (1, 1)
    assert world.products() == before
    row = world.row(uploaded)
    assert (row.state, row.reasons, row.changed) == (FileState.HELD, (Reason.SWITCHED_OFF,), 40)
    assert world.report(uploaded)["reasons"] == ["switched_off"]
    assert len([*world.tables.held.of_store(STORE)]) == 1


def test_held_prices_of_older_lists(world: LoaderWorld) -> None:
    """A price that each list states wrongly is held once: the newest list's."""
    world.upload(whole_list())
    world.drain()
    world.confirm_all()
    for _ in range(3):
        world.time.sleep(3600)
        world.upload(whole_list().replace("KW-7,1.95", "KW-7,19.5"))
        world.drain()
    [held] = world.tables.held.of_store(STORE)
    assert (held.version, held.lines) == (world.time.now(), {"KW-7": Values(price=Decimal("19.5"))})
    assert [one.decision for one in world.tables.decisions.of_store(STORE)] == ["superseded"] * 2


def test_file_of_a_store_by_files(world: LoaderWorld) -> None:
    """In a store that is sent by files, what a file changes waits for the next one; a price that is far from the one
    before is held, though the platform confirmed neither."""
    world.tables.settings.put(CatalogueSettings(STORE, channel=Channel.FILES))
    world.upload(whole_list(count=5))
    world.drain()
    changes = world.tables.changes.first(STORE, 10)
    assert sorted(sku for change in changes for sku in change.skus) == [f"KW-{number}" for number in range(5)]
    world.tables.changes.remove(STORE, changes)
    world.time.sleep(60)
    world.upload("sku,price\nKW-1,2.05\nKW-2,19.5\n", f"changes/{STORE}/a.csv")
    world.drain()
    assert [change.skus for change in world.tables.changes.first(STORE, 10)] == [["KW-1"]]
    assert [[*held.lines] for held in world.tables.held.of_store(STORE)] == [["KW-2"]]


def test_file_that_is_begun_twice_is_held(world: LoaderWorld) -> None:
    """A file that its guards hold is held, too, where its first run crashed before that was noted."""
    world.upload(whole_list())
    world.drain()
    world.confirm_all()
    world.time.sleep(60)
    uploaded = world.upload(whole_list(quantity=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.tables.held), "hold_file", lambda *_: 1 / 0)
        assert world.drain().metrics["FilesFailed"] == 1
    world.time.sleep(60)
    assert world.drain().metrics["FilesHeld"] == 1
    assert world.row(uploaded).state is FileState.HELD


def test_figures_after_a_crash(world: LoaderWorld) -> None:
    """What a file did to its store is counted once, although it was begun twice."""
    world.upload(whole_list())
    world.drain()
    world.confirm_all()
    world.time.sleep(60)
    content = "sku,active\n" + "".join(f"KW-{number},false\n" for number in range(15)) + "NEW,true\n"
    uploaded = world.upload(content, f"changes/{STORE}/off.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.tables.states), "note_load", lambda *_: 1 / 0)
        assert world.drain().metrics["FilesFailed"] == 1
    world.time.sleep(60)
    assert world.drain().metrics["FilesLoaded"] == 1
    state = world.tables.states.get(STORE)
    assert [note.products for note in state.switched_off] == [15]
    assert (state.products, state.for_sale) == (41, 26)
    assert world.row(uploaded).changed == 16
