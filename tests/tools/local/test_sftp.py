"""`make sftp-server` keeps its keys, prints commands that exist, and tells what the platform made of files."""

import shlex
from pathlib import Path

import pytest
import typer

from partner_orders_console.cli.__main__ import app
from tests.support.sftp_server import needs_sshd
from tools.local import second_terminal, sftp
from tools.local.sftp_server import Sshd, sshd


def test_keys_are_kept(tmp_path: Path) -> None:
    """A server that is started again in its folder has the key that was trusted, and takes the same login."""
    first, again = Sshd(tmp_path / "a"), Sshd(tmp_path / "a")
    assert (first.host_key, first.private_key) == (again.host_key, again.private_key)
    assert first.host_key != Sshd(tmp_path / "b").host_key
    assert first.login_key.stat().st_mode & 0o077 == 0


@needs_sshd
def test_server_starts_again(tmp_path: Path) -> None:
    """The server runs with the keys of an earlier start."""
    for _ in range(2):
        with sshd(tmp_path) as server:
            assert server.home.is_dir()


def test_printed_commands_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command that is printed exists with its options."""
    monkeypatch.setattr(sftp, "ROOT", tmp_path)
    lines = [line for line in sftp.tour(Sshd(tmp_path / "sftp")).splitlines() if line.startswith("  .venv")]
    assert len(lines) == 6
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in lines:
        _, *words = shlex.split(line.partition(" < ")[0])
        command = known[words[0]]
        if hasattr(command, "commands"):
            command, words = command.commands[words[1]], words[1:]
        command.make_context(words[0], words[1:])


def test_what_became_of_a_file() -> None:
    """Rows are counted, and what failed is told with its reason."""
    good = {"kind": "catalogue", "name": "a.csv", "rows": 5, "problem": "", "errors": {}}
    bad = {**good, "name": "b.csv", "errors": {"3": "unknown SKU"}}
    failed = {**good, "name": "c.csv", "problem": "unknown column"}
    assert sftp.lines_of([good, bad, failed]) == [
        "picked up  catalogue/a.csv  5 rows",
        "picked up  catalogue/b.csv  5 rows, 1 bad",
        "           line 3: unknown SKU",
        "picked up  catalogue/c.csv  unknown column",
    ]


def test_without_a_stack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stack the command says how one is started."""
    monkeypatch.setattr(second_terminal, "is_up", lambda: False)
    assert sftp.main() == 1
    assert "make up" in capsys.readouterr().err
