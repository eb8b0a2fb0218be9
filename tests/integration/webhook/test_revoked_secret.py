"""An environment that has accepted the previous webhook secret, and what it does once that is revoked."""

from typing import Any

import boto3
import pytest

from partner_orders.platform.webhook_secret import MAX_AGE_SECONDS, REFRESH_EVERY_SECONDS, WebhookSecret


@pytest.mark.parametrize(("seconds", "first"), [(REFRESH_EVERY_SECONDS, "a stranger's"), (MAX_AGE_SECONDS, "new")])
def test_revoked_secret_is_rejected_when_warm(aws: None, seconds: float, first: str) -> None:
    """A previous secret that is revoked is rejected as soon as the environment reads again: after a minute for a
    stranger, after five for callers with the secret."""
    client, now = boto3.client("secretsmanager"), 1_000.0
    old = client.create_secret(Name="webhook", SecretString="old")["VersionId"]
    client.put_secret_value(SecretId="webhook", SecretString="new")
    secret = WebhookSecret(client, "webhook", lambda: now)
    assert secret.admits("old")
    revoke(client, old)
    now += seconds
    assert secret.admits(first) is (first == "new")
    assert not secret.admits("old")
    assert secret.admits("new")


def revoke(client: Any, version_id: str) -> None:
    """As ``secrets retire-webhook`` does."""
    client.update_secret_version_stage(SecretId="webhook", VersionStage="AWSPREVIOUS", RemoveFromVersionId=version_id)
