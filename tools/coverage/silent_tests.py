"""The tests that asserted nothing, of what each process of a run left in its file."""

import json
from pathlib import Path

# The variable that names the folder of these files.
FOLDER = "ASSERTIONS_FOLDER"


def silent_tests(folder: Path) -> list[str]:
    """The tests that asserted nothing in any process of the run, whatever their parameters."""
    silent, spoken = set[str](), set[str]()
    for file in folder.glob("*.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        silent |= {*content["silent"]}
        spoken |= {*content["spoken"]}
    return sorted(silent - spoken)
