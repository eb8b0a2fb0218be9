"""How many products stand in one row: compressed JSON, with every number as it is."""

import zlib
from collections.abc import Mapping
from typing import Any

from partner_orders import exact_json
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.stored import values_of


def pack(value: exact_json.Json) -> bytes:
    return zlib.compress(exact_json.write_bytes(value), level=6)


def unpack(packed: bytes) -> Any:
    """Inverse of ``pack``. Raises ValueError and zlib.error for bytes that pack() did not make."""
    return exact_json.parse(zlib.decompress(packed))


def packed_lines(lines: Mapping[str, Values]) -> bytes:
    """Values by SKU."""
    return pack({sku: values.said for sku, values in lines.items()})


def lines_of(packed: bytes) -> dict[str, Values]:
    """Inverse of ``packed_lines``. Raises as ``unpack`` does."""
    return {sku: values_of(values) for sku, values in unpack(packed).items()}
