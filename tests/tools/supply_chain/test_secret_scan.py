"""The secret scan finds what looks like a secret, and nothing that the baseline does not know is there."""

from pathlib import Path

from tools.supply_chain.lock import ROOT
from tools.supply_chain.secret_scan import LEFT_OUT, look, tracked

KEY = "AKIA" + "IOSFODNN7EXAMPLQ"


def test_a_key_in_a_file_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(f'import os\nkey = "{KEY}"\n', encoding="utf-8")
    assert ("AWS Access Key", 2) in look(["settings.py"], tmp_path).values()


def test_a_key_that_moves_within_its_file_is_the_same_finding(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text(f'key = "{KEY}"\n', encoding="utf-8")
    before = look(["settings.py"], tmp_path).keys()
    path.write_text(f'\n\nkey = "{KEY}"\n', encoding="utf-8")
    assert look(["settings.py"], tmp_path).keys() == before


def test_what_git_keeps_is_looked_at_but_for_locks_and_the_fuzzers_corpus() -> None:
    names = tracked(ROOT)
    assert {"template.yaml", "README.md", "tools/supply_chain/secret_scan.py"} <= set(names)
    assert not [name for name in names if name.startswith(LEFT_OUT)]
