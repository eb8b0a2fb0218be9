"""Help and version are there at once: nothing that talks to AWS is loaded for them."""

import subprocess
import sys

import pytest

SLOW = ("boto3", "botocore", "requests", "aws_lambda_powertools", "cryptography", "urllib3")
PROGRAM = f"""
import sys
from partner_orders_console.cli.__main__ import main
status = main(sys.argv[1:])
sys.stderr.write(" ".join(name for name in {SLOW!r} if name in sys.modules))
sys.exit(status)
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("orders", "list", "--help"), ("catalogue", "show", "--help")]
)
def test_help_loads_nothing_of_aws(arguments: tuple[str, ...]) -> None:
    """Neither ``--help`` nor ``--version`` loads a library that a command alone needs."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
