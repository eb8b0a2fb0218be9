"""`make up`: the whole stack on this machine, with the simulated platform beside it, until Ctrl-C."""

import contextlib
import json
import os
import secrets
import shlex
import signal
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
from rich.console import Console

from partner_orders_console.operations.target import users_stack_file
from tools.local.emulator import LOGS, ROOT, emulator
from tools.local.process import ProcessFailedError, end_on_signals, free_port, started
from tools.local.stack import STACK_FILE, Stack, build, client, deploy, describe

CHAIN_ID = "5d3b8a1e-7c44-4f0e-9b62-0f1c2d3e4a5b"
# Those of events/: the platform knows them, and no order of theirs.
SAMPLE_STORES = ("148003", "148013", "148020")
RATE_LIMIT_PER_MINUTE = 6000
PARAMETERS = {
    "ChainId": CHAIN_ID,
    # As fast as this machine can; in AWS it is what the platform allows.
    "RateLimitPerMinute": str(RATE_LIMIT_PER_MINUTE),
    # A laptop has few cores.
    "ConsumerConcurrency": "2",
}


@contextlib.contextmanager
def running_stack(console: Console, parameters: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """The deployed stack and the simulated platform, each knowing the other, until the context ends."""
    token = secrets.token_hex(32)
    with contextlib.ExitStack() as started_here:
        with step(console, "build template.yaml (sam build)"):
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
        with step(console, "first calls of the functions"):
            warm_up(stack)
        configure_platform(stack)
        yield stack


def warm_up(stack: Stack) -> None:
    """Have the cold starts behind us, one by one: many at once are slow on a few cores. And see that the way in is
    there, and closed to strangers. Raises ProcessFailedError."""
    answer = requests.post(stack.webhook_url, headers=stack.webhook_headers, timeout=30)
    if answer.status_code != requests.codes.unauthorized:
        raise ProcessFailedError(f"the webhook answered {answer.status_code} to a stranger, should be 401")
    stack.client("lambda").invoke(FunctionName=stack.outputs["ConsumerFunctionName"], Payload=b'{"Records": []}')


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
            **settings,
        },
        timeout=10,
    )
    answer.raise_for_status()


@contextlib.contextmanager
def step(console: Console, what: str) -> Iterator[None]:
    """Show that something is going on, and then how long it took."""
    begun = time.monotonic()
    with console.status(what) if console.is_terminal else contextlib.nullcontext():
        yield
    console.print(f"  {what} [dim]{time.monotonic() - begun:.1f} s[/dim]")


def main() -> int:
    end_on_signals()
    console = Console(soft_wrap=True, highlight=False)
    if is_up():
        console.print(f"a stack is already up; {STACK_FILE.relative_to(ROOT)} says where")
        return 1
    try:
        with running_stack(console) as stack, saved(stack):
            show(console, stack)
            signal.pause()
    except KeyboardInterrupt:
        console.print("\nstopped")
    except ProcessFailedError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    return 0


def is_up() -> bool:
    with contextlib.suppress(OSError, requests.RequestException):
        return requests.get(f"{Stack.load().endpoint_url}/_ministack/health", timeout=2).ok
    return False


@contextlib.contextmanager
def saved(stack: Stack, in_clone: Path = STACK_FILE) -> Iterator[None]:
    """Leave word of the stack in this clone, and for command lines outside of it, until the context ends."""
    of_user = users_stack_file()
    stack.save(in_clone)
    with contextlib.suppress(OSError):  # A home that cannot be written to; the clone's own commands need none.
        stack.save(of_user)
    try:
        yield
    finally:
        in_clone.unlink(missing_ok=True)
        with contextlib.suppress(OSError, ValueError):
            # Another clone may have started a stack since.
            if json.loads(of_user.read_text())["endpoint_url"] == stack.endpoint_url:
                of_user.unlink()


def show(console: Console, stack: Stack) -> None:
    headers = {**stack.webhook_headers, "Authorization": stack.webhook_secret, "Content-Type": "application/json"}
    order = {"order_id": str(uuid.uuid4()), "status": "RECEIVED"}
    command = ["curl", "-i", stack.webhook_url, "-d", json.dumps(order)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    console.print(
        f"\nwebhook URL     {stack.webhook_url}  (Host: {stack.webhook_headers['Host']})"
        f"\nwebhook secret  {stack.webhook_secret}"
        f"\nplatform        {stack.platform_url}"
        f"\nAWS endpoint    {stack.endpoint_url}"
        f"\nfor tools       {STACK_FILE.relative_to(ROOT)}\n\n{shlex.join(command)}"
        "\n\nmake orders     has the platform place some; not all of their webhooks come"
        "\n\nCtrl-C stops it all.",
        markup=False,
    )


if __name__ == "__main__":
    sys.exit(main())
