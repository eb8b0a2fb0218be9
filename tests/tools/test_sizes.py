"""What a reader can hold at once: short functions, short files, a short list at the root."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.supply_chain.secret_scan import tracked

ROOT = Path(__file__).parents[2]
PRODUCT = ("layers/partner_orders/partner_orders", "partner_orders_console", "functions")
CODE = (*PRODUCT, "tools")
LONGEST_FUNCTION = 60  # lines, from the def to its end
LONGEST_FILE = 400  # lines
ROOT_ENTRIES = 25


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path}: {node.name} has {lines} lines"


@pytest.mark.parametrize("folder", CODE)
def test_no_function_is_too_long(folder: str) -> None:
    """Branches and statements are counted by ruff (C901, PLR0915)."""
    assert [problem for path in (ROOT / folder).rglob("*.py") for problem in long_functions(path)] == []


def test_long_function_is_named(tmp_path: Path) -> None:
    """The check names a function that is too long."""
    path = tmp_path / "long.py"
    path.write_text("def fits():\n" + "    pass\n" * 59 + "def too_long():\n" + "    pass\n" * 60, encoding="utf-8")
    assert [*long_functions(path)] == [f"{path}: too_long has 61 lines"]


@pytest.mark.parametrize("folder", PRODUCT)
def test_product_files_are_short(folder: str) -> None:
    """No file of the product has more than 400 lines."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}
    assert lengths


def test_root_is_short() -> None:
    """The root has at most 25 entries."""
    assert len({Path(path).parts[0] for path in tracked(ROOT)}) <= ROOT_ENTRIES
