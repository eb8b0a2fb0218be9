"""The layer as `sam build` leaves it: bytecode for everything, for this machine, and nothing beside the lock."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import events, stand_in
from tools.bench.artefacts import FUNCTIONS, OURS, Artefact, environment
from tools.deploy.artefact import MACHINES, SERVICES, check
from tools.deploy.artefact import PACKAGES as PACKAGE_NAMES
from tools.local.emulator import ROOT
from tools.local.stack import ARCHITECTURE, BUILD, build

PACKAGES = BUILD / "PartnerOrdersLayer" / "python"
MACHINE = MACHINES[ARCHITECTURE]
LARGEST_LAYER_BYTES = 20_000_000
# Python's zoneinfo reads its time zones from here where the system has none.
NOT_IMPORTED = {"tzdata"}
PARTS_OF_PARTS = ("partner_orders", "aws_lambda_powertools", "aws_lambda_powertools/utilities")
INVOKE = """
import json, os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
import app
class Context:
    aws_request_id = "1"
    def get_remaining_time_in_millis(self):
        return 30_000
app.handler(json.load(sys.stdin), Context())
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print("\\n".join(file for file in files if file), file=sys.stderr)
"""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    build()


def test_bytecode_is_never_checked() -> None:
    """Every module has bytecode that Python never checks against the source."""
    sources = [path for path in PACKAGES.rglob("*.py") if path.stat().st_size]
    assert len(sources) > 300
    for source in sources:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(header[4:], "little") == 0b01, f"{source}: not an unchecked hash-based .pyc"


def test_binaries_are_for_this_machine() -> None:
    """Every binary of the layer is for this machine's architecture."""
    binaries = [*PACKAGES.rglob("*.so")]
    assert binaries
    assert {int.from_bytes(binary.read_bytes()[18:20], "little") for binary in binaries} == {MACHINE}


def test_build_passes_the_deployments_checks() -> None:
    """What `sam build` leaves passes what `make deploy` checks."""
    assert check(BUILD, ARCHITECTURE) > 1


def test_layer_holds_expected_packages_only() -> None:
    """The layer holds the expected packages and no more, within the size limit."""
    assert {path.name for path in PACKAGES.iterdir()} - {"__pycache__"} == PACKAGE_NAMES
    assert not [*PACKAGES.rglob("*.dist-info")]
    assert sum(path.stat().st_size for path in PACKAGES.rglob("*") if path.is_file()) < LARGEST_LAYER_BYTES


def test_sdk_holds_called_services_only() -> None:
    """The SDK in the layer has only the services that the functions call."""
    called = {
        name
        for handler in (ROOT / "layers" / "partner_orders" / "partner_orders").glob("*/handler.py")
        for name in re.findall(r'clients\.client\("(\w+)"', handler.read_text())
    }
    assert called == SERVICES
    assert {path.name for path in (PACKAGES / "botocore" / "data").iterdir() if path.is_dir()} == SERVICES


def test_every_part_is_imported() -> None:
    """A function imports each part of the layer."""
    imported: set[str] = set()
    with stand_in.started() as aws:
        for function in (*FUNCTIONS, "sender"):
            artefact = Artefact(function, OURS, (ROOT / "functions" / function, PACKAGES), "app.handler")
            event = {"Records": []} if function == "sender" else events.first_event(artefact)
            done = subprocess.run(
                [sys.executable, "-S", "-c", INVOKE],
                env=environment(artefact, aws.url),
                input=json.dumps(event),
                capture_output=True,
                text=True,
                check=True,
            )
            files = {Path(line) for line in done.stderr.splitlines() if line.startswith(str(PACKAGES))}
            for file in files:
                inside = file.relative_to(PACKAGES).with_suffix("").parts
                imported |= {"/".join(inside[:depth]) for depth in range(1, len(inside) + 1)}
    parts = {
        path.relative_to(PACKAGES).with_suffix("").as_posix()
        for folder in ("", *PARTS_OF_PARTS)
        for path in (PACKAGES / folder).iterdir()
        if path.is_dir() or path.suffix == ".py"
    }
    assert {part for part in parts - imported if not part.endswith("__pycache__")} == NOT_IMPORTED


@pytest.mark.parametrize("function", ["webhook", "consumer", "publisher", "reconciler"])
def test_function_imports_with_layer_alone(function: str) -> None:
    """Each function imports with nothing but the layer."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path[:0] = ['.', {str(PACKAGES)!r}]; import app"],
        cwd=ROOT / "functions" / function,
        env={"POWERTOOLS_METRICS_NAMESPACE": "x", "POWERTOOLS_SERVICE_NAME": "x", "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
