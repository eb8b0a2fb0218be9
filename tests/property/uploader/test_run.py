"""Whatever fails, the platform ends up with what the chain wants, and what was sent is noted and kept (W1, W3)."""

import gzip
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import IO

import pytest

from partner_orders.catalogue.channel import Channel, FilePlace, Layout
from partner_orders.catalogue.to_send import Margins, to_send
from partner_orders.platform.sftp import Uploaded
from partner_orders.platform.sftp_failures import (
    ConnectionFailedError,
    FolderMissingError,
    HostKeyChangedError,
    LoginRefusedError,
    SftpError,
    WriteRefusedError,
)
from partner_orders.uploader.catalogue_file import Stock
from partner_orders.uploader.file_names import MOST_ROWS, FileKind
from partner_orders.uploader.run import Asked
from partner_orders.uploader.spool import Spool, Spooled
from partner_orders.uploader.upload_state import LONGEST_PAUSE, Trouble
from tests.support.pusher_world import Deaths
from tests.support.sender_world import KilledError
from tests.support.uploader_world import KEY, OTHER_STORE, STORE, UploaderWorld


def check(world: UploaderWorld) -> None:
    """The platform shows what the chain wants, and nothing waits."""
    for store_id in world.stores:
        settings = world.tables.settings.get(store_id)
        assert settings is not None
        shown = world.platform.shown(store_id)
        for row in world.tables.products.all_of(store_id):
            wanted = to_send(row, settings.margins)
            assert wanted.price in (None, shown[row.sku].price), row
            assert wanted.active in (None, shown[row.sku].active), row
        assert not world.waits(store_id)
    assert world.tables.changes.stores() == []


def test_change_goes_with_the_next_file() -> None:
    """A change goes with the next run, in a file of all products; it is kept, noted as submitted, and forgotten."""
    world = UploaderWorld()
    first, second, *_ = world.skus[STORE]
    world.say(first, price=Decimal("3.55"), active=True, quantity=9)
    world.say(second, active=False)
    report = world.run()
    assert {*world.file().splitlines()} == {"sku,price,active", f"{first},3.55,1", f"{second},,0"}
    check(world)
    [sent] = report.files
    assert (sent.is_sent, sent.is_changed, sent.is_atomic, sent.rows) == (True, True, True, 2)
    [noted] = world.uploads.history(FileKind.CATALOGUE, f"chain_{STORE}", 10)
    assert (noted.submitted.digest, noted.submitted.parts) == (sent.digest, (f"chain_{STORE}.csv",))
    [key] = world.archived()
    content = next(found["Body"] for (name, _), found in world.s3.objects.items() if name == key)
    assert gzip.decompress(content).decode() == world.file()
    assert (key.split("/")[1], noted.submitted.archive) == (f"chain_{STORE}", (key,))


def test_unchanged_file_goes_once_a_day() -> None:
    """Nothing is sent while nothing changes, nor where a change comes to the same; but once a day the file goes."""
    world = UploaderWorld()
    sku = world.skus[STORE][0]
    world.say(sku, price=Decimal(2))
    world.run()
    world.say(sku, price=Decimal("2.00"))
    assert [one.is_sent for one in world.run().files] == [False]
    assert [world.run().files for _ in range(3)] == [[], [], []]
    assert (len(world.server.uploads), world.waits()) == (1, False)
    assert [one.is_sent for one in world.run(minutes=24 * 60).files] == [True]
    assert len(world.server.uploads) == 2


def test_margins_are_in_the_file() -> None:
    """The chain's safety stock is kept back in files, too, in either column."""
    for stock, said in ((Stock.ACTIVE, ("1", "0")), (Stock.QUANTITY, ("88", "0"))):
        world = UploaderWorld(stock=stock)
        world.change_settings(margins=Margins(safety_stock=2))
        many, few, *_ = world.skus[STORE]
        world.say(many, quantity=90)
        world.say(few, quantity=2)
        world.run()
        assert {*world.file().splitlines()[1:]} == {f"{many},,{said[0]}", f"{few},,{said[1]}"}
        check(world)


