"""The platform's words of what it did not take, as they are kept."""

import pytest

from partner_orders.platform.calls import CallRefusedError, PlatformNotFoundError
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.pusher.words import words_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CallRefusedError("400", "BAD_REQUEST", "no such reason"), "BAD_REQUEST: no such reason"),
        (CallRefusedError("400", "BAD_REQUEST"), "BAD_REQUEST"),
        (CallRefusedError("422", message="no such reason"), "no such reason"),
        (CallRefusedError("422"), "status 422"),
        (CallRefusedError("400", message="x" * 500), "x" * 400),
        (PlatformNotFoundError(), "Platform Not Found"),
        (PartnerApiError(Failure.SERVER_ERROR, "503"), "server_error:503"),
    ],
)
def test_words(error: PartnerApiError, words: str) -> None:
    """The platform's code and message, or else what is known of the response; 400 characters of it at most."""
    assert words_of(error) == words
