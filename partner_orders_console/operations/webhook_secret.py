"""The webhook secret of a stack: what may be wrong with one, how it is replaced, and how the older one is revoked."""

import json
import secrets
import string

from partner_orders.clock import now
from partner_orders.platform.webhook_secret import MAX_AGE_SECONDS, REFRESH_EVERY_SECONDS, SecretVersion, secret_text
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.secret_versions import SecretVersions
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_requests import LOOKED_BACK, UNKNOWN, webhook_requests
from partner_orders_console.operations.words import ago

SHORTEST = 12  # letters: a shorter one can be guessed
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 48
WHEN_STORED = (
    f"Stored; the earlier one is still valid. Wait {REFRESH_EVERY_SECONDS:.0f} seconds, so that every webhook has read"
    " it. Then paste it in the Shop Integrations plug-in, and press Test Order."
)
WHEN_RETIRED = f"The older secret is revoked; every webhook knows within {MAX_AGE_SECONDS / 60:.0f} minutes."
ANOTHER_IS_VALID = (
    "An earlier secret is still valid, and storing another one revokes it: if the platform still sends it, its events"
    " will be refused. `partner-orders secrets retire-webhook` revokes it once nothing sends it any more."
)

_QUOTES = "\"'`"
# A byte order mark in UTF-8, read as Latin-1.
_MISREAD_MARK = "\xef\xbb\xbf"
HOW_TO_STORE_IT = (
    "Store the text that the platform sends: partner-orders secrets set-webhook; or make a new one: "
    "partner-orders secrets rotate-webhook"
)


def webhook_secret(stack: DeployedStack) -> str:
    """The current webhook secret, as the webhook reads it; empty if no text is stored."""
    answer = stack.client("secretsmanager").get_secret_value(SecretId=stack.output("WebhookSecretArn"))
    return secret_text(answer.get("SecretString", ""))


def webhook_header(stack: DeployedStack) -> str:
    """The current webhook secret as the platform sends it. Raises OperatorError where no header can hold it."""
    secret = webhook_secret(stack)
    if fault := _header_fault(secret):
        raise OperatorError(f"no header can hold the webhook secret: it {fault}", HOW_TO_STORE_IT)
    return secret


def webhook_secret_fault(stored: str) -> str:
    """Why the platform's header is unlikely to match a webhook secret; empty if nothing is wrong with it. It quotes
    nothing of the secret."""
    secret = secret_text(stored)
    if fault := _header_fault(secret) or wrapping(secret):
        return fault
    if secret.startswith(_MISREAD_MARK):
        return "begins with a byte order mark that was read as letters"
    return f"has fewer than {SHORTEST} characters, so that it can be guessed" if len(secret) < SHORTEST else ""


def _header_fault(secret: str) -> str:
    if not secret:
        return "is empty, or is not stored as text"
    if not secret.isprintable() or any(letter > "\xff" for letter in secret):
        return "has characters that no header can hold"
    return ""


def wrapping(secret: str) -> str:
    """What a secret was pasted with, if it was."""
    try:
        is_json = isinstance(json.loads(secret), dict | list)
    except (ValueError, RecursionError):
        is_json = secret.startswith("{")
    if is_json:
        return "is JSON, not the text itself"
    return "is in quotes" if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in _QUOTES else ""


# -- rotation ----------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """A secret that nobody can guess."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def store_webhook_secret(stack: DeployedStack, secret: str) -> None:
    """Make a secret the current one; the one before stays valid. Raises OperatorError if the platform could not send
    it, or if it can be guessed."""
    if fault := webhook_secret_fault(secret):
        raise OperatorError(f"not stored: the webhook secret {fault}", "Give the text that the platform is to send.")
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString=secret)


def has_older_secret(stack: DeployedStack) -> bool:
    """Whether an older secret is valid beside the current one."""
    return bool(SecretVersions(stack, "WebhookSecretArn").labelled(SecretVersion.PREVIOUS))


def use_of_older_secret(stack: DeployedStack) -> str:
    """A sentence that says when the older secret was last used, as far as that is known."""
    requests = webhook_requests(stack)
    if requests is None:
        return f"When the older secret was last used is {UNKNOWN}."
    used_at = requests.previous_secret_used_at
    if used_at is None:
        return f"No request has used the older secret in the last {LOOKED_BACK.days} days."
    return f"A request used the older secret {ago(used_at, now())}, to five minutes."


def retire_older_secret(stack: DeployedStack) -> None:
    """Make the current secret the only valid one. Does nothing if it is."""
    SecretVersions(stack, "WebhookSecretArn").unlabel(SecretVersion.PREVIOUS)
