"""Parameters of which `make test` takes a sample, and `make verify` all."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest


def every(
    step: int, values: Iterable[Any], first: int = 0, always: Callable[[Any], bool] = lambda _: False
) -> list[Any]:
    """Return parameters, each one value or a tuple of values: one in ``step`` is fast, from the number ``first`` on.

    So are those for which ``always`` is true.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=_marks(number % step == first or always(value)),
        )
        for number, value in enumerate(values)
    ]


def pairs(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Return parameters for two arguments: every pair. The fast ones have each value of either argument."""
    return [
        pytest.param(one, other, marks=_marks(row % len(second) == column % len(first)))
        for row, one in enumerate(first)
        for column, other in enumerate(second)
    ]


def _marks(fast: bool) -> list[pytest.MarkDecorator]:
    return [] if fast else [pytest.mark.slow]
