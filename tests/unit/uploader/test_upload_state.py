"""When a file goes, waits and is for a person, at the exact times."""

from dataclasses import replace
from datetime import timedelta

import pytest

from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.upload_state import (
    ServerState,
    Submitted,
    Trouble,
    UploadState,
    attempted,
    failed,
    moved,
    pause_after,
    put_off,
    succeeded,
    unsure,
)
from tests.support.fixed_clock import NOW

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
NEW = UploadState(FileKind.CATALOGUE, "shop_s0", NOW)
LAST = Submitted(NOW, "digest", 3, 99, ("a.csv", "b.csv"), ("archive/a",), True)
SENT = succeeded(NEW, LAST, "wanted")


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 120), (7, 120), (5_000, 120)]
)
def test_pauses_grow(failures: int, minutes: int) -> None:
    """After a failure the file waits five minutes, twice as long after each further one, and two hours at most."""
    assert pause_after(failures) == minutes * MINUTE


def test_file_is_sent_once_a_day() -> None:
    """A file that was never sent goes, and an unchanged one a day after the last time."""
    assert NEW.is_old(NOW)
    assert not SENT.is_old(NOW + DAY - SECOND)
    assert SENT.is_old(NOW + DAY)
    assert (SENT.is_same("digest"), SENT.is_same("other"), NEW.is_same("digest")) == (True, False, False)


def test_late_file() -> None:
    """A file is late an hour after it should have gone first, 25 hours after the last time, or after an hour of
    failures."""
    assert not NEW.is_late(NOW + HOUR - SECOND)
    assert NEW.is_late(NOW + HOUR)
    assert not SENT.is_late(NOW + 25 * HOUR - SECOND)
    assert SENT.is_late(NOW + 25 * HOUR)
    failing = replace(SENT, failing_since=NOW)
    assert not failing.is_late(NOW + HOUR - SECOND)
    assert failing.is_late(NOW + HOUR)


def test_changes_that_wait() -> None:
    """A change waits too long after an hour, counted from the last file that had it."""
    assert not NEW.has_waited(NOW, NOW + HOUR - SECOND)
    assert NEW.has_waited(NOW, NOW + HOUR)
    assert not SENT.has_waited(NOW - HOUR, NOW + HOUR - SECOND)
    assert SENT.has_waited(NOW - HOUR, NOW + HOUR)
    assert not SENT.has_waited(NOW + MINUTE, NOW + HOUR)


def test_attempt_counts_as_failed() -> None:
    """An attempt is noted as failed before it begins, and what failed keeps its first time and its words."""
    state = attempted(NEW, NOW)
    assert (state.failures, state.failing_since, state.not_before) == (1, NOW, NOW + 5 * MINUTE)
    assert state.problem == "the uploader did not come to its end"
    assert (state.may_try(NOW + 5 * MINUTE - SECOND), state.may_try(NOW + 5 * MINUTE)) == (False, True)
    assert NEW.may_try(NOW)
    assert (NEW.wanted, NEW.where, NEW.problem) == ("", "", "")
    again = attempted(failed(state, "disk full"), NOW + HOUR)
    assert (again.failures, again.failing_since, again.problem) == (2, NOW, "disk full")
    done = succeeded(again, LAST, "wanted")
    assert done == SENT
    assert (succeeded(again, LAST).wanted, done.last) == ("", LAST)


def test_file_that_goes_elsewhere() -> None:
    """A file that moves begins anew, and knows the names that may be left there."""
    state = replace(SENT, leftover=("b.csv", "c.csv"), failures=3, failing_since=NOW)
    assert state.parts() == ("a.csv", "b.csv", "c.csv")
    assert NEW.parts() == ()
    assert moved(state, "there", NOW + HOUR) == UploadState(
        FileKind.CATALOGUE,
        "shop_s0",
        NOW + HOUR,
        failing_since=NOW,
        where="there",
        leftover=("a.csv", "b.csv", "c.csv"),
    )


def test_upload_that_is_cut_off() -> None:
    """Right before an upload the last content counts no longer, and its names may be left."""
    state = unsure(replace(SENT, leftover=("x.csv",)), ["x.csv", "y.csv"])
    assert (state.last, state.leftover) == (replace(LAST, digest=""), ("x.csv", "y.csv"))
    assert unsure(NEW, ["y.csv"]).last is None
    before = replace(SENT, failures=2, problem="old")
    assert put_off(before, state) == replace(before, last=state.last, leftover=state.leftover)


def test_server() -> None:
    """The server may be tried after its pause, has failed long after an hour, and keeps its key once it is well."""
    server = ServerState("key", NOW, "ops", Trouble.LOGIN_REFUSED, 3, "no", NOW + MINUTE, NOW)
    assert (server.may_try(NOW + MINUTE - SECOND), server.may_try(NOW + MINUTE)) == (False, True)
    assert (server.has_failed_long(NOW + HOUR - SECOND), server.has_failed_long(NOW + HOUR)) == (False, True)
    assert [*Trouble] == ["not_trusted", "host_key_changed", "login_refused", "connection_failed"]
    assert ServerState() == ServerState("", None, "", None, 0, "", None, None)
    assert not ServerState().has_failed_long(NOW)
    assert ServerState().may_try(NOW)
    assert server.well() == ServerState("key", NOW, "ops")
