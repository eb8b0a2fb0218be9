"""Requests to the platform's Partner API: token, retries and back-off, limits, the platform's clock, and its failures
(docs/platform.md 4.4, 4.5)."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

from partner_orders.clock import Clock
from partner_orders.platform.breaker import Breaker
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.platform.failures import (
    Failure,
    OutOfTimeError,
    PartnerApiError,
    PlatformUnavailableError,
    TokenRejectedError,
)
from partner_orders.platform.rate_limit import RequestLimit
from partner_orders.platform.responses import date_of, error_of, read_body

TRIES = 4
CONNECT_SECONDS = 3.05
# How long a response may take, with headers and body. With what comes before it, and one more wait, less than the lease
# lasts.
RESPONSE_SECONDS = 40.0
LONGEST_BACKOFF_SECONDS = 20.0
# Where the platform wants a longer wait, the retry is left to a later run.
LONGEST_WAIT_SECONDS = 60.0
STEP_SECONDS = 30.0
# A proxy may send any date; a clock that is hours off would make us skip orders.
LARGEST_CLOCK_OFFSET = timedelta(minutes=15)


def _nothing() -> None:
    """Stop nothing."""


class RunLimits(NamedTuple):
    """What bounds the requests of a run. ``before_request`` is called ahead of every request, ``keep_alive`` in longer
    waits; both may raise to stop. ``remaining_seconds`` is how long the run may still take."""

    before_request: Callable[[], None] = _nothing
    keep_alive: Callable[[], None] = _nothing
    remaining_seconds: Callable[[], float] = lambda: 60.0


@dataclass(frozen=True)
class Request:
    """A request below the base URL. ``content`` is JSON to send. ``seconds`` is how long the response may take, with
    headers and body; RESPONSE_SECONDS, if None."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)
    accept: str = "application/json"
    seconds: float | None = None


@dataclass(frozen=True)
class Handover:
    """What a worker learned of the platform, for the next one: when the last request was made, and how many requests in
    the minute before (None: unknown); which format of times the platform parses; when it wants the next request, if it
    said so; how far its clock is ahead of ours; the largest page size that it accepts, and how many orders its pages
    have where that is another number (None: nothing seen)."""

    last_request_at: datetime | None = None
    recent_requests: int | None = None
    time_format: str | None = None
    not_before: datetime | None = None
    clock_offset: timedelta = timedelta(0)
    page_size: int | None = None
    page_length: int | None = None


