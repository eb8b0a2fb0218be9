"""What was taken from npm is as it was published, and has its licence beside it."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "partner_orders_console" / "desk" / "static" / "vendor", ROOT / "tests" / "support" / "vendor")


@pytest.mark.parametrize("folder", FOLDERS, ids=["desk", "tests"])
def test_vendored_files_are_unchanged(folder: Path) -> None:
    """Each file has the digest that it was published with, and nothing stands beside them."""
    packages = json.loads((folder / "packages.json").read_text())
    for package in packages:
        assert hashlib.sha256((folder / package["file"]).read_bytes()).hexdigest() == package["sha256"]
        assert (folder / package["licence_file"]).read_text().strip()
    known = {package[name] for package in packages for name in ("file", "licence_file")}
    assert {path.name for path in folder.iterdir()} == known | {"packages.json"}
