"""A run of the uploader, each five minutes: the files that changed, and those that are older than a day.

A file that fails holds up no other, and is tried again after longer and longer pauses. A problem with the server
itself, such as a refused login, ends the run and pauses all files: a user whose login fails again and again may be
locked.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from partner_orders.aws.error_codes import code_of
from partner_orders.catalogue.changes import ChangesTable, WakeUp
from partner_orders.catalogue.channel import FilePlace
from partner_orders.catalogue.store_settings import KnownSettings
from partner_orders.clock import Clock
from partner_orders.platform.sftp_failures import (
    HostKeyChangedError,
    LoginRefusedError,
    SftpError,
    UnsafeNameError,
)
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.targets import Folders, Target, overwriting, targets
from partner_orders.uploader.upload_state import (
    ServerState,
    Trouble,
    UploadState,
    attempted,
    failed,
    moved,
    pause_after,
    put_off,
)
from partner_orders.uploader.uploading import FileReport, NotWantedError, Uploader
from partner_orders.uploader.uploads_table import UploadsTable

NOT_TRUSTED = "nobody has trusted the server's key yet: partner-orders files trust"
_METRICS = {Trouble.HOST_KEY_CHANGED: "SftpHostKeyChanged", Trouble.LOGIN_REFUSED: "SftpLoginRefused"}


class Promotions(Protocol):
    """The promotions of a run (partner_orders.uploader.contents)."""

    def read(self) -> None: ...

    def rows_waiting(self) -> Mapping[str, FilePlace]: ...

    def settle(self, found: Sequence[Target], digests: Mapping[str, str]) -> None: ...


class Wanted(Protocol):
    """What a file would be made of now (partner_orders.uploader.contents)."""

    def wanted(self, target: Target) -> str: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator asks for: the files of a store, sent now whatever was sent before, or only shown."""

    store_id: str
    is_dry_run: bool = False


@dataclass
class Report:
    """What a run did. ``counts`` go by the names of metrics. ``problems``: why files were not sent, by name; the server
    as a whole has the name ``server``."""

    files: list[FileReport] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)


