"""Files on this machine: checked as the loader checks them, tried against the table, or uploaded and followed."""

import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from partner_orders.catalogue.channel import Channel
from partner_orders.catalogue.files import FileRow, StoredFile
from partner_orders.catalogue.guards import Limits
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import MAX_BYTES, FileError, read_lines
from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.catalogue.spool import Spool
from partner_orders.catalogue.store_settings import CatalogueSettings
from partner_orders.catalogue.to_send import NO_MARGINS, Margins
from partner_orders.catalogue.version import VersionError, version_of_file
from partner_orders.clock import now
from partner_orders.loader.checking import Checked, check, expect_good_lines
from partner_orders.loader.comparing import Comparison
from partner_orders.loader.file_event import CHANGES, LISTS, MAX_KEY
from partner_orders.loader.loading import ListOfStore, Loader, Measured
from partner_orders_console.operations.catalogue.access import settings_of
from partner_orders_console.operations.catalogue.exported import exports_of
from partner_orders_console.operations.catalogue.files import progress_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent

STDIN = "-"
MOST_SHOWN = 20  # changes that a dry run names, of each kind
_CHUNK = 256 * 1024
_LOOK_AGAIN_SECONDS = 2.0
_LONGEST_START = timedelta(minutes=5)  # the loader begins each minute, and may have other files
_WRITERS = 4


@dataclass(frozen=True)
class LocalFile:
    """A file to load: its name in the bucket, and where it is on this machine."""

    name: str
    path: Path
    is_whole_list: bool

    def key(self, store_id: str) -> str:
        return f"{LISTS if self.is_whole_list else CHANGES}/{store_id}/{self.name}"


@dataclass
class Tried:
    """What a file would do. ``problem``: why it would be refused as a whole. ``changes`` and ``held``: the first
    products that would change, and whose price would be held. ``margins``: what the store keeps back of them."""

    file: LocalFile
    report: LineReport
    problem: str = ""
    version: datetime | None = None
    measured: Measured | None = None
    changes: list[Comparison] = field(default_factory=list)
    held: list[Comparison] = field(default_factory=list)
    margins: Margins = NO_MARGINS

    @property
    def is_fine(self) -> bool:
        """Whether every line would be taken, and nothing held."""
        measured = self.measured
        return measured is not None and not (self.report.bad or measured.held_prices or measured.reasons)

    def to_json(self) -> dict[str, Any]:
        measured = self.measured
        return {
            "file": self.file.name,
            "version": self.version,
            "problem": self.problem or None,
            "changed": measured.changed if measured else 0,
            "switched_off": measured.switches_off if measured else 0,
            "unguarded_prices": measured.unguarded if measured else 0,
            "held_prices": measured.held_prices if measured else 0,
            "reasons": [reason.value for reason in measured.reasons] if measured else [],
            "changes": [_comparison_json(one) for one in self.changes],
            "held": [_comparison_json(one) for one in self.held],
            "report": self.report.to_document(),
        }


def _comparison_json(one: Comparison) -> dict[str, Any]:
    before, after = one.before.values.said, one.after.values.said
    return {"sku": one.before.sku, "before": before, "after": after, "held": one.held.said}


# -- files of this machine ---------------------------------------------------------------------------------------------


@contextmanager
def local_file(name: str, is_whole_list: bool) -> Iterator[LocalFile]:
    """A file by its path, or the standard input, which is kept in a temporary file. Raises OperatorError."""
    if name != STDIN:
        path = Path(name)
        if not path.is_file():
            raise OperatorError(f"there is no file {name}", "Check its name; - reads the standard input.")
        yield LocalFile(_checked_name(path.name), path, is_whole_list)
        return
    with tempfile.NamedTemporaryFile() as kept:
        copyfileobj(sys.stdin.buffer, kept)
        kept.flush()
        yield LocalFile("stdin", Path(kept.name), is_whole_list)


def _checked_name(name: str) -> str:
    if len(name.encode(errors="surrogateescape")) > MAX_KEY // 2 or not name.isprintable():
        raise OperatorError("the file's name is too long, or not printable", "Give it a short name.")
    return name


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            yield chunk


# -- checking and trying -----------------------------------------------------------------------------------------------


def try_file(
    catalogue: CatalogueStack, store_id: str, file: LocalFile, is_dry_run: bool, progress: Progress = silent
) -> Tried:
    """Check each line of a file as the loader does; with ``is_dry_run`` also measure what it would do, with the
    loader's own rules and guards. Nothing is written. Raises OperatorError for a store that is not in the catalogue,
    and botocore's errors."""
    settings = settings_of(catalogue, store_id)
    tried = Tried(file, LineReport(), margins=settings.margins)
    with tempfile.TemporaryDirectory(prefix="partner-orders-") as folder:
        spool = Spool(Path(folder))
        try:
            checked = _check(catalogue, store_id, tried, spool, progress)
        except (FileError, VersionError) as error:
            tried.problem = str(error)
            return tried
        if is_dry_run:
            progress("comparing with the table")
            _measure(catalogue, settings, tried, checked, spool)
    return tried


