"""What a run of the uploader counts and reports, and what becomes of a file that fails."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.platform.sftp_failures import (
    ConnectionFailedError,
    HostKeyChangedError,
    UnsafeNameError,
    WriteRefusedError,
)
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.run import Asked
from partner_orders.uploader.upload_state import Trouble, UploadState
from tests.support.uploader_world import OTHER_STORE, PREFIX, STORE, UploaderWorld


def say(world: UploaderWorld, *store_ids: str, price: str = "2.00") -> None:
    """A new price in each store."""
    for store_id in store_ids or world.stores:
        world.say(world.skus[store_id][0], store_id, price=Decimal(price), active=True)


def counts(world: UploaderWorld, **given: Any) -> dict[str, int]:
    """What a run counted, but what is not so."""
    return {name: number for name, number in world.run(**given).counts.items() if number}


def failing(error: Exception) -> Any:
    def serve(*_: object) -> None:
        raise error

    return serve


def test_files_are_counted() -> None:
    """How many files went, with how many rows, and how many had nothing new; and what alarms look at, as none."""
    world = UploaderWorld(STORE, OTHER_STORE)
    say(world)
    world.say(world.skus[STORE][1], price=Decimal(3))
    report = world.run()
    names = ("FilesNotUploaded", "SftpHostKeyChanged", "SftpLoginRefused")
    assert report.counts == {"FilesUploaded": 2, "FileRows": 3} | dict.fromkeys(names, 0)
    assert {*names} <= {*report.counts}
    say(world)
    assert counts(world) == {"FilesUnchanged": 2}
    assert counts(world) == {}


def test_failed_files_are_counted() -> None:
    """Each file that fails is one, under its name, and the run goes on with the others."""
    world = UploaderWorld(STORE, OTHER_STORE, "s3")
    say(world)
    serve, broken = world.worker._uploader.serve, (f"{PREFIX}_{STORE}", f"{PREFIX}_s3")

    def some(target: Any, *given: Any) -> Any:
        if target.name in broken:
            raise WriteRefusedError("no room")
        return serve(target, *given)

    world.worker._uploader.serve = some  # type: ignore[assignment,method-assign]
    report = world.run()
    assert (report.counts["FilesFailed"], report.counts["FilesUploaded"]) == (2, 1)
    assert report.problems == dict.fromkeys(broken, "no room")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("no space left"), "no space left"),
        (OSError(), "OSError"),
        (UnsafeNameError("a name with a slash"), "a name with a slash"),
        (ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"), "PutObject: SlowDown"),
        (KeyError("what nobody is to see"), "KeyError"),
    ],
)
def test_words_of_what_failed(error: Exception, words: str) -> None:
    """A file that cannot be made, or kept, is noted with the reason, and waits. What may hold more than is to be seen
    is named by its kind."""
    world = UploaderWorld()
    say(world)
    world.worker._uploader.serve = failing(error)  # type: ignore[method-assign]
    report = world.run()
    assert (report.problems, report.counts["FilesFailed"]) == ({f"{PREFIX}_{STORE}": words}, 1)
    assert world.state().problem == words
    assert world.waits()


@pytest.mark.parametrize(
    ("error", "metric"), [(HostKeyChangedError("another key"), "SftpHostKeyChanged"), (ConnectionFailedError("no"), "")]
)
def test_trouble_of_the_server_is_noted(error: Exception, metric: str) -> None:
    """The words and the time of the first failure stay until a connection goes well, and each attempt is a failure."""
    world = UploaderWorld()
    say(world)
    world.server.fails = [error, error]
    assert counts(world) == {"FilesFailed": 1} | ({metric: 1} if metric else {})
    first = world.uploads.server()
    assert (first.failures, first.problem, first.failing_since) == (1, str(error), world.time.now())
    report = world.run(minutes=1)
    assert (report.problems, report.counts["FilesFailed"]) == ({"server": str(error)}, 0)
    world.run(minutes=20)
    again = world.uploads.server()
    assert (again.failures, again.failing_since) == (2, first.failing_since)
    world.run(minutes=60)
    well = world.uploads.server()
    assert (well.trouble, well.failures, well.problem, well.failing_since) == (None, 0, "", None)
    assert world.server.uploads == [f"{PREFIX}_{STORE}.csv"]


def test_late_files_are_counted_while_the_server_is_down() -> None:
    """Only the files that should go are late, not those of which nothing is to be sent."""
    world = UploaderWorld(STORE, OTHER_STORE)
    say(world)
    world.run()
    say(world, STORE, price="3.00")
    world.server.fails = [ConnectionFailedError("no")] * 20
    for _ in range(13):
        report = world.run()
    assert report.counts["FilesNotUploaded"] == 1


def test_promotion_file_that_never_had_anything_is_not_late() -> None:
    """Where no promotion was ever made, no file of promotions is late; once one failed, or went, it may be."""
    world = UploaderWorld()
    world.change_settings(is_promoting=True)
    say(world)
    for _ in range(3):
        report = world.run(minutes=25 * 60)
        assert report.counts["FilesNotUploaded"] == 0
    world.wish(world.promotion(world.skus[STORE][0]))
    world.server.upload = failing(WriteRefusedError("no room"))  # type: ignore[method-assign]
    world.run()
    assert world.run(minutes=61).counts["FilesNotUploaded"] == 1


def test_file_that_waits_longest_goes_first() -> None:
    """Of two files that are due the one goes first whose changes wait for longer."""
    world = UploaderWorld(STORE, OTHER_STORE)
    say(world, OTHER_STORE)
    world.time.sleep(60)
    say(world, STORE)
    world.run()
    assert world.server.uploads == [f"{PREFIX}_{OTHER_STORE}.csv", f"{PREFIX}_{STORE}.csv"]


def test_nothing_begins_when_the_time_is_over() -> None:
    """A file that may not begin any more goes with the next run, and nothing failed."""
    world = UploaderWorld(STORE, OTHER_STORE)
    say(world)
    world.time.sleep(300)
    left = [True]
    report = world.worker.run(lambda: bool(left and left.pop()))
    assert (report.counts["FilesUploaded"], report.counts["FilesFailed"], world.server.sessions) == (1, 0, 1)
    assert counts(world)["FilesUploaded"] == 1


def test_file_that_would_overwrite_another_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said which one it would overwrite and where, and it is tried again after longer and longer pauses."""
    world = UploaderWorld()
    world.change_settings(is_promoting=True)
    world.places = replace(world.places, promotions="catalog")
    world.restart()
    say(world)
    world.wish(world.promotion(world.skus[STORE][0]))
    report = world.run()
    [problem] = report.problems.values()
    assert problem == f"it would overwrite the file of catalogue {PREFIX}_{STORE} in the folder catalog"
    state = world.state(FileKind.PROMOTIONS)
    assert (state.failures, state.problem) == (1, problem)
    assert state.not_before is not None
    assert state.not_before > world.time.now()


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_only_the_files_of_the_store_that_is_asked_for(is_dry_run: bool) -> None:
    """Asked for one store, a run sends, or shows, its file alone, whatever was sent before."""
    world = UploaderWorld(STORE, OTHER_STORE)
    say(world)
    world.run()
    world.server.uploads.clear()
    say(world, OTHER_STORE, price="3.00")
    report = world.run(Asked(STORE, is_dry_run))
    assert [(one.name, one.is_sent) for one in report.files] == [(f"{PREFIX}_{STORE}", not is_dry_run)]
    assert world.server.uploads == [] if is_dry_run else [f"{PREFIX}_{STORE}.csv"]


