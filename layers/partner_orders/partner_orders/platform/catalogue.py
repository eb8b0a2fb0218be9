"""The platform's catalogue: values of products sent, jobs asked for, and products read (docs/platform.md 6).

Each call makes one request, and the same once more if its token was rejected. What to do about a failure is for the
caller, and its class says it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import quote

import requests

from partner_orders.catalogue.product import Values
from partner_orders.exact_json import Json, MalformedJsonError, bounded_decimal, number_by_value, parse, write_bytes
from partner_orders.platform.failures import Failure, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.http import PartnerApiClient, Request
from partner_orders.platform.responses import error_of, read_body

CAP_FIELD = "maximum_sales_quantity"
MAX_PRODUCTS = 5_000  # of one call
MAX_PAGE_SIZE = 500
MAX_PAGE_BYTES = 4 * 1_048_576
MAX_RESPONSE_BYTES = 65_536  # of any other response
MAX_JOB_ID = 200  # characters, as any other identifier
MAX_WORD = 64
MAX_MESSAGE = 300
MAX_URL = 8_192
FINISHED = "COMPLETED"
NOT_SENT = "not_sent"
# A call may be refused so for one of its lines, or for its size.
_OF_A_LINE = frozenset({"400", "413", "422", NOT_SENT})
_NOT_ALLOWED = frozenset({Failure.UNAUTHORIZED, Failure.FORBIDDEN, Failure.CREDENTIALS})
_THROTTLED = frozenset({Failure.RATE_LIMITED, Failure.BLOCKED})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Addresses, links, telephone numbers, and what is long enough to be a token.
_PERSONAL_OR_SECRET = re.compile(r"\S*@\S*|\S+://\S*|\+[0-9](?:[ ()-]*[0-9]){5,}|\S{65,}")
_PLATFORM_NOT_FOUND = re.compile(r"platform[ _-]?not[ _-]?found", re.IGNORECASE)


class CallRefusedError(PartnerApiError):
    """The platform refused the whole call: nothing of it took effect. Where it ``may_be_of_a_line``, halve the call
    until the bad line is alone. ``code`` and ``message`` are the platform's, bounded and without personal data; empty
    if it gave none. ``detail`` is the status, or NOT_SENT where the call was refused here."""

    def __init__(self, status: str, code: str = "", message: str = "") -> None:
        super().__init__(Failure.REFUSED, status)
        self.code = code
        self.message = message

    @property
    def may_be_of_a_line(self) -> bool:
        return self.detail in _OF_A_LINE


class EffectUnknownError(PartnerApiError):
    """The call may have taken effect: no response came, a server failed, or the response cannot be read. Take what was
    sent as unconfirmed, and send the newest values after ``retry_after`` seconds."""


class ThrottledError(PartnerApiError):
    """The platform limits our requests, or its edge blocks our address. Send nothing before ``not_before`` (UTC)."""

    def __init__(self, error: PartnerApiError, not_before: datetime) -> None:
        super().__init__(error.failure, error.detail, error.retry_after)
        self.not_before = not_before


class NotAllowedError(PartnerApiError):
    """The credentials are missing or rejected, or do not allow the call. A person has to see to them."""


class PlatformNotFoundError(PartnerApiError):
    """The account is not set up for writing its catalogue ("Platform Not Found"). Ask the platform's account manager;
    reading may work meanwhile."""

    def __init__(self) -> None:
        super().__init__(Failure.NOT_FOUND, "platform")


def is_of_every_store(error: PartnerApiError) -> bool:
    """Whether requests for other stores would fail as well now: the credentials are rejected, the platform limits us,
    or no token could be had."""
    is_for_all = error.failure in _NOT_ALLOWED | _THROTTLED and error.failure is not Failure.FORBIDDEN
    return is_for_all or isinstance(error, PlatformUnavailableError)


def is_for_a_person(error: PartnerApiError) -> bool:
    """Whether somebody has to see to it: the credentials are missing, rejected or not allowed to write a catalogue."""
    return error.failure in _NOT_ALLOWED or isinstance(error, PlatformNotFoundError)


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
        self._chain = f"/v2/chains/{_segment(chain_id)}"
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
        answer = self._write(Request("PUT", self._vendor_path(vendor_id), content=content))
        job_id = _job_id(answer)
        if job_id is None and not (len(products) == 1 and _text(answer.get("sku")) in products):
            raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)
        return Submitted(job_id, _status(answer) or (FINISHED if job_id is None else ""))

    def ask_for_export(self, vendor_id: str) -> str:
        """Have the platform write all products of a store into a file; the job's id. Raises CallRefusedError, and
        EffectUnknownError where it may write one that nobody knows the job of."""
        job_id = _job_id(self._write(Request("POST", f"{self._vendor_path(vendor_id)}/export")))
        if job_id is None:
            raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)
        return job_id

    def job(self, job_id: str) -> PlatformJob | None:
        """A job's state; None if the platform shows none, as it may do for every job of an update. Raises
        CallRefusedError, and PartnerApiError for what may pass."""
        try:
            answer = self._read(Request("GET", f"{self._chain}/catalog/jobs/{_segment(job_id)}"), MAX_RESPONSE_BYTES)
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
        answer = self._read(Request("GET", self._vendor_path(vendor_id), query), MAX_PAGE_BYTES)
        listed = answer.get("products")
        if not isinstance(listed, list):
            raise PartnerApiError(Failure.NOT_A_PAGE)
        # A query that the platform ignores shows the first page for ever.
        if _whole(answer.get("page_number")) not in (None, page):
            raise PartnerApiError(Failure.REPEATED_PAGE)
        products = tuple(product for item in listed if (product := _listed(item)) is not None)
        return CataloguePage(products, _whole(answer.get("total_pages")), len(listed) - len(products))

    def _vendor_path(self, vendor_id: str) -> str:
        return f"{self._chain}/vendors/{_segment(vendor_id)}/catalog"

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

    def _write(self, request: Request) -> dict[str, Json]:
        """What a call that may have an effect was answered."""
        try:
            return self._read(request, MAX_RESPONSE_BYTES)
        except (CallRefusedError, NotAllowedError, ThrottledError, PlatformUnavailableError):
            raise
        except PartnerApiError as error:
            if error.failure is Failure.NOT_FOUND:
                raise
            raise EffectUnknownError(error.failure, error.detail, error.retry_after or 0.0) from None

    def _read(self, request: Request, most_bytes: int) -> dict[str, Json]:
        """The JSON object of a response with 2xx."""

        def read(response: requests.Response) -> dict[str, Json]:
            if response.status_code // 100 != 2:
                raise _refusal(response, self._client.now())
            return _object(read_body(response, most_bytes))

        try:
            return self._client.exchange(request, read)
        except PartnerApiError as error:
            if error.failure in _NOT_ALLOWED:
                raise NotAllowedError(error.failure, error.detail, error.retry_after) from None
            if error.failure in _THROTTLED:
                raise ThrottledError(error, self._client.not_before) from None
            raise


def _segment(text: str) -> str:
    """An id as a part of a path. Raises PartnerApiError for one that would name another path."""
    if not text.strip("."):
        raise PartnerApiError(Failure.NOT_FOUND)
    return quote(text, safe="")


def _refusal(response: requests.Response, now: datetime) -> PartnerApiError:
    """What a response without 2xx says. Closes it."""
    with response:
        error = error_of(response, now) or PartnerApiError(Failure.REFUSED, str(response.status_code))
        is_of_the_call = error.failure in {Failure.REFUSED, Failure.FORBIDDEN, Failure.NOT_FOUND}
        if not is_of_the_call or error.retry_after is not None:
            return error
        code, message = _words(response)
    if any(_PLATFORM_NOT_FOUND.search(text) for text in (code, message)):
        return PlatformNotFoundError()
    return CallRefusedError(error.detail, code, message) if error.failure is Failure.REFUSED else error


def _words(response: requests.Response) -> tuple[str, str]:
    """The platform's code and message, or its gateway's; empty where it gave none. Without personal data."""
    try:
        said = _object(read_body(response, MAX_RESPONSE_BYTES))
    except (PartnerApiError, OSError):
        return "", ""
    inner = said.get("error")
    if isinstance(inner, dict):
        said = inner
    code = next((text for name in ("code", "error") if (text := _text(said.get(name)))), "")
    names = ("message", "error_description", "detail", "title")
    message = next((text for name in names if (text := _text(said.get(name)))), "")
    plain = " ".join(_PERSONAL_OR_SECRET.sub("…", "".join(c if c.isprintable() else " " for c in message)).split())
    return code if _CODE.fullmatch(code) else "", plain[:MAX_MESSAGE]


def _object(content: bytes) -> dict[str, Json]:
    """A JSON object. Raises PartnerApiError."""
    try:
        value = parse(content)
    except MalformedJsonError:
        raise PartnerApiError(Failure.NOT_JSON, retry_after=0.0) from None
    if not isinstance(value, dict):
        raise PartnerApiError(Failure.NOT_JSON, "object", retry_after=0.0)
    return value


def _text(value: Json) -> str:
    """A text or a whole number, as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _job_id(answer: dict[str, Json]) -> str | None:
    text = _text(answer.get("job_id"))
    return text if 0 < len(text) <= MAX_JOB_ID and text.isprintable() else None


def _status(answer: dict[str, Json]) -> str:
    words = (_text(answer.get(name)) for name in ("job_status", "status"))
    return next((re.sub(r"[^A-Z0-9]+", "_", word.upper())[:MAX_WORD] for word in words if word), "")


def _whole(value: Json) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _listed(item: Json) -> ListedProduct | None:
    """A product of a page; None without a SKU."""
    if not isinstance(item, dict) or not (sku := _text(item.get("sku"))):
        return None
    stated = item.get("barcodes") or item.get("barcode")
    barcodes = tuple(filter(None, map(_text, stated if isinstance(stated, list) else [stated])))
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