class PartnerApiClient:
    """One worker's client: bearer token, redirects not followed, retries, and the platform's rate limit.

    ``requests`` counts the requests, ``errors`` the failures, also where a retry succeeded.
    """

    def __init__(
        self,
        base_url: str,
        credentials: PartnerApiCredentials,
        session: requests.Session,
        rate_limit: RequestLimit,
        clock: Clock,
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._session = session
        self._rate_limit = rate_limit
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._limits = RunLimits()
        self._last_request_at: datetime | None = None
        self._learned = Handover()
        self._breaker = Breaker()
        self._has_heard = False
        self.requests = 0
        self.errors: Counter[str] = Counter()

    # -- a run --------------------------------------------------------------------------------------------------

    def begin(self, limits: RunLimits, handover: Handover) -> None:
        """Begin a run where the last worker stopped. Its requests count for this worker, too. Where their number is
        unknown, it may have made as many as the limit allows."""
        self._limits, self._breaker = limits, Breaker()
        last_request_at = handover.last_request_at
        if last_request_at is not None and last_request_at != self._last_request_at:
            seconds_ago = max(0.0, (self._clock() - last_request_at).total_seconds())
            recent = handover.recent_requests
            self._rate_limit.assume(self.requests_per_minute if recent is None else recent, seconds_ago)
        self._learned = replace(handover, not_before=None, clock_offset=timedelta(0))
        self._has_heard = False

    def end(self) -> Handover:
        """End a run; what the next worker has to know of the platform."""
        self._rate_limit.hand_back()
        # Another worker's last request may be later, where this one has made none in this run.
        last_request_at = max(filter(None, (self._last_request_at, self._learned.last_request_at)), default=None)
        return replace(self._learned, last_request_at=last_request_at, recent_requests=self._rate_limit.recent())

    def note(
        self, time_format: str | None = None, page_size: int | None = None, page_length: int | None = None
    ) -> None:
        """The platform was seen to accept this, or to do so. What is None stays as it is known."""
        self._learned = replace(
            self._learned,
            time_format=time_format or self._learned.time_format,
            page_size=page_size or self._learned.page_size,
            page_length=page_length or self._learned.page_length,
        )

    @property
    def time_format(self) -> str | None:
        return self._learned.time_format

    @property
    def page_size(self) -> int | None:
        return self._learned.page_size

    @property
    def page_length(self) -> int | None:
        return self._learned.page_length

    @property
    def has_worked(self) -> bool:
        """Whether the platform has accepted a request in this run."""
        return self._breaker.has_worked

    @property
    def clock_offset(self) -> timedelta:
        """How far the platform's clock is ahead of ours, by the ``Date`` of its last response; none until there was
        one."""
        return self._learned.clock_offset

    def now(self) -> datetime:
        """The platform's time."""
        return self._clock() + self.clock_offset

    @property
    def has_heard(self) -> bool:
        """Whether the platform has responded in this run, so that its time is known."""
        return self._has_heard

    @property
    def not_before(self) -> datetime:
        """When the platform wants the next request, by our clock; now, where it wants no wait."""
        now = self._clock()
        return max(self._learned.not_before or now, now)

    @property
    def token_age(self) -> timedelta | None:
        """How long ago the credentials were stored, once they were read."""
        stored_at = self._credentials.stored_at
        return None if stored_at is None else self._clock() - stored_at

    @property
    def requests_per_minute(self) -> int:
        return self._rate_limit.per_minute

    # -- requests -----------------------------------------------------------------------------------------------

    def get[T](self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """GET a path below the base URL; the body as ``read`` parses it. Retries what may pass: 429, 5xx, a missing
        response, a body that ``read`` rejects with a ``retry_after``, and once a rejected token. Raises PartnerApiError
        and OutOfTimeError."""
        refreshed = False
        for attempt in range(1, TRIES + 1):
            try:
                return self._try(path, query, read)
            except PartnerApiError as error:
                self.errors[error.failure] += 1
                wait = self._back_off(attempt, error)
                if isinstance(error, TokenRejectedError) and not refreshed:
                    self._credentials.rejected()
                    refreshed, wait = True, 0.0
                if wait is None or attempt == TRIES or wait > self._limits.remaining_seconds():
                    raise self._of_every_store(error, path) from None
            self._pause(wait)
        raise AssertionError("the last try returns or raises")

    def get_once[T](self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """The same in one try. Raises PartnerApiError and OutOfTimeError."""
        try:
            return self._try(path, query, read)
        except PartnerApiError as error:
            self.errors[error.failure] += 1
            self._back_off(1, error)  # The next worker learns how long to wait.
            raise

    def exchange[T](self, request: Request, read: Callable[[requests.Response], T]) -> T:
        """One request, and the same once more if its token was rejected; what ``read`` makes of the response, whatever
        its status. ``read`` raises PartnerApiError for what is none (TokenRejectedError for 401), and closes the
        response or returns it open. Raises PartnerApiError and OutOfTimeError."""
        try:
            return self._exchange_once(request, read)
        except TokenRejectedError:
            self._credentials.rejected()
        return self._exchange_once(request, read)

    def make_room(self) -> None:
        """Wait until the next request may be sent, ahead of it, so that nothing is noted as sent that cannot be. Raises
        OutOfTimeError."""
        self._wait_for_the_platform()
        self._make_room()

    def _exchange_once[T](self, request: Request, read: Callable[[requests.Response], T]) -> T:
        try:
            content = self._send(request, read)
        except PartnerApiError as error:
            self.errors[error.failure] += 1
            self._back_off(1, error)  # The next request waits as long as the platform wants.
            raise
        self._breaker.worked()
        return content

    def _try[T](self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        content = read(self._send(Request("GET", path, query), self._read))
        self._breaker.worked()
        return content

    def _back_off(self, attempt: int, error: PartnerApiError) -> float | None:
        """Seconds until the next try; None if there is to be none in this run."""
        back_off = min(LONGEST_BACKOFF_SECONDS, 2.0**attempt) * (0.5 + self._jitter() / 2)
        if error.retry_after is None:
            return None
        if error.retry_after:
            not_before = self._clock() + timedelta(seconds=error.retry_after)
            self._learned = replace(self._learned, not_before=not_before)
        if error.retry_after > LONGEST_WAIT_SECONDS:
            return None
        return max(back_off, error.retry_after)

    def _of_every_store(self, error: PartnerApiError, path: str) -> PartnerApiError:
        """The error, as one of every store where it is not this store's own."""
        if isinstance(error, PlatformUnavailableError):
            return error
        # A worker that is told to come back later requests nothing of other stores meanwhile.
        comes_back_later = error.retry_after is not None and error.retry_after > LONGEST_WAIT_SECONDS
        # A token that works for another store is rejected for this store alone.
        is_rejected = isinstance(error, TokenRejectedError) and not self._breaker.has_worked
        if comes_back_later or is_rejected or self._breaker.failed(path, error):
            return PlatformUnavailableError(error.failure, error.detail, error.retry_after)
        return error

    def _pause(self, seconds: float) -> None:
        """Wait, and keep the lease meanwhile."""
        while seconds > 0:
            self._sleep(min(seconds, STEP_SECONDS))
            seconds -= STEP_SECONDS
            self._limits.keep_alive()

    def _send[T](self, request: Request, read: Callable[[requests.Response], T]) -> T:
        """One request, within the rate limit; what ``read`` makes of its response. The token goes to the configured
        host alone. Raises PartnerApiError and OutOfTimeError."""
        self._limits.before_request()
        self.make_room()  # also for the request that a token may take
        token = self._token()
        self._make_room()
        self.requests += 1
        headers = {"Authorization": f"Bearer {token}", "Accept": request.accept}
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        seconds = min(request.seconds or RESPONSE_SECONDS, self._limits.remaining_seconds())
        is_get = request.method == "GET"
        send = self._session.get if is_get else partial(self._session.request, request.method, data=request.content)
        try:
            response = send(
                self.base_url + request.path,
                params=request.query,
                headers=headers,
                timeout=(CONNECT_SECONDS, max(1.0, seconds)),
                allow_redirects=False,
                stream=True,
            )
            self._set_clock_offset(response)
            return read(response)
        except (HTTPError, OSError, ValueError) as error:
            # requests' errors are OSErrors; a ValueError is what the libraries raise for some malformed responses.
            raise PartnerApiError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None
        finally:
            self._rate_limit.record()
            self._last_request_at = self._clock()

    def _read(self, response: requests.Response) -> bytes:
        """The body of a response, unless its status is an error. Raises PartnerApiError and requests' errors."""
        if error := error_of(response, self.now()):
            response.close()
            raise error
        return read_body(response)

    def _wait_for_the_platform(self) -> None:
        """Wait until the platform wants the next request, if it said so at a request for another store."""
        not_before = self._learned.not_before
        wait = (not_before - self._clock()).total_seconds() if not_before else 0.0
        if wait > self._limits.remaining_seconds():
            raise OutOfTimeError
        self._pause(wait)

    def _make_room(self) -> None:
        if not self._rate_limit.wait(self._limits.remaining_seconds(), self._limits.keep_alive):
            raise OutOfTimeError
        self._limits.keep_alive()

    def _token(self) -> str:
        """The token to send. The token endpoint's failures are retried as any other's, and are no store's own."""
        try:
            return self._credentials.token()
        except CredentialsError as error:
            raise self._error_of_credentials(error) from None
        except (HTTPError, OSError, ValueError) as error:
            raise PlatformUnavailableError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None

    def _error_of_credentials(self, error: CredentialsError) -> PlatformUnavailableError:
        status_error = None if error.response is None else error_of(error.response, self.now())
        if status_error is not None and status_error.retry_after is not None:
            return PlatformUnavailableError(status_error.failure, status_error.detail, status_error.retry_after)
        # OAuth's 400 or 401 (docs/platform.md 4.4) says of a client what 401 says of a token.
        is_rejected = error.response is not None and error.response.status_code in (400, 401, 403)
        return PlatformUnavailableError(Failure.UNAUTHORIZED if is_rejected else Failure.CREDENTIALS, f" {error}")

    def _set_clock_offset(self, response: requests.Response) -> None:
        self._has_heard = True
        date = date_of(response)
        if date is not None and abs(offset := date - self._clock()) < LARGEST_CLOCK_OFFSET:
            self._learned = replace(self._learned, clock_offset=offset)
