"""What a comparison of a store found, as it is kept for people: counts, and some of the products."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from partner_orders.drift.differences import COMPARED, Compared, Finding
from partner_orders.drift.guards import Guard, ProductCounts, Repair

MOST_KEPT = 100  # products of a report; its file has all of them
FILE_COLUMNS = ("sku", "finding", "field", "ours", "shown", "repair")
FOLDER = "reports/drift/"
LOADER = "loader"


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product of a report: what was found of it, and what became of it."""

    found: Compared
    repair: Repair = Repair.NONE


@dataclass(frozen=True, slots=True)
class DriftReport:
    """``asked_at``: when the export was asked for, ``compared_at``: when it was compared (UTC). ``findings`` counts
    products by finding, ``fields`` those that differ by field, ``repairs`` by what becomes of them. ``guards``: why
    some are not repaired. ``listed``: the first products that are not the same. ``file_key``: where the file with all
    of them is in the bucket. ``by``, ``why``: who had it repaired. ``problem``: why nothing could be compared."""

    store_id: str
    asked_at: datetime
    compared_at: datetime
    findings: Counter[Finding] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    repairs: Counter[Repair] = field(default_factory=Counter)
    guards: tuple[Guard, ...] = ()
    listed: tuple[ListedProduct, ...] = ()
    file_key: str = ""
    by: str = LOADER
    why: str = ""
    problem: str = ""

    @property
    def different(self) -> int:
        """How many products differ in a value."""
        return self.findings[Finding.DIFFERENT]

    @property
    def left(self) -> int:
        """How many products differ and were not repaired: the drift that stays."""
        return self.different - self.repairs[Repair.REPAIRED] - self.repairs[Repair.OVERTAKEN]

    @property
    def counts(self) -> ProductCounts:
        """What guards measure."""
        found = self.findings
        compared = sum(found[one] for one in (Finding.SAME, Finding.DIFFERENT, Finding.IN_BUFFER))
        common = compared + found[Finding.NOT_SHOWN] + found[Finding.CHANGING]
        unknown = found[Finding.UNKNOWN_TO_PLATFORM], found[Finding.UNKNOWN_TO_US]
        return ProductCounts(common, compared, self.different, *unknown)


def file_key(report: DriftReport) -> str:
    """Where the file of a report is in the bucket."""
    return f"{FOLDER}{report.store_id}/{report.compared_at:%Y%m%dT%H%M%S.%fZ}.csv.gz"


def is_listed(found: Compared) -> bool:
    """Whether a product is one of those that a report names."""
    return found.finding not in {Finding.SAME, Finding.CHANGING}


def cells_of(listed: ListedProduct) -> list[tuple[str, ...]]:
    """The lines of a product in the report's file: one for each field that differs, or one without a field."""
    found = listed.found
    names = [name for name in COMPARED if found.finding is Finding.DIFFERENT and getattr(found.ours, name) is not None]
    lines = [(name, _text(getattr(found.ours, name)), _text(getattr(found.shown, name))) for name in names]
    return [(found.sku, found.finding.value, *line, listed.repair.value) for line in lines or [("", "", "")]]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value}"
