"""The subscriber that the documentation shows."""

import importlib.util
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "subscriber" / "in_sequence.py"


def in_sequence() -> Any:
    spec = importlib.util.spec_from_file_location("in_sequence", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.InSequence()
