"""The calls of ``partner-orders`` that pages tell people to type."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The log of changes tells of commands that are gone.
PAGES = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")}
    - {*(ROOT / "docs" / "decisions").glob("*.md")}
)
# Options of the target, with their value: a test has one stack.
_TARGET = re.compile(r"--(?:config-env|stack-name|region|profile) \S+ |--local ")


def commands(text: str) -> list[str]:
    """Every call of partner-orders, in a block or in a sentence, without what it is piped into or read from."""
    text = re.sub(r"`([^`\n]*)\n +([^`\n]*)`", r"`\1 \2`", text)
    text = re.sub(r" \\\n +", " ", text)
    blocks = re.findall(r"^ {4,}(?:\.venv/bin/)?(partner-orders .*?)(?: +# .*| [|>] .*)?$", text, re.MULTILINE)
    sentences = re.findall(r"`(?:\.venv/bin/)?(partner-orders [^`]*)`", text)
    return [*blocks, *sentences]


def arguments(command: str, values: Mapping[str, str]) -> list[str]:
    """A call as typed: without the program and the options of the target, each ``<name>`` replaced by its value.
    Raises KeyError for a name without one."""
    typed = _TARGET.sub("", command.removeprefix("partner-orders ")).partition(" < ")[0]
    return shlex.split(re.sub(r"<([^>]+)>", lambda name: values[name[1]], typed))
