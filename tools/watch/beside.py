"""Which files changed, and which tests stand beside them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

FOLDERS = ("layers/partner_orders/partner_orders", "partner_orders_console", "tools", "tests")
TEMPLATES = ("template.yaml", "catalogue.yaml")
LEVELS = ("unit", "property", "integration")
PACKAGE = "layers/partner_orders/partner_orders"

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
    """The tests of these files: a test file itself, the tests that have a module's name, or else those of its
    package."""
    found = [test for path in paths for test in _beside(path.as_posix(), root)]
    return [*dict.fromkeys(found)]


def _beside(path: str, root: Path) -> list[str]:
    folder, _, file = path.rpartition("/")
    if path in TEMPLATES:
        named, others = [], ["tests/unit/template"]
    elif folder.startswith("tests"):
        named, others = [path] if file.startswith("test_") else [], []
    elif folder.startswith(PACKAGE):
        part = folder.removeprefix(PACKAGE)
        named, others = [f"tests/{level}{part}/test_{file}" for level in LEVELS], [f"tests/unit{part}"]
    elif folder.startswith("tools/"):
        named, others = [f"tests/{folder}/test_{file}"], [f"tests/{folder}"]
    else:
        named, others = [f"tests/console/test_{file}", f"tests/tools/test_{file}"], []
    return _those_there(named, root) or _those_there(others, root)


def _those_there(tests: Iterable[str], root: Path) -> list[str]:
    return [test for test in tests if (root / test).exists()]
