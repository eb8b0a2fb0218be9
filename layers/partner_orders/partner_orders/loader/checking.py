"""The first pass over a file: every line is checked, the good ones are spooled, the bad ones reported. Nothing is
applied before it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.catalogue.desired import NOTHING
from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import BadLine, FileError, Line, ListFile
from partner_orders.catalogue.product import MAX_SKU, LineError, Values, product_and_values
from partner_orders.catalogue.spool import Spool, SpooledLine
from partner_orders.catalogue.stored import milliseconds
from partner_orders.catalogue.version import VersionError, stated_version

VERSION = "version"
NOT_IN_EXPORT = (
    "barcode: no product of the store's last export has it; name the product by its sku, or wait for the next export"
)
SEVERAL_SKUS = "barcode: several products of the store have it; name the product by its sku"

# The SKUs that a barcode stands for.
type Barcodes = Callable[[str], tuple[str, ...]]


@dataclass
class Checked:
    """What the first pass found. ``fields``: those that good lines state. ``states_versions``: whether a line states a
    version of its own. ``names_all``: whether the product of each line is known; else nobody can tell what the file
    leaves out."""

    report: LineReport = field(default_factory=LineReport)
    fields: set[str] = field(default_factory=set)
    states_versions: bool = False
    names_all: bool = True


def nothing_exported(_barcode: str) -> tuple[str, ...]:
    """The barcodes of a store without an export."""
    return ()


def check(
    lines: ListFile,
    file_version: datetime,
    spool: Spool,
    now: datetime,
    barcodes: Barcodes = nothing_exported,
    checked: Checked | None = None,
) -> Checked:
    """Check the lines of a file whose lines have ``file_version`` unless they state their own. ``checked`` holds what
    was found so far, whatever is raised: FileError, OSError, and what ``barcodes`` raises."""
    checked = checked or Checked()
    for line in lines:
        if isinstance(line, BadLine):
            checked.report.add_bad(line.number, [line.problem])
            checked.names_all = False
            continue
        try:
            sku, version, values = _read(line, file_version, now, barcodes)
        except LineError as error:
            checked.report.add_bad(line.number, error.problems, line.columns)
            _spool_bad(line, spool, checked)
        else:
            spool.add(SpooledLine(sku, line.number, milliseconds(version), values))
            checked.fields |= values.said.keys()
            checked.states_versions |= version != file_version
            checked.report.add_good()
    checked.report.add_unknown_columns(lines.unknown_columns)
    return checked


def _read(line: Line, file_version: datetime, now: datetime, barcodes: Barcodes) -> tuple[str, datetime, Values]:
    """The product of a line, the version and the values that it states. Raises LineError."""
    product, values = product_and_values(line.columns)
    stated = line.columns.get(VERSION, "").strip()
    try:
        version = stated_version(stated, now) if stated else file_version
    except VersionError as error:
        raise LineError([f"{VERSION}: {error}"]) from None
    if product.sku is not None:
        return product.sku, version, values
    skus = [*filter(_is_sku, barcodes(product.barcode or ""))]
    if len(skus) != 1:
        raise LineError([SEVERAL_SKUS if skus else NOT_IN_EXPORT])
    return skus[0], version, values


def _spool_bad(line: Line, spool: Spool, checked: Checked) -> None:
    """Note which product a bad line names: a whole list does not leave it out."""
    sku = line.columns.get("sku", "").strip()
    if _is_sku(sku):
        spool.add(SpooledLine(sku, line.number, 0, NOTHING))
    else:
        checked.names_all = False


def _is_sku(text: str) -> bool:
    return 0 < len(text) <= MAX_SKU and text.isprintable()


def expect_good_lines(report: LineReport) -> None:
    """Raises FileError for a file of which no line can be taken; with the problem, where all lines have the same."""
    if report.good:
        return
    only = next(iter(report.problems)) if len(report.problems) == 1 and not report.other_problems else ""
    raise FileError(
        f"No line of the file can be taken: {only}." if only else "No line of the file can be taken.",
        "Correct the lines, and load the file again.",
    )
