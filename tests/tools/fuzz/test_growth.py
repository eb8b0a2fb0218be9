"""What is worth keeping of what a search has found."""

from pathlib import Path

from tools.fuzz.growth import gained
from tools.fuzz.targets import ParserTarget


def test_an_input_is_kept_if_it_goes_where_no_other_goes_and_only_the_smallest_of_those(tmp_path: Path) -> None:
    kept, same, new, larger = (tmp_path / name for name in ("kept", "same", "new", "larger"))
    kept.write_bytes(b"\0[]")
    same.write_bytes(b"\0[ ]")
    new.write_bytes(b'\0{"job_id":"1"}')
    larger.write_bytes(b'\0{"job_id":"1234"}')
    assert gained(ParserTarget(), [kept], [larger, same, new]) == [new]
