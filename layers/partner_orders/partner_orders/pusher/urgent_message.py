"""An urgent message: what is to be of one product of a store, now."""

from dataclasses import dataclass
from datetime import datetime

from partner_orders.catalogue.line_columns import LineProblemError, json_columns
from partner_orders.catalogue.product import LineError, Product, Values, product_and_values
from partner_orders.catalogue.version import VersionError, checked, stated_version

MAX_BYTES = 16 * 1024
MAX_STORE_ID = 128  # characters
STORE_ID, VERSION = "store_id", "version"


class UrgentRefusedError(ValueError):
    """A message that can never be taken; the text says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class UrgentChange:
    """``version``: the time at which the chain's system said it."""

    store_id: str
    product: Product
    values: Values
    version: datetime


def urgent_change(text: str, sent_at: datetime, now: datetime) -> UrgentChange:
    """Parse a message: a JSON object with ``store_id`` and the columns of a file's line, as text or numbers. Without a
    version of its own it has the time at which it was sent. Raises UrgentRefusedError."""
    content = text.encode("utf-8", "surrogatepass")
    if len(content) > MAX_BYTES:
        raise UrgentRefusedError(f"the message is larger than {MAX_BYTES:,} bytes")
    try:
        columns = json_columns(content)
        store_id = columns.get(STORE_ID, "").strip()
        if not store_id or len(store_id) > MAX_STORE_ID or not store_id.isprintable():
            raise UrgentRefusedError(f"{STORE_ID}: name the store by its id, of at most {MAX_STORE_ID} characters")
        product, values = product_and_values(columns)
        stated = columns.get(VERSION, "").strip()
        version = stated_version(stated, now) if stated else checked(sent_at, now)
    except LineProblemError as error:
        raise UrgentRefusedError(str(error)) from None
    except LineError as error:
        raise UrgentRefusedError(str(error)) from None
    except VersionError as error:
        raise UrgentRefusedError(f"{VERSION}: {error}") from None
    return UrgentChange(store_id, product, values, version)
