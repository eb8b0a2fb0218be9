"""``partner-orders secrets``: the webhook secret and the Partner API credentials. They are read from a prompt or the
standard input, never from arguments, and shown to nobody who does not ask."""

import json
import secrets
import string
import sys
from typing import Annotated, Any

import typer

from partner_orders.platform.credentials import CredentialsError, check_secret
from partner_orders.platform.webhook_secret import REFRESH_EVERY_SECONDS, secret_text
from partner_orders_console.cli.errors import OperatorError
from partner_orders_console.cli.output import AsJson, Yes, ask, print_json, print_table, print_text, say
from partner_orders_console.cli.stack import DeployedStack

app = typer.Typer(help="Secrets: set the token, rotate the webhook's.", no_args_is_help=True)

ShowSecret = Annotated[bool, typer.Option("--show-secret", help="print it here")]
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 48
_QUOTES = "\"'`"
# A byte order mark in UTF-8, read as Latin-1.
_MISREAD_MARK = "\xef\xbb\xbf"
HOW_TO_STORE_IT = (
    "Store the text that the platform sends: partner-orders secrets set-webhook; or make a new one: "
    "partner-orders secrets rotate-webhook"
)


@app.command("set-token")
def set_token(context: typer.Context) -> None:
    """Store the Partner API token. Example: partner-orders secrets set-token < token.txt"""
    token = _read("token")
    if wrapped := _wrapping(token):
        raise OperatorError(f"not stored: the token {wrapped}", "Give the token alone.")
    _store_credentials(context, {"token": token})


@app.command("set-client")
def set_client(context: typer.Context) -> None:
    """Store the Partner API client: two lines, its id and its secret.

    Example: partner-orders secrets set-client < client.txt
    """
    _store_credentials(context, {"client_id": _read("client_id"), "client_secret": _read("client_secret")})


@app.command("rotate-webhook")
def rotate_webhook(context: typer.Context, yes: Yes = False, show_secret: ShowSecret = False) -> None:
    """Make a new webhook secret. The old one stays valid until it is retired.

    Example: partner-orders secrets rotate-webhook --show-secret
    """
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    _store_webhook_secret(context, secret, yes)
    if show_secret:
        print_text(secret)
    else:
        say("To see it: partner-orders secrets show-webhook")


@app.command("set-webhook")
def set_webhook(context: typer.Context, yes: Yes = False) -> None:
    """Store a webhook secret of your own. The old one stays valid until it is retired.

    Example: partner-orders secrets set-webhook < webhook-secret.txt
    """
    secret = _read("webhook secret")
    if fault := webhook_secret_fault(secret):
        raise OperatorError(f"not stored: the webhook secret {fault}", "Give the text that the platform is to send.")
    _store_webhook_secret(context, secret, yes)


@app.command("show-webhook")
def show_webhook(context: typer.Context) -> None:
    """Print the current webhook secret, to be pasted. Example: partner-orders secrets show-webhook"""
    print_text(webhook_secret(DeployedStack.find(context.obj)))


@app.command("retire-webhook")
def retire_webhook(context: typer.Context, yes: Yes = False) -> None:
    """Make the current webhook secret the only valid one. Example: partner-orders secrets retire-webhook"""
    stack = DeployedStack.find(context.obj)
    client, arn = stack.client("secretsmanager"), stack.output("WebhookSecretArn")
    if not _has_previous(client, arn):
        say("there is no older secret")
        return
    ask("refuse the older secret from now on? (Has the platform sent orders with the new one?)", yes)
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    [previous] = [version for version, stages in versions.items() if "AWSPREVIOUS" in stages]
    client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPREVIOUS", RemoveFromVersionId=previous)
    say("The older secret is retired; every webhook knows within five minutes.")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> int:
    """Whether the secrets are set and well formed, and how old they are. Example: partner-orders secrets status"""
    stack = DeployedStack.find(context.obj)
    client = stack.client("secretsmanager")
    rows: list[dict[str, Any]] = []
    for name, output in (("webhook secret", "WebhookSecretArn"), ("Partner API credentials", "PartnerApiSecretArn")):
        found = client.get_secret_value(SecretId=stack.output(output))
        stored_at, text = found.get("CreatedDate"), found.get("SecretString", "")
        fault = ""
        if output == "PartnerApiSecretArn":
            try:
                check_secret(text)
            except CredentialsError as error:
                fault = str(error)
        elif wrong := webhook_secret_fault(text):
            fault = f"it {wrong}. {HOW_TO_STORE_IT}"
        older = output == "WebhookSecretArn" and _has_previous(client, stack.output(output))
        rows.append(
            {
                "secret": name,
                "stored_at": stored_at.isoformat(timespec="seconds") if stored_at else None,
                "older_one_valid": older,
                "fault": fault,
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table([*rows[0]], ([value or None for value in row.values()] for row in rows))
    return 1 if any(row["fault"] for row in rows) else 0


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
    if fault := _header_fault(secret) or _wrapping(secret):
        return fault
    return "begins with a byte order mark that was read as letters" if secret.startswith(_MISREAD_MARK) else ""


def _header_fault(secret: str) -> str:
    if not secret:
        return "is empty, or is not stored as text"
    if not secret.isprintable() or any(letter > "\xff" for letter in secret):
        return "has characters that no header can hold"
    return ""


def _wrapping(secret: str) -> str:
    """What a secret was pasted with, if it was."""
    try:
        is_json = isinstance(json.loads(secret), dict | list)
    except (ValueError, RecursionError):
        is_json = secret.startswith("{")
    if is_json:
        return "is JSON, not the text itself"
    return "is in quotes" if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in _QUOTES else ""


def _store_webhook_secret(context: typer.Context, secret: str, yes: bool) -> None:
    stack = DeployedStack.find(context.obj)
    client, arn = stack.client("secretsmanager"), stack.output("WebhookSecretArn")
    if _has_previous(client, arn):
        say("An earlier secret is still valid. Rotating again retires it: if the platform still sends that one, its")
        say(
            "events will be refused. `partner-orders secrets retire-webhook` retires it when nothing sends it any more."
        )
        ask("rotate all the same?", yes)
    client.put_secret_value(SecretId=arn, SecretString=secret)
    say(
        f"The new secret is stored, the old one is still valid. Wait {REFRESH_EVERY_SECONDS:.0f} seconds, so that every"
    )
    say("webhook can have read it; then paste it in the Shop Integrations plug-in, and press Test Order.")


def _store_credentials(context: typer.Context, content: dict[str, str]) -> None:
    text = json.dumps(content)
    try:
        check_secret(text)
    except CredentialsError as error:
        raise OperatorError(f"not stored: {error}") from None
    stack = DeployedStack.find(context.obj)
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=text)
    say("Stored. The reconciler takes it at its next run; `partner-orders doctor` tries it.")
    say("What was stored before is kept until the next time, as AWSPREVIOUS: docs/deploying.md says how to go back.")


def _read(name: str) -> str:
    """A line of the prompt or the standard input, without what editors and shells put around it."""
    prompted = sys.stdin.isatty()
    try:
        text = secret_text(typer.prompt(name, hide_input=True, err=True) if prompted else sys.stdin.readline())
    except UnicodeDecodeError:
        raise OperatorError(f"the {name} is not in UTF-8", "Save the file as UTF-8.") from None
    if not text:
        raise OperatorError(f"no {name} was given", "Give it at the prompt, or as a line of the standard input.")
    return text


def _has_previous(client: Any, arn: str) -> bool:
    versions = client.describe_secret(SecretId=arn).get("VersionIdsToStages", {})
    return any("AWSPREVIOUS" in stages for stages in versions.values())