def test_store_of_api_is_left_alone() -> None:
    """A store that is sent by API, or paused, gets no file, and its changes stay."""
    world = UploaderWorld(STORE, OTHER_STORE)
    world.change_settings(STORE, channel=Channel.API)
    world.change_settings(OTHER_STORE, is_sending=False)
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
        assert world.run().files == []
        assert world.waits(store_id)
    assert world.server.sessions == 0


def test_stores_share_a_file() -> None:
    """Stores with one prefix share a file, in which a row names the stores of which it is true."""
    world = UploaderWorld(STORE, OTHER_STORE, layout=Layout.MANY_VENDORS)
    shared = world.skus[STORE]
    world.platform.stock(OTHER_STORE, [replace(product) for product in world.platform.products(STORE)])
    for sku, price in ((shared[0], Decimal(3)), (shared[1], Decimal(4))):
        world.say(sku, STORE, price=price)
    world.say(shared[0], OTHER_STORE, price=Decimal(3))
    world.say(shared[1], OTHER_STORE, price=Decimal(5))
    world.run()
    assert [*world.server.folders["catalog"]] == ["chain.csv"]
    rows = {*world.file("chain.csv").splitlines()[1:]}
    both, one, other = f'"{STORE},{OTHER_STORE}"', STORE, OTHER_STORE
    assert rows == {f"{shared[0]},3,,{both},", f"{shared[1]},4,,{one},", f"{shared[1]},5,,{other},"}
    check(world)


