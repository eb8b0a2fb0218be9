"""Which files changed, and which tests stand beside them."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

FOLDERS = ("layers/partner_orders/partner_orders", "functions", "partner_orders_console", "tools", "tests")
TEMPLATES = ("template.yaml", "catalogue.yaml")
LEVELS = ("unit", "property", "integration")
PACKAGE = "layers/partner_orders/partner_orders"
MOST_IMPORTING = 3

# When each file was last changed, in nanoseconds.
type Times = Mapping[Path, int]


def times_of(root: Path) -> Times:
    """The times of all files that a run of tests depends on, by their path from the root."""
    files = [root / name for name in TEMPLATES]
    for folder in FOLDERS:
        files += root.joinpath(folder).rglob("*.py")
    return {file.relative_to(root): file.stat().st_mtime_ns for file in files if file.is_file()}


def changed(before: Times, now: Times) -> list[Path]:
    """The files that are new, gone or changed."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def beside_files(paths: Iterable[Path], root: Path) -> list[str]:
    """The tests of these files: a test file itself, the tests that have a module's name, or else those that import it,
    or those of its package."""
    found = [test for path in paths for test in _beside(path.as_posix(), root)]
    return [*dict.fromkeys(found)]


def _beside(path: str, root: Path) -> list[str]:
    folder, _, file = path.rpartition("/")
    if path in TEMPLATES:
        return ["tests/unit/template"]
    if folder.startswith("tests"):
        return [path] if file.startswith("test_") else _importing(path, root)
    if folder.startswith(PACKAGE):
        part = folder.removeprefix(PACKAGE)
        named = [f"tests/{level}{part}/test_{file}" for level in LEVELS]
        others = _those_there([f"tests/{level}{part}" for level in LEVELS], root)[:1]
    elif folder.startswith("functions/"):
        named, others = [f"tests/integration/{folder.removeprefix('functions/')}"], []
    elif folder.startswith("tools"):
        named, others = [f"tests/{folder}/test_{file}"], [f"tests/{folder}"] if folder != "tools" else []
    else:
        named = [f"tests/console/test_{name}.py" for name in (file.removesuffix(".py"), folder.rpartition("/")[2])]
        others = [f"tests/console/{folder.removeprefix('partner_orders_console/').partition('/')[0]}"]
    return _those_there(named, root)[: len(LEVELS)] or _importing(path, root) or _those_there(others, root)


def _importing(path: str, root: Path) -> list[str]:
    """The quickest kinds of tests that import a module themselves, at most MOST_IMPORTING of them."""
    module = path.removeprefix("layers/partner_orders/").removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    forms = (f"from {module} import ", rf"import {module}\b", rf"from {package} import .*\b{name}\b")
    imports = re.compile(f"^(?:{'|'.join(forms)})", re.MULTILINE)
    tests = sorted(root.joinpath("tests").rglob("test_*.py"), key=lambda test: _slowness(test.relative_to(root)))
    found = (test for test in tests if imports.search(test.read_text(encoding="utf-8")))
    return [test.relative_to(root).as_posix() for test in islice(found, MOST_IMPORTING)]


def _slowness(test: Path) -> tuple[int, Path]:
    level = test.parts[1]
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS)), test


def _those_there(tests: Iterable[str], root: Path) -> list[str]:
    return [test for test in tests if (root / test).exists()]
