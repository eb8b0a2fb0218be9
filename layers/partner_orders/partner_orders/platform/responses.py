"""What a response of the platform says: its failure, and its body, of bounded size (docs/platform.md 4.5)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from partner_orders.content_encoding import TooLargeError, inflated
from partner_orders.platform.failures import Failure, PartnerApiError, PlatformUnavailableError, TokenRejectedError

# A page's, as it arrives and inflated. Orders are parsed a few at a time, so the reconciler needs some three times as
# much memory for it: far below half of the function's.
MAX_BODY_BYTES = 8 * 1_048_576
READ_BYTES = 65_536
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
# A number from this on is no wait, but a time since 1970; from the second on, one in milliseconds.
EPOCH_SECONDS = 1_000_000_000.0
EPOCH_MILLISECONDS = 1_000 * EPOCH_SECONDS


def read_body(response: requests.Response, most_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The body, inflated, of a response that was requested as a stream. The connection is closed if the body was not
    read to its end.

    Raises PartnerApiError for a body of over ``most_bytes``, raw or inflated, and for one that cannot be inflated; and
    requests' errors.
    """
    arrived = bytearray()
    try:
        # Not decoded here: a decoder would wait for more until it has something to give, and inflate without bounds.
        while part := response.raw.read1(READ_BYTES, decode_content=False):
            arrived += part
            if len(arrived) > most_bytes:
                raise PartnerApiError(Failure.TOO_LARGE)
    except ReadTimeoutError:
        raise requests.ReadTimeout from None
    except HTTPError:
        raise requests.ConnectionError from None
    finally:
        response.close()  # A connection that was read to the end has gone back to the session, and stays open.
    return _decoded(bytes(arrived), response.headers.get("Content-Encoding", ""), most_bytes)


def _decoded(content: bytes, encoding: str, most_bytes: int) -> bytes:
    # What says nothing says so in any encoding.
    if not content or encoding.strip().lower() in {"", "identity"}:
        return content
    try:
        body = inflated(content, encoding, most_bytes)
    except TooLargeError:
        raise PartnerApiError(Failure.TOO_LARGE) from None
    if body is None:
        raise PartnerApiError(Failure.NOT_JSON, "encoding", retry_after=0.0)
    return body


def date_of(response: requests.Response) -> datetime | None:
    """The platform's time when it responded; None where the response does not say."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def error_of(response: requests.Response, now: datetime) -> PartnerApiError | None:
    """What a status says, unless it is 200 or 204; ``now`` is the platform's time."""
    match response.status_code:
        case 200 | 204:
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
            # Some servers write the date as a time since 1970.
            if seconds >= EPOCH_MILLISECONDS:
                seconds /= 1_000
            if seconds >= EPOCH_SECONDS:
                seconds = max(seconds - now.timestamp(), 0.0)
            return min(seconds, LONGEST_RETRY_AFTER_SECONDS)
        date = parsedate_to_datetime(text).astimezone(UTC)
        return min(max((date - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER_SECONDS)
    except (ValueError, OverflowError):
        return default
