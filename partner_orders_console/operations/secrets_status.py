"""Whether the secrets of a stack are set and well formed, how old they are, and when they were last used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.clock import from_text, now
from partner_orders.platform.credentials import CredentialsError, check_secret
from partner_orders.platform.webhook_secret import SecretVersion
from partner_orders_console.operations.partner_api_credentials import has_earlier
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_requests import UNKNOWN, webhook_requests
from partner_orders_console.operations.webhook_secret import HOW_TO_STORE_IT, webhook_secret_fault

# Runs are minutes apart.
_RUNS = timedelta(hours=2)


@dataclass(frozen=True)
class SecretState:
    """``last_used_at`` is None if it was not used lately, or if that is unknown, which the ``note`` says."""

    secret: str
    stored_at: datetime | None
    last_used_at: datetime | None
    fault: str = ""
    note: str = ""


def secrets_status(stack: DeployedStack) -> list[SecretState]:
    """The webhook secret, the Partner API credentials, and the older webhook secret if it is valid. Raises botocore's
    errors."""
    requests = webhook_requests(stack)
    note = UNKNOWN if requests is None else ""
    found, older = _read(stack, "WebhookSecretArn"), _older(stack)
    wrong = webhook_secret_fault(found.get("SecretString", ""))
    states = [
        SecretState(
            "webhook secret",
            found.get("CreatedDate"),
            requests.current_secret_used_at if requests else None,
            f"it {wrong}. {HOW_TO_STORE_IT}" if wrong else "",
            f"last use {note}" if note else "",
        ),
        _credentials(stack),
    ]
    if older is not None:
        used_at = requests.previous_secret_used_at if requests else None
        how = "still valid: `partner-orders secrets retire-webhook` revokes it"
        states.append(SecretState("older webhook secret", older.get("CreatedDate"), used_at, note=how))
    return states


def last_use_of_credentials(stack: DeployedStack, stored_at: datetime | None) -> datetime | None:
    """When the last run began that made requests which the platform accepted, of the last two hours, since the
    credentials were stored."""
    since = max(filter(None, (stored_at, now() - _RUNS)))
    for report in reversed(stack.reconciliation.reports(since, now())):
        if report.get("requests", 0) > sum(report.get("api_errors", {}).values()):
            return from_text(report["started_at"])
    return None


def stored_at_of(stack: DeployedStack, output: str) -> datetime | None:
    """When the current version of a secret was stored; None if that cannot be read."""
    try:
        when: datetime | None = _read(stack, output).get("CreatedDate")
    except ClientError:
        return None
    return when


def _credentials(stack: DeployedStack) -> SecretState:
    found, fault = _read(stack, "PartnerApiSecretArn"), ""
    try:
        check_secret(found.get("SecretString", ""))
    except CredentialsError as error:
        fault = str(error)
    stored_at = found.get("CreatedDate")
    note = "`partner-orders secrets undo` goes back to the ones before" if has_earlier(stack) else ""
    used_at = None if fault else last_use_of_credentials(stack, stored_at)
    return SecretState("Partner API credentials", stored_at, used_at, fault, note)


def _read(stack: DeployedStack, output: str, label: SecretVersion = SecretVersion.CURRENT) -> dict[str, Any]:
    return dict(stack.client("secretsmanager").get_secret_value(SecretId=stack.output(output), VersionStage=label))


def _older(stack: DeployedStack) -> dict[str, Any] | None:
    try:
        return _read(stack, "WebhookSecretArn", SecretVersion.PREVIOUS)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
