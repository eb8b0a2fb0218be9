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
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Yes, ask, print_json, print_table, print_text, say
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.webhook_secret import (
    HOW_TO_STORE_IT,
    webhook_secret,
    webhook_secret_fault,
    wrapping,
)

app = typer.Typer(help="Secrets: set the token, rotate the webhook's.", no_args_is_help=True)

ShowSecret = Annotated[bool, typer.Option("--show-secret", help="print it here")]
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 48


@app.command("set-token")
def set_token(context: typer.Context) -> None:
    """Store the Partner API token. Example: partner-orders secrets set-token < token.txt"""
    token = _read("token")
    if wrapped := wrapping(token):
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
    print_text(webhook_secret(stack_of(context)))


@app.command("retire-webhook")
def retire_webhook(context: typer.Context, yes: Yes = False) -> None:
    """Make the current webhook secret the only valid one. Example: partner-orders secrets retire-webhook"""
    stack = stack_of(context)
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
    stack = stack_of(context)
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


def _store_webhook_secret(context: typer.Context, secret: str, yes: bool) -> None:
    stack = stack_of(context)
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
    stack = stack_of(context)
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
