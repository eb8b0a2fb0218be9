"""What a function says in its log."""

import json
from typing import Any

_FRAME = {"location", "timestamp", "service"}


def logged(text: str) -> list[dict[str, Any]]:
    """The lines of the log that a function printed, without what each line has, and without its metrics."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [{name: value for name, value in line.items() if name not in _FRAME} for line in lines if "_aws" not in line]
