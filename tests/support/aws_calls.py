"""Counting the calls of AWS that botocore makes."""

from collections import Counter
from typing import Any

import pytest
from botocore.client import BaseClient


def counted_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The calls from now on, by operation."""
    calls: Counter[str] = Counter()
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls[operation] += 1
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    return calls
