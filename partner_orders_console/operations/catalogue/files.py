"""The files of a store in the bucket: what became of each, and its report."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.catalogue.files import FileRow, FileState
from partner_orders.loader.file_event import LISTS
from partner_orders_console.operations.catalogue_stack import CatalogueStack

NEWEST = 10
_MAX_REPORT = 4 * 1024 * 1024  # bytes; a report is bounded, and somebody may have put another file in its place
_GONE = {"NoSuchKey", "404", "AccessDenied"}


@dataclass(frozen=True)
class Report:
    """The report of a file. ``lines``: its first bad lines, with their problems; ``problems``: how often each one
    was."""

    document: dict[str, Any]

    @property
    def problems(self) -> dict[str, int]:
        return {str(problem): int(number) for problem, number in self.document.get("problems", {}).items()}

    @property
    def lines(self) -> list[tuple[int, str, str]]:
        """The number, product and problems of each bad line."""
        return [
            (int(line["line"]), str(line["product"]), "; ".join(map(str, line["problems"])))
            for line in self.document.get("lines", [])
        ]


def newest(catalogue: CatalogueStack, store_id: str, most: int = NEWEST) -> list[FileRow]:
    """The files of a store, the last stored first."""
    return [*catalogue.tables.files.of_store(store_id, most)]


def refused(catalogue: CatalogueStack, store_id: str, most: int = 100) -> Iterator[FileRow]:
    """Those of a store's newest files that were refused."""
    return (row for row in newest(catalogue, store_id, most) if row.state is FileState.REFUSED)


def report_of(catalogue: CatalogueStack, row: FileRow) -> Report | None:
    """The report of a file; None where there is none, or none that can be read."""
    if not row.report_key:
        return None
    bucket = catalogue.output("FilesBucketName")
    try:
        body = catalogue.client("s3").get_object(Bucket=bucket, Key=row.report_key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise
    with body:
        content = body.read(_MAX_REPORT)
    try:
        document = json.loads(content)
        report = Report(document)
        _ = document["good"], report.problems, report.lines
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    return report


def name_of(row: FileRow) -> str:
    """A file's name for people: without its folder."""
    return row.file.key.rpartition("/")[2]


def kind_of(row: FileRow) -> str:
    return "whole list" if row.file.key.startswith(f"{LISTS}/") else "changes"


def progress_of(row: FileRow) -> str:
    """How far the loader is with a file, or how it ended."""
    match row.state:
        case FileState.CHECKING if row.size:
            return f"checking, {100 * row.done // row.size} %"
        case FileState.APPLYING:
            return f"applying, {row.done:,} products compared"
        case _:
            return row.state.value


def is_fine(row: FileRow) -> bool:
    """Whether every line of a file was taken, and nothing of it is held."""
    return row.state is FileState.LOADED and not (row.bad or row.held_prices)


def file_json(row: FileRow) -> dict[str, Any]:
    """What became of a file, for programs."""
    return {
        "file": row.file.key,
        "version_id": row.file.version_id,
        "kind": kind_of(row),
        "stored_at": row.file.stored_at,
        "state": row.state.value,
        "ended_at": row.ended_at,
        "version": row.version,
        "good": row.good,
        "bad": row.bad,
        "changed": row.changed,
        "held_prices": row.held_prices,
        "switched_off": row.switched_off,
        "reasons": [reason.value for reason in row.reasons],
        "problem": row.problem or None,
        "decision": None if row.decision is None else row.decision.value,
        "decided_by": row.decided_by or None,
        "report_key": row.report_key or None,
    }
