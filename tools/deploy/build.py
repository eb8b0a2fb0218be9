"""`make build`: build both templates for a processor of AWS, open what was built, and write the bill of materials.

It runs with nothing but the standard library and sam beside it, before any other environment is there.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.deploy.artefact import (
    CATALOGUE,
    MACHINES,
    ORDERS,
    Contents,
    FaultyBuildError,
    check,
    pin_architecture,
)
from tools.quiet_command import CommandFailedError, run_quietly

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-tools" / "bin"
BUILD = ROOT / ".aws-sam" / "build"
# In a folder of its own: sam keeps a file beside each build.
CATALOGUE_BUILD = ROOT / ".aws-sam" / "catalogue" / "build"
BILL = ROOT / ".aws-sam" / "sbom.cdx.json"


def build(folder: Path, architecture: str, contents: Contents = ORDERS) -> None:
    """Build a template for ``architecture`` (arm64 or x86_64) into ``folder``, and check what came out. The bill of
    materials is that of the lock, from which both layers are made.

    Raises FaultyBuildError.
    """
    if architecture not in MACHINES:
        raise FaultyBuildError(f"{architecture} is not a processor of Lambda; use arm64 or x86_64.")
    python = Path(sys.base_prefix) / "bin"
    named = {"ARCHITECTURE": architecture, "PYTHON": str(python / "python3.13"), "UV": str(TOOLS / "uv")}
    path = os.pathsep.join([str(python), os.environ.get("PATH", os.defpath)])
    options = ["--parallel", "--no-cached", "--build-dir", str(folder)]
    options += ["--template-file", str(ROOT / contents.template)]
    _run(
        [str(TOOLS / "sam"), "build", *options, "--parameter-overrides", f"Architecture={architecture}"],
        {**os.environ, **named, "PATH": path, "SAM_CLI_TELEMETRY": "0"},
    )
    _run([str(TOOLS / "python"), "-m", "tools.supply_chain.sbom", str(BILL)], os.environ)
    pin_architecture(folder / "template.yaml", architecture)
    check(folder, architecture, contents)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    try:
        run_quietly(command, environment)
    except CommandFailedError as error:
        raise FaultyBuildError(f"{error}\nThe build failed; the lines above say why.") from None


def main(arguments: list[str] | None = None) -> int:
    """Build, or say in a sentence why not. Exit status 1 then."""
    parser = argparse.ArgumentParser(prog="make build", description=__doc__)
    parser.add_argument("architecture", help="arm64 or x86_64")
    parser.add_argument("--folder", type=Path, default=BUILD)
    parser.add_argument("--catalogue-folder", type=Path, default=CATALOGUE_BUILD)
    given = parser.parse_args(arguments)
    try:
        build(given.folder, given.architecture)
        build(given.catalogue_folder, given.architecture, CATALOGUE)
    except FaultyBuildError as error:
        print(error, file=sys.stderr)
        return 1
    folders = f"{given.folder} and {given.catalogue_folder}"
    print(f"built for {given.architecture} in {folders}, with the bill of materials of both in {BILL}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
