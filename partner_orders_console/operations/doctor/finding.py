"""What a check of the doctor finds. A check takes a stack, and yields findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from partner_orders_console.operations.stack import DeployedStack

type Check = Callable[[DeployedStack], Iterator[Finding]]

TIMEOUT = (3.05, 12.0)  # seconds: to connect, and between two bytes


@dataclass(frozen=True)
class Finding:
    """``fault`` is empty where all is well; ``advice`` says what to do about it."""

    part: str
    fault: str = ""
    advice: str = ""
    note: str = ""


def unreadable_secret(part: str, arn: str, error: ClientError) -> Finding:
    """The finding for a secret that AWS did not give. Secrets Manager keeps a deleted one for some days."""
    code = error.response["Error"]["Code"]
    if code == "InvalidRequestException":
        return Finding(part, "it is about to be deleted", f"aws secretsmanager restore-secret --secret-id {arn}")
    return Finding(part, f"it cannot be read: {code}", "Deploy the stack again, unless it is you who may not read it.")
