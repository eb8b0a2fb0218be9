"""The webhook secret: current and previous, cached, compared in constant time."""

import hashlib
import hmac
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_SECONDS = 300.0
REFRESH_EVERY_SECONDS = 60.0
# After a read that failed, before the next.
RETRY_SECONDS = 5.0
BYTE_ORDER_MARK = "\ufeff"


class SecretUnavailableError(RuntimeError):
    """The secret could not be read, or holds nothing, so that nobody can be refused. The message never holds a
    secret."""


class SecretVersion(StrEnum):
    """Which of the stored secrets a caller gave."""

    CURRENT = "AWSCURRENT"
    PREVIOUS = "AWSPREVIOUS"


class WebhookSecret:
    """Knows whether a caller knows the secret.

    The platform sends the secret verbatim as the ``Authorization`` header (docs/platform.md 2.1), so the value is
    compared as it stands, with and without a ``Bearer`` prefix. After a rotation the previous secret stays valid until
    the next.
    """

    def __init__(
        self, client: "SecretsManagerClient", secret_arn: str, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._arn = secret_arn
        self._seconds = seconds
        self._accepted: dict[SecretVersion, bytes] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        # What was wrong with the last read, if anything was.
        self._fault = ""

    def admits(self, authorization: str) -> bool:
        """Whether the ``Authorization`` value is that of the platform. Raises SecretUnavailableError."""
        return self.admitted_by(authorization) is not None

    def admitted_by(self, authorization: str) -> SecretVersion | None:
        """Which secret the ``Authorization`` value is; None if it is not that of the platform.

        However many refusals there are, the secret is read at most once a minute, or every few seconds while that
        fails. What is held stays good meanwhile. For anything else this raises SecretUnavailableError then, since it
        may be a new secret.
        """
        if self._seconds() - self._fetched_at >= MAX_AGE_SECONDS:
            # Not as often as for what does not match: who knows the secret does not wait for a read that fails.
            self._refresh(REFRESH_EVERY_SECONDS)
        if version := self._match(authorization):
            return version
        fetched_at = self._fetched_at
        self._refresh(RETRY_SECONDS if self._fault else REFRESH_EVERY_SECONDS)
        if self._fetched_at != fetched_at and (version := self._match(authorization)):
            return version
        if self._fault:
            raise SecretUnavailableError(self._fault)
        return None

    def _match(self, authorization: str) -> SecretVersion | None:
        # Not decoded, not split: any string is a secret. Digests, so that lengths do not show in the time it takes.
        presented = authorization.strip()
        candidates = [_digest(presented)]
        if presented[:7] == "Bearer ":
            candidates.append(_digest(presented[7:].strip()))
        matches = [
            version
            for version, secret in self._accepted.items()
            for candidate in candidates
            if hmac.compare_digest(candidate, secret)
        ]
        return matches[0] if matches else None

    def _refresh(self, pause: float) -> None:
        """Read the secret, unless that was tried less than ``pause`` seconds ago."""
        if self._seconds() - self._tried_at < pause:
            return
        self._tried_at = self._seconds()
        try:
            current = self._read(SecretVersion.CURRENT)
            previous = self._read(SecretVersion.PREVIOUS)
        except Exception as error:
            self._fault = f"the webhook secret could not be read: {type(error).__name__}"
            return
        if not current:
            self._fault = "the webhook secret is empty: store the text that the platform is to send"
            return
        self._fault = ""
        found = {SecretVersion.CURRENT: current, SecretVersion.PREVIOUS: previous}
        self._accepted = {version: _digest(secret) for version, secret in found.items() if secret}
        self._fetched_at = self._tried_at

    def _read(self, version: SecretVersion) -> str:
        try:
            return secret_text(self._client.get_secret_value(SecretId=self._arn, VersionStage=version)["SecretString"])
        except self._client.exceptions.ResourceNotFoundException:
            if version is SecretVersion.PREVIOUS:
                return ""
            raise


def secret_text(stored: str) -> str:
    """The secret in a stored text: without the byte order mark and the white space that editors and shells add."""
    return stored.strip().lstrip(BYTE_ORDER_MARK).strip()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
