"""Bad input, missing rights, half-deleted stacks and interrupted calls: a sentence and the documented exit status."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from partner_orders_console.cli import output
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import answer_calls
from tests.support.console import Ran

type Run = Callable[..., Ran]

READING = (
    ("orders", "list", "--open"),
    ("orders", "find", "0417"),
    ("stores", "list"),
    ("reconcile", "status"),
    ("rejected", "list"),
    ("dead-letters", "list"),
    ("secrets", "status"),
    ("watch",),
    ("logs", "consumer"),
)


def said_plainly(ran: Ran) -> bool:
    """Whether people got an error in a few lines, and programs nothing."""
    lines = [line for line in ran.err.splitlines() if not line.startswith("target: ")]
    is_short = 1 <= len(lines) <= 3
    return is_short and not ran.out and "Traceback" not in ran.err and "a fault in partner-orders" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("nonsense",), "partner-orders"),
        (("rejected", "nonsense"), "partner-orders rejected"),
        (("rejected", "show"), "partner-orders rejected show"),
        (("rejected", "list", "--limit", "0"), "partner-orders rejected list"),
    ],
)
def test_invalid_call_names_its_own_help(run: Run, arguments: tuple[str, ...], command: str) -> None:
    """A call that cannot be read ends with the help of the command that it meant."""
    ran = run(*arguments)
    assert (ran.status, f"`{command} --help` shows how it is called." in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("nonsense",), 2),
        (("--nonsense",), 2),
        (("logs",), 2),
        (("logs", "nobody"), 1),
        (("logs", "consumer", "--since", "soon"), 1),
        (("send", "no-such-file.json"), 2),
        (("send", "events", "--rate", "0"), 2),
        (("send", "events", "--rate", "fast"), 2),
        (("register", "--timeout", "-1"), 2),
        (("orders", "show", "no-such-order"), 1),
        (("orders", "list", "--store", "nowhere", "--day", "soon"), 1),
        (("rejected", "show", "no-such-digest"), 1),
        (("use", "--local", "--config-env", "staging"), 1),
    ],
)
def test_wrong_values_are_explained(run: Run, arguments: tuple[str, ...], status: int) -> None:
    """A wrong value gets a sentence, and status 2 where the call could not be read, else 1."""
    ran = run(*arguments)
    assert (ran.status, said_plainly(ran)) == (status, True), ran


def test_unknown_queue_names_the_known_ones(run: Run) -> None:
    """A queue that there is not gets the list of those that there are, in plain words."""
    ran = run("dead-letters", "purge", "nosuch")
    assert (ran.status, said_plainly(ran)) == (2, True), ran
    assert "'order-events', 'publisher'" in ran.err
    assert "Value error" not in ran.err


@pytest.fixture
def calls_fail(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Have each call of AWS fail."""

    def fail(error: Exception) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise error

        stack.__dict__["resources"] = {"ConsumerLogGroup": "/aws/lambda/consumer"}
        answer_calls(monkeypatch, refuse)

    return fail


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:a-secret"}}, "SomeOperation")


@pytest.mark.parametrize("arguments", READING)
@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"])
def test_missing_right_is_explained(
    run: Run, calls_fail: Callable[[Exception], None], arguments: tuple[str, ...], code: str
) -> None:
    """A missing right names the AWS operation, and where the rights are listed."""
    calls_fail(refused(code))
    ran = run(*arguments)
    assert (ran.status, said_plainly(ran)) == (1, True), ran
    assert f"SomeOperation: {code}" in ran.err
    assert "docs/command-line.md" in ran.err
    assert "a-secret" not in ran.err


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue"])
def test_deleted_part_is_explained(run: Run, calls_fail: Callable[[Exception], None], code: str) -> None:
    """A table or a queue that is gone is a sentence that leads to doctor and a deployment."""
    calls_fail(refused(code))
    ran = run("stores", "list")
    assert (ran.status, said_plainly(ran)) == (1, True), ran
    assert "Deploy the stack again" in ran.err


@pytest.mark.parametrize("arguments", [*READING[:6], ("send", "events/order.json")])
def test_missing_outputs_are_explained(run: Run, stack: DeployedStack, arguments: tuple[str, ...]) -> None:
    """A stack without its outputs is a sentence that names the first one."""
    stack.outputs.clear()
    ran = run(*arguments)
    assert (ran.status, said_plainly(ran)) == (1, True), ran
    assert "has no output" in ran.err


def test_idle_connections_are_kept_alive(stack: DeployedStack) -> None:
    """A call that is awaited for minutes is kept alive, since routers cut silent connections."""
    configs = [stack.client("lambda", is_slow=is_slow).meta.config for is_slow in (False, True)]
    assert [config.tcp_keepalive for config in configs] == [True, True]


