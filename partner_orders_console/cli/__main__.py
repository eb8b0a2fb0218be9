"""``partner-orders``: the operator's command line."""

import sys
from importlib.metadata import version
from typing import Annotated

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders_console.cli import dead_letters, orders, reconcile, rejected, secrets, stores
from partner_orders_console.cli.doctor.clock import CLOCK_TOLERANCE, clock_is_off, seconds_behind
from partner_orders_console.cli.doctor.command import doctor
from partner_orders_console.cli.errors import CancelledByOperatorError, OperatorError, name_and_place, no_answer
from partner_orders_console.cli.export import export
from partner_orders_console.cli.forget import forget
from partner_orders_console.cli.output import out, say
from partner_orders_console.cli.register import register
from partner_orders_console.cli.send import send
from partner_orders_console.cli.stack import NOT_SIGNED_IN, Where

# Refusals of a signature: made with another key, or at another time.
_SIGNATURE = {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}

app = typer.Typer(
    name="partner-orders",
    help="Look after a partner-orders stack: its orders, stores, gaps, rejected events and secrets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(orders.app, name="orders")
app.add_typer(stores.app, name="stores")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(rejected.app, name="rejected")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(secrets.app, name="secrets")
app.command()(doctor)
app.command()(register)
app.command()(send)
app.command()(export)
app.command()(forget)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        out.print(f"partner-orders {version('partner-orders')}")
        raise typer.Exit


@app.callback()
def which_stack(
    context: typer.Context,
    stack_name: Annotated[str | None, typer.Option(help="the CloudFormation stack")] = None,
    config_env: Annotated[str | None, typer.Option(help="an environment of samconfig.toml, such as production")] = None,
    region: Annotated[str | None, typer.Option(help="the AWS region")] = None,
    profile: Annotated[str | None, typer.Option(help="a profile of the AWS CLI")] = None,
    local: Annotated[bool, typer.Option("--local", help="the stack that `make up` started")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="the version of this command")
    ] = False,
) -> None:
    """Without any of these it is the stack that `make up` started, if one is up."""
    context.obj = Where(stack_name, config_env, region, profile, local)


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0: done. 1: it failed, found a fault, or what was asked for makes no sense. 2: the call could not
    be read. 3: the operator said no."""
    try:
        answer = app(args=arguments, standalone_mode=False, prog_name="partner-orders")
    except typer.Abort:
        say("cancelled")
        return 3
    except CancelledByOperatorError as cancelled:
        say(str(cancelled))
        return 3
    except typer.TyperException as wrong:
        if what := wrong.format_message():  # There is none where no command was named: the help was printed.
            _explain(what, "`partner-orders [COMMAND] --help` shows how it is called.")
        return wrong.exit_code
    except Exception as error:
        _explain(*_explained(error))
        return 1
    return answer if isinstance(answer, int) else 0


def _explained(error: Exception) -> tuple[str, str]:
    """What went wrong, and what to do about it."""
    if isinstance(error, OperatorError):
        return error.what, error.advice
    if isinstance(error, NOT_SIGNED_IN):
        return f"no AWS credentials: {type(error).__name__}", "Sign in with the AWS CLI, or choose a --profile."
    if isinstance(error, ClientError):
        code, operation = error.response["Error"]["Code"], error.operation_name
        return f"AWS refused {operation}: {code}", _advice(code, seconds_behind(error.response))
    if isinstance(error, BotoCoreError):
        what = f"AWS did not answer: {type(error).__name__}"
        return what, "Check the network, --region, and whether the stack is up."
    if isinstance(error, requests.RequestException):  # An OSError, too.
        return no_answer(error), "Check the network; `partner-orders doctor` tries each part by itself."
    if isinstance(error, OSError):
        what = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"
        return what, "Is it there, and may you read and write it?"
    return f"a fault in partner-orders itself: {name_and_place(error)}", "Report it, with the command."


def _advice(code: str, behind: float) -> str:
    """Of a refusal; ``behind`` are the seconds that this machine's clock is."""
    if code in _SIGNATURE:
        if abs(behind) > CLOCK_TOLERANCE:
            return f"Set the time: {clock_is_off(behind)}, and AWS takes no such signature."
        return "The credentials' secret key is wrong: sign in again, or choose another --profile."
    if "Denied" in code or code in {"UnrecognizedClientException", "ExpiredToken", "InvalidClientTokenId"}:
        return "Your AWS user may not do this, or its sign-in has expired."
    if "Throttl" in code or "Throughput" in code:
        return "Try again in a minute."
    if code == "InvalidRequestException":
        return "Is the secret about to be deleted? `partner-orders doctor` says how it is restored."
    if code == "ValidationException":
        return "Something that was given is empty, too long or out of range."
    return "Try again; if it stays, look at the stack in the AWS console."


def _explain(what: str, advice: str) -> None:
    say(f"error: {what}", style="red")
    if advice:
        say(advice)


if __name__ == "__main__":
    sys.exit(main())
