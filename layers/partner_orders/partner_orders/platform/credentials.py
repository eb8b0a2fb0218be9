"""The Partner API credentials: a static bearer token, or an OAuth client (docs/platform.md 4.4)."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests

from partner_orders.platform.failures import OutOfTimeError, PartnerApiError
from partner_orders.platform.rate_limit import RequestLimit
from partner_orders.platform.responses import read_body

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_MAX_AGE_SECONDS = 300.0
REFRESH_AHEAD_SECONDS = 300.0
# To connect, and for the whole response.
TIMEOUT_SECONDS = (3.05, 10.0)
MAX_GRANT_BYTES = 65_536
# For a permit of the rate limit, which frees one in any 60 seconds.
LONGEST_WAIT_SECONDS = 61.0
TOKEN_LIFE_SECONDS = 7_200.0
PLACEHOLDER = "PASTE-THE-PARTNER-API-TOKEN-HERE"
_WHAT_TO_STORE = (
    'store {"token": "..."} with a token from the Shop Integrations plug-in, '
    'or {"client_id": "...", "client_secret": "..."}, in the Partner API secret'
)


class CredentialsError(RuntimeError):
    """The credentials are missing, malformed or rejected. Says what to do, and never holds a secret. ``response`` is
    the token endpoint's, if it gave no token."""

    def __init__(self, text: str, response: requests.Response | None = None) -> None:
        super().__init__(text)
        self.response = response


@dataclass(frozen=True)
class _StaticToken:
    token: str = field(repr=False)


@dataclass(frozen=True)
class _OAuthClient:
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


class PartnerApiCredentials:
    """A bearer token, when one is needed. The secret is read again after five minutes, or when the token is rejected.

    ``version_id`` is the version of the secret to read, the current one if empty. ``stored_at`` is when an operator
    stored what was read last.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_arn: str,
        base_url: str,
        session: requests.Session,
        rate_limit: RequestLimit,
        seconds: Callable[[], float] = time.monotonic,
        version_id: str = "",
    ) -> None:
        self._version = {"VersionId": version_id} if version_id else {}
        self._client = client
        self._arn = secret_arn
        self._base_url = base_url
        self._session = session
        self._rate_limit = rate_limit
        self._seconds = seconds
        self._secret: _StaticToken | _OAuthClient | None = None
        self._read_at = float("-inf")
        self._access_token = ""
        self._expires_at = float("-inf")
        self.stored_at: datetime | None = None

    def token(self) -> str:
        """The token to send now. Raises CredentialsError, and requests' errors of the token endpoint."""
        if self._seconds() - self._read_at >= SECRET_MAX_AGE_SECONDS:
            self._read_secret()
        if isinstance(self._secret, _StaticToken):
            return self._secret.token
        if self._secret is not None and self._seconds() >= self._expires_at:
            self._fetch_access_token(self._secret)
        return self._access_token

    def rejected(self) -> None:
        """The platform rejected the token: forget the token and the secret, so that the next token() is a fresh one."""
        self._read_at = self._expires_at = float("-inf")

    def _read_secret(self) -> None:
        try:
            stored = self._client.get_secret_value(SecretId=self._arn, **self._version)
            text, self.stored_at = stored["SecretString"], stored.get("CreatedDate")
        except Exception as error:
            raise CredentialsError(f"the Partner API secret could not be read: {type(error).__name__}") from None
        secret = _parse(text)
        if secret != self._secret:
            self._secret, self._expires_at = secret, float("-inf")
        self._read_at = self._seconds()

    def _fetch_access_token(self, secret: _OAuthClient) -> None:
        if not self._rate_limit.wait(LONGEST_WAIT_SECONDS):
            raise OutOfTimeError
        try:
            response = self._session.post(
                f"{self._base_url}/v2/oauth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": secret.client_id,
                    "client_secret": secret.client_secret,
                },
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            grant = _grant(response)
        finally:
            self._rate_limit.record()
        match grant:
            case {"access_token": str(token), **rest} if _is_header_value(token):
                self._access_token, expires_in = token, _lifetime(rest.get("expires_in"))
                self._expires_at = self._seconds() + max(expires_in - REFRESH_AHEAD_SECONDS, expires_in / 2)
            case {"access_token": str()}:
                raise CredentialsError("the token endpoint returned a token that no header can hold", response)
            case _:
                raise CredentialsError(
                    f"the token endpoint answered {response.status_code}: check client_id and client_secret", response
                )


def _grant(response: requests.Response) -> object:
    """What the token endpoint grants; None where that is no JSON. Raises requests' errors."""
    if response.status_code != requests.codes.ok:
        response.close()
        return None
    try:
        return json.loads(read_body(response, MAX_GRANT_BYTES))
    except (PartnerApiError, ValueError, RecursionError):
        return None


def _lifetime(expires_in: object) -> float:
    """Seconds that a token lives. RFC 6749 makes them optional; two hours are usual (docs/platform.md 4.4)."""
    match expires_in:
        case bool():
            return TOKEN_LIFE_SECONDS
        case int() | float() | str():
            seconds = _number(expires_in)
            return seconds if 0 < seconds < float("inf") else TOKEN_LIFE_SECONDS
        case _:
            return TOKEN_LIFE_SECONDS


def _number(text: float | str) -> float:
    try:
        return float(text)
    except (ValueError, OverflowError):
        return 0.0


def _is_header_value(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def check_secret(text: str) -> None:
    """Whether a secret's text holds credentials. Raises CredentialsError, which says what to store."""
    _parse(text)


def _parse(text: str) -> _StaticToken | _OAuthClient:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    match content:
        case {"token": str(token)} if token.strip() and token.strip() != PLACEHOLDER:
            bearer = token.strip().removeprefix("Bearer ").strip()
            if not _is_header_value(bearer):
                raise CredentialsError(f"the token in the Partner API secret is no header value: {_WHAT_TO_STORE}")
            return _StaticToken(bearer)
        case {"client_id": str(client_id), "client_secret": str(client_secret)} if client_id and client_secret:
            return _OAuthClient(client_id.strip(), client_secret.strip())
        case {"token": str(token)} if token.strip() == PLACEHOLDER:
            raise CredentialsError(f"the Partner API secret still holds its placeholder: {_WHAT_TO_STORE}")
        case _:
            raise CredentialsError(f"the Partner API secret is malformed: {_WHAT_TO_STORE}")
