"""One file from the bucket into the desired state: read, checked, measured, then held or applied, and reported."""

import errno
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.files import FileRow, FileState, StoredFile
from partner_orders.catalogue.folders import new_folder
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import MAX_BYTES, FileError, read_lines
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.catalogue.spool import Spool
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.version import VersionError, version_of_file
from partner_orders.clock import Clock
from partner_orders.loader.checking import Barcodes, Checked, check, expect_good_lines
from partner_orders.loader.file_event import FileEvent
from partner_orders.loader.files_bucket import FilesBucket, FoundFile
from partner_orders.loader.loading import ListOfStore, Loader
from partner_orders.loader.report import report_key, report_of
from partner_orders.loader.turn import Limits, Turn

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ExportedBarcodes(Protocol):
    """The SKUs of a store by barcode, by its last export (partner_orders.exports.barcodes)."""

    def get(self, barcode: str, default: tuple[str, ...], /) -> tuple[str, ...]: ...

    def close(self) -> None: ...


class NotReleasedError(Exception):
    """A message releases a file of which nobody decided so."""


class FileLoading:
    """Every method raises botocore's errors."""

    def __init__(
        self,
        tables: Tables,
        bucket: FilesBucket,
        loader: Loader,
        settings: Callable[[str], CatalogueSettings | None],
        barcodes: Callable[[str], ExportedBarcodes],
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._bucket = bucket
        self._loader = loader
        self._settings = settings
        self._barcodes = barcodes
        self._clock = clock

    def load(self, event: FileEvent, limits: Limits) -> FileRow | None:
        """Load a file; how it ended, or None if it had before. Raises FileGoneError, NotReleasedError,
        StoreIsLoadingError, LeaseLostError and OutOfTimeError."""
        found = self._bucket.find(event.key, event.version_id)
        file = StoredFile(event.store_id, event.key, event.version_id, found.stored_at)
        settings = self._settings(event.store_id)
        if settings is None:
            return self._refuse_unknown_store(file, found)
        token = self._tables.leases.acquire(event.store_id, self._clock())
        try:
            row = self._tables.files.get(file)
            if event.is_released and (row is None or not row.is_released):
                raise NotReleasedError
            if row is not None and row.has_ended:
                return None
            row = self._tables.files.begin(file, found.size, token, self._clock())
            turn = Turn(self._tables, row, token, self._clock, limits)
            return self._load(event, found, settings, turn)
        finally:
            self._tables.leases.release(event.store_id, token)

    def _refuse_unknown_store(self, file: StoredFile, found: FoundFile) -> FileRow | None:
        row = self._tables.files.get(file)
        if row is not None and row.has_ended:
            return None
        problem = (
            f"The store {file.store_id} is not in the catalogue. "
            f"Run `partner-orders catalogue set {file.store_id}`, and upload the file again."
        )
        now = self._clock()
        ended = self._ended(
            FileRow(file, FileState.CHECKING, now, now, size=found.size), FileState.REFUSED, _refused(problem)
        )
        self._tables.files.refuse(ended)
        return ended

    def _load(self, event: FileEvent, found: FoundFile, settings: CatalogueSettings, turn: Turn) -> FileRow:
        checked = Checked()
        with new_folder() as folder:
            try:
                version = version_of_file(event.key, found.stored_at, self._clock())
                spool = Spool(Path(folder))
                self._check(event, found, version, spool, checked, turn)
                turn.row = replace(turn.row, version=version, fields=tuple(sorted(checked.fields)))
                list_of_store = ListOfStore(
                    event.store_id,
                    turn.row.file.source,
                    version,
                    found.stored_at,
                    event.is_whole_list,
                    settings.switches_absent_off,
                    settings.margins,
                    turn.token,
                    settings.channel is Channel.FILES,
                )
                return self._measure_and_apply(list_of_store, checked, spool, turn)
            except (FileError, VersionError) as error:
                checked.report.refuse_file(str(error))
            except OSError as error:
                if error.errno not in _DISK_IS_FULL:
                    raise
                checked.report.refuse_file("The file takes more room than the loader has. Split it into several files.")
        return self._end(turn, FileState.REFUSED, checked.report)

    def _check(
        self, event: FileEvent, found: FoundFile, version: datetime, spool: Spool, checked: Checked, turn: Turn
    ) -> None:
        """The first pass. Raises FileError for a file that is refused as a whole."""
        if found.size > MAX_BYTES:
            raise FileError(f"The file has more than {MAX_BYTES:,} bytes.", "Split it into several files.")
        with spool, closing(_LazyBarcodes(self._barcodes, event.store_id)) as barcodes:
            lines = read_lines(turn.reading(self._bucket.chunks(found)), event.key)
            check(lines, version, spool, self._clock(), barcodes.skus, checked)
        expect_good_lines(checked.report)

    def _measure_and_apply(self, file: ListOfStore, checked: Checked, spool: Spool, turn: Turn) -> FileRow:
        """The second pass. A file that was being applied had passed its guards. Raises FileError."""
        is_repeat = turn.row.state is FileState.APPLYING
        measured = self._loader.measure(file, checked, spool, turn.beat)
        # Each line by itself may be good, and all contradict each other.
        expect_good_lines(checked.report)
        if is_repeat:
            # What was applied before the crash counts as changed by this file.
            measured.switches_off = turn.row.switched_off
        else:
            turn.row = replace(
                turn.row,
                changed=measured.changed,
                held_prices=measured.held_prices,
                switched_off=measured.switches_off,
            )
        if measured.reasons and not (is_repeat or turn.row.is_released):
            turn.row = replace(turn.row, reasons=measured.reasons)
            self._loader.hold(file, measured)
            return self._end(turn, FileState.HELD, checked.report)
        if not is_repeat:
            if turn.row.runs > 1:
                self._loader.forget_hold(file)
            self._tables.files.apply(turn.row, turn.token)
        self._loader.apply(file, checked, spool, measured, is_repeat, turn.beat)
        return self._end(turn, FileState.LOADED, checked.report)

    def _end(self, turn: Turn, state: FileState, report: LineReport) -> FileRow:
        ended = self._ended(turn.row, state, report)
        self._tables.files.end(ended, turn.token)
        return ended

    def _ended(self, row: FileRow, state: FileState, report: LineReport) -> FileRow:
        """The row of a file that ends, once its report is written."""
        key = report_key(row.file.key, row.file.version_id)
        ended = replace(
            row,
            state=state,
            ended_at=self._clock(),
            good=report.good,
            bad=report.bad,
            problem=report.file_problem,
            report_key=key,
        )
        self._bucket.put_report(key, report_of(ended, report))
        return ended


class _LazyBarcodes:
    """The barcodes of a store, read once a line asks for one."""

    def __init__(self, barcodes: Callable[[str], ExportedBarcodes], store_id: str) -> None:
        self._barcodes = barcodes
        self._store_id = store_id
        self._found: ExportedBarcodes | None = None
        self._is_unreadable = False

    @property
    def skus(self) -> Barcodes:
        return self._skus

    def _skus(self, barcode: str) -> tuple[str, ...]:
        if self._found is None and not self._is_unreadable:
            try:
                self._found = self._barcodes(self._store_id)
            except UnreadableResultError:
                # Somebody else wrote the export: as good as none, until the next.
                self._is_unreadable = True
        return () if self._found is None else self._found.get(barcode, ())

    def close(self) -> None:
        if self._found is not None:
            self._found.close()


def _refused(problem: str) -> LineReport:
    report = LineReport()
    report.refuse_file(problem)
    return report
