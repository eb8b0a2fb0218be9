"""The user's password or private key for the SFTP server, as the secret has it."""

import json
from typing import TYPE_CHECKING, NamedTuple

from partner_orders.platform.sftp_failures import LoginRefusedError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PLACEHOLDER = "PASTE-THE-SFTP-PASSWORD-HERE"
MAX_SECRET = 16_384  # characters
_ADVICE = "store one: partner-orders secrets set-sftp"


class SftpSecret(NamedTuple):
    """One of the two."""

    password: str = ""
    private_key: str = ""


def sftp_secret(client: "SecretsManagerClient", secret_arn: str) -> SftpSecret:
    """The secret as it is now. Raises LoginRefusedError where there is none that can be used, and botocore's errors."""
    return parsed(client.get_secret_value(SecretId=secret_arn)["SecretString"])


def parsed(text: str) -> SftpSecret:
    """The secret of a JSON text, ``{"password": "..."}`` or ``{"private_key": "..."}``. Raises LoginRefusedError."""
    try:
        content = json.loads(text[: MAX_SECRET + 1])
        given = content.get("password", ""), content.get("private_key", "")
    except (AttributeError, ValueError):
        raise LoginRefusedError(f"the secret is not JSON; {_ADVICE}") from None
    password, private_key = (value if isinstance(value, str) else "" for value in given)
    if not (password or private_key) or password == PLACEHOLDER:
        raise LoginRefusedError(f"no password or key is stored; {_ADVICE}")
    return SftpSecret(password, private_key)