def test_long_file_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too long goes in numbered parts, which are removed once they are of no use."""
    world = UploaderWorld()
    for sku in world.skus[STORE]:
        world.say(sku, price=Decimal(2))
    monkeypatch.setitem(MOST_ROWS, FileKind.CATALOGUE, 5)
    world.run()
    assert sorted(world.server.folders["catalog"]) == [f"chain1_{STORE}.csv", f"chain2_{STORE}.csv"]
    check(world)
    monkeypatch.setitem(MOST_ROWS, FileKind.CATALOGUE, 50)
    world.say(world.skus[STORE][0], price=Decimal(3))
    world.run()
    assert [*world.server.folders["catalog"]] == [f"chain_{STORE}.csv"]
    check(world)


# -- what fails --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "trouble", "metric"),
    [
        (HostKeyChangedError("another key"), Trouble.HOST_KEY_CHANGED, "SftpHostKeyChanged"),
        (LoginRefusedError("refused"), Trouble.LOGIN_REFUSED, "SftpLoginRefused"),
        (ConnectionFailedError("lost"), Trouble.CONNECTION_FAILED, ""),
    ],
)
def test_trouble_of_the_server_pauses_all(error: SftpError, trouble: Trouble, metric: str) -> None:
    """What is of the server ends the run, is told in each run, and is tried again after longer and longer pauses. Once
    it is over every file goes at once."""
    world = UploaderWorld(STORE, OTHER_STORE)
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    world.server.fails = [error] * 3
    reports = [world.run() for _ in range(7)]
    assert all(report.counts[metric] == 1 for report in reports if metric)
    assert world.server.sessions == 3  # After 5, 10 and 20 minutes; the fourth is due after 40.
    assert world.uploads.server().trouble is trouble
    assert all(world.waits(store_id) for store_id in world.stores)
    assert world.uploads.server().host_key == KEY
    for _ in range(6):
        last = world.run()
    check(world)
    server = world.uploads.server()
    assert (server.trouble, server.failures, server.not_before) == (None, 0, None)
    assert not metric or last.counts[metric] == 0


@pytest.mark.parametrize("error", [FolderMissingError("no folder"), WriteRefusedError("full")])
def test_one_files_trouble_holds_up_no_other(error: SftpError) -> None:
    """A file that cannot be written is noted with the reason, waits longer and longer, and holds up no other."""
    world = UploaderWorld(STORE, OTHER_STORE)
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    world.server.fails = [error, None, error, error]
    report = world.run()
    assert ([*report.problems], len(report.files)) == ([f"chain_{STORE}"], 1)
    state = world.state()
    assert (state.failures, state.problem, state.not_before) == (1, str(error), world.time.now() + timedelta(minutes=5))
    for _ in range(9):
        world.run()
    check(world)
    assert (world.state().failures, world.state().failing_since, world.state().problem) == (0, None, "")


def test_pauses_end_at_two_hours() -> None:
    """However often a file fails, it is tried every two hours, and after one hour it is late."""
    world = UploaderWorld()
    world.say(world.skus[STORE][0], price=Decimal(2))
    world.server.fails = [WriteRefusedError("full")] * 1_000
    late = [world.run().counts["FilesNotUploaded"] for _ in range(26 * 12)]
    assert late[:11] == [0] * 11
    assert late[13:] == [1] * (len(late) - 13)
    state = world.state()
    assert state.not_before is not None
    assert timedelta(0) < state.not_before - world.time.now() <= LONGEST_PAUSE
    assert 15 < world.server.sessions < 25


@pytest.mark.parametrize("is_atomic", [True, False])
def test_half_a_file_is_sent_again(is_atomic: bool) -> None:
    """A connection that is cut within a file leaves a half one where it is not atomic. It is sent again, also where it
    is the same content as before."""
    world = UploaderWorld()
    world.server.is_atomic = is_atomic
    for sku in world.skus[STORE]:
        world.say(sku, price=Decimal(2))
    world.run()
    whole = world.file()
    world.server.cut_after = 30
    report = world.run(Asked(STORE))
    assert report.problems == {f"chain_{STORE}": "cut"}
    assert (world.file() == whole) is is_atomic
    for _ in range(3):
        world.run()
    world.say(world.skus[STORE][0], price=Decimal("2.0"))
    world.run()
    assert world.file() == whole
    check(world)


def test_file_that_a_server_kept_half_of_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of which the server kept a half goes again, though it has the same content as the one before."""
    world = UploaderWorld()
    world.server.is_atomic = False
    world.say(world.skus[STORE][0], price=Decimal(2))
    world.run()
    whole = world.file()

    def upload(folder: str, name: str, _: IO[bytes]) -> Uploaded:
        world.server.folders[folder][name] = whole.encode()[: len(whole) // 2]
        raise WriteRefusedError("a half")

    with monkeypatch.context() as patched:
        patched.setattr(world.server, "upload", upload)
        assert world.run(Asked(STORE)).problems == {f"chain_{STORE}": "a half"}
    world.say(world.skus[STORE][0], price=Decimal("2.0"))
    for _ in range(3):
        world.run()
    assert world.file() == whole


def test_one_file_that_hangs_stops_no_other() -> None:
    """A file at which each session is lost is a problem of its own: the files after it go in the same run, and changes
    of the others each time."""
    world = UploaderWorld(STORE, OTHER_STORE)
    world.server.hangs_at = f"chain_{STORE}.csv"
    for number in range(1, 30):
        for store_id in world.stores:
            world.say(world.skus[store_id][0], store_id, price=Decimal(number))
        world.run()
        assert not world.waits(OTHER_STORE)
    assert (world.state().problem, world.uploads.server().trouble) == ("too slow", None)
    world.server.hangs_at = ""
    world.run(minutes=120)
    check(world)


@pytest.mark.parametrize("place", ["folder", "prefix", "server", "vendor_id"])
def test_another_place_gets_the_file_at_once(place: str) -> None:
    """A file that goes elsewhere from now on is as one that was never sent, whatever failed before."""
    world = UploaderWorld()
    world.server.folders["Catalog"] = {}
    world.say(world.skus[STORE][0], price=Decimal(2))
    world.run()
    world.server.fails = [WriteRefusedError("full")] * 5
    world.run(minutes=24 * 60)
    world.run()
    world.server.fails = []
    match place:
        case "folder":
            world.change_settings(place=FilePlace("chain", "Catalog"))
        case "prefix":
            world.change_settings(place=FilePlace("other"))
        case "vendor_id":
            world.change_settings(place=FilePlace("chain", vendor_id="K-7"))
        case _:
            world.places = replace(world.places, server="user@elsewhere:22")
            world.restart()
    [sent] = world.run().files
    assert (sent.is_sent, sent.is_changed) == (True, True)
    name = {"prefix": f"other_{STORE}.csv", "vendor_id": "chain_K-7.csv"}.get(place, f"chain_{STORE}.csv")
    assert world.server.uploads[-1] == name
    assert [world.run().files for _ in range(3)] == [[], [], []]


def test_store_that_joins_a_shared_file() -> None:
    """A store that comes to a shared file is in it with the next run, by what it is called there."""
    world = UploaderWorld(STORE, OTHER_STORE, layout=Layout.MANY_VENDORS)
    world.change_settings(OTHER_STORE, is_sending=False)
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    world.run()
    world.tables.changes.forget(OTHER_STORE, world.tables.changes.names(OTHER_STORE))
    place = FilePlace("chain", "", Layout.MANY_VENDORS, "K-7")
    world.change_settings(OTHER_STORE, is_sending=True, place=place)
    world.run()
    assert {row.split(",")[3] for row in world.file("chain.csv").splitlines()[1:]} == {STORE, "K-7"}


@pytest.mark.parametrize("changed", [{"is_sending": False}, {"channel": Channel.API}, {"place": FilePlace("x", "y")}])
@pytest.mark.parametrize("moment", ["before", "during"])
def test_pause_within_a_run_takes_effect(changed: dict[str, object], moment: str) -> None:
    """A store that is paused, or sent by API, while a run is at work gets no file any more, and its changes stay."""
    world = UploaderWorld(STORE, OTHER_STORE)
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    if moment == "before":
        upload = world.server.upload

        def first(*arguments: object) -> object:
            for store_id in world.stores:
                if arguments[1] != f"chain_{store_id}.csv":
                    world.change_settings(store_id, **changed)
            return upload(*arguments)  # type: ignore[arg-type]

        world.server.upload = first  # type: ignore[method-assign, assignment]
    else:
        all_of, left = world.tables.products.of_shard, [*world.stores]

        def read(store_id: str, number: int, consistent: bool) -> object:
            if store_id in left:
                left.clear()
                world.change_settings(store_id, **changed)
            return all_of(store_id, number, consistent)

        world.tables.products.of_shard = read  # type: ignore[method-assign, assignment]
        world.restart()
    world.run()
    assert len(world.server.uploads) == 1
    [paused] = [one for one in world.stores if f"chain_{one}.csv" not in world.server.uploads]
    assert world.waits(paused)
    assert world.state(name=f"chain_{paused}").failures == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FilePlace("chain"), FilePlace("chain", vendor_id=STORE)),
        (FilePlace("chain", vendor_id="1"), FilePlace("chain2", vendor_id="1")),
        (FilePlace("chain", vendor_id="1"), FilePlace("chain_1", layout=Layout.MANY_VENDORS)),
    ],
)
def test_no_file_overwrites_another(one: FilePlace, other: FilePlace) -> None:
    """Of two files that could have one name in a folder, even in parts, one goes and the other fails."""
    world = UploaderWorld(STORE, OTHER_STORE)
    for store_id, place in ((STORE, one), (OTHER_STORE, other)):
        world.change_settings(store_id, place=place)
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    report = world.run()
    assert len(world.server.uploads) == 1
    assert ["would overwrite" in text for text in report.problems.values()] == [True]


