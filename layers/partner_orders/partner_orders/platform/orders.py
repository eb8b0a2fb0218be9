"""The platform's Partner API, as far as we read it: the orders of a store in a window (contract 4.2, 4.5)."""

import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.parse import quote

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from partner_orders.clock import Clock
from partner_orders.exact_json import Json, MalformedJsonError, number_by_value, parse
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.platform.rate_limit import RateLimit

PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 20
MAX_PAGES = 2_000
# So often a window is read whose orders move between its pages meanwhile, before it counts as not read.
READINGS = 3
TRIES = 4
UNAUTHORISED = "unauthorised"
NOT_FOUND = "not_found"
ANOTHER_STORE = "another_store"
EMPTY_PAGE = "empty_page"
# What stands before the text of an order that is JSON, but not such as can be stored exactly.
UNREADABLE = "unreadable"
TIMEOUT_SECONDS = (3.05, 20.0)
LONGEST_BACKOFF_SECONDS = 20.0
# What the platform wants to wait longer for is for a later run.
LONGEST_WAIT_SECONDS = 60.0
STEP_SECONDS = 30.0
# How long a body may take to arrive. With what comes before it, and one more wait, less than the lease lasts.
BODY_SECONDS = 40.0
READ_BYTES = 65_536
LARGEST_DIFFERENCE = timedelta(minutes=15)
# How long stores may be without an order.
QUIET = timedelta(days=1)
# An order has its place among the pages this long after it was made: clocks differ, ``Date`` has whole seconds.
SETTLED = timedelta(seconds=3)
# The documentation prints times without a zone, clients send them with one; all in UTC (contract 4.2).
TIME_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S")


