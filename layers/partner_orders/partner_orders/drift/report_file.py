"""The file of a report: every product that it lists, as CSV with gzip, on disk while it is written."""

import csv
import gzip
import io
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import IO, Self

from partner_orders.drift.report import FILE_COLUMNS, DriftReport, ListedProduct, cells_of

FOLDER = "reports/drift/"


def file_key(report: DriftReport) -> str:
    """Where the file of a report is in the bucket."""
    return f"{FOLDER}{report.store_id}/{report.compared_at:%Y%m%dT%H%M%S.%fZ}.csv.gz"


class ReportFile:
    """Every method raises OSError where the disk is full."""

    def __enter__(self) -> Self:
        self._file = TemporaryFile()
        # Without a name and a time, equal reports are equal bytes.
        packed = gzip.GzipFile("", "wb", fileobj=self._file, mtime=0)
        self._text = io.TextIOWrapper(packed, "utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(FILE_COLUMNS)
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()
        self._file.close()

    def add(self, listed: Iterable[ListedProduct]) -> None:
        """Add products."""
        for one in listed:
            self._writer.writerows(cells_of(one))

    def finished(self) -> IO[bytes]:
        """The file, at its beginning. Nothing can be added any more."""
        self._text.close()
        self._file.seek(0)
        return self._file
