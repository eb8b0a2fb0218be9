"""The secret scan finds what looks like a secret, and nothing that the baseline does not know is there."""

from pathlib import Path

from tools.supply_chain.lock import ROOT
from tools.supply_chain.secret_scan import LEFT_OUT, look, tracked

KEY = "AKIA" + "IOSFODNN7EXAMPLQ"


def test_key_is_found_with_its_line(tmp_path: Path) -> None:
    """A key in a file is found with its line."""
    (tmp_path / "settings.py").write_text(f'import os\nkey = "{KEY}"\n', encoding="utf-8")
    assert ("AWS Access Key", 2) in look(["settings.py"], tmp_path).values()


def test_moved_key_is_the_same_finding(tmp_path: Path) -> None:
    """A key that moves within its file is the same finding."""
    path = tmp_path / "settings.py"
    path.write_text(f'key = "{KEY}"\n', encoding="utf-8")
    before = look(["settings.py"], tmp_path).keys()
    path.write_text(f'\n\nkey = "{KEY}"\n', encoding="utf-8")
    assert look(["settings.py"], tmp_path).keys() == before


def test_scans_all_but_locks_and_corpus() -> None:
    """Every tracked file is scanned except for locks and the fuzzer's corpus."""
    names = tracked(ROOT)
    assert {"template.yaml", "README.md", "tools/supply_chain/secret_scan.py"} <= set(names)
    assert not [name for name in names if name.startswith(LEFT_OUT)]
