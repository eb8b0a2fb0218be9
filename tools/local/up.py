"""`make up`: the stack and the simulated platform on this machine until Ctrl-C, with a line for all that arrives."""

import contextlib
import getpass
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from partner_orders.clock import now
from partner_orders_console.desk.desk import Options
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.target import users_stack_file
from tools.local.arrivals import arrivals
from tools.local.emulator import LOGS, ROOT, emulator
from tools.local.metrics import collected
from tools.local.process import ProcessFailedError, end_on_signals, free_port, started
from tools.local.stack import (
    STACK_FILE,
    Stack,
    build,
    client,
    deploy,
    deploy_catalogue,
    describe,
    is_up,
    with_catalogue,
)

SAMPLE_ORDER = ROOT / "events" / "order.json"
CHAIN_ID = "5d3b8a1e-7c44-4f0e-9b62-0f1c2d3e4a5b"
# Those of events/. The platform knows these stores, but none of their orders.
SAMPLE_STORES = ("148003", "148013", "148020")
RATE_LIMIT_PER_MINUTE = 6000
# Each does nothing.
FIRST_EVENTS = {
    "ConsumerFunctionName": b'{"Records": []}',
    "AnswersFunctionName": b"{}",
    "SenderFunctionName": b'{"Records": []}',
}
COLD_START_SECONDS = 120.0  # of the first call on a busy machine
PARAMETERS = {
    "ChainId": CHAIN_ID,
    # As fast as this machine can. In AWS it is what the platform allows.
    "RateLimitPerMinute": str(RATE_LIMIT_PER_MINUTE),
    # A laptop has few cores.
    "ConsumerConcurrency": "2",
    "Answers": "ENABLED",
    # By whose rules orders are answered: the simulated platform's host names no brand.
    "Brand": "foodpanda",
    "Catalogue": "ENABLED",
}


