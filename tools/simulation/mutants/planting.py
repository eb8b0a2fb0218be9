"""Edits anchored to named code: they apply only where the text they replace is, once, in the function they name."""

import ast
import itertools
from dataclasses import dataclass
from pathlib import Path


class AnchorLostError(ValueError):
    """The code that an edit is anchored to is not there any more, or is there more than once."""


@dataclass(frozen=True)
class Edit:
    """In ``file``, within the function, method, class or constant ``name`` (``Class.method``), replace ``old``. In a
    YAML file, ``name`` is a key of the second level, such as a resource of the template."""

    file: str
    name: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The file's text with the bug in it. Raises AnchorLostError."""
        lines = source.splitlines(keepends=True)
        is_python = self.file.endswith(".py")
        if (place := _in_python(source, self.name) if is_python else _in_yaml(lines, self.name)) is None:
            raise AnchorLostError(f"{self.file} has no {self.name}")
        first, last = place
        before, inside, after = ("".join(part) for part in (lines[:first], lines[first:last], lines[last:]))
        if (times := inside.count(self.old)) != 1:
            raise AnchorLostError(f"{self.name} in {self.file} has {times} times, not once: {self.old.strip()!r}")
        changed = before + inside.replace(self.old, self.new) + after
        if is_python:
            ast.parse(changed)
        return changed


@dataclass(frozen=True)
class Mutant:
    """A planted bug. ``bug`` is one sentence; ``complaint`` names who has had it, with links, if anybody."""

    name: str
    bug: str
    edits: tuple[Edit, ...]
    complaint: str = ""

    def plant(self, root: Path) -> None:
        """Make the edits in a copy of the repository. Raises AnchorLostError."""
        for edit in self.edits:
            path = root / edit.file
            path.write_text(edit.apply(path.read_text(encoding="utf-8")), encoding="utf-8")

    def check(self, root: Path) -> None:
        """Raises AnchorLostError if the bug cannot be planted, and SyntaxError if it is not Python."""
        sources: dict[str, str] = {}
        for edit in self.edits:
            source = sources.get(edit.file) or (root / edit.file).read_text(encoding="utf-8")
            sources[edit.file] = edit.apply(source)


def one_edit(name: str, bug: str, file: str, within: str, old: str, new: str, complaint: str = "") -> Mutant:
    """A bug that one edit plants."""
    return Mutant(name, bug, (Edit(file, within, old, new),), complaint)


def _in_python(source: str, name: str) -> tuple[int, int] | None:
    """Where the lines of a name begin and end."""
    node = _find(ast.parse(source).body, name.split("."))
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
            case ast.Assign(targets=[ast.Name(id=name)]) if names == [name]:
                return node
            case _:
                continue
    return None
