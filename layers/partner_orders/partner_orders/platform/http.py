"""Requests to the platform's Partner API: token, retries and back-off, limits, the platform's clock, and its failures
(docs/platform.md 4.4, 4.5)."""

import io
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from partner_orders.clock import Clock
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.platform.failures import (
    Failure,
    OutOfTimeError,
    PartnerApiError,
    PlatformUnavailableError,
    TokenRejectedError,
)
from partner_orders.platform.rate_limit import RateLimit

TRIES = 4
TIMEOUT_SECONDS = (3.05, 20.0)
LONGEST_BACKOFF_SECONDS = 20.0
# Where the platform wants a longer wait, the retry is left to a later run.
LONGEST_WAIT_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
# A number from this on is no wait, but a time since 1970.
EPOCH_SECONDS = 1_000_000_000.0
STEP_SECONDS = 30.0
# How long a body may take to arrive. With what comes before it, and one more wait, less than the lease lasts.
BODY_SECONDS = 40.0
READ_BYTES = 65_536
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
class Handover:
    """What a worker learned of the platform, for the next one: when the last request was made, and how many requests in
    the minute before (None: unknown); which format of times the platform parses; when it wants the next request, if it
    said so; and how far its clock is ahead of ours."""

    last_request_at: datetime | None = None
    recent_requests: int | None = None
    time_format: str | None = None
    not_before: datetime | None = None
    clock_offset: timedelta = timedelta(0)


