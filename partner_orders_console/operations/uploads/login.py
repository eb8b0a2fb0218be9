"""The login of the SFTP server: tried, then stored."""

import json

from partner_orders.platform.sftp_credentials import MAX_SECRET, SftpSecret, parsed
from partner_orders.platform.sftp_failures import HostKeyChangedError, LoginRefusedError, SftpError
from partner_orders.platform.webhook_secret import BYTE_ORDER_MARK
from partner_orders_console.operations.catalogue.access import catalogue_of
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.uploads.server import CONNECT_SECONDS, server_of

_BEGINS_A_KEY = "-----BEGIN"


def store_login(stack: DeployedStack, text: str, is_forced: bool = False) -> str:
    """Store a password (one line) or a private key (OpenSSH or PEM); why it was not tried before, empty where the
    server accepted it. It is stored untried where no key of the server is trusted yet, or the server does not respond.
    Raises OperatorError."""
    catalogue = catalogue_of(stack)
    server_of(catalogue)
    secret = _secret(text)
    untried = "--force was given" if is_forced else _why_untried(catalogue, secret)
    content = {name: value for name, value in secret._asdict().items() if value}
    client = catalogue.client("secretsmanager")
    client.put_secret_value(SecretId=catalogue.output("SftpSecretArn"), SecretString=json.dumps(content))
    # The function tries it with its next run, whatever its pause.
    table = catalogue.uploads
    table.note_server(table.server().well())
    return untried


def stored_login(catalogue: CatalogueStack) -> SftpSecret:
    """Raises LoginRefusedError where none is stored, and botocore's errors."""
    client = catalogue.client("secretsmanager")
    return parsed(client.get_secret_value(SecretId=catalogue.output("SftpSecretArn"))["SecretString"])


def _secret(text: str) -> SftpSecret:
    # Editors put a mark before the text, and an end behind it.
    text = text.removeprefix(BYTE_ORDER_MARK)
    if text.lstrip().startswith(_BEGINS_A_KEY):
        secret = SftpSecret(private_key=text.strip() + "\n")
    else:
        secret = SftpSecret(password=text.partition("\n")[0].rstrip("\r"))
    if not any(secret):
        raise OperatorError("no password was given", "Give it at the prompt, or as a line of the standard input.")
    if len(json.dumps(secret._asdict())) > MAX_SECRET:
        raise OperatorError(
            f"not stored: it has more than {MAX_SECRET:,} characters", "Give the password or key alone."
        )
    return secret


def _why_untried(catalogue: CatalogueStack, secret: SftpSecret) -> str:
    """Why the server was not asked; empty where it accepts the login. Raises OperatorError where it refuses it, or is
    perhaps another one."""
    from partner_orders.platform.sftp import SftpLogin, SftpSession

    server, host_key = server_of(catalogue), catalogue.uploads.server().host_key
    if not host_key:
        return "no server key is trusted yet; use `partner-orders files trust` first, then store it again"
    try:
        with SftpSession(SftpLogin(server.host, server.port, server.user, host_key, *secret), CONNECT_SECONDS):
            return ""
    except LoginRefusedError as error:
        raise OperatorError(f"not stored: {error}", "The login in use stays. --force stores it untried.") from None
    except HostKeyChangedError as error:
        raise OperatorError(
            f"not stored: {error}",
            "docs/runbooks/sftp-host-key-changed.md says what to do. --force stores it untried.",
        ) from None
    except SftpError as error:
        return f"the server could not be asked: {error}"
