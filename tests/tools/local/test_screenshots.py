"""The terminal pictures of docs/images/."""

from pathlib import Path

from tools.local.screenshots import picture


def test_picture_has_command_and_colours(tmp_path: Path) -> None:
    """A picture shows the command and its output in colours, and is the same each time."""
    path = tmp_path / "images" / "doctor.svg"
    output = "\x1b[31mFAULT\x1b[0m webhook\n" + "x" * 100 + "   \n\n"
    picture(path, "partner-orders doctor", output)
    drawn = path.read_text(encoding="utf-8")
    assert "FAULT" in drawn
    assert "\x1b" not in drawn
    assert "x" * 100 in drawn
    assert ">partner-orders" in drawn.replace("&#160;", " ")
    picture(path, "partner-orders doctor", output)
    assert path.read_text(encoding="utf-8") == drawn
