"""Watching the calls of AWS that botocore makes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

type Seen = Callable[[str, dict[str, Any], Any], None]


def watch_calls(monkeypatch: pytest.MonkeyPatch, seen: Seen) -> None:
    """Tell of each call from now on: its operation, what was asked, and the response; None where it failed."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def watched(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        response = None
        try:
            response = call(client, operation, parameters)
        finally:
            seen(operation, parameters, response)
        return response

    monkeypatch.setattr(BaseClient, "_make_api_call", watched)


def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The calls from now on, by operation."""
    calls: Counter[str] = Counter()
    watch_calls(monkeypatch, lambda operation, *_: calls.update([operation]))
    return calls
