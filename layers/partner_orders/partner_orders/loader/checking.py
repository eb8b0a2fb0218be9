"""The first pass over a file: every line is checked, the good ones are spooled, the bad ones reported. Nothing is
applied before it ends."""

from dataclasses import dataclass
from datetime import datetime

from partner_orders.catalogue.line_report import LineReport
from partner_orders.catalogue.list_file import BadLine, ListFile
from partner_orders.catalogue.product import LineError, product_and_values
from partner_orders.catalogue.stored import milliseconds
from partner_orders.catalogue.version import VersionError, stated_version
from partner_orders.loader.spool import Spool, SpooledLine

VERSION = "version"
NO_SKU = "barcode: name the product by its sku; a barcode alone needs an export of the store, and there is none yet"


@dataclass
class Checked:
    """What the first pass found. ``fields``: those that good lines state. ``states_versions``: whether a line states a
    version of its own."""

    report: LineReport
    fields: frozenset[str]
    states_versions: bool


def check(lines: ListFile, file_version: datetime, spool: Spool, now: datetime) -> Checked:
    """Check the lines of a file whose lines have ``file_version`` unless they state their own. Raises FileError and
    OSError."""
    report, fields, states_versions = LineReport(), set[str](), False
    for line in lines:
        if isinstance(line, BadLine):
            report.add_bad(line.number, [line.problem])
            continue
        try:
            product, values = product_and_values(line.columns)
            stated = line.columns.get(VERSION, "").strip()
            version = stated_version(stated, now) if stated else file_version
        except LineError as error:
            report.add_bad(line.number, error.problems, line.columns)
        except VersionError as error:
            report.add_bad(line.number, [f"{VERSION}: {error}"], line.columns)
        else:
            if product.sku is None:
                report.add_bad(line.number, [NO_SKU], line.columns)
                continue
            spool.add(SpooledLine(product.sku, line.number, milliseconds(version), values))
            fields |= values.said.keys()
            states_versions |= bool(stated)
            report.add_good()
    report.add_unknown_columns(lines.unknown_columns)
    return Checked(report, frozenset(fields), states_versions)
