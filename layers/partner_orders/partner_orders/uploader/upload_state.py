"""What is known of a file that is sent again and again. What was sent stays *submitted*: nothing reads it back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from partner_orders.uploader.file_names import FileKind

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=2)
# An unchanged file goes once in so long, so that one which the platform lost is there again.
SENT_AGAIN_AFTER = timedelta(days=1)
# A file that should go and did not for so long is for a person.
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
    with the first one's time, and the words for the last; ``not_before``: when to try again."""

    kind: FileKind
    name: str
    due_since: datetime
    last: Submitted | None = None
    wanted: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    problem: str = ""
    not_before: datetime | None = None

    def may_try(self, now: datetime) -> bool:
        return self.not_before is None or now >= self.not_before

    def is_old(self, now: datetime) -> bool:
        """Whether the file goes once more, changed or not."""
        return self.last is None or now - self.last.at >= SENT_AGAIN_AFTER

    def is_late(self, now: datetime) -> bool:
        return now - (self.due_since if self.last is None else self.last.at) >= NOT_UPLOADED_AFTER

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


def succeeded(state: UploadState, last: Submitted | None, wanted: str = "") -> UploadState:
    """After the file was sent, or where it need not go again."""
    return replace(state, last=last, wanted=wanted, failures=0, failing_since=None, problem="", not_before=None)


def unsure(state: UploadState) -> UploadState:
    """Right before the file is sent: where that is cut off, what was sent last may be there no more."""
    return state if state.last is None else replace(state, last=replace(state.last, digest=""))


def put_off(before: UploadState, now_stored: UploadState) -> UploadState:
    """Where something failed that is not this file's fault: it goes as soon as that is over."""
    return replace(before, last=now_stored.last)


class Trouble(StrEnum):
    """Why no file reaches the server."""

    NOT_TRUSTED = "not_trusted"
    HOST_KEY_CHANGED = "host_key_changed"
    LOGIN_REFUSED = "login_refused"
    CONNECTION_FAILED = "connection_failed"


@dataclass(frozen=True, slots=True)
class ServerState:
    """The SFTP server as a whole. ``host_key`` is the trusted one, as a line of OpenSSH; empty before anybody trusted
    one. ``trouble``, ``failures``, ``problem`` and ``not_before`` are of connections and logins."""

    host_key: str = ""
    trusted_at: datetime | None = None
    trusted_by: str = ""
    trouble: Trouble | None = None
    failures: int = 0
    problem: str = ""
    not_before: datetime | None = None

    def may_try(self, now: datetime) -> bool:
        return self.not_before is None or now >= self.not_before
