"""The layer as `sam build` leaves it: bytecode for everything, for this machine, and nothing beside the lock."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.emulator import ROOT
from local.stack import ARCHITECTURE, BUILD, build

PACKAGES = BUILD / "PartnerOrdersLayer" / "python"
MACHINE = {"x86_64": 0x3E, "arm64": 0xB7}[ARCHITECTURE]  # e_machine of the ELF header
LARGEST_LAYER_BYTES = 30_000_000
SERVICES = {"dynamodb", "events", "secretsmanager", "sqs"}
EXPECTED = {
    *("annotated_types", "aws_lambda_powertools", "botocore", "certifi", "charset_normalizer", "dateutil"),
    *("idna", "jmespath", "partner_orders", "pydantic", "pydantic_core", "requests", "six.py", "tzdata"),
    *("typing_extensions.py", "typing_inspection", "urllib3"),
}


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    build()


def test_every_module_has_bytecode_that_is_never_checked_against_its_source() -> None:
    sources = [path for path in PACKAGES.rglob("*.py") if path.stat().st_size]
    assert len(sources) > 500
    for source in sources:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(header[4:], "little") == 0b01, f"{source}: not an unchecked hash-based .pyc"


def test_every_binary_is_for_this_machine() -> None:
    binaries = [*PACKAGES.rglob("*.so")]
    assert binaries
    assert {int.from_bytes(binary.read_bytes()[18:20], "little") for binary in binaries} == {MACHINE}


def test_it_holds_what_the_lock_says_and_no_more() -> None:
    assert {path.name for path in PACKAGES.iterdir()} - {"__pycache__"} == EXPECTED
    assert not [*PACKAGES.rglob("*.dist-info")]
    assert sum(path.stat().st_size for path in PACKAGES.rglob("*") if path.is_file()) < LARGEST_LAYER_BYTES


def test_of_the_sdk_it_holds_the_services_that_the_functions_call() -> None:
    called = {
        name
        for app in (ROOT / "functions").glob("*/app.py")
        for name in re.findall(r'aws\.client\("(\w+)"', app.read_text())
    }
    assert called == SERVICES
    assert {path.name for path in (PACKAGES / "botocore" / "data").iterdir() if path.is_dir()} == SERVICES


@pytest.mark.parametrize("function", ["webhook", "consumer", "publisher", "reconciler"])
def test_a_function_imports_with_the_layer_alone(function: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path[:0] = ['.', {str(PACKAGES)!r}]; import app"],
        cwd=ROOT / "functions" / function,
        env={"POWERTOOLS_METRICS_NAMESPACE": "x", "POWERTOOLS_SERVICE_NAME": "x", "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