class PartnerApiClient:
    """One worker's client: bearer token, redirects not followed, retries, and the platform's rate limit.

    ``requests`` counts the requests, ``errors`` the failures, also where a retry succeeded.
    """

    def __init__(
        self,
        base_url: str,
        credentials: PartnerApiCredentials,
        session: requests.Session,
        rate_limit: RateLimit,
        clock: Clock,
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._session = session
        self._rate_limit = rate_limit
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._limits = RunLimits()
        self._last_request_at: datetime | None = None
        self._learned = Handover()
        self._token_works = False
        self.requests = 0
        self.errors: Counter[str] = Counter()

    # -- a run --------------------------------------------------------------------------------------------------

    def begin(self, limits: RunLimits, handover: Handover) -> None:
        """Begin a run where the last worker stopped. Its requests count for this worker, too. Where their number is
        unknown, it may have made as many as the limit allows."""
        self._limits, self._token_works = limits, False
        last_request_at = handover.last_request_at
        if last_request_at is not None and last_request_at != self._last_request_at:
            seconds_ago = max(0.0, (self._clock() - last_request_at).total_seconds())
            recent = handover.recent_requests
            self._rate_limit.assume(self.requests_per_minute if recent is None else recent, seconds_ago)
        self._learned = replace(handover, not_before=None, clock_offset=timedelta(0))

    def learned(self) -> Handover:
        """What is known of the platform now."""
        # Another worker's last request may be later, where this one has made none in this run.
        last_request_at = max(filter(None, (self._last_request_at, self._learned.last_request_at)), default=None)
        return replace(self._learned, last_request_at=last_request_at, recent_requests=self._rate_limit.recent())

    def note_time_format(self, time_format: str) -> None:
        """The platform was seen to parse this format of times."""
        self._learned = replace(self._learned, time_format=time_format)

    @property
    def time_format(self) -> str | None:
        return self._learned.time_format

    @property
    def clock_offset(self) -> timedelta:
        """How far the platform's clock is ahead of ours, by the ``Date`` of its last response; none until there was
        one."""
        return self._learned.clock_offset

    def now(self) -> datetime:
        """The platform's time."""
        return self._clock() + self.clock_offset

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
                    raise self._of_every_store(error) from None
            self._pause(wait)
        raise AssertionError("the last try returns or raises")

    def _try[T](self, path: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        response = self._send(path, query)
        if error := _error_of(response, self.now()):
            raise error
        content = read(response.content)
        self._token_works = True
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

    def _of_every_store(self, error: PartnerApiError) -> PartnerApiError:
        """The error, as one of every store where it is not this store's own."""
        # A worker that is told to come back later requests nothing of other stores meanwhile.
        comes_back_later = error.retry_after is not None and error.retry_after > LONGEST_WAIT_SECONDS
        # A token that works for another store is rejected for this store alone.
        if comes_back_later or (isinstance(error, TokenRejectedError) and not self._token_works):
            return PlatformUnavailableError(error.failure, error.detail, error.retry_after)
        return error

    def _pause(self, seconds: float) -> None:
        """Wait, and keep the lease meanwhile."""
        while seconds > 0:
            self._sleep(min(seconds, STEP_SECONDS))
            seconds -= STEP_SECONDS
            self._limits.keep_alive()

    def _send(self, path: str, query: dict[str, str]) -> requests.Response:
        """One request, within the rate limit. The token goes to the configured host alone."""
        self._limits.before_request()
        self._wait_for_the_platform()
        self._make_room()  # also for the request that a token may take
        token = self._token()
        self._make_room()
        self.requests += 1
        try:
            response = self._session.get(
                self._base_url + path,
                params=query,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            self._receive(response)
        except (requests.RequestException, HTTPError) as error:
            raise PartnerApiError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None
        finally:
            self._rate_limit.record()
            self._last_request_at = self._clock()
        self._set_clock_offset(response)
        return response

    def _receive(self, response: requests.Response) -> None:
        """Read the body, within BODY_SECONDS and the time that there is: the timeout of a read never strikes where a
        byte comes now and then. Raises requests' and urllib3's errors."""
        end = self._clock() + timedelta(seconds=min(BODY_SECONDS, self._limits.remaining_seconds()))
        arrived: list[bytes] = []
        try:
            # Not decoded yet: a decoder would wait for more, however long, until it has something to give.
            while part := response.raw.read1(READ_BYTES, decode_content=False):
                arrived.append(part)
                if self._clock() > end:
                    raise requests.ReadTimeout
        finally:
            response.close()  # A connection that was read to the end has gone back to the session, and stays open.
        response.raw = HTTPResponse(io.BytesIO(b"".join(arrived)), response.raw.headers, preload_content=False)
        _ = response.content

    def _wait_for_the_platform(self) -> None:
        """Wait until the platform wants the next request, if it said so at a request for another store."""
        not_before = self._learned.not_before
        wait = (not_before - self._clock()).total_seconds() if not_before else 0.0
        if wait > self._limits.remaining_seconds():
            raise OutOfTimeError
        self._pause(wait)

    def _make_room(self) -> None:
        if not self._rate_limit.wait(self._limits.remaining_seconds()):
            raise OutOfTimeError
        self._limits.keep_alive()

    def _token(self) -> str:
        """The token to send. The token endpoint's failures are retried as any other's, and are no store's own."""
        try:
            return self._credentials.token()
        except CredentialsError as error:
            raise self._error_of_credentials(error) from None
        except requests.RequestException as error:
            raise PlatformUnavailableError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None

    def _error_of_credentials(self, error: CredentialsError) -> PlatformUnavailableError:
        status_error = None if error.response is None else _error_of(error.response, self.now())
        if status_error is not None and status_error.retry_after is not None:
            return PlatformUnavailableError(status_error.failure, status_error.detail, status_error.retry_after)
        # OAuth's 400 or 401 (docs/platform.md 4.4) says of a client what 401 says of a token.
        is_rejected = error.response is not None and error.response.status_code in (400, 401, 403)
        return PlatformUnavailableError(Failure.UNAUTHORIZED if is_rejected else Failure.CREDENTIALS, f" {error}")

    def _set_clock_offset(self, response: requests.Response) -> None:
        try:
            offset = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC) - self._clock()
        except (KeyError, ValueError, OverflowError):
            return
        if abs(offset) < LARGEST_CLOCK_OFFSET:
            self._learned = replace(self._learned, clock_offset=offset)


def _error_of(response: requests.Response, now: datetime) -> PartnerApiError | None:
    """What a status says, unless it is 200; ``now`` is the platform's time."""
    match response.status_code:
        case 200:
            return None
        case 401:
            return TokenRejectedError()
        case 403 if "html" in response.headers.get("Content-Type", ""):
            # The edge's page, not the API's JSON: the address is blocked, whatever it requests.
            return PlatformUnavailableError(Failure.BLOCKED, retry_after=_retry_after(response, 60.0, now))
        case 403:
            return PartnerApiError(Failure.FORBIDDEN)
        case 404:
            return PartnerApiError(Failure.NOT_FOUND)
        case 429:
            return PlatformUnavailableError(Failure.RATE_LIMITED, retry_after=_retry_after(response, 60.0, now))
        case 408 | 425 as status:
            return PartnerApiError(Failure.REFUSED, str(status), _retry_after(response, 0.0, now))
        case status if status >= 500:
            return PartnerApiError(Failure.SERVER_ERROR, str(status), _retry_after(response, 0.0, now))
        case status:
            return PartnerApiError(Failure.REFUSED, str(status))


def _retry_after(response: requests.Response, default: float, now: datetime) -> float:
    """Seconds, from a number or a date of the platform's clock; a day at most."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        if text.isascii() and text.isdecimal():
            seconds = float(text)
            # Some servers write the date as seconds since 1970.
            if seconds >= EPOCH_SECONDS:
                seconds = max(seconds - now.timestamp(), 0.0)
            return min(seconds, LONGEST_RETRY_AFTER_SECONDS)
        date = parsedate_to_datetime(text).astimezone(UTC)
        return min(max((date - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER_SECONDS)
    except (ValueError, OverflowError):
        return default
