"""The calls of AWS that botocore makes, and those of the simulated DynamoDB: seen, or answered by a test."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

from tools.simulation.catalogue.simulated_dynamodb import SimulatedDynamoDB

type Seen = Callable[[str, dict[str, Any], Any], None]
type Answer = Callable[[str, dict[str, Any], Callable[[], Any]], Any]


def answer_calls(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Answer each call from now on: given its operation, what was asked, and the call itself."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    simulated = SimulatedDynamoDB.call

    def answered(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        return answer(operation, parameters, lambda: call(client, operation, parameters))

    def answered_by_table(
        dynamodb: SimulatedDynamoDB, operation: str, parameters: dict[str, Any], effect: Callable[[], Any]
    ) -> Any:
        return answer(operation, parameters, lambda: simulated(dynamodb, operation, parameters, effect))

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    monkeypatch.setattr(SimulatedDynamoDB, "call", answered_by_table)


def watch_calls(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    """Tell of each call from now on: its operation, what was asked, and the response; None where it failed."""

    def watched(operation: str, parameters: dict[str, Any], call: Callable[[], Any]) -> Any:
        response = None
        try:
            response = call()
        finally:
            seen(operation, parameters, response)
        return response

    answer_calls(monkeypatch, watched)


def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The calls from now on, by operation."""
    calls: Counter[str] = Counter()
    watch_calls(monkeypatch, lambda operation, *_: calls.update([operation]))
    return calls
