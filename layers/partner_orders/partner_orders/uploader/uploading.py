"""Sends one file: everything that its stores should have now, archived first, and noted as submitted afterwards.

Only then are the changes forgotten that it stands for, those that were there before its rows were read (rule W1).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import IO, Protocol

from partner_orders.catalogue.changes import ChangesTable, WakeUp
from partner_orders.clock import Clock
from partner_orders.platform.sftp import Uploaded
from partner_orders.platform.sftp_failures import ConnectionFailedError, UploadCutError, WriteRefusedError
from partner_orders.uploader.archive import Archive
from partner_orders.uploader.contents import Contents, Prepared
from partner_orders.uploader.file_names import MOST_ROWS, FileKind
from partner_orders.uploader.spool import Spool, Spooled
from partner_orders.uploader.targets import Target
from partner_orders.uploader.upload_state import Submitted, UploadState, attempted, succeeded, unsure
from partner_orders.uploader.uploads_table import UploadsTable


class Session(Protocol):
    """What is asked of the server (partner_orders.platform.sftp)."""

    def upload(self, folder: str, name: str, content: IO[bytes]) -> Uploaded: ...

    def remove(self, folder: str, name: str) -> None: ...


class NotWantedError(RuntimeError):
    """The file is not to be sent any more: its store was paused, or is sent in another way."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file. ``is_sent``: it was submitted. ``is_changed``: its content is another one than the last
    that was submitted. ``notes``: what could not be put into it, and what could not be removed."""

    kind: FileKind
    name: str
    rows: int
    size: int
    digest: str
    is_changed: bool
    is_sent: bool = False
    is_atomic: bool = False
    notes: tuple[str, ...] = ()


class Uploader:
    """``connect``: a session with the server. ``is_wanted``: whether a file is still to be sent, read anew."""

    def __init__(
        self,
        changes: ChangesTable,
        uploads: UploadsTable,
        contents: Mapping[FileKind, Contents],
        archive: Archive,
        connect: Callable[[], AbstractContextManager[Session]],
        clock: Clock,
        is_wanted: Callable[[Target], bool],
    ) -> None:
        self._changes = changes
        self._uploads = uploads
        self._contents = contents
        self._archive = archive
        self._connect = connect
        self._clock = clock
        self._is_wanted = is_wanted

    def previewed(self, target: Target, state: UploadState) -> FileReport:
        """What would be sent now; nothing is written anywhere. Raises botocore's errors, and OSError."""
        prepared = self._contents[target.kind].prepare(target, is_dry_run=True)
        with Spool(prepared.columns, MOST_ROWS[target.kind]) as spool:
            return _report(target, state, _spooled(spool, prepared), prepared)

    def serve(
        self, target: Target, state: UploadState, wake_ups: Mapping[str, WakeUp], is_forced: bool = False
    ) -> FileReport:
        """Send a file, unless the same was sent within a day. ``wake_ups`` are those of its stores, as they were read
        before. Raises NotWantedError, SftpError, UnsafeNameError, botocore's errors, and OSError where the disk is
        full."""
        self._require_wanted(target)
        attempt = attempted(state, self._clock())
        self._uploads.write(attempt)
        changes = self._waiting(target)
        wanted = self._contents[target.kind].wanted(target)
        prepared = self._contents[target.kind].prepare(target)
        with Spool(prepared.columns, MOST_ROWS[target.kind]) as spool:
            spooled = _spooled(spool, prepared)
            report = _report(target, state, spooled, prepared)
            is_due = report.is_changed or is_forced or state.is_old(self._clock())
            if not spooled.rows:
                self._uploads.write(self._emptied(attempt, wanted))
            elif is_due:
                report = self._send(target, attempt, wanted, prepared, spooled, report)
            else:
                # What is new may say what the last file said already, such as a second promotion with the same rows.
                prepared.keep()
                self._uploads.write(succeeded(attempt, state.last, wanted))
                prepared.sent()
        self._forget(changes, wake_ups)
        return report

    def _send(
        self,
        target: Target,
        attempt: UploadState,
        wanted: str,
        prepared: Prepared,
        spooled: Spooled,
        report: FileReport,
    ) -> FileReport:
        names = target.names(len(spooled.parts))
        prepared.keep()
        at = self._clock()
        archive = self._archive.keep(target.kind, target.name, spooled.parts, spooled.digest, at)
        self._require_wanted(target)
        self._uploads.write(unsure(attempt, names))
        with self._connect() as session, _cut():
            uploads = [
                session.upload(target.folder, name, part) for name, part in zip(names, spooled.parts, strict=True)
            ]
            # Parts of a longer file before would bring back older values.
            gone = [name for name in attempt.parts() if name not in names]
            left = tuple(name for name in gone if not _is_removed(session, target.folder, name))
        is_atomic = all(one.is_atomic for one in uploads)
        last = Submitted(at, spooled.digest, spooled.rows, spooled.size, tuple(names), tuple(archive), is_atomic)
        after = replace(succeeded(attempt, last, wanted), leftover=left)
        self._uploads.write(after)
        self._uploads.note_sent(after)
        prepared.sent()
        notes = (*report.notes, *(f"{name}: it is old, and the server does not let it be removed" for name in left))
        return replace(report, is_sent=True, is_atomic=is_atomic, notes=notes)

    def _emptied(self, attempt: UploadState, wanted: str) -> UploadState:
        return replace(succeeded(attempt, None, wanted), due_since=self._clock(), leftover=attempt.parts())

    def _require_wanted(self, target: Target) -> None:
        if not self._is_wanted(target):
            raise NotWantedError(target.name)

    def _waiting(self, target: Target) -> dict[str, list[str]]:
        """The changes of the catalogue that the file stands for, before its rows are read."""
        if target.kind is not FileKind.CATALOGUE:
            return {}
        return {store_id: self._changes.names(store_id) for store_id in target.stores}

    def _forget(self, changes: Mapping[str, list[str]], wake_ups: Mapping[str, WakeUp]) -> None:
        for store_id, names in changes.items():
            self._changes.forget(store_id, names)
            if store_id in wake_ups:
                # What came since has given it another token, and stays.
                self._changes.served(wake_ups[store_id], None)


@contextmanager
def _cut() -> Iterator[None]:
    """The server had let us in: what fails from then on may be of this file alone, such as one that is too long for
    the time of a session."""
    try:
        yield
    except ConnectionFailedError as error:
        raise UploadCutError(str(error)) from None


def _is_removed(session: Session, folder: str, name: str) -> bool:
    try:
        session.remove(folder, name)
    except WriteRefusedError:
        return False
    return True


def _spooled(spool: Spool, prepared: Prepared) -> Spooled:
    for cells in prepared.rows:
        spool.add(cells)
    return spool.finished()


def _report(target: Target, state: UploadState, spooled: Spooled, prepared: Prepared) -> FileReport:
    is_changed = not state.is_same(spooled.digest)
    notes = tuple(prepared.notes)
    return FileReport(target.kind, target.name, spooled.rows, spooled.size, spooled.digest, is_changed, notes=notes)
