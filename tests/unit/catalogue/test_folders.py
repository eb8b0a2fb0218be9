"""What a killed loader left on the disk is removed, and nothing of one that runs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from partner_orders.catalogue.folders import new_folder, remove_left_folders


def test_left_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of ended processes go, with what is in them; those of others stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [tmp_path / f"loader-{number}-abc" for number in (ended.pid, os.getpid())]
    kept = [tmp_path / name for name in (f"loader-{os.getppid()}-abc", "loader-x-abc", "another")]
    for folder in (*left, *kept):
        folder.mkdir()
        (folder / "0").write_text("KW-1", encoding="utf-8")
    assert remove_left_folders() == 2
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    with new_folder() as own:
        assert Path(own).parent == tmp_path
    assert sorted(tmp_path.iterdir()) == sorted(kept)
