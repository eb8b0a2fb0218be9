"""The contracts of the package's imports (``lint-imports``, part of ``make lint``) notice what they forbid."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = Path("layers/partner_orders")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the contracts are about, to plant an import in."""
    for folder in (LAYER / "partner_orders", Path("partner_orders_console")):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": f"{copy / LAYER}{os.pathsep}{copy}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_copy_keeps_every_contract(copy: Path) -> None:
    """An unchanged copy of the package keeps every import contract."""
    done = lint_imports(copy)
    assert (done.returncode, "0 broken" in done.stdout) == (0, True), done.stdout


PLANTED = [
    ("webhook.endpoint", "partner_orders.consumer.intake", "The functions' parts do not import each other"),
    ("orders.erasure", "partner_orders.order_events.message", "Each part imports only what stands below it"),
    ("orders.history", "botocore.exceptions", "The domain knows nothing of AWS, HTTP or the table"),
    ("orders.model", "partner_orders.aws.keys", "The domain knows nothing of AWS, HTTP or the table"),
    ("publisher.change_event", "partner_orders.orders.table", "Rows, messages, requests and reports are only data"),
    ("webhook.request_body", "partner_orders.exact_json", "The webhook parses nothing"),
    ("stores.table", "botocore.exceptions", "Orders and stores reach AWS through the gateway"),
    ("settings", "partner_orders_console.cli", "The console stands over the package"),
    ("console.target", "rich.table", "Operations know nothing of how they are asked for and shown"),
    ("clock", "tools.fresh_handler", "The package and the console import no tools or tests"),
]


def test_forbidden_imports_break_contracts(copy: Path) -> None:
    """Planted imports break each contract, and are named."""
    for module, planted, _ in PLANTED:
        path = copy / LAYER / "partner_orders" / f"{module.replace('.', '/')}.py"
        if module == "console.target":
            path = copy / "partner_orders_console" / "operations" / "target.py"
        path.write_text(f"{path.read_text(encoding='utf-8')}\nimport {planted}\n", encoding="utf-8")
    done = lint_imports(copy)
    assert done.returncode == 1
    kept = [contract for *_, contract in PLANTED if f"{contract} BROKEN" not in done.stdout]
    assert kept == [], done.stdout
    for module, planted, _ in PLANTED:
        importer = module.removeprefix("console.")
        assert re.search(rf"{re.escape(importer)} -> {re.escape(planted.split('.')[0])}", done.stdout), module


def test_unplaced_part_breaks_the_layers(copy: Path) -> None:
    """A new part that has no place in the layers breaks the contract."""
    part = copy / LAYER / "partner_orders" / "unplaced"
    part.mkdir()
    (part / "__init__.py").touch()
    done = lint_imports(copy)
    assert (done.returncode, "partner_orders.unplaced" in done.stdout) == (1, True), done.stdout