def _check(catalogue: CatalogueStack, store_id: str, tried: Tried, spool: Spool, progress: Progress) -> Checked:
    """The first pass of the loader. Raises FileError and VersionError."""
    size = tried.file.path.stat().st_size
    if size > MAX_BYTES:
        raise FileError(f"The file has more than {MAX_BYTES:,} bytes.", "Split it into several files.")
    at = now()
    tried.version = version_of_file(tried.file.name, at, at)
    checked = Checked(report=tried.report)

    def chunks() -> Iterator[bytes]:
        done = 0
        for chunk in _chunks(tried.file.path):
            progress(f"checking {tried.file.name}, {100 * done // max(size, 1)} %")
            done += len(chunk)
            yield chunk

    with spool, closing(_Barcodes(catalogue, store_id)) as barcodes:
        check(read_lines(chunks(), tried.file.name), tried.version, spool, at, barcodes.skus, checked)
    expect_good_lines(checked.report)
    return checked


def _measure(
    catalogue: CatalogueStack, settings: CatalogueSettings, tried: Tried, checked: Checked, spool: Spool
) -> None:
    file, at = tried.file, now()

    def notice(one: Comparison) -> None:
        if one.held.are_said and len(tried.held) < MOST_SHOWN:
            tried.held.append(one)
        if one.changes_values and len(tried.changes) < MOST_SHOWN:
            tried.changes.append(one)

    list_of_store = ListOfStore(
        settings.store_id,
        file.key(settings.store_id),
        tried.version or at,
        at,
        file.is_whole_list,
        settings.switches_absent_off,
        settings.margins,
        is_by_files=settings.channel is Channel.FILES,
    )
    with ThreadPoolExecutor(_WRITERS) as executor:
        loader = Loader(catalogue.tables, now, limits_of(catalogue), executor)
        tried.measured = loader.measure(list_of_store, checked, spool, notice=notice)


def limits_of(catalogue: CatalogueStack) -> Limits:
    """The guards' limits, as the catalogue was deployed with them."""
    usual, parameters = Limits(), catalogue.parameters

    def share(name: str, otherwise: Decimal) -> Decimal:
        return Decimal(parameters[name]) / 100 if name in parameters else otherwise

    return Limits(
        price_step=share("PriceStepPercent", usual.price_step),
        switched_off=share("SwitchedOffPercent", usual.switched_off),
        few=int(parameters.get("FewProducts", usual.few)),
        shorter=share("ShorterPercent", usual.shorter),
        known=share("KnownPercent", usual.known),
    )


class _Barcodes:
    """The SKUs of a store by barcode, by its last export, which is read once a line asks for one."""

    def __init__(self, catalogue: CatalogueStack, store_id: str) -> None:
        self._catalogue = catalogue
        self._store_id = store_id
        self._found: Any = None
        self._is_read = False

    def skus(self, barcode: str) -> tuple[str, ...]:
        if not self._is_read:
            self._is_read = True
            try:
                self._found = exports_of(self._catalogue).barcodes(self._store_id)
            except UnreadableResultError:
                self._found = None
        return () if self._found is None else tuple(self._found.get(barcode, ()))

    def close(self) -> None:
        if self._found is not None:
            self._found.close()


# -- uploading ---------------------------------------------------------------------------------------------------------


def upload(catalogue: CatalogueStack, store_id: str, file: LocalFile) -> StoredFile:
    """Put a file into the bucket, from which the loader takes it within a minute. Raises botocore's errors."""
    client: Any = catalogue.client("s3")
    bucket, key = catalogue.output("FilesBucketName"), file.key(store_id)
    with file.path.open("rb") as content:
        put = client.put_object(Bucket=bucket, Key=key, Body=content)
    version_id = str(put.get("VersionId", "null"))
    head = client.head_object(Bucket=bucket, Key=key, **({} if version_id == "null" else {"VersionId": version_id}))
    return StoredFile(store_id, key, version_id, head["LastModified"].astimezone(UTC))


def wait(catalogue: CatalogueStack, file: StoredFile, progress: Progress = silent) -> FileRow:
    """The row of a file once the loader has ended with it. Raises OperatorError where it does not begin."""
    begun = now()
    while True:
        row = catalogue.tables.files.get(file)
        if row is not None and row.has_ended:
            return row
        if row is None and now() - begun > _LONGEST_START:
            raise OperatorError(
                "the loader has not begun with the file yet",
                f"It stays in the bucket. `partner-orders doctor` looks for the cause; `partner-orders catalogue show"
                f" {file.store_id}` shows the file.",
            )
        progress("waiting for the loader, which begins each minute" if row is None else progress_of(row))
        time.sleep(_LOOK_AGAIN_SECONDS)
