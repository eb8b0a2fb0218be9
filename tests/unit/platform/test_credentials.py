"""The token endpoint's response may leave out what RFC 6749 calls optional."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials
from partner_orders.platform.rate_limit import RateLimit

SECRET = json.dumps({"client_id": "ours", "client_secret": "of the client"})


def credentials(grant: dict[str, Any], seconds: list[float]) -> tuple[PartnerApiCredentials, list[str]]:
    """Credentials of an OAuth client whose token endpoint grants this; and the requests that it gets."""
    posted: list[str] = []

    def post(url: str, **_: Any) -> requests.Response:
        posted.append(url)
        response = requests.Response()
        response.status_code = 200
        response.raw = HTTPResponse(io.BytesIO(json.dumps(grant).encode()), preload_content=False)
        return response

    secrets: Any = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": SECRET})
    session: Any = SimpleNamespace(post=post)
    limit = RateLimit(60, lambda: seconds[0], lambda _: None)
    return PartnerApiCredentials(secrets, "arn", "https://p", session, limit, lambda: seconds[0]), posted


ODD: list[Any] = [None, "soon", "", "NaN", 0, -1, [], True, float("inf"), 10**400, "7200"]


@pytest.mark.parametrize("grant", [{}, *({"expires_in": odd} for odd in ODD)])
def test_token_without_lifetime_lives_two_hours(grant: dict[str, Any]) -> None:
    """Without expires_in, or with one that is no time, a token is used for almost two hours, and then replaced."""
    seconds = [0.0]
    ours, posted = credentials({"access_token": "t"} | grant, seconds)
    for at, expected in ((0.0, 1), (6_800.0, 1), (7_000.0, 2)):
        seconds[0] = at
        assert ours.token() == "t"
        assert len(posted) == expected


def test_secret_is_read_each_five_minutes() -> None:
    """The secret is read again after five minutes and no sooner, but at once after its token was rejected."""
    reads: list[str] = []

    def get_secret_value(**_: Any) -> dict[str, str]:
        reads.append(f"token-{len(reads)}")
        return {"SecretString": json.dumps({"token": reads[-1]})}

    seconds = [0.0]
    secrets: Any = SimpleNamespace(get_secret_value=get_secret_value)
    limit = RateLimit(60, lambda: seconds[0], lambda _: None)
    ours = PartnerApiCredentials(secrets, "arn", "https://p", requests.Session(), limit, lambda: seconds[0])
    tokens = []
    for at in (0.0, 299.0, 300.0, 599.0):
        seconds[0] = at
        tokens.append(ours.token())
    assert tokens == ["token-0", "token-0", "token-1", "token-1"]
    ours.rejected()
    assert ours.token() == "token-2"


@pytest.mark.parametrize("token", ["jeton-é", "two words", "", "line\nbreak"])
def test_token_that_no_header_holds(token: str) -> None:
    """A granted token that cannot be sent is an error that says so, and never reaches a header."""
    ours, _ = credentials({"access_token": token}, [0.0])
    with pytest.raises(CredentialsError, match="no header can hold"):
        ours.token()
