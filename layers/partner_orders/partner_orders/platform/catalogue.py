"""The platform's catalogue: values of products sent, jobs asked for, and products read (docs/platform.md 6).

The errors are those of partner_orders.platform.calls.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from partner_orders.catalogue.product import Values
from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value, write_bytes
from partner_orders.platform.calls import (
    NOT_SENT,
    CallRefusedError,
    Calls,
    EffectUnknownError,
    text_of,
)
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.http import PartnerApiClient, Request
from partner_orders.platform.paths import segment

CAP_FIELD = "maximum_sales_quantity"
MAX_PRODUCTS = 5_000  # of one call
MAX_PAGE_SIZE = 500
MAX_PAGE_BYTES = 4 * 1_048_576
MAX_JOB_ID = 200  # characters, as any other identifier
MAX_WORD = 64
MAX_URL = 8_192
FINISHED = "COMPLETED"


class Submitted(NamedTuple):
    """A call that was taken. Without ``job_id`` it is finished, and ``status`` is FINISHED; otherwise the job's result
    tells what became of each line."""

    job_id: str | None
    status: str


@dataclass(frozen=True)
class PlatformJob:
    """A job's status as a word in capitals, such as QUEUED or COMPLETED. ``download_url`` may be a secret."""

    status: str
    download_url: str | None = field(default=None, repr=False)


class ListedProduct(NamedTuple):
    """A product as the platform shows it; None for what it does not show. The price is in major units."""

    sku: str
    barcodes: tuple[str, ...]
    price: Decimal | None
    active: bool | None


class CataloguePage(NamedTuple):
    """A page of a store's products. ``total_pages`` is None if the platform does not say; ``unreadable`` is how many
    products the page has without a SKU."""

    products: tuple[ListedProduct, ...]
    total_pages: int | None
    unreadable: int