class UploaderRun:
    def __init__(
        self,
        settings: KnownSettings,
        promotions: Promotions,
        changes: ChangesTable,
        uploads: UploadsTable,
        contents: Mapping[FileKind, Wanted],
        uploader: Uploader,
        folders: Folders,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._promotions = promotions
        self._changes = changes
        self._uploads = uploads
        self._contents = contents
        self._uploader = uploader
        self._folders = folders
        self._clock = clock

    def run(self, may_start: Callable[[], bool], asked: Asked | None = None) -> Report:
        """Do what there is to do. ``may_start`` tells whether a file may still begin. Raises botocore's errors for what
        is of no single file."""
        report = Report()
        self._promotions.read()
        found = targets(self._settings.read_all()[0], self._folders, self._promotions.rows_waiting())
        named = found if asked is None else [one for one in found if asked.store_id in one.stores]
        is_dry_run = asked is not None and asked.is_dry_run
        states = self._states(named if is_dry_run else found, is_dry_run)
        if is_dry_run:
            report.files = [self._uploader.previewed(one, states[one.kind, one.name]) for one in named]
            return report
        wake_ups = {one.store_id: one for one in self._changes.stores()}
        server = self._uploads.server()
        due = self._due(found, states, wake_ups)
        going = due if asked is None else named
        if going and self._may_connect(report, server, is_asked=asked is not None):
            wrong = overwriting(found)
            going = [one for one in going if not self._overwrites(report, states[one.kind, one.name], wrong.get(one))]
            server = self._send(report, going, states, wake_ups, server, may_start, is_forced=asked is not None)
        self._settle(found)
        self._count(report, found, due, server)
        return report

    def _settle(self, found: Sequence[Target]) -> None:
        """Note what of the promotions was submitted, now or before a crash."""
        states = self._uploads.all()
        digests = {name: state.wanted for (kind, name), state in states.items() if kind is FileKind.PROMOTIONS}
        self._promotions.settle(found, digests)

    def _states(self, found: Sequence[Target], is_dry_run: bool) -> dict[tuple[FileKind, str], UploadState]:
        """The state of each file; one that is new, or goes elsewhere, is due from now on."""
        states = self._uploads.all()
        for one in found:
            state = states.get((one.kind, one.name))
            if state is None:
                state = UploadState(one.kind, one.name, self._clock(), where=one.where)
            elif state.where != one.where:
                state = moved(state, one.where, self._clock())
            else:
                continue
            states[one.kind, one.name] = state
            if not is_dry_run:
                self._uploads.write(state)
        return states

    def _overwrites(self, report: Report, state: UploadState, other: Target | None) -> bool:
        if other is None:
            return False
        self._uploads.write(attempted(state, self._clock()))
        problem = f"it would overwrite the file of {other.kind.value} {other.name} in the folder {other.folder}"
        self._note_failed(report, state, problem)
        return True

    def _due(
        self,
        found: Sequence[Target],
        states: Mapping[tuple[FileKind, str], UploadState],
        wake_ups: Mapping[str, WakeUp],
    ) -> list[Target]:
        """The files that are to go now, the one that waits longest first."""
        now, due = self._clock(), list[tuple[datetime, Target]]()
        for one in found:
            state = states[one.kind, one.name]
            waiting = [wake_ups[store_id].since for store_id in one.stores if store_id in wake_ups]
            since = state.due_since if state.last is None else state.last.at
            if not state.may_try(now):
                continue
            if one.kind is FileKind.PROMOTIONS:
                wanted = self._contents[one.kind].wanted(one)
                if wanted != state.wanted or (state.last is not None and state.is_old(now)):
                    due.append((since, one))
            elif waiting or state.is_old(now):
                due.append((min([since, *waiting]), one))
        return [one for _, one in sorted(due, key=lambda entry: (entry[0], entry[1].kind, entry[1].name))]

    def _may_connect(self, report: Report, server: ServerState, is_asked: bool) -> bool:
        if not server.host_key:
            report.problems["server"] = NOT_TRUSTED
            return False
        if not is_asked and not server.may_try(self._clock()):
            report.problems["server"] = server.problem
            return False
        return True

    def _send(
        self,
        report: Report,
        due: Sequence[Target],
        states: Mapping[tuple[FileKind, str], UploadState],
        wake_ups: Mapping[str, WakeUp],
        server: ServerState,
        may_start: Callable[[], bool],
        is_forced: bool,
    ) -> ServerState:
        for one in due:
            if not may_start():
                break
            state = states[one.kind, one.name]
            try:
                sent = self._uploader.serve(one, state, wake_ups, is_forced)
            except NotWantedError:
                self._uploads.write(put_off(state, self._stored(state)))
            except SftpError as error:
                if error.is_of_server:
                    self._uploads.write(put_off(state, self._stored(state)))
                    return self._note_trouble(report, server, error)
                self._note_failed(report, state, str(error))
            except (UnsafeNameError, OSError) as error:
                self._note_failed(report, state, str(error) or type(error).__name__)
            except Exception as error:
                self._note_failed(report, state, _words(error))
            else:
                report.files.append(sent)
                report.counts["FilesUploaded" if sent.is_sent else "FilesUnchanged"] += 1
                report.counts["FileRows"] += sent.rows if sent.is_sent else 0
                if sent.is_sent and server.trouble is not None:
                    server = self._note_server(server.well())
        return server

    # -- what fails ----------------------------------------------------------------------------------------------------

    def _note_failed(self, report: Report, state: UploadState, problem: str) -> None:
        report.problems[state.name] = problem
        report.counts["FilesFailed"] += 1
        self._uploads.write(failed(self._stored(state), problem))

    def _stored(self, state: UploadState) -> UploadState:
        """The state as the attempt left it."""
        return self._uploads.get(state.kind, state.name) or state

    def _note_trouble(self, report: Report, server: ServerState, error: SftpError) -> ServerState:
        match error:
            case HostKeyChangedError():
                trouble = Trouble.HOST_KEY_CHANGED
            case LoginRefusedError():
                trouble = Trouble.LOGIN_REFUSED
            case _:
                trouble = Trouble.CONNECTION_FAILED
        failures, problem, now = server.failures + 1, str(error), self._clock()
        report.problems["server"] = problem
        report.counts["FilesFailed"] += 1
        return self._note_server(
            replace(
                server,
                trouble=trouble,
                failures=failures,
                problem=problem,
                not_before=now + pause_after(failures),
                failing_since=server.failing_since or now,
            )
        )

    def _note_server(self, server: ServerState) -> ServerState:
        self._uploads.note_server(server)
        return server

    def _count(self, report: Report, found: Sequence[Target], due: Collection[Target], server: ServerState) -> None:
        """Count what is for a person, in each run anew, whatever was asked for."""
        now, states = self._clock(), self._uploads.all()
        since = {one.store_id: one.since for one in self._changes.stores()}
        is_down = server.has_failed_long(now)
        late = [
            one for one in found if (is_down and one in due) or _is_late(one, states[one.kind, one.name], since, now)
        ]
        report.counts["FilesNotUploaded"] = len(late)
        for trouble, metric in _METRICS.items():
            report.counts[metric] = int(server.trouble is trouble)


def _words(error: Exception) -> str:
    """What failed, by AWS's operation and code where it has them; a message may hold more than is to be seen."""
    code, operation = code_of(error), getattr(error, "operation_name", "")
    return f"{operation}: {code}" if code and operation else code or type(error).__name__


def is_wanted(settings: KnownSettings, folders: Folders, promotions: Promotions, target: Target) -> bool:
    """Whether a file is still to be sent to the same place, by its stores' settings that are read anew (rule W8)."""
    found = {store_id: settings.read(store_id) for store_id in target.stores}
    known = {store_id: one for store_id, one in found.items() if one is not None}
    waiting = {store_id: place for store_id, place in promotions.rows_waiting().items() if store_id in found}
    return target in targets(known, folders, waiting)


def _is_late(target: Target, state: UploadState, since: Mapping[str, datetime], now: datetime) -> bool:
    """A promotion file of which nothing was ever to be sent is not late. ``since``: the oldest change of each store."""
    if target.kind is FileKind.PROMOTIONS:
        return (state.last is not None or state.failures > 0) and state.is_late(now)
    waiting = [since[store_id] for store_id in target.stores if store_id in since]
    return state.is_late(now) or any(state.has_waited(one, now) for one in waiting)
