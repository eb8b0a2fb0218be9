"""What stands in ``functions/``: nothing that a change of the package could have to change with it."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.template import CATALOGUE, TEMPLATE

FUNCTIONS = TEMPLATE.parent / "functions"
# The handlers that are not in the part of the folder's name.
ELSEWHERE = {"catalogue_webhook": "webhook.handler", "urgent": "pusher.urgent_handler"}


def test_each_function_has_a_folder() -> None:
    """Each function of both templates has its folder, and no folder has none."""
    texts = (path.read_text(encoding="utf-8") for path in (TEMPLATE, CATALOGUE))
    used = re.findall(r"CodeUri: functions/(\w+)", "".join(texts))
    assert sorted(folder.name for folder in FUNCTIONS.iterdir()) == sorted(used)


@pytest.mark.parametrize("folder", sorted(FUNCTIONS.iterdir()), ids=lambda folder: folder.name)
def test_app_is_one_import_of_the_handler(folder: Path) -> None:
    """Lambda replaces a function's layer and its code in two calls, so an ``app.py`` has to suit every package."""
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if "__pycache__" not in path.parts]
    assert files == ["app.py"]
    docstring, *rest = ast.parse((folder / "app.py").read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert [ast.unparse(node) for node in rest] == [
        f"from partner_orders.{ELSEWHERE.get(folder.name, f'{folder.name}.handler')} import handler as handler"
    ]
