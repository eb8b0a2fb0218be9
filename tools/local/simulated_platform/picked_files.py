"""The platform's pick-up of files by SFTP: what it makes of a folder (docs/platform.md 11).

A function of a folder's contents and of times. A file that is there in another content than the last one of its name is
picked up once. What it says takes effect in the same catalogue as the calls of the API.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

from tools.local.simulated_platform.catalogue import NOT_IN_CATALOGUE, Catalogue
from tools.local.simulated_platform.catalogue_call import RefusedCallError
from tools.local.simulated_platform.catalogue_records import Product

CATALOGUE, PROMOTIONS = "catalogue", "promotions"
MOST_ROWS = {CATALOGUE: 1_500_001, PROMOTIONS: 20_000}  # with the line of the columns
SHARED = ("vendors", "exclude")
CATALOGUE_COLUMNS = {"sku", "barcode", "price", "active", "quantity", "maximum_sales_quantity", *SHARED}
PROMOTION_COLUMNS = {
    *("barcode", "sku", "campaign_name", "reason", "start_date", "end_date", "promotion_type", "promotion_sub_type"),
    *("discounted_price", "max_no_of_orders", "maximum_sales_quantity", "discount_usage_limit"),
    *("bundle_details", "bundle_discount", "campaign_status", *SHARED),
}
MANDATORY = ("campaign_name", "reason", "start_date", "end_date", "promotion_type")
SUB_TYPES = {"free_item", "percentage_value_off", "absolute_value_off"}
_TIME = "%Y-%m-%d %H:%M:%S"


# Whether each row is on, by its store and its cells without the status.
type PromotionRows = dict[tuple[str, tuple[tuple[str, str], ...]], bool]


class FileFailedError(ValueError):
    """The whole file fails; the portal shows the message."""


class LineFailedError(ValueError):
    """A line fails; the portal shows the message beside it."""


@dataclass(frozen=True)
class Picked:
    """What became of a file. ``problem``: why the whole file failed. ``errors``: lines that failed, by their number."""

    kind: str
    name: str
    at: datetime
    rows: int = 0
    problem: str = ""
    errors: dict[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        facts = {"kind": self.kind, "name": self.name, "at": self.at.isoformat(), "rows": self.rows}
        return facts | {"problem": self.problem, "errors": {str(line): text for line, text in self.errors.items()}}


@dataclass
class PickedFiles:
    """``prefix`` is the one that is set in the portal. ``promotions``: whether each row that was ever on is still on,
    by its store and its cells without the status."""

    catalogue: Catalogue
    prefix: str
    history: list[Picked] = field(default_factory=list)
    promotions: PromotionRows = field(default_factory=dict)
    _last: dict[tuple[str, str], str] = field(default_factory=dict)

    def pick_up(self, kind: str, folder: Path, now: datetime, others: tuple[str, ...] = ()) -> list[Picked]:
        """Pick up what is new in a folder, except for files whose names begin with one of ``others``."""
        paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(others)]
        return self.pick(kind, {path.name: path.read_bytes() for path in paths}, now)

    def pick(self, kind: str, files: dict[str, bytes], now: datetime) -> list[Picked]:
        """The same of a folder's contents, by name."""
        found = []
        for name, content in files.items():
            digest = sha256(content).hexdigest()
            if self._last.get((kind, name)) != digest:
                self._last[kind, name] = digest
                found.append(self._picked(kind, name, content, now))
        self.history += found
        return found

    def running(self, vendor: str) -> list[dict[str, str]]:
        """The rows of promotions that are on in a store."""
        return [dict(row) for (store, row), is_on in self.promotions.items() if store == vendor and is_on]

    # -- a file --------------------------------------------------------------------------------------------------------

    def _picked(self, kind: str, name: str, content: bytes, now: datetime) -> Picked:
        try:
            vendor = self._vendor_named(name)
            rows = _rows(kind, content, is_shared=vendor is None)
        except FileFailedError as error:
            return Picked(kind, name, now, problem=str(error))
        errors = {}
        take = self._take_product if kind == CATALOGUE else self._take_promotion
        for number, row in enumerate(rows, 2):
            try:
                for store in [vendor] if vendor is not None else self._stores_of(row):
                    take(store, {key: text for key, text in row.items() if key not in SHARED}, now)
            except LineFailedError as error:
                errors[number] = str(error)
        return Picked(kind, name, now, len(rows), errors=errors)

    def _vendor_named(self, name: str) -> str | None:
        """The store that a file's name names; None where the name is that of a file of many stores."""
        found = re.fullmatch(rf"{re.escape(self.prefix)}\d*(?:_([^.]+))?\.csv", name)
        if found is None:
            raise FileFailedError("the name is not <prefix>_<vendorID>.csv or <prefix>.csv")
        if found[1] is not None and found[1] not in self.catalogue.vendors:
            raise FileFailedError(f"there is no vendor {found[1]}")
        return found[1]

    def _stores_of(self, row: dict[str, str]) -> Iterable[str]:
        if row["vendors"] == "all":
            return [one for one in self.catalogue.vendors if one not in row.get("exclude", "").split(",")]
        if row.get("exclude"):
            raise LineFailedError("exclude is for vendors = all only")
        named = row["vendors"].split(",")
        if unknown := [one for one in named if one not in self.catalogue.vendors]:
            raise LineFailedError(f"there is no vendor {unknown[0]}")
        return named

    def _product(self, store: str, sku: str) -> Product:
        try:
            found = {one.sku: one for one in self.catalogue.products(store)} if sku else {}
        except RefusedCallError:
            found = {}
        if sku not in found:
            raise LineFailedError(NOT_IN_CATALOGUE)
        return found[sku]

    def _take_product(self, store: str, row: dict[str, str], now: datetime) -> None:
        product = self._product(store, row["sku"])
        price = _decimal(row.get("price", ""))
        if price is not None and price <= 0:
            raise LineFailedError("the price is not above 0")
        active = _bool(row.get("active", ""))
        if quantity := row.get("quantity", ""):
            if not quantity.isdecimal():
                raise LineFailedError("the quantity is not a whole number")
            active = int(quantity) > product.buffer
        self.catalogue.edit(store, product.sku, now, price, active)

    def _take_promotion(self, store: str, row: dict[str, str], _now: datetime) -> None:
        product, status = self._product(store, row["sku"]), row.get("campaign_status", "") or "1"
        cells = tuple((key, text) for key, text in row.items() if key != "campaign_status")
        if status == "0":
            if (store, cells) not in self.promotions:
                raise LineFailedError("no promotion is identical with this row")
            self.promotions[store, cells] = False
            return
        _check_promotion(row, product)
        self.promotions[store, cells] = True


