"""A product as a row of the table, and back. A row is read as often as a whole list comes, so it is kept small: times
are whole milliseconds, and one version stands for all fields that share it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from partner_orders.aws.attribute_values import Row
from partner_orders.catalogue import keys
from partner_orders.catalogue.desired import Desired, PriceInForce
from partner_orders.catalogue.product import Values

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def desired_of(row: Row) -> Desired:
    """The product of a row. Raises LookupError, TypeError or ValueError for a row that is none."""
    values = values_of(row)
    common, own = row.get("version", 0), row.get("versions", {})
    return Desired(
        keys.sku_of(row["sk"]),
        values,
        {name: instant(own.get(name, common)) for name in values.said},
        values_of(row.get("confirmed", {})),
        values_of(row.get("refused", {})),
        row.get("refusal", ""),
        tuple(PriceInForce(_decimal(price), instant(until)) for price, until in row.get("past_prices", ())),
        instant(row["settled_at"]) if "settled_at" in row else None,
        row["writes"],
    )


def attributes_of(product: Desired) -> dict[str, Any]:
    """The attributes of a row, without its key; what is not there is left out."""
    found = product.values.said
    versions = {name: milliseconds(version) for name, version in product.versions.items()}
    if versions:
        # Of several versions the most frequent, of those the newest: the same row for the same product.
        common = max(Counter(versions.values()).items(), key=lambda entry: (entry[1], entry[0]))[0]
        found["version"] = common
        found["versions"] = {name: version for name, version in versions.items() if version != common}
    found |= {"confirmed": product.confirmed.said, "refused": product.refused.said, "refusal": product.refusal}
    found["past_prices"] = [[price, milliseconds(until)] for price, until in product.past_prices]
    if product.settled_at is not None:
        found["settled_at"] = milliseconds(product.settled_at)
    return {name: value for name, value in found.items() if value not in ("", {}, [])}


def values_of(found: Row) -> Values:
    """Inverse of ``Values.said``; other entries are left alone."""
    price = found.get("price")
    return Values(
        None if price is None else _decimal(price), found.get("active"), found.get("quantity"), found.get("cap")
    )


def milliseconds(version: datetime) -> int:
    """Whole milliseconds since 1970 (UTC)."""
    return (version - _EPOCH) // _MILLISECOND


def instant(since_1970: int) -> datetime:
    """Inverse of ``milliseconds``."""
    return _EPOCH + since_1970 * _MILLISECOND


def _decimal(price: Any) -> Decimal:
    return Decimal(price)
