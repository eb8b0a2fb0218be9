"""Orders have one writer."""

import ast
from pathlib import Path

from tests.support.template import TEMPLATE

PACKAGE = TEMPLATE.parent / "layers" / "partner_orders" / "partner_orders"
READS_REJECTED = {"reconciler/handler.py", "reconciler/comparison.py"}


def importers(module: str) -> set[str]:
    """The files of the package that import a module, but for those of its own part."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if module in names:
            found.add(str(path.relative_to(PACKAGE)))
    return {name for name in found if Path(name).parts[0] != "orders"}


def test_only_the_consumer_writes_orders() -> None:
    """Of all functions the consumer alone has the table that writes orders; the reconciler reads rejected events."""
    assert {Path(name).parts[0] for name in importers("partner_orders.orders.table")} == {"consumer"}
    others = importers("partner_orders.orders.rejected_table") - READS_REJECTED
    assert {Path(name).parts[0] for name in others} == {"consumer"}
