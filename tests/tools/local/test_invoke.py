"""`make invoke` calls a function once it is free."""

from types import SimpleNamespace
from typing import Any

import pytest

from tools.local import invoke


class BusyError(Exception):
    pass


class Lambda:
    """A function that has so many calls before ours."""

    exceptions = SimpleNamespace(TooManyRequestsException=BusyError)

    def __init__(self, busy: int) -> None:
        self.busy = busy

    def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        if self.busy:
            self.busy -= 1
            raise BusyError
        return FunctionName, Payload


@pytest.mark.parametrize("busy", [0, 1, invoke.PAUSES])
def test_busy_function_is_called_again(monkeypatch: pytest.MonkeyPatch, busy: int) -> None:
    """A function that has a call already is called again until it is free."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert invoke._once_free(Lambda(busy), "the-loader", "{}") == ("the-loader", b"{}")
    assert len(pauses) == busy


def test_function_that_stays_busy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute the function's own error is told."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(BusyError):
        invoke._once_free(Lambda(1_000), "the-loader", "{}")
    assert sum(pauses) == 60
