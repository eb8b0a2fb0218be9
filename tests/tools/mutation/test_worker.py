"""The worker on a module of ours: what it notices, and what it does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = "tests/unit/test_content_encoding.py"


@pytest.mark.slow
def test_mutants_of_a_module() -> None:
    """Mutants in functions and in what runs at import are noticed by a test that executes them."""
    worker = subprocess.run(
        [sys.executable, "-m", "tools.mutation.worker", "content_encoding", "clock", "--", TESTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    noticed = {outcome["mutant"]: outcome["noticed"] for outcome in map(json.loads, worker.stdout.splitlines())}
    function = "inflated: body = inflating.decompress(content, most_bytes + 1) [+ => -]"
    assert noticed[function].startswith(TESTS)
    constant = '_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _BARE_DEFLATE)}'
    assert noticed[f"(module): {constant} ['gzip' => 'XXgzipXX']"].startswith(TESTS)
    # No test of these knows the clock.
    assert noticed["now: return datetime.now(UTC) [return => return None]"] == ""