def test_preview_of_a_promotion_keeps_no_row() -> None:
    """A preview writes nothing: neither the rows of a promotion nor the state of a file."""
    world = UploaderWorld()
    world.change_settings(is_promoting=True)
    world.wish(world.promotion(world.skus[STORE][0]))
    before = world.dynamodb.scan(TableName=world.table_name)["Items"]
    objects = {*world.s3.objects}
    report = world.run(Asked(STORE, is_dry_run=True))
    assert [one.rows for one in report.files if one.kind is FileKind.PROMOTIONS] == [1]
    assert world.dynamodb.scan(TableName=world.table_name)["Items"] == before
    assert {*world.s3.objects} == objects


# -- what is stored ----------------------------------------------------------------------------------------------------


def test_state_of_a_file_is_stored_whole() -> None:
    """All that is known of a file is there again when it is read, by its kind and name, and in the list of all."""
    world = UploaderWorld()
    say(world)
    world.run()
    now = world.time.now()
    sent = world.state().last
    assert sent is not None
    assert (sent.rows, sent.is_atomic, sent.at) == (1, True, now)
    state = UploadState(
        FileKind.PROMOTIONS, "a#b", now, sent, "w", 3, now - timedelta(hours=1), "no room", now, "x", ("p",)
    )
    world.uploads.write(state)
    assert world.uploads.get(FileKind.PROMOTIONS, "a#b") == state
    assert world.uploads.all()[FileKind.PROMOTIONS, "a#b"] == state
    assert world.uploads.get(FileKind.PROMOTIONS, "another") is None
    new = UploadState(FileKind.PROMOTIONS, "new", now)
    world.uploads.write(new)
    assert world.uploads.get(FileKind.PROMOTIONS, "new") == new


def test_state_of_the_server_is_stored_whole() -> None:
    """All that is known of the server is there again, but not where another key was trusted meanwhile. Trust begins
    anew."""
    world = UploaderWorld()
    trusted, now = world.uploads.server(), world.time.now()
    assert (trusted.trusted_by, trusted.trusted_at, trusted.trouble) == ("anna", now, None)
    bad = replace(trusted, trouble=Trouble.LOGIN_REFUSED, failures=2, problem="no", not_before=now, failing_since=now)
    world.uploads.note_server(bad)
    assert world.uploads.server() == bad
    world.time.sleep(1)
    world.uploads.trust("another key", "ben", world.time.now())
    fresh = world.uploads.server()
    assert fresh == replace(trusted, host_key="another key", trusted_by="ben", trusted_at=world.time.now())
    world.uploads.note_server(bad)
    assert world.uploads.server() == fresh
    world.uploads.note_server(replace(fresh, trouble=Trouble.LOGIN_REFUSED))
    assert world.uploads.server().trouble is Trouble.LOGIN_REFUSED


def test_what_was_sent_is_kept_for_ninety_days() -> None:
    """The history has each file that went, the newest first, for as long as the files themselves are kept."""
    world = UploaderWorld()
    for price in ("2.00", "3.00", "4.00"):
        say(world, price=price)
        world.run()
    sent = [*world.uploads.history(FileKind.CATALOGUE, f"{PREFIX}_{STORE}", 2)]
    last = world.state().last
    assert last is not None
    assert (len(sent), sent[0].submitted) == (2, last)
    assert sent[0].submitted.at > sent[1].submitted.at
    rows = world.dynamodb.scan(TableName=world.table_name)["Items"]
    expiring = [int(row["expires_at"]["N"]) for row in rows if "digest" in row and "expires_at" in row]
    assert max(expiring) == int((last.at + timedelta(days=90)).timestamp())