def test_promotions_do_not_overwrite_the_catalogue() -> None:
    """With one folder for both, the catalogue goes and the promotions fail with the reason."""
    world = UploaderWorld()
    world.places = replace(world.places, promotions="catalog")
    world.restart()
    world.change_settings(is_promoting=True)
    world.say(world.skus[STORE][0], price=Decimal(2))
    world.wish(world.promotion(world.skus[STORE][0]))
    report = world.run()
    assert [one.kind for one in report.files] == [FileKind.CATALOGUE]
    assert "would overwrite" in report.problems[f"chain_{STORE}"]


@pytest.mark.parametrize("error", [LoginRefusedError("no"), ConnectionFailedError("lost"), None])
def test_change_that_waits_for_an_hour_is_late(error: SftpError | None) -> None:
    """Whatever keeps a change from the server, a person hears of it after an hour, not only after a day."""
    world = UploaderWorld()
    world.say(world.skus[STORE][0], price=Decimal(2))
    assert world.run().counts["FilesNotUploaded"] == 0
    assert [world.run().counts["FilesNotUploaded"] for _ in range(24)] == [0] * 24
    if error is None:
        world.uploads.trust("", "", world.time.now())
    world.server.fails = [error] * 100
    world.say(world.skus[STORE][0], price=Decimal(3))
    late = [world.run().counts["FilesNotUploaded"] for _ in range(20)]
    assert (late[:11], late[13:]) == ([0] * 11, [1] * 7)
    world.server.fails = []
    world.uploads.trust(KEY, "anna", world.time.now())
    assert world.run().counts["FilesNotUploaded"] == 0


