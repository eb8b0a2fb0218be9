"""What a status and its headers say."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from partner_orders.platform.breaker import REFUSED_IDS, SILENT_STORES, Breaker
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.responses import error_of

NOW = datetime(2026, 10, 14, 10, 0, tzinfo=UTC)
IN_A_MINUTE = (NOW + timedelta(minutes=1)).timestamp()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("45", 45),
        (str(int(IN_A_MINUTE)), 60),
        (str(int(IN_A_MINUTE * 1_000)), 60),
        (str(int(NOW.timestamp()) - 500), 0),
        ("Wed, 14 Oct 2026 10:02:00 GMT", 120),
        ("9" * 400, 86_400),
        ("-5", 60),
        ("1e9", 60),
        ("soon", 60),
        ("", 60),
    ],
)
def test_retry_after_is_bounded(header: str, seconds: float) -> None:
    """A wait may be seconds, a date, or a time since 1970 in seconds or milliseconds; a day at most."""
    response = requests.Response()
    response.status_code = 429
    response.headers["Retry-After"] = header
    error = error_of(response, NOW)
    assert error is not None
    assert error.retry_after == seconds


@pytest.mark.parametrize("status", [200, 204])
def test_success_is_no_error(status: int) -> None:
    """200 and 204 are no error."""
    response = requests.Response()
    response.status_code = status
    assert error_of(response, NOW) is None


def refused() -> PartnerApiError:
    return PartnerApiError(Failure.FORBIDDEN)


def silent() -> PartnerApiError:
    return PartnerApiError(Failure.SERVER_ERROR, "500", retry_after=0.0)


def test_breaker_counts_stores() -> None:
    """One store that fails however often is one store."""
    breaker = Breaker()
    assert not any(breaker.failed("/one", error) for error in [refused(), silent()] * 9)
    assert [breaker.failed(f"/{number}", silent()) for number in range(SILENT_STORES)][-1]


def test_breaker_needs_stores_in_a_row() -> None:
    """Any response between silent stores, and any success before refused ones, shows that the platform works."""
    breaker = Breaker()
    for number in range(3 * SILENT_STORES):
        assert not breaker.failed(f"/{number}", silent())
        breaker.failed("/gone", PartnerApiError(Failure.NOT_FOUND))
    assert not any(breaker.failed(f"/{number}", refused()) for number in range(REFUSED_IDS - 1))
    breaker.worked()
    assert not any(breaker.failed(f"/{number}", refused()) for number in range(9))
