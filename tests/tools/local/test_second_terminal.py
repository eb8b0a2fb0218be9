"""Commands for a second terminal without a running stack, with a wrong file, or interrupted: a sentence each."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from tools.local import catalogue, invoke, orders, second_terminal
from tools.local.stack import Stack

EVENTS = Path(__file__).parents[3] / "events"
GONE = Stack("http://127.0.0.1:1", "eu-central-1", "partner-orders", "http://127.0.0.1:1/order-events", {}, "s",
             "http://127.0.0.1:2", {"WebhookSecretArn": "arn"})  # fmt: skip


def invoked() -> int:
    return invoke.main(EVENTS / "webhook" / "received.json")


@pytest.mark.parametrize("command", [orders.main, catalogue.main, invoked])
@pytest.mark.parametrize("left", [None, json.dumps(asdict(GONE)), '{"endpoint_url": ', '{"endpoint_url": "x"}'])
def test_file_of_a_killed_stack_is_a_sentence(
    command: Callable[[], int],
    left: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a stack, with the file that a killed one left, or with half a file, the command says what to start."""
    file = tmp_path / "stack.json"
    if left is not None:
        file.write_text(left)
    load = Stack.load
    monkeypatch.setattr(Stack, "load", lambda: load(file))
    assert command() == 1
    assert capsys.readouterr().err == "error: no stack is up; start one with: make up\n"


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), 1, "look at the terminal of `make up`"),
    ],
)
def test_stack_that_stops_is_a_sentence(
    fault: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C ends the command with 130, and a stack that stops responding ends it with 1."""

    def command(_: Stack) -> int:
        raise fault

    monkeypatch.setattr(second_terminal, "is_up", lambda: True)
    monkeypatch.setattr(Stack, "load", lambda: GONE)
    assert second_terminal.with_stack(command) == status
    assert said in capsys.readouterr().err


def test_event_that_is_not_json_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An event file that is not JSON is refused before a function is called."""
    file = tmp_path / "webhook" / "mine.json"
    file.parent.mkdir()
    file.write_text('{"body": ')
    assert invoke.main(file) == 1
    assert "is not JSON" in capsys.readouterr().err
