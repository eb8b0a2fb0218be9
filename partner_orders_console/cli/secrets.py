"""``partner-orders secrets``: the webhook secret and the Partner API credentials. They are read from a prompt or the
standard input, never from arguments, and shown to nobody who does not ask."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import (
    AsJson,
    Column,
    Kind,
    Yes,
    ask,
    hint,
    print_data,
    print_text,
    prompt,
    say,
    working,
)
from partner_orders_console.operations.errors import OperatorError

if TYPE_CHECKING:
    from partner_orders_console.operations.partner_api_credentials import StoredCredentials
    from partner_orders_console.operations.stack import DeployedStack

app = typer.Typer(help="Secrets: set the token, rotate the webhook's, set the login of SFTP.", no_args_is_help=True)

ShowSecret = Annotated[bool, typer.Option("--show-secret", help="print it here")]
Force = Annotated[bool, typer.Option("--force", help="even if the platform cannot be asked first")]
MAX_READ = 16_384  # characters of a private key
_COLUMNS = (
    Column("secret"),
    Column("stored_at", Kind.TIME),
    Column("last_used_at", Kind.TIME),
    Column("fault"),
    Column("note"),
)


@app.command("set-token")
def set_token(context: typer.Context, force: Force = False) -> None:
    """Have the reconciler try a Partner API token, then store it. A token that the platform refuses is not stored.

    Example: partner-orders secrets set-token < token.txt
    """
    from partner_orders_console.operations.partner_api_credentials import store_token

    stack = stack_of(context)
    token = _read("token")
    with working("storing the token") as shown:
        stored = store_token(stack, token, force, shown)
    _tell(stored, "Stored")


@app.command("set-client")
def set_client(context: typer.Context, force: Force = False) -> None:
    """Have the reconciler try a Partner API client (its id and its secret, on two lines), then store it.

    Example: partner-orders secrets set-client < client.txt
    """
    from partner_orders_console.operations.partner_api_credentials import store

    stack = stack_of(context)
    content = {"client_id": _read("client_id"), "client_secret": _read("client_secret")}
    with working("storing the client") as shown:
        stored = store(stack, content, force, shown)
    _tell(stored, "Stored")


@app.command("set-sftp")
def set_sftp(context: typer.Context, force: Force = False) -> None:
    """Try the SFTP user's password, or its private key (the whole file), then store it. One that the server refuses is
    not stored.

    Example: partner-orders secrets set-sftp < sftp-password.txt
    """
    from partner_orders_console.operations.uploads.login import store_login

    stack = stack_of(context)
    try:
        text = prompt("password", hidden=True) if sys.stdin.isatty() else sys.stdin.read(MAX_READ)
    except UnicodeDecodeError:
        raise OperatorError("the password or key is not in UTF-8", "Save the file as UTF-8.") from None
    with working("trying the login"):
        untried = store_login(stack, text, force)
    say(f"Stored, but not tried: {untried}." if untried else "Stored: the server accepts it.")
    say("It is used from the next run on, within five minutes.")


@app.command()
def undo(context: typer.Context, force: Force = False, yes: Yes = False) -> None:
    """Go back to the previous Partner API credentials, if the platform still accepts them.

    Example: partner-orders secrets undo
    """
    from partner_orders_console.operations.partner_api_credentials import undo as go_back

    stack = stack_of(context)
    ask("go back to the Partner API credentials before?", yes)
    with working("going back") as shown:
        stored = go_back(stack, force, shown)
    _tell(stored, "The earlier credentials are in use again")


@app.command("rotate-webhook")
def rotate_webhook(context: typer.Context, yes: Yes = False, show_secret: ShowSecret = False) -> None:
    """Make a new webhook secret. The previous one stays valid until it is retired.

    Example: partner-orders secrets rotate-webhook --show-secret
    """
    from partner_orders_console.operations.webhook_secret import new_secret

    secret = new_secret()
    _store_webhook_secret(stack_of(context), secret, yes)
    if show_secret:
        print_text(secret)
    else:
        say("To see it: partner-orders secrets show-webhook")


@app.command("set-webhook")
def set_webhook(context: typer.Context, yes: Yes = False) -> None:
    """Store a webhook secret of your own. The previous one stays valid until it is retired.

    Example: partner-orders secrets set-webhook < webhook-secret.txt
    """
    stack = stack_of(context)
    _store_webhook_secret(stack, _read("webhook secret"), yes)


@app.command("show-webhook")
def show_webhook(context: typer.Context) -> None:
    """Print the current webhook secret, to be pasted. Example: partner-orders secrets show-webhook"""
    from partner_orders_console.operations.webhook_secret import webhook_secret

    print_text(webhook_secret(stack_of(context)))


@app.command("retire-webhook")
def retire_webhook(context: typer.Context, yes: Yes = False) -> None:
    """Make the current webhook secret the only valid one. Shows first when the older one was last used.

    Example: partner-orders secrets retire-webhook
    """
    from partner_orders_console.operations.webhook_secret import (
        WHEN_RETIRED,
        has_older_secret,
        retire_older_secret,
        use_of_older_secret,
    )

    stack = stack_of(context)
    if not has_older_secret(stack):
        say("There is no older secret.")
        return
    say(use_of_older_secret(stack))
    ask("refuse the older secret from now on?", yes)
    retire_older_secret(stack)
    say(WHEN_RETIRED)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> int:
    """Whether the secrets are set and well formed, how old they are, and when each was last used.

    Example: partner-orders secrets status
    """
    from partner_orders_console.operations.secrets_status import secrets_status

    stack = stack_of(context)
    with working("looking at the secrets"):
        states = secrets_status(stack)
    texts = [
        {name: value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value for name, value in row}
        for row in (asdict(state).items() for state in states)
    ]
    rows = (
        [state.secret, state.stored_at, state.last_used_at, hint(state.fault), hint(state.note)] for state in states
    )
    print_data(texts, as_json, _COLUMNS, rows)
    if not as_json:
        say("times in UTC")
    return 1 if any(state.fault for state in states) else 0


def _store_webhook_secret(stack: "DeployedStack", secret: str, yes: bool) -> None:
    from partner_orders_console.operations.webhook_secret import (
        ANOTHER_IS_VALID,
        WHEN_STORED,
        has_older_secret,
        store_webhook_secret,
        use_of_older_secret,
        webhook_secret_fault,
    )

    if not webhook_secret_fault(secret) and has_older_secret(stack):
        say(ANOTHER_IS_VALID)
        say(use_of_older_secret(stack))
        ask("store another one all the same?", yes)
    store_webhook_secret(stack, secret)
    say(WHEN_STORED)


def _tell(stored: "StoredCredentials", what: str) -> None:
    from partner_orders_console.operations.partner_api_credentials import TAKES_EFFECT

    if stored.was_tried:
        say(f"{what}: the platform has accepted them, for store {stored.store_id}. {TAKES_EFFECT}")
    else:
        say(f"{what}, untried. {TAKES_EFFECT} `partner-orders doctor` shows how its next run fared.")
    say("`partner-orders secrets undo` goes back to the previous ones.")


def _read(name: str) -> str:
    """A line of the prompt or the standard input, without what editors and shells put around it."""
    from partner_orders.platform.webhook_secret import secret_text

    try:
        text = secret_text(prompt(name, hidden=True) if sys.stdin.isatty() else sys.stdin.readline())
    except UnicodeDecodeError:
        raise OperatorError(f"the {name} is not in UTF-8", "Save the file as UTF-8.") from None
    if not text:
        raise OperatorError(f"no {name} was given", "Give it at the prompt, or as a line of the standard input.")
    return text