def test_sending_one_store_counts_all() -> None:
    """A store that is sent by hand does not hide that another one is late."""
    world = UploaderWorld(STORE, OTHER_STORE)
    world.server.hangs_at = f"chain_{OTHER_STORE}.csv"
    for store_id in world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(2))
    for _ in range(20):
        world.run()
    assert world.run(Asked(STORE)).counts["FilesNotUploaded"] == 1


def test_server_that_forbids_removing_gets_files() -> None:
    """Old parts that may not be removed are told of with each file that goes, and the file counts as sent."""
    world = UploaderWorld()
    world.server.keeps_all = True
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(MOST_ROWS, FileKind.CATALOGUE, 5)
        for sku in world.skus[STORE]:
            world.say(sku, price=Decimal(2))
        world.run()
    for price in (3, 4):
        world.say(world.skus[STORE][0], price=Decimal(price))
        [sent] = world.run().files
        assert sent.is_sent
        assert [note.split(":")[0] for note in sent.notes] == [f"chain1_{STORE}.csv", f"chain2_{STORE}.csv"]
        assert not world.waits()
    world.server.keeps_all = False
    world.say(world.skus[STORE][0], price=Decimal(5))
    assert world.run().files[0].notes == ()
    assert [*world.server.folders["catalog"]] == [f"chain_{STORE}.csv"]


def test_parts_of_a_cut_upload_are_removed() -> None:
    """An upload in parts that was cut leaves its first parts; a shorter file afterwards removes them."""
    world = UploaderWorld()
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(MOST_ROWS, FileKind.CATALOGUE, 5)
        for sku in world.skus[STORE]:
            world.say(sku, price=Decimal(2))
        world.server.hangs_at = f"chain2_{STORE}.csv"
        world.run()
    assert [*world.server.folders["catalog"]] == [f"chain1_{STORE}.csv"]
    world.run(minutes=10)
    assert [*world.server.folders["catalog"]] == [f"chain_{STORE}.csv"]


def test_trust_during_a_run_stays() -> None:
    """A run that began before a key was trusted writes no pause over it."""
    world = UploaderWorld()
    world.say(world.skus[STORE][0], price=Decimal(2))
    session = world.server.session

    def with_trust() -> object:
        world.time.sleep(1)
        world.uploads.trust(KEY, "anna", world.time.now())
        world.server.session = session  # type: ignore[method-assign]
        world.restart()
        raise HostKeyChangedError("another key")

    world.server.session = with_trust  # type: ignore[method-assign, assignment]
    world.restart()
    world.run()
    assert (world.uploads.server().trouble, world.uploads.server().not_before) == (None, None)
    world.run()
    check(world)


def test_nobody_trusted_a_key() -> None:
    """Before a key is trusted nothing is sent, also where an operator asks for it, and the run says what to do."""
    world = UploaderWorld()
    world.uploads.trust("", "", world.time.now())
    world.say(world.skus[STORE][0], price=Decimal(2))
    for asked in (None, Asked(STORE)):
        assert "files trust" in world.run(asked).problems.get("server", "")
        assert (world.server.sessions, world.waits()) == (0, True)


def test_dry_run_changes_nothing() -> None:
    """A dry run tells rows and digest, and writes neither a row nor a file, even of a file that is new."""
    world = UploaderWorld()
    world.say(world.skus[STORE][0], price=Decimal(2))
    [file] = world.run(Asked(STORE, is_dry_run=True)).files
    assert (file.rows, file.is_changed, file.is_sent) == (1, True, False)
    assert (world.server.sessions, world.archived(), world.waits()) == (0, [], True)
    assert world.uploads.all() == {}
    [sent] = world.run().files
    assert sent.digest == file.digest