class PlatformCatalogue:
    """``cap_field`` is what the platform calls the most pieces in one order. ``vendor_id`` is either of a store's ids.

    Every method raises NotAllowedError, ThrottledError and PlatformNotFoundError; PartnerApiError with
    Failure.NOT_FOUND where no store has the id; PlatformUnavailableError where no token could be had, so that nothing
    was sent; and OutOfTimeError where the request budget has nothing left.
    """

    def __init__(self, client: PartnerApiClient, chain_id: str, cap_field: str = CAP_FIELD) -> None:
        self._client = client
        self._calls = Calls(client)
        self._chain = f"/v2/chains/{segment(chain_id)}"
        self._cap_field = cap_field

    def make_room(self) -> None:
        """Get the permit for the next request ahead of it, so that nothing is noted as sent that cannot be. Raises
        OutOfTimeError."""
        self._client.make_room()

    def put_products(self, vendor_id: str, products: Mapping[str, Values]) -> Submitted:
        """Send values of 1 to MAX_PRODUCTS products, by SKU. Raises CallRefusedError and EffectUnknownError as well."""
        if not 1 <= len(products) <= MAX_PRODUCTS:
            raise ValueError(f"send 1 to {MAX_PRODUCTS:,} products in a call")
        body: list[Json] = [self._product(sku, values) for sku, values in products.items()]
        content = write_bytes({"products": body})
        answer = self._calls.write(Request("PUT", self._vendor_path(vendor_id), content=content))
        job_id = _job_id(answer)
        if job_id is None and not (len(products) == 1 and text_of(answer.get("sku")) in products):
            raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)
        return Submitted(job_id, _status(answer) or (FINISHED if job_id is None else ""))

    def ask_for_export(self, vendor_id: str) -> str:
        """Have the platform write all products of a store into a file; the job's id. Raises CallRefusedError, and
        EffectUnknownError where it may write one that nobody knows the job of."""
        job_id = _job_id(self._calls.write(Request("POST", f"{self._vendor_path(vendor_id)}/export")))
        if job_id is None:
            raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)
        return job_id

    def job(self, job_id: str) -> PlatformJob | None:
        """A job's state; None if the platform shows none, as it may do for every job of an update. Raises
        CallRefusedError, and PartnerApiError for what may pass."""
        try:
            answer = self._calls.read(Request("GET", f"{self._chain}/catalog/jobs/{segment(job_id)}"))
        except PartnerApiError as error:
            if error.failure is Failure.NOT_FOUND:
                return None
            raise
        result = answer.get("result")
        url = answer.get("download_url") or (result.get("download_url") if isinstance(result, dict) else None)
        status = _status(answer)
        if not status:
            raise PartnerApiError(Failure.NOT_JSON, "job_status", retry_after=0.0)
        return PlatformJob(status, url.strip() if isinstance(url, str) and 0 < len(url.strip()) <= MAX_URL else None)

    def catalogue_page(
        self, vendor_id: str, page: int, page_size: int = MAX_PAGE_SIZE, query_term: str = ""
    ) -> CataloguePage:
        """A page of a store's products, counted from 1, with at most MAX_PAGE_SIZE of them. ``query_term``: a name, SKU
        or barcode to look for. Raises CallRefusedError, and PartnerApiError for what may pass."""
        if page < 1 or not 1 <= page_size <= MAX_PAGE_SIZE:
            raise ValueError(f"ask for a page from 1 on, of 1 to {MAX_PAGE_SIZE} products")
        query = {"page": str(page), "page_size": str(page_size)} | ({"query_term": query_term} if query_term else {})
        answer = self._calls.read(Request("GET", self._vendor_path(vendor_id), query), MAX_PAGE_BYTES)
        listed = answer.get("products")
        if not isinstance(listed, list):
            raise PartnerApiError(Failure.NOT_A_PAGE)
        # A query that the platform ignores shows the first page for ever.
        if _whole(answer.get("page_number")) not in (None, page):
            raise PartnerApiError(Failure.REPEATED_PAGE)
        products = tuple(product for item in listed if (product := _listed(item)) is not None)
        return CataloguePage(products, _whole(answer.get("total_pages")), len(listed) - len(products))

    def _vendor_path(self, vendor_id: str) -> str:
        return f"{self._chain}/vendors/{segment(vendor_id)}/catalog"

    def _product(self, sku: str, values: Values) -> Json:
        """A product of a call. Raises CallRefusedError for one that the platform would refuse the whole call for."""
        if values.price is None and values.active is None and values.quantity is None:
            raise CallRefusedError(NOT_SENT, "INCOMPLETE", "state the price, active or the quantity as well")
        product: dict[str, Json] = {"sku": sku}
        if values.price is not None:
            product["price"] = Decimal(number_by_value(values.price))  # without an exponent
        stated = {"active": values.active, "quantity": values.quantity, self._cap_field: values.cap}
        product.update({name: value for name, value in stated.items() if value is not None})
        return product


def _job_id(answer: dict[str, Json]) -> str | None:
    text = text_of(answer.get("job_id"))
    return text if 0 < len(text) <= MAX_JOB_ID and text.isprintable() else None


def _status(answer: dict[str, Json]) -> str:
    words = (text_of(answer.get(name)) for name in ("job_status", "status"))
    return next((re.sub(r"[^A-Z0-9]+", "_", word.upper())[:MAX_WORD] for word in words if word), "")


def _whole(value: Json) -> int | None:
    text = text_of(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _listed(item: Json) -> ListedProduct | None:
    """A product of a page; None without a SKU."""
    if not isinstance(item, dict) or not (sku := text_of(item.get("sku"))):
        return None
    stated = item.get("barcodes") or item.get("barcode")
    barcodes = tuple(filter(None, map(text_of, stated if isinstance(stated, list) else [stated])))
    active = item.get("active")
    return ListedProduct(sku, barcodes, _price(item.get("price")), active if isinstance(active, bool) else None)


def _price(value: Json) -> Decimal | None:
    match value:
        case bool():
            return None
        case int() | Decimal():
            return Decimal(value)
        case str():
            try:
                return bounded_decimal(value.strip())
            except MalformedJsonError:
                return None
        case _:
            return None
