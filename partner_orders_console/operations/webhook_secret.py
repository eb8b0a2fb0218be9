"""The webhook secret of a stack, and what may be wrong with one."""

import json

from partner_orders.platform.webhook_secret import secret_text
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

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
    return "begins with a byte order mark that was read as letters" if secret.startswith(_MISREAD_MARK) else ""


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
