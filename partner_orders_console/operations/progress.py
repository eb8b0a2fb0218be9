"""How an operation tells what it is doing, whoever shows it."""

from collections.abc import Callable

type Progress = Callable[[str], None]
"""Takes a short line such as ``120 of 500 orders``; a later line replaces an earlier one."""


def silent(_line: str) -> None:
    """Shows nothing."""