def _rows(kind: str, content: bytes, is_shared: bool) -> list[dict[str, str]]:
    """The rows of a file. Raises FileFailedError."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise FileFailedError("the file is not UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = reader.fieldnames or []
    if unknown := sorted({*columns} - (CATALOGUE_COLUMNS if kind == CATALOGUE else PROMOTION_COLUMNS)):
        raise FileFailedError(f"unknown column {unknown[0]}")
    if "sku" not in columns:
        raise FileFailedError("there is no column sku")
    if {"active", "quantity"} <= {*columns}:
        raise FileFailedError("use either active or quantity")
    if ("vendors" in columns) is not is_shared:
        raise FileFailedError("vendors is for a file of many vendors, which needs it")
    if kind == PROMOTIONS and (missing := [name for name in MANDATORY if name not in columns]):
        raise FileFailedError(f"there is no column {missing[0]}")
    rows = [*reader]
    if any(None in row or None in row.values() for row in rows) or not text.endswith("\n"):
        raise FileFailedError("a line has too many or too few cells")
    if len(rows) + 1 > MOST_ROWS[kind]:
        raise FileFailedError(f"more than {MOST_ROWS[kind]:,} rows")
    return rows


def _check_promotion(row: dict[str, str], product: Product) -> None:
    """Raises LineFailedError."""
    if missing := [name for name in MANDATORY if not row[name]]:
        raise LineFailedError(f"{missing[0]} is empty")
    try:
        starts, ends = (datetime.strptime(row[name], _TIME) for name in ("start_date", "end_date"))  # noqa: DTZ007
    except ValueError:
        raise LineFailedError("a date is not YYYY-MM-DD HH:MM:SS") from None
    if starts >= ends:
        raise LineFailedError("the end is not after the start")
    if row["promotion_type"] == "strikethrough":
        price = _decimal(row.get("discounted_price", ""))
        if price is None or not 0 < price < product.price:
            raise LineFailedError("the discounted price is not below the price")
    elif row["promotion_type"] == "same_item_bundle":
        if row.get("promotion_sub_type") not in SUB_TYPES:
            raise LineFailedError("unknown promotion_sub_type")
        if not re.fullmatch(r"B[1-9]\d*G[1-9]\d*", row.get("bundle_details", "")):
            raise LineFailedError("bundle_details is not B<buy>G<get>")
    else:
        raise LineFailedError("unknown promotion_type")


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        raise LineFailedError("a price is not a number") from None


def _bool(text: str) -> bool | None:
    if text not in {"", "0", "1", "true", "false"}:
        raise LineFailedError("active is not true or false")
    return None if not text else text in {"1", "true"}