@contextlib.contextmanager
def running_stack(
    console: Console,
    parameters: Mapping[str, str] | None = None,
    of_catalogue: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """The deployed stack and the simulated platform, connected to each other, until the context ends.

    ``parameters`` of the template replace those of PARAMETERS; ``of_catalogue`` are the catalogue's. Raises
    ProcessFailedError.
    """
    token = secrets.token_hex(32)
    with contextlib.ExitStack() as started_here:
        with step(console, "build template.yaml and catalogue.yaml (sam build)"):
            build()
        with step(console, "start the local AWS and the simulated platform"):
            endpoint_url = started_here.enter_context(emulator())
            platform_url = started_here.enter_context(simulated_platform(token))
        with step(console, "deploy the stack (sam deploy)"):
            outputs = deploy(endpoint_url, platform_url, {**PARAMETERS, **(parameters or {})})
            client("secretsmanager", endpoint_url).put_secret_value(
                SecretId=outputs["PartnerApiSecretArn"], SecretString=json.dumps({"token": token})
            )
        stack = describe(endpoint_url, platform_url, outputs)
        with step(console, "first calls of the functions; deploy the catalogue beside them (sam deploy)"):
            stack = _warm_with_catalogue(stack, {**sftp_parameters(), **(of_catalogue or {})})
        configure_platform(stack)
        yield stack


def sftp_parameters() -> dict[str, str]:
    """A place on this machine for an SFTP server. Nobody listens there, and no store is sent by files before somebody
    says so."""
    return {"SftpHost": "127.0.0.1", "SftpPort": str(free_port()), "SftpUser": getpass.getuser()}


def _warm_with_catalogue(stack: Stack, of_catalogue: Mapping[str, str]) -> Stack:
    """Deploy the catalogue beside the stack while the stack's functions get their first calls: the stack with both.
    Raises ProcessFailedError."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        deploying = beside.submit(deploy_catalogue, stack.endpoint_url, of_catalogue)
        warm_up(stack)
        whole = with_catalogue(stack, deploying.result())
    _expect_401(whole.catalogue_webhook_url, whole.catalogue_webhook_headers)
    return whole


def warm_up(stack: Stack) -> None:
    """Call functions once, one after the other: many cold starts at once are slow on few cores.

    It also checks that the webhook rejects a request without the secret. Raises ProcessFailedError.
    """
    _expect_401(stack.webhook_url, stack.webhook_headers)
    for output, event in FIRST_EVENTS.items():
        if output in stack.outputs:  # A stack may have no answers, or be from before them.
            stack.client("lambda").invoke(FunctionName=stack.outputs[output], Payload=event)


def _expect_401(url: str, headers: Mapping[str, str]) -> None:
    """Send a webhook a request without the secret. Raises ProcessFailedError if it does not reject it."""
    try:
        response = requests.post(url, headers=dict(headers), timeout=COLD_START_SECONDS)
    except requests.RequestException as error:
        raise ProcessFailedError(f"the webhook at {url} did not respond: {type(error).__name__}; try again") from None
    if response.status_code != requests.codes.unauthorized:
        status = response.status_code
        raise ProcessFailedError(f"the webhook at {url} responded with {status} to no secret, should be 401")


@contextlib.contextmanager
def simulated_platform(token: str) -> Iterator[str]:
    """The simulated platform as a process of its own; gives its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tools.local.simulated_platform", "serve", "--port", str(port)]
    command += ["--chain-id", CHAIN_ID, "--token", token, "--rate-limit", str(RATE_LIMIT_PER_MINUTE)]
    command += [part for store_id in SAMPLE_STORES for part in ("--store", store_id)]
    with started(command, dict(os.environ), LOGS / f"platform-{port}.log", f"{url}/_platform/progress"):
        yield url


def configure_platform(stack: Stack, **settings: object) -> None:
    """Tell the simulated platform where to send order events, and with which secret."""
    answer = requests.post(
        f"{stack.platform_url}/_platform/configure",
        json={
            "webhook_url": stack.webhook_url,
            "webhook_headers": stack.webhook_headers,
            "webhook_secret": stack.webhook_secret,
            "catalogue_webhook_url": stack.catalogue_webhook_url,
            "catalogue_webhook_headers": stack.catalogue_webhook_headers,
            **settings,
        },
        timeout=10,
    )
    answer.raise_for_status()


@contextlib.contextmanager
def step(console: Console, what: str) -> Iterator[None]:
    """Show what is being done, and at its end how many seconds it took."""
    begun = time.monotonic()
    with console.status(what) if console.is_terminal else contextlib.nullcontext():
        yield
    console.print(f"  {what} [dim]{time.monotonic() - begun:.1f} s[/dim]")


def main() -> int:
    end_on_signals()
    console = Console(soft_wrap=True, highlight=False)
    if is_up():
        console.print(
            f"A stack is already up, see {STACK_FILE.relative_to(ROOT)}. Use it, or press Ctrl-C in its terminal first."
        )
        return 1
    try:
        with running_stack(console) as stack, saved(stack), collected(stack), desk(stack) as address:
            console.print(welcome(stack, address), markup=False)
            for line in arrivals(stack):
                console.print(f"{now():%H:%M:%S}  {line}", markup=False)
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing of the stack is left.")
    except (ProcessFailedError, BotoCoreError, ClientError) as error:
        why = str(error) if isinstance(error, ProcessFailedError) else f"The local AWS stopped responding: {error}"
        console.print(why, style="red", markup=False)
        return 1
    return 0


@contextlib.contextmanager
def desk(stack: Stack) -> Iterator[str]:
    """The desk for the stack, until the context ends; gives the address to open, which is good once. On this machine
    there is nobody to protect from changes, or whose data is real."""
    with serving(stack.deployed, Options(allows_changes=True, shows_personal_data=True)) as opened:
        yield opened.guard.address


@contextlib.contextmanager
def saved(stack: Stack, in_clone: Path = STACK_FILE) -> Iterator[None]:
    """Write where the stack is, for this clone and for command lines outside of it, until the context ends."""
    of_user = users_stack_file()
    stack.save(in_clone)
    with contextlib.suppress(OSError):  # The home folder may be read-only. Commands of the clone do not need it.
        stack.save(of_user)
    try:
        yield
    finally:
        in_clone.unlink(missing_ok=True)
        with contextlib.suppress(OSError, ValueError):
            # Another clone may have started a stack since.
            if json.loads(of_user.read_text())["endpoint_url"] == stack.endpoint_url:
                of_user.unlink()


def welcome(stack: Stack, desk_address: str) -> str:
    """Where the stack is, its desk first, and what to try next: commands to paste in the clone's folder, the first of a
    real order."""
    order = SAMPLE_ORDER.relative_to(ROOT)
    order_id = json.loads(SAMPLE_ORDER.read_text(encoding="utf-8"))["external_order_id"]  # The shorter one.
    headers = {**stack.webhook_headers, "Authorization": stack.webhook_secret, "Content-Type": "application/json"}
    command = ["curl", "-i", stack.webhook_url, "--data-binary", f"@{order}"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return f"""
desk            {desk_address}
                (opens once; `partner-orders desk` opens another)
webhook URL     {stack.webhook_url}  (Host: {stack.webhook_headers["Host"]})
webhook secret  {stack.webhook_secret}
answers API     {stack.endpoint_url}  (Host: {stack.answers_host()})
catalogue URL   {stack.catalogue_webhook_url}  (Host: {stack.catalogue_webhook_headers.get("Host", "")})
file bucket     {stack.catalogue_outputs.get("FilesBucketName", "")}
platform        {stack.platform_url}
AWS endpoint    {stack.endpoint_url}
for tools       {STACK_FILE.relative_to(ROOT)}

Try this in a second terminal, in this folder:

  # Send an order as the platform does, and look at it
  .venv/bin/partner-orders send {order}
  .venv/bin/partner-orders orders show {order_id}
  # Have the platform place 24 orders and drop webhooks; see which orders are open, then fetch what is missing
  make orders
  .venv/bin/partner-orders orders list --open
  .venv/bin/partner-orders reconcile run --yes
  # Have the platform place 6 orders that wait for the store's answers; docs/local-stack.md shows how to answer them
  make orders-to-pick
  # Open a store of 500 products, and get the commands that bring a till's prices to the platform
  make catalogue
  # Be the platform's SFTP server, for stores that are sent by files
  make sftp-server
  # Check the whole stack
  .venv/bin/partner-orders doctor
  # Call one function with an event of events/
  make invoke EVENT=events/consumer/malformed.json

Without the command line, the same order is sent by this. A second time it is a duplicate, and nothing is stored:

  {shlex.join(command)}

Ctrl-C stops it all. Times are in UTC. Orders, rejected events, refused requests and reconciler runs appear below.
"""


if __name__ == "__main__":
    sys.exit(main())
