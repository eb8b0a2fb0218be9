"""The layers as `sam build` leaves them: bytecode for everything, for this machine, and nothing beside the lock."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.bench import events, stand_in
from tools.bench.artefacts import FUNCTIONS, OURS, Artefact, environment
from tools.deploy.artefact import CATALOGUE, MACHINES, ORDERS, Contents, check
from tools.local.emulator import ROOT
from tools.local.stack import ARCHITECTURE, BUILD, CATALOGUE_BUILD, build

PACKAGES = BUILD / ORDERS.layer / "python"
BUILDS = {ORDERS: BUILD, CATALOGUE: CATALOGUE_BUILD}
BOTH = pytest.mark.parametrize("contents", BUILDS, ids=lambda contents: contents.layer)
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

IMPORT = """
import sys
sys.path[:0] = [".", *sys.argv[1:]]
import app
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print("\\n".join(file for file in files if file))
"""
ENVIRONMENT = {
    "POWERTOOLS_METRICS_NAMESPACE": "x",
    "POWERTOOLS_SERVICE_NAME": "x",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


LARGEST_SFTP_LAYER_BYTES = 24_000_000


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    build()


def packages_of(contents: Contents) -> Path:
    return BUILDS[contents] / contents.layer / "python"


@BOTH
def test_bytecode_is_never_checked(contents: Contents) -> None:
    """Every module has bytecode that Python never checks against the source."""
    sources = [path for path in packages_of(contents).rglob("*.py") if path.stat().st_size]
    assert len(sources) > 200
    for source in sources:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(header[4:], "little") == 0b01, f"{source}: not an unchecked hash-based .pyc"


@BOTH
def test_binaries_are_for_this_machine(contents: Contents) -> None:
    """Every binary of a layer is for this machine's architecture."""
    binaries = [*packages_of(contents).rglob("*.so")]
    assert binaries
    assert {int.from_bytes(binary.read_bytes()[18:20], "little") for binary in binaries} == {MACHINE}


@BOTH
def test_build_passes_the_deployments_checks(contents: Contents) -> None:
    """What `sam build` leaves passes what `make deploy` checks."""
    assert check(BUILDS[contents], ARCHITECTURE, contents) >= 1


@BOTH
def test_layer_holds_expected_packages_only(contents: Contents) -> None:
    """A layer holds the expected packages and no more, within the size limit."""
    packages = packages_of(contents)
    assert {path.name for path in packages.iterdir()} - {"__pycache__"} == contents.packages
    assert not [*packages.rglob("*.dist-info")]
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) < LARGEST_LAYER_BYTES


@BOTH
def test_sdk_holds_called_services_only(contents: Contents) -> None:
    """The SDK in a layer has only the services that its functions call."""
    packages = packages_of(contents)
    sources = (path.read_text() for path in (packages / "partner_orders").rglob("*.py"))
    called = {name for source in sources for name in re.findall(r'clients\.client\("(\w+)"', source)}
    assert called == contents.services
    assert {path.name for path in (packages / "botocore" / "data").iterdir() if path.is_dir()} == contents.services


@pytest.mark.slow
def test_every_part_is_imported() -> None:
    """A function of the orders stack imports each part of its layer."""
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
            imported |= inside(PACKAGES, done.stderr)
    assert parts_of(PACKAGES) - imported == NOT_IMPORTED


def inside(packages: Path, printed: str) -> set[str]:
    """The files of a layer in a list of files, and their folders, by their paths without a suffix."""
    found: set[str] = set()
    for file in (Path(line) for line in printed.splitlines() if line.startswith(str(packages))):
        parts = file.relative_to(packages).with_suffix("").parts
        found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return found


def parts_of(packages: Path) -> set[str]:
    return {
        path.relative_to(packages).with_suffix("").as_posix()
        for folder in ("", *PARTS_OF_PARTS)
        for path in (packages / folder).iterdir()
        if (path.is_dir() or path.suffix == ".py") and path.name != "__pycache__"
    }


def test_sftp_layer_holds_its_packages_only() -> None:
    """The uploader's own layer holds the expected packages, with bytecode, within its size."""
    [layer] = CATALOGUE.beside
    packages = CATALOGUE_BUILD / layer.name / "python"
    assert {path.name.partition(".")[0] for path in packages.iterdir()} - {"__pycache__"} == layer.packages
    assert sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) < LARGEST_SFTP_LAYER_BYTES


def test_every_part_of_the_catalogues_layer_is_imported() -> None:
    """The catalogue's functions import each part of their layer when they start, with nothing but their layers."""
    packages, imported = packages_of(CATALOGUE), set[str]()
    sftp = CATALOGUE_BUILD / "SftpLayer" / "python"
    for function in ("loader", "pusher", "urgent", "catalogue_webhook", "uploader"):
        beside = [str(sftp)] if function == "uploader" else []
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(packages), *beside],
            cwd=ROOT / "functions" / function,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        imported |= inside(packages, done.stdout)
    assert parts_of(packages) - imported == set()


@pytest.mark.parametrize("function", ["webhook", "consumer", "publisher", "reconciler"])
def test_function_imports_with_layer_alone(function: str) -> None:
    """Each function imports with nothing but the layer."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(PACKAGES)],
        cwd=ROOT / "functions" / function,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
