"""Asks for the exports that are due, and takes their files: what the platform shows of each store."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

from partner_orders.catalogue.job_result import read_export
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.clock import Clock
from partner_orders.exports.schedule import ExportNote, next_due
from partner_orders.exports.store_exports import StoreExports
from partner_orders.exports.table import AskedExport, ExportsTable
from partner_orders.platform.calls import EffectUnknownError, NotAllowedError
from partner_orders.platform.catalogue import PlatformJob
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.job_files import UrlRefusedError

COMPLETED, FAILED = "COMPLETED", "FAILED"
# What another request for the same file would not change.
_LASTING = frozenset({Failure.REFUSED, Failure.NOT_FOUND, Failure.TOO_LARGE})


class Platform(Protocol):
    """What is asked of the platform (partner_orders.platform.catalogue)."""

    def make_room(self) -> None: ...

    def ask_for_export(self, vendor_id: str) -> str: ...

    def job(self, job_id: str) -> PlatformJob | None: ...


class JobEnd(Protocol):
    """A callback about a job (partner_orders.results.callback)."""

    @property
    def job_id(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def download_url(self) -> str | None: ...


class Exports:
    """``download`` gives a file in chunks (partner_orders.platform.job_files). ``every_hours``: how often each store's
    export is asked for; 0: never."""

    def __init__(
        self,
        table: ExportsTable,
        files: StoreExports,
        platform: Platform,
        download: Callable[[str], Iterable[bytes]],
        clock: Clock,
        every_hours: int,
    ) -> None:
        self._table = table
        self._files = files
        self._platform = platform
        self._download = download
        self._clock = clock
        self._every = timedelta(hours=every_hours)

    def serve(self, store_ids: Iterable[str]) -> str | None:
        """Look for one export that did not come, and ask for one that is due, of these stores: the store that was
        asked for. So a run makes three requests at most. A store for which the platform refuses it is noted.

        Raises PartnerApiError where the platform took nothing or did not say, and what ``take`` raises.
        """
        if not self._every:
            return None
        notes = self._table.all()
        missing = [note for note in notes.values() if note.is_to_look_for(self._clock())]
        if missing:
            self._look_for(min(missing, key=lambda note: note.looked_at or note.asked_at or self._clock()))
        due = next_due(notes, store_ids, self._every, self._clock())
        return None if due is None else self._ask_for(due)

    def take(self, callback: JobEnd) -> bool:
        """Take the file of a callback; False if it is of no export of ours. Doubled and late callbacks change nothing.

        Raises UnreadableResultError, UrlRefusedError, PartnerApiError, OutOfTimeError, OSError and botocore's errors.
        Another call then changes nothing where the file is to blame: the export is asked for again later.
        """
        asked = self._table.find(callback.job_id)
        if asked is None:
            return False
        self._end(asked, callback.job_id, callback.status, callback.download_url)
        return True

    def _ask_for(self, note: ExportNote) -> str | None:
        """Noted first, so that a crash after the call does not ask again each minute."""
        self._platform.make_room()
        asked = AskedExport(note.store_id, self._clock())
        self._table.asking(asked)
        try:
            job_id = self._platform.ask_for_export(note.store_id)
        except EffectUnknownError:
            raise
        except PartnerApiError as error:
            if error.failure in {Failure.REFUSED, Failure.NOT_FOUND}:
                self._table.failed(note.store_id, str(error))
                return None
            self._table.not_asked(note)
            raise
        self._table.asked(asked, job_id)
        return note.store_id

    def _look_for(self, note: ExportNote) -> None:
        if note.job_id is None or note.asked_at is None:
            return
        self._table.looked(note.store_id, self._clock())
        job = self._platform.job(note.job_id)
        if job is not None:
            self._end(AskedExport(note.store_id, note.asked_at), note.job_id, job.status, job.download_url)

    def _end(self, asked: AskedExport, job_id: str, status: str, url: str | None) -> None:
        note = self._table.get(asked.store_id)
        is_last = note.job_id == job_id
        is_known = (is_last and not note.is_open) or (note.shown_at is not None and note.shown_at >= asked.asked_at)
        if is_known or status not in {COMPLETED, FAILED}:
            return
        if status == FAILED:
            self._fail(asked, is_last, "the platform's job failed")
            return
        try:
            self._take_file(asked, job_id, url, is_last)
        except (UnreadableResultError, UrlRefusedError) as error:
            self._fail(asked, is_last, str(error))
            raise
        except PartnerApiError as error:
            if error.failure in _LASTING and not isinstance(error, NotAllowedError):
                self._fail(asked, is_last, str(error))
            raise

    def _take_file(self, asked: AskedExport, job_id: str, url: str | None, is_last: bool) -> None:
        if url is None:
            job = self._platform.job(job_id)
            url = None if job is None else job.download_url
        if url is None:
            self._fail(asked, is_last, "the platform told no link to the file")
            return
        products = self._files.write(asked.store_id, read_export(self._download(url)))
        self._table.came(asked, products, self._clock(), is_last)

    def _fail(self, asked: AskedExport, is_last: bool, problem: str) -> None:
        if is_last:
            self._table.failed(asked.store_id, problem)
