"""What is worth keeping of what a search has found."""

from pathlib import Path

from tools.fuzz.growth import gained
from tools.fuzz.targets import ParserTarget


def test_keeps_smallest_input_of_new_code(tmp_path: Path) -> None:
    """Of the inputs that reach new code only the smallest is kept."""
    kept, same, new, larger = (tmp_path / name for name in ("kept", "same", "new", "larger"))
    kept.write_bytes(b"\0[]")
    same.write_bytes(b"\0[ ]")
    new.write_bytes(b'\0{"job_id":"1"}')
    larger.write_bytes(b'\0{"job_id":"1234"}')
    assert gained(ParserTarget(), [kept], [larger, same, new]) == [new]