def test_secret_about_to_be_deleted_is_explained(run: Run, stack: DeployedStack) -> None:
    """A secret that is scheduled for deletion leads to doctor, which says how it is restored."""
    stack.client("secretsmanager").delete_secret(SecretId=stack.output("WebhookSecretArn"))
    ran = run("secrets", "show-webhook")
    assert (ran.status, said_plainly(ran)) == (1, True), ran
    assert "partner-orders doctor" in ran.err


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://127.0.0.1:1", "Start it anew with `make up`"), ("https://sqs.amazonaws.com", "Check the network")],
)
def test_stale_local_stack_is_explained(run: Run, calls_fail: Callable[[Exception], None], url: str, said: str) -> None:
    """A local endpoint that refuses connections means that `make up` is over."""
    calls_fail(EndpointConnectionError(endpoint_url=url))
    ran = run("stores", "list")
    assert (ran.status, said_plainly(ran)) == (1, True), ran
    assert said in ran.err


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError])
def test_prompt_can_be_left(run: Run, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    """Ctrl-C at a question is 130; the end of the input is a no."""

    def leave() -> str:
        raise error

    assert run("secrets", "rotate-webhook").status == 0  # The second one ends the first one's time, and asks.
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", leave)
    ran = run("secrets", "rotate-webhook")
    assert ran.status == (130 if error is KeyboardInterrupt else 3)
    assert "Traceback" not in ran.err
    assert ran.err.endswith("\n")  # The shell's prompt begins a line of its own.


@pytest.mark.parametrize("command", ["set-token", "set-client", "set-webhook"])
def test_target_is_named_before_a_secret_is_typed(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Whoever is asked for a secret has read which stack it is for."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(output, "getpass", lambda question: sys.stderr.write(question) and "")
    ran = run("secrets", command)
    assert ran.status == 1
    assert ran.err.startswith("target: partner-orders in eu-central-1")


def test_ctrl_c_while_looking_for_the_stack(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the stack is found ends with 130."""

    def find(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DeployedStack, "find", find)
    assert run("stores", "list").status == 130


@pytest.mark.parametrize("arguments", [("rejected", "list"), ("stores", "list"), ("dead-letters", "list")])
def test_narrow_terminal_is_no_fault(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    """Commands work in a terminal of 40 columns."""
    monkeypatch.setattr(output, "out", Console(soft_wrap=True, width=40))
    assert run(*arguments).status == 0


def program(folder: Path, command: str) -> tuple[list[str], dict[str, str]]:
    """What calls a command line as a program of its own, which knows no stack but the one of a file in the folder."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PARTNER_ORDERS_LOCAL_STACK": str(folder / "stack.json"),
    }
    python = f"{sys.executable} -m partner_orders_console.cli.__main__"
    return ["/bin/bash", "-c", command.replace("partner-orders", python)], environment


def called(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line as a program of its own."""
    line, environment = program(folder, command)
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)


def local_stack(folder: Path, port: int) -> None:
    """Leave the file of a local stack whose endpoint is a port of this machine."""
    facts = {"stack_name": "s", "region": "eu-central-1", "webhook_url": "", "webhook_headers": {}}
    facts["endpoint_url"] = f"http://127.0.0.1:{port}"
    (folder / "stack.json").write_text(json.dumps(facts))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("partner-orders --version", 0),
        ("partner-orders stores list", 1),
        ("partner-orders nonsense", 2),
        ("partner-orders --help | (exec <&-; sleep 2); exit ${PIPESTATUS[0]}", 141),
    ],
)
def test_exit_status_of_the_program(tmp_path: Path, command: str, status: int) -> None:
    """The program ends with the documented status and without a traceback."""
    ran = called(tmp_path, command)
    assert (ran.returncode, "Traceback" in ran.stderr, "Exception ignored" in ran.stderr) == (status, False, False), ran


@pytest.mark.slow
def test_question_to_nobody_of_the_program(tmp_path: Path) -> None:
    """The program ends with 3 where it would ask, and nobody is there."""
    local_stack(tmp_path, port=1)
    ran = called(tmp_path, "partner-orders consumer pause --reason maintenance </dev/null")
    assert (ran.returncode, "add --yes" in ran.stderr, "Traceback" in ran.stderr) == (3, True, False), ran


@pytest.mark.slow
def test_ctrl_c_ends_the_program(tmp_path: Path) -> None:
    """Ctrl-C while AWS is awaited ends the program with 130 and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        local_stack(tmp_path, port=silent.getsockname()[1])
        line, environment = program(tmp_path, "exec partner-orders stores list")
        # Tests that run in the background of a shell inherit that Ctrl-C is ignored.
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as running:  # noqa: PLW1509 (no threads here)
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)  # It has asked, and waits.
                running.send_signal(signal.SIGINT)
                _, errors = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in errors) == (130, False), errors


@pytest.mark.slow
def test_stale_stack_file_of_the_program(tmp_path: Path) -> None:
    """The file of a stack that is over is a sentence, not a traceback."""
    local_stack(tmp_path, port=1)
    ran = called(tmp_path, "partner-orders stores list")
    assert (ran.returncode, "is not running" in ran.stderr, "Traceback" in ran.stderr) == (1, True, False)
