"""Edits anchored to named code: they apply only where the text they replace is, once, in the function they name."""

import ast
import itertools
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml


class AnchorLostError(ValueError):
    """The code that an edit is anchored to is not there any more, or is there more than once."""


@dataclass(frozen=True)
class Edit:
    """In ``file``, within the function, method, class or constant ``name`` (``Class.method``), replace ``old``. In a
    YAML file, ``name`` is a key of the second level, such as a resource of the template. Any other file is taken
    whole, and ``name`` is its own."""

    file: str
    name: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The file's text with the bug in it. Raises AnchorLostError; SyntaxError or YAMLError if that is no code."""
        lines = source.splitlines(keepends=True)
        if (place := self._place(source, lines)) is None:
            raise AnchorLostError(f"{self.file} has no {self.name}")
        first, last = place
        before, inside, after = ("".join(part) for part in (lines[:first], lines[first:last], lines[last:]))
        if (times := inside.count(self.old)) != 1:
            raise AnchorLostError(f"{self.name} in {self.file} has {times} times, not once: {self.old.strip()!r}")
        edited = inside.replace(self.old, self.new)
        changed = before + edited + after
        if self.file.endswith(".py"):
            _check_python(edited, changed)
        elif self.file.endswith((".yaml", ".yml")):
            yaml.compose(edited, Loader=yaml.CSafeLoader)
        return changed

    def _place(self, source: str, lines: list[str]) -> tuple[int, int] | None:
        if self.file.endswith(".py"):
            return _in_python(source, self.name)
        if self.file.endswith((".yaml", ".yml")):
            return _in_yaml(lines, self.name)
        return (0, len(lines)) if Path(self.file).name == self.name else None


@dataclass(frozen=True)
class Mutant:
    """A planted bug. ``bug`` is one sentence; ``complaint`` names who has had it, with links, if anybody."""

    name: str
    bug: str
    edits: tuple[Edit, ...]
    complaint: str = ""

    def plant(self, root: Path) -> None:
        """Make the edits in a copy of the repository. Raises AnchorLostError."""
        for file, text in self.planted(root).items():
            (root / file).write_text(text, encoding="utf-8")

    def check(self, root: Path) -> None:
        """Raises AnchorLostError if the bug cannot be planted, and SyntaxError or YAMLError if it leaves no code."""
        self.planted(root)

    def planted(self, root: Path) -> dict[str, str]:
        """Return the texts of the files with the bug in them. Raises like `check`."""
        texts: dict[str, str] = {}
        for edit in self.edits:
            texts[edit.file] = edit.apply(texts.get(edit.file) or (root / edit.file).read_text(encoding="utf-8"))
        return texts


def one_edit(name: str, bug: str, file: str, within: str, old: str, new: str, complaint: str = "") -> Mutant:
    """A bug that one edit plants."""
    return Mutant(name, bug, (Edit(file, within, old, new),), complaint)


@lru_cache(maxsize=100)
def _tree(source: str) -> ast.Module:
    return ast.parse(source)


def _check_python(edited: str, changed: str) -> None:
    """Raises SyntaxError if a changed file is not Python. Mostly its edited part says so, in far less time."""
    try:
        ast.parse(textwrap.dedent(edited))
    except SyntaxError:
        ast.parse(changed)


def _in_python(source: str, name: str) -> tuple[int, int] | None:
    """Where the lines of a name begin and end."""
    node = _find(_tree(source).body, name.split("."))
    return None if node is None or node.end_lineno is None else (node.lineno - 1, node.end_lineno)


def _in_yaml(lines: list[str], name: str) -> tuple[int, int] | None:
    head = f"  {name}:\n"
    if lines.count(head) != 1:
        return None
    first = lines.index(head)
    inner = itertools.takewhile(lambda line: line.startswith("   ") or not line.strip(), lines[first + 1 :])
    return first, first + 1 + sum(1 for _ in inner)


def _find(body: list[ast.stmt], names: list[str]) -> ast.stmt | None:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if (
                name == names[0]
            ):
                return node if len(names) == 1 else _find(node.body, names[1:])
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if names == [name]:
                return node
            case _:
                continue
    return None
