"""The platform's Partner API, as far as we read it: the orders of a store in a window (contract 4.2, 4.5)."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import requests

from partner_orders.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.json_text import Json, MalformedJsonError, parse
from partner_orders.rate_limit import RateLimit

PAGE_SIZE = 500
MAX_PAGES = 1_000
TRIES = 4
TIMEOUT_SECONDS = (3.05, 20.0)
LONGEST_BACKOFF_SECONDS = 20.0


class PartnerApiError(RuntimeError):
    """A request that did not succeed. ``kind`` is a short name of what went wrong; the text holds nothing of the
    answer. ``everywhere`` is true where other stores would fare no better now."""

    def __init__(self, kind: str, everywhere: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.everywhere = everywhere


@dataclass(frozen=True)
class OrdersPage:
    orders: list[Json] = field(repr=False)
    total_pages: int


class PartnerApi:
    """One worker's client: bearer token, redirects not followed, retries, and the platform's rate limit.

    ``remaining_seconds`` tells how much time the caller has; no wait goes beyond it.
    """

    def __init__(
        self,
        base_url: str,
        chain_id: str,
        credentials: PartnerApiCredentials,
        session: requests.Session,
        rate_limit: RateLimit,
        sleep: Callable[[float], None],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._chain_id = chain_id
        self._credentials = credentials
        self._session = session
        self._rate_limit = rate_limit
        self._sleep = sleep

    def orders(
        self, vendor_id: str, start: datetime, end: datetime, remaining_seconds: Callable[[], float]
    ) -> Iterator[list[Json]]:
        """The store's orders between two times, page by page, each order once. Raises PartnerApiError, also for
        pages that repeat."""
        seen: set[str] = set()
        for number in range(1, MAX_PAGES + 1):
            page = self._page(vendor_id, start, end, number, remaining_seconds)
            if not page.orders:
                return
            fresh = [order for order in page.orders if _identity(order) not in seen]
            if not fresh:
                # The set moves while we page, so some orders come again; a page of nothing new is no page.
                raise PartnerApiError("repeated_page")
            seen.update(map(_identity, fresh))
            yield fresh
            if number >= page.total_pages:
                return
        raise PartnerApiError("too_many_pages")

    def _page(
        self, vendor_id: str, start: datetime, end: datetime, number: int, remaining_seconds: Callable[[], float]
    ) -> OrdersPage:
        # Unknown parameter names are ignored and wrong times give an empty list, so exactly these (contract 4.2).
        body = self._get(
            f"/v2/chains/{quote(self._chain_id, safe='')}/vendors/{quote(vendor_id, safe='')}/orders",
            {
                "start_time": _time(start),
                "end_time": _time(end),
                "page": str(number),
                "page_size": str(PAGE_SIZE),
            },
            remaining_seconds,
        )
        match body:
            case {"orders": list(orders), **rest}:
                total = rest.get("total_pages")
                return OrdersPage(orders, total if isinstance(total, int) else number + bool(orders))
            case _:
                raise PartnerApiError("not_a_page")

    def _get(self, path: str, query: dict[str, str], remaining_seconds: Callable[[], float]) -> Json:
        """GET with retries of what may pass: 429, 5xx, a broken or missing answer, and a refused token once."""
        error = PartnerApiError("not_tried", everywhere=True)
        refused = False
        for attempt in range(TRIES):
            if attempt:
                wait = min(LONGEST_BACKOFF_SECONDS, 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
                if wait > remaining_seconds():
                    raise error
                self._sleep(wait)
            if not self._rate_limit.take(remaining_seconds()):
                raise PartnerApiError("out_of_time", everywhere=True)
            try:
                token = self._credentials.token()
            except CredentialsError as missing:
                raise PartnerApiError(f"credentials: {missing}", everywhere=True) from None
            try:
                answer = self._session.get(
                    self._base_url + path,
                    params=query,
                    headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.RequestException as fault:
                error = PartnerApiError("no_answer:" + type(fault).__name__)
                continue
            match answer.status_code:
                case 200:
                    try:
                        return parse(answer.content)
                    except MalformedJsonError:
                        error = PartnerApiError("not_json")
                case 401 if not refused:
                    refused = True
                    error = PartnerApiError("unauthorised", everywhere=True)
                    self._credentials.refused()
                case 401:
                    raise PartnerApiError("unauthorised", everywhere=True)
                case 403:
                    raise PartnerApiError("forbidden")
                case 404:
                    raise PartnerApiError("not_found")
                case 429:
                    error = PartnerApiError("rate_limited", everywhere=True)
                    wait = _retry_after(answer)
                    if wait > remaining_seconds():
                        raise error
                    self._sleep(wait)
                case status if status >= 500:
                    error = PartnerApiError(f"server_error_{status}")
                case status:
                    raise PartnerApiError(f"refused_{status}")
        raise error


def _time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _identity(order: Json) -> str:
    match order:
        case {"order_id": str(order_id)}:
            return order_id
        case _:
            return repr(order)


def _retry_after(answer: requests.Response) -> float:
    """Seconds; the edge sends a number, and a block that names none is taken for a minute's."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 60.0