def test_change_during_an_upload_stays() -> None:
    """A change that comes while the file is sent goes with the next one."""
    world = UploaderWorld()
    first, second, *_ = world.skus[STORE]
    world.say(first, price=Decimal(2))
    upload = world.server.upload

    def with_another(*arguments: object) -> object:
        world.say(second, price=Decimal(9))
        return upload(*arguments)  # type: ignore[arg-type]

    world.server.upload = with_another  # type: ignore[method-assign, assignment]
    world.run()
    world.server.upload = upload  # type: ignore[method-assign]
    assert world.waits()
    assert [one.store_id for one in world.tables.changes.stores()] == [STORE]
    world.run()
    check(world)


def test_change_after_the_rows_were_read_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that comes once the rows of a file were read goes with the next file."""
    world = UploaderWorld()
    first, second, *_ = world.skus[STORE]
    world.say(first, price=Decimal(2))
    finished = Spool.finished

    def then_another(spool: Spool) -> Spooled:
        world.say(second, price=Decimal(9))
        return finished(spool)

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "finished", then_another)
        world.run()
    assert world.waits()
    world.run()
    check(world)


@pytest.mark.parametrize("seed", range(12))
def test_any_story_ends_with_the_newest_values(seed: int) -> None:
    """Changes, faults and pauses in any order: at rest the platform shows the newest values of every store."""
    chance = Random(seed)
    layout = chance.choice([*Layout])
    world = UploaderWorld(STORE, OTHER_STORE, layout=layout)
    world.server.is_atomic = chance.random() < 0.5
    faults = [ConnectionFailedError("lost"), LoginRefusedError("no"), WriteRefusedError("full"), None, None]
    for _ in range(25):
        for store_id in world.stores:
            if chance.random() < 0.6:
                price, active = Decimal(chance.randrange(1, 9)), chance.choice([None, True, False])
                world.say(chance.choice(world.skus[store_id]), store_id, price=price, active=active)
        if chance.random() < 0.3:
            world.server.fails = [chance.choice(faults)]
        if chance.random() < 0.2:
            world.server.cut_after = chance.randrange(60)
        if chance.random() < 0.1:
            world.restart()
        world.run(minutes=chance.choice([5, 5, 5, 60]))
    world.server.fails, world.server.cut_after = [], None
    for _ in range(60):
        world.run()
    check(world)


@pytest.mark.parametrize("part", range(4))
def test_any_death_loses_nothing(part: int) -> None:
    """Killed before or after any call of DynamoDB or S3, the function that follows does the rest."""
    moments = 0
    for moment in range(part, 80, 4):
        world, deaths = UploaderWorld(STORE, OTHER_STORE), Deaths()
        world.simulated.stand_between(deaths.pass_by, deaths.pass_by)
        world.s3.before = deaths.pass_by
        for store_id in world.stores:
            world.say(world.skus[store_id][0], store_id, price=Decimal(2))
        world.run()
        for store_id in world.stores:
            world.say(world.skus[store_id][1], store_id, price=Decimal(3), active=False)
        deaths.plan(moment)
        try:
            world.run()
        except KilledError:
            moments += 1
        deaths.plan(None)
        world.restart()
        for _ in range(4):
            world.run()
        check(world)
    assert moments > 10


def test_stale_reads_lose_no_change() -> None:
    """The rows are read consistently: what a change stands for is in the file that lets it be forgotten."""
    world = UploaderWorld()
    consistent = []
    query = world.dynamodb.get_paginator

    def watching(operation: str) -> object:
        paginator = query(operation)
        paginate = paginator.paginate

        def paged(**arguments: object) -> object:
            if f"STORE#{STORE}#" in str(arguments):
                consistent.append(arguments["ConsistentRead"])
            return paginate(**arguments)

        paginator.paginate = paged
        return paginator

    world.dynamodb.get_paginator = watching
    world.say(world.skus[STORE][0], price=Decimal(2))
    world.run()
    assert consistent
    assert all(consistent)