class PartnerApiError(RuntimeError):
    """A request that did not succeed. ``kind`` is a short name of what went wrong; the text holds nothing of the
    answer. ``everywhere`` is true where other stores would fare no better now, ``in_parts`` where the parts of the
    window may fare better than the whole. ``retry_after`` is the least number of seconds to wait before another try;
    None where that would change nothing."""

    def __init__(
        self, kind: str, everywhere: bool = False, retry_after: float | None = None, in_parts: bool = False
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.everywhere = everywhere
        self.retry_after = retry_after
        self.in_parts = in_parts


class OutOfTimeError(RuntimeError):
    """The rate limit allows the next request only after the time that the caller has."""


class TooManyPagesError(PartnerApiError):
    """The window holds more pages than the caller wants to read at once; nothing but the first was read."""

    def __init__(self, pages: int) -> None:
        super().__init__("too_many_pages")
        self.pages = pages


@dataclass(frozen=True)
class _Page:
    """``is_full``: as a page of some size gets. ``may_go_on``: it is full, and what it says of the number of pages
    cannot be relied on."""

    orders: list[Json] = field(repr=False)
    total_pages: int
    is_full: bool
    may_go_on: bool

    @property
    def is_no_answer(self) -> bool:
        """Whether it shows nothing, and counts itself: where there is nothing, there are no pages (contract 4.2). Seen
        of one brand only, so it is held against short windows only where they should have something."""
        return not self.orders and self.total_pages == 1

    @cached_property
    def names(self) -> set[str]:
        return {identity(order) for order in self.orders}


class PartnerApi:
    """One worker's client: bearer token, redirects not followed, retries, and the platform's rate limit.

    ``before_request`` is called ahead of every request, ``keep_alive`` in longer waits; both may raise to stop.
    ``not_before`` is when the platform wants to be asked again, if it said so. ``time_format`` is the one of
    TIME_FORMATS that the platform was seen to understand; until one is, an empty answer is asked for again in the
    other. ``errors`` counts what went wrong, by kind, also where a later try went well.
    """

    def __init__(
        self,
        base_url: str,
        chain_id: str,
        credentials: PartnerApiCredentials,
        session: requests.Session,
        rate_limit: RateLimit,
        clock: Clock,
        sleep: Callable[[float], None],
        random_share: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._chain_id = chain_id
        self._credentials = credentials
        self._session = session
        self._rate_limit = rate_limit
        self._clock = clock
        self._sleep = sleep
        self._share = random_share
        self.ahead = timedelta(0)
        self.before_request: Callable[[], None] = lambda: None
        self.keep_alive: Callable[[], None] = lambda: None
        self.not_before: datetime | None = None
        self.remaining_seconds: Callable[[], float] = lambda: 60.0
        self.time_format: str | None = None
        self.requests = 0
        self.errors: Counter[str] = Counter()
        self.last_request_at: datetime | None = None
        self._token_works = False

    def now(self) -> datetime:
        """The platform's time, as its last answer's ``Date`` told it; ours until there was one."""
        return self._clock() + self.ahead

    @property
    def token_age(self) -> timedelta | None:
        """How long ago the credentials were stored, once they were read."""
        stored_at = self._credentials.stored_at
        return None if stored_at is None else self._clock() - stored_at

    @property
    def requests_per_minute(self) -> int:
        return self._rate_limit.per_minute

    @property
    def recent_requests(self) -> int:
        """How many requests the rate limit counts now."""
        return self._rate_limit.recent()

    def take_over(self, last_request_at: datetime | None, recent_requests: int | None, time_format: str | None) -> None:
        """Go on from where the last worker was: its requests count for this one, too. Where their number is not known,
        all are taken that it may have made."""
        self.time_format, self._token_works = time_format, False
        if last_request_at is not None and last_request_at != self.last_request_at:
            ago = max(0.0, (self._clock() - last_request_at).total_seconds())
            self._rate_limit.assume(self.requests_per_minute if recent_requests is None else recent_requests, ago)

    def orders(
        self,
        vendor_id: str,
        start: datetime,
        end: datetime,
        at_most_pages: int = MAX_PAGES,
        some_expected: bool = False,
    ) -> Iterator[list[Json]]:
        """The store's orders between two times, in lists, each order once; the last seconds of a window that ends now
        may be missing. Raises PartnerApiError and OutOfTimeError.

        What is relied on: in a window that ends in the past no order appears, and one that does not change keeps its
        place among the others. Where the API filters by change, orders can only leave, and later ones then move up: so
        the pages are read from the last to the first, and the first, which told how many there are, once more. Where it
        filters by creation and sorts by change, orders move either way, but there stay as many: so while the pages held
        more than were seen, they are read again. A page that came back empty had no orders left only if the first, once
        more, no longer counts it. ``some_expected`` makes an empty answer be asked for again in the other time format.
        """
        first = self._first_page(vendor_id, start, end, some_expected)
        if first.total_pages > 1 and end > self.now() - SETTLED:
            end = self.now() - SETTLED
            first = self._page(vendor_id, start, end, 1)
        if first.is_no_answer and (some_expected or end - start > QUIET):
            first = self._page(vendor_id, start, end, 1)
            if first.is_no_answer:
                raise PartnerApiError(EMPTY_PAGE)
        if first.total_pages > at_most_pages:
            raise TooManyPagesError(first.total_pages)
        seen: set[str] = set()
        lengths: dict[int, int] = {}
        yield _unseen(first.orders, seen)
        for reading in range(READINGS):
            last, page = self._last_page(vendor_id, start, end, first)
            if last == 1:
                return  # One answer is the list of one moment.
            lengths = {number: length for number, length in lengths.items() if number <= last}
            before, empty, hides_some = first.names, last + 1, True
            for number in range(last, 0, -1):
                if number < last:
                    page = self._page(vendor_id, start, end, number)
                if page.orders and page.names == before:
                    raise PartnerApiError("repeated_page")
                if not page.orders:
                    if empty != number + 1:
                        raise PartnerApiError(EMPTY_PAGE, in_parts=True)  # Pages after it have orders.
                    empty = number
                elif number == empty - 1:
                    # After a page that is not full there is none: it may have been counted once too often.
                    hides_some = page.is_full or empty < last
                before = page.names
                lengths[number] = len(page.names)
                yield _unseen(page.orders, seen)
                if number == 1 and empty <= min(last, page.total_pages):
                    raise PartnerApiError(EMPTY_PAGE, in_parts=hides_some)
                if (number == 1 or (reading and empty > last)) and len(seen) >= sum(lengths.values()):
                    return
            first = page
        raise PartnerApiError("moved_pages", in_parts=True)

    def _first_page(self, vendor_id: str, start: datetime, end: datetime, some_expected: bool) -> _Page:
        # Times that it cannot read get an empty list from this platform, not an error (contract 4.2).
        formats = sorted(TIME_FORMATS, key=lambda time_format: time_format != self.time_format)
        first = self._page(vendor_id, start, end, 1, formats[0])
        tried = formats[0]
        if not first.orders and (self.time_format is None or some_expected):
            tried = formats[1]
            first = self._page(vendor_id, start, end, 1, tried)
        if first.orders:
            self.time_format = tried
        return first

    def _last_page(self, vendor_id: str, start: datetime, end: datetime, first: _Page) -> tuple[int, _Page]:
        """The last page and its number: what the first says, and beyond that while the last is full."""
        last = max(first.total_pages, 1)
        page = first if last == 1 else self._page(vendor_id, start, end, last)
        known = first.names | page.names
        while page.may_go_on:
            if last == MAX_PAGES:
                raise PartnerApiError("endless_pages")
            following = self._page(vendor_id, start, end, last + 1)
            if not following.orders:
                following = self._page(vendor_id, start, end, last + 1)  # Nothing else says that this is the end.
            if following.names <= known:
                break  # Empty, or what it has once more, as some answer beyond the end.
            known |= following.names
            last, page = last + 1, following
        return last, page

    def _page(
        self, vendor_id: str, start: datetime, end: datetime, number: int, time_format: str | None = None
    ) -> _Page:
        # Unknown parameter names are ignored and wrong times give an empty list, so exactly these (contract 4.2).
        time_format = time_format or self.time_format or TIME_FORMATS[0]
        whole_end = end if end.microsecond == 0 else end.replace(microsecond=0) + timedelta(seconds=1)
        body = self._get(
            f"/v2/chains/{quote(self._chain_id, safe='')}/vendors/{quote(vendor_id, safe='')}/orders",
            {
                "start_time": start.astimezone(UTC).strftime(time_format),
                "end_time": whole_end.astimezone(UTC).strftime(time_format),
                "page": str(number),
                "page_size": str(PAGE_SIZE),
            },
        )
        match body:
            case {"orders": list(orders), **rest}:
                total, size = rest.get("total_pages"), rest.get("page_size")
                pages = total if isinstance(total, int) else 0
                # Of pages of another size than we asked for, the count may be wrong as well.
                sizes = {DEFAULT_PAGE_SIZE, size if isinstance(size, int) else DEFAULT_PAGE_SIZE}
                full = sizes - {PAGE_SIZE} if pages > 0 else sizes | {PAGE_SIZE}
                return _Page(orders, pages, len(orders) in sizes | {PAGE_SIZE}, len(orders) in full)
            case _:
                raise PartnerApiError("not_a_page")

    def _get(self, path: str, query: dict[str, str]) -> Json:
        """GET, and again what may pass: 429, 5xx, a broken or missing answer, and once a refused token."""
        refreshed = False
        for attempt in range(1, TRIES + 1):
            try:
                content = _content(self._send(path, query), self.now())
                self._token_works = True
                return content
            except PartnerApiError as error:
                self.errors[error.kind.partition(":")[0]] += 1
                wait = min(LONGEST_BACKOFF_SECONDS, 2.0**attempt) * (0.5 + self._share() / 2)
                again = error.retry_after is not None
                if error.retry_after:
                    self.not_before = self._clock() + timedelta(seconds=error.retry_after)
                    wait = max(wait, error.retry_after)
                if error.kind == UNAUTHORISED and not refreshed:
                    self._credentials.refused()
                    refreshed, again, wait = True, True, 0.0
                if error.retry_after is not None and error.retry_after > LONGEST_WAIT_SECONDS:
                    # Whatever it was: who is told to come back later does not ask for another store meanwhile.
                    raise PartnerApiError(error.kind, everywhere=True, retry_after=error.retry_after) from None
                if not again or attempt == TRIES or wait > self.remaining_seconds():
                    if error.kind == UNAUTHORISED:
                        error.everywhere = not self._token_works  # With one that does, it is this store's own.
                    raise
            self._pause(wait)
        raise AssertionError("the last try returns or raises")

    def _pause(self, seconds: float) -> None:
        """Wait, and stay the one who works meanwhile."""
        while seconds > 0:
            self._sleep(min(seconds, STEP_SECONDS))
            seconds -= STEP_SECONDS
            self.keep_alive()

    def _send(self, path: str, query: dict[str, str]) -> requests.Response:
        """One request, within the rate limit. The token goes to the configured host alone."""
        self.before_request()
        self._wait_for_the_platform()
        self._make_room()  # also for the request that a token may take
        token = self._token()
        self._make_room()
        self.requests += 1
        try:
            answer = self._session.get(
                self._base_url + path,
                params=query,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            self._receive(answer)
        except (requests.RequestException, HTTPError) as fault:
            raise PartnerApiError(f"no_answer:{type(fault).__name__}", retry_after=0.0) from None
        finally:
            self._rate_limit.answered()
            self.last_request_at = self._clock()
        self._set_clock(answer)
        return answer

    def _receive(self, answer: requests.Response) -> None:
        """Read the body, within BODY_SECONDS and the time that there is: the timeout of a read never strikes where a
        byte comes now and then. Raises requests' and urllib3's errors."""
        end = self._clock() + timedelta(seconds=min(BODY_SECONDS, self.remaining_seconds()))
        arrived: list[bytes] = []
        try:
            # Not decoded yet: a decoder would wait for more, however long, until it has something to give.
            while part := answer.raw.read1(READ_BYTES, decode_content=False):
                arrived.append(part)
                if self._clock() > end:
                    raise requests.ReadTimeout
        finally:
            answer.close()  # A connection that was read to the end has gone back to the session, and stays open.
        answer.raw = HTTPResponse(io.BytesIO(b"".join(arrived)), answer.raw.headers, preload_content=False)
        _ = answer.content

    def _wait_for_the_platform(self) -> None:
        """Until it wants to be asked again, if it said so when it was last asked for another store."""
        wait = (self.not_before - self._clock()).total_seconds() if self.not_before else 0.0
        if wait > self.remaining_seconds():
            raise OutOfTimeError
        self._pause(wait)

    def _make_room(self) -> None:
        if not self._rate_limit.wait(self.remaining_seconds()):
            raise OutOfTimeError
        self.keep_alive()

    def _token(self) -> str:
        """The token to send. The token endpoint's faults are met as any other's, and are no store's own."""
        try:
            return self._credentials.token()
        except CredentialsError as missing:
            fault = _fault(missing.answer, self.now()) if missing.answer is not None else None
            if fault is None or fault.retry_after is None:
                # OAuth's 400 or 401 (contract 4.4) says of a client what 401 says of a token.
                refused = missing.answer is not None and missing.answer.status_code in (400, 401, 403)
                raise PartnerApiError(
                    f"{UNAUTHORISED if refused else 'credentials'}: {missing}", everywhere=True
                ) from None
            raise PartnerApiError(fault.kind, everywhere=True, retry_after=fault.retry_after) from None
        except requests.RequestException as error:
            raise PartnerApiError(f"no_answer:{type(error).__name__}", everywhere=True, retry_after=0.0) from None

    def _set_clock(self, answer: requests.Response) -> None:
        try:
            ahead = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) - self._clock()
        except (KeyError, ValueError, OverflowError):
            return
        # A proxy may send any date; a clock that is hours off would make us skip what is there.
        if abs(ahead) < LARGEST_DIFFERENCE:
            self.ahead = ahead


def _content(answer: requests.Response, now: datetime) -> Json:
    """What a 200 holds. Raises PartnerApiError."""
    if fault := _fault(answer, now):
        raise fault
    try:
        return parse(answer.content)
    except MalformedJsonError:
        return _one_by_one(answer.content)


def _fault(answer: requests.Response, now: datetime) -> PartnerApiError | None:
    """What is wrong, unless the answer is a 200; ``now`` is the platform's time."""
    match answer.status_code:
        case 200:
            return None
        case 401:
            return PartnerApiError(UNAUTHORISED, everywhere=True)
        case 403 if "html" in answer.headers.get("Content-Type", ""):
            # The edge's page, not the API's JSON: the address is blocked, whatever it asks for.
            return PartnerApiError("blocked", everywhere=True, retry_after=_retry_after(answer, 60.0, now))
        case 403:
            return PartnerApiError("forbidden")
        case 404:
            return PartnerApiError(NOT_FOUND)
        case 429:
            return PartnerApiError("rate_limited", everywhere=True, retry_after=_retry_after(answer, 60.0, now))
        case status if status >= 500:
            return PartnerApiError(f"server_error:{status}", retry_after=_retry_after(answer, 0.0, now))
        case status:
            return PartnerApiError(f"refused:{status}")


def _one_by_one(content: bytes) -> Json:
    """A page in which something is not as it should be, each order by itself: one that cannot be stored exactly does
    not take the others with it. It stays the text that it is, in a list of its own. Raises PartnerApiError."""
    decoder = json.JSONDecoder()
    try:
        text = content.decode("utf-8-sig")
        page = decoder.decode(text)
        found = re.search(r'"orders"\s*:\s*\[\s*', text)
        if not isinstance(page, dict) or not isinstance(page.get("orders"), list) or found is None:
            raise PartnerApiError("not_json", retry_after=0.0)
        at, orders = found.end(), []
        for _ in page["orders"]:
            _, end = decoder.raw_decode(text, at)
            orders.append(_alone(text[at:end]))
            at = end + len(text[end:]) - len(text[end:].lstrip(" \t\r\n,"))
    except (ValueError, RecursionError):
        raise PartnerApiError("not_json", retry_after=0.0) from None
    rest: dict[str, Json] = {
        name: page[name] for name in ("total_pages", "page_size") if isinstance(page.get(name), int)
    }
    return {"orders": orders, **rest}


def _alone(text: str) -> Json:
    try:
        return parse(text.encode("utf-8", "surrogatepass"))
    except MalformedJsonError:
        return [UNREADABLE, text]


def unreadable(order: Json) -> bytes | None:
    """The text of an order that cannot be stored exactly, if it is one."""
    match order:
        case [str(mark), str(text)] if mark == UNREADABLE:
            return text.encode("utf-8", "surrogatepass")
        case _:
            return None


def identity(order: Json) -> str:
    """What makes an order of a page the same as one of another page: its id, or all of it where it has none."""
    match order:
        case {"order_id": str(order_id)}:
            return order_id
        case {"order_id": (int() | Decimal()) as number}:
            return number_by_value(number)
        case _:
            return repr(order)


def _unseen(orders: Sequence[Json], seen: set[str]) -> list[Json]:
    fresh: list[Json] = []
    for order in orders:
        if (name := identity(order)) not in seen:
            seen.add(name)
            fresh.append(order)
    return fresh


def _retry_after(answer: requests.Response, default: float, now: datetime) -> float:
    """Seconds, from a number or a date of the platform's clock; a day at most."""
    text = answer.headers.get("Retry-After", "").strip()
    try:
        if text.isascii() and text.isdecimal():
            return min(float(text), 86_400.0)
        date = parsedate_to_datetime(text).astimezone(UTC)
        return min(max((date - now).total_seconds(), 0.0), 86_400.0)
    except (ValueError, OverflowError):
        return default
