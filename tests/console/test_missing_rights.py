"""A role that lacks a right: each command says which one, whichever of its calls is refused."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.aws_calls import answer_calls
from tests.support.console import Ran
from tests.support.help_examples import COMMANDS, NEEDS_A_RUNNING_STACK, example_and_input

type Run = Callable[..., Ran]

ASKS_BEFORE = {"dead-letters purge", "rejected discard", "secrets retire-webhook", "secrets rotate-webhook"}
# What no stack is asked for, and what ends before: the catalogue of the examples has no SFTP server.
NEEDS_NO_RIGHT = {"use", "files status", "files trust", "secrets set-sftp"}
TAKEN = SimpleNamespace(status_code=202, content=b'{"status": "waiting"}')


@contextmanager
def one_refused(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[list[str]]:
    """Refuse the operation of AWS that is the ``number``th, from 0, to be called for the first time; those called."""
    called: list[str] = []

    def answer(operation: str, _: dict[str, Any], call: Callable[[], Any]) -> Any:
        if operation not in called:
            called.append(operation)
        if called.index(operation) == number:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "arn:aws:a-secret"}}, operation)
        return call()

    with monkeypatch.context() as patch:
        answer_calls(patch, answer)
        yield called


@pytest.mark.slow
@pytest.mark.usefixtures("example_stack")
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - NEEDS_A_RUNNING_STACK - NEEDS_NO_RIGHT))
def test_each_missing_right_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Whichever operation of AWS is refused, the command ends with a sentence that names it."""
    arguments, typed = example_and_input(command)
    # What the functions may do is no right of the operator's.
    monkeypatch.setattr(requests, "request", lambda *_, **__: TAKEN)
    if command in ASKS_BEFORE:
        arguments.append("--yes")
    for number in range(20):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with one_refused(monkeypatch, number) as called:
            ran = run(*arguments)
        if len(called) <= number:
            break
        refused = called[number]
        assert ran.status == 1, (refused, ran)
        assert f"{refused}: AccessDeniedException" in ran.out + ran.err, (refused, ran)
        assert "Traceback" not in ran.err
        assert "a-secret" not in ran.out + ran.err
    assert number > 0
