"""What is known of a file that is sent again and again. What was sent stays *submitted*: nothing reads it back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from partner_orders.uploader.file_names import FileKind

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=2)
# An unchanged file goes once in so long, so that one which the platform lost is there again.
SENT_AGAIN_AFTER = timedelta(days=1)
# A file that should go and did not for so long is for a person: one that fails or has changes, and any other.
WAITED_TOO_LONG = timedelta(hours=1)
NOT_UPLOADED_AFTER = timedelta(hours=25)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row, at least one."""
    doubled: int = 2 ** min(failures - 1, 10)
    return min(LONGEST_PAUSE, FIRST_PAUSE * doubled)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was sent last. ``digest``: of the whole content. ``parts``: the names under which it was sent.
    ``archive``: where it is kept in the bucket, a key for each part. ``is_atomic``: nobody could see a part of it."""

    at: datetime
    digest: str
    rows: int
    size: int
    parts: tuple[str, ...]
    archive: tuple[str, ...]
    is_atomic: bool


@dataclass(frozen=True, slots=True)
class UploadState:
    """``due_since``: since when the file should have gone for the first time. ``last``: what was sent last.
    ``wanted``: what the last content was made of, where that is known by less than the content. ``failures``: in a row,
    with the first one's time, and the words for the last; ``not_before``: when to try again. ``where``: a digest of
    where the file goes (Target.where). ``leftover``: names of parts that may be in the folder beside those of
    ``last``."""

    kind: FileKind
    name: str
    due_since: datetime
    last: Submitted | None = None
    wanted: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    problem: str = ""
    not_before: datetime | None = None
    where: str = ""
    leftover: tuple[str, ...] = ()

    def may_try(self, now: datetime) -> bool:
        return self.not_before is None or now >= self.not_before

    def is_old(self, now: datetime) -> bool:
        """Whether the file goes once more, changed or not."""
        return self.last is None or now - self.last.at >= SENT_AGAIN_AFTER

    def is_late(self, now: datetime) -> bool:
        if self.failing_since is not None and now - self.failing_since >= WAITED_TOO_LONG:
            return True
        if self.last is None:
            return now - self.due_since >= WAITED_TOO_LONG
        return now - self.last.at >= NOT_UPLOADED_AFTER

    def has_waited(self, since: datetime, now: datetime) -> bool:
        """Whether what waits since then waits too long. What was sent in between has it, or nearly all of it."""
        return now - (since if self.last is None else max(since, self.last.at)) >= WAITED_TOO_LONG

    def parts(self) -> tuple[str, ...]:
        """The names of all parts that may be in the folder."""
        return tuple(dict.fromkeys((*(self.last.parts if self.last else ()), *self.leftover)))

    def is_same(self, digest: str) -> bool:
        return self.last is not None and self.last.digest == digest


def attempted(state: UploadState, now: datetime) -> UploadState:
    """Before anything that could kill us: as if it had failed."""
    failures = state.failures + 1
    return replace(
        state,
        failures=failures,
        failing_since=state.failing_since or now,
        not_before=now + pause_after(failures),
        problem=state.problem or "the uploader did not come to its end",
    )


def failed(state: UploadState, problem: str) -> UploadState:
    """After an attempt that failed; the attempt counted it."""
    return replace(state, problem=problem)


def moved(state: UploadState, where: str, now: datetime) -> UploadState:
    """A file that goes elsewhere from now on, or is about other stores: as if it had never been sent."""
    failing_since, leftover = state.failing_since, state.parts()
    return UploadState(state.kind, state.name, now, failing_since=failing_since, where=where, leftover=leftover)


def succeeded(state: UploadState, last: Submitted | None, wanted: str = "") -> UploadState:
    """After the file was sent, or where it need not go again."""
    return replace(state, last=last, wanted=wanted, failures=0, failing_since=None, problem="", not_before=None)


def unsure(state: UploadState, names: Iterable[str]) -> UploadState:
    """Right before the file is sent under these names: where that is cut off, what was sent last may no longer be
    there, and some of its parts may be."""
    leftover = tuple(dict.fromkeys((*state.leftover, *names)))
    return replace(state, last=None if state.last is None else replace(state.last, digest=""), leftover=leftover)


def put_off(before: UploadState, now_stored: UploadState) -> UploadState:
    """Where something failed that is not this file's fault: it goes as soon as that is over."""
    return replace(before, last=now_stored.last, leftover=now_stored.leftover)


class Trouble(StrEnum):
    """Why no file reaches the server."""

    NOT_TRUSTED = "not_trusted"
    HOST_KEY_CHANGED = "host_key_changed"
    LOGIN_REFUSED = "login_refused"
    CONNECTION_FAILED = "connection_failed"


@dataclass(frozen=True, slots=True)
class ServerState:
    """The SFTP server as a whole. ``host_key`` is the trusted one, as a line of OpenSSH; empty before anybody trusted
    one. ``trouble``, ``failures``, ``problem``, ``not_before`` and ``failing_since`` are of connections and logins."""

    host_key: str = ""
    trusted_at: datetime | None = None
    trusted_by: str = ""
    trouble: Trouble | None = None
    failures: int = 0
    problem: str = ""
    not_before: datetime | None = None
    failing_since: datetime | None = None

    def may_try(self, now: datetime) -> bool:
        return self.not_before is None or now >= self.not_before

    def has_failed_long(self, now: datetime) -> bool:
        return self.failing_since is not None and now - self.failing_since >= WAITED_TOO_LONG

    def well(self) -> "ServerState":
        """The same server once a connection went well, or somebody mended what was wrong."""
        return ServerState(self.host_key, self.trusted_at, self.trusted_by)
