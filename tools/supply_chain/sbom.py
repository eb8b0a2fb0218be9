"""``python -m tools.supply_chain.sbom FILE``: the bill of materials of the layers, CycloneDX 1.6 in JSON.

It is written from the layers' locks, which the build installs with hashes and nothing beside them. The same locks give
the same file: there is no time in it, and its serial number follows from the rest.
"""

import json
import sys
import tomllib
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.supply_chain.lock import LAYERS, ROOT, Locked, LockError, read


def bill(packages: Sequence[Locked], name: str, version: str) -> dict[str, Any]:
    """The document. Raises LockError for a package that is not for every machine: a layer is for one."""
    if conditional := [package.name for package in packages if package.marker]:
        raise LockError(f"only on some machines: {', '.join(conditional)}")
    application = f"{name}@{version}"
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": application, "name": name, "version": version},
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(package),
                "name": package.name,
                "version": package.version,
                "purl": _purl(package),
                # Of the package's files, one of which was installed.
                "properties": [{"name": "lock:sha256", "value": digest} for digest in package.hashes],
            }
            for package in packages
        ],
        "dependencies": [
            {"ref": application, "dependsOn": [_purl(package) for package in packages]},
            *(
                {"ref": _purl(package), "dependsOn": [_purl(it) for it in packages if package.name in it.wanted_by]}
                for package in packages
            ),
        ],
    }
    return document | {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document))}"}


def in_layers(locks: Sequence[Sequence[Locked]]) -> list[Locked]:
    """The packages of several locks, each once. Raises LockError for one that they hold in two versions."""
    found: dict[str, Locked] = {}
    for package in (package for lock in locks for package in lock):
        other = found.setdefault(package.name, package)
        if other.version != package.version:
            raise LockError(f"{package.name} is locked to {other.version} and to {package.version}")
        wanted_by = tuple(dict.fromkeys((*other.wanted_by, *package.wanted_by)))
        found[package.name] = replace(other, wanted_by=wanted_by)
    return sorted(found.values(), key=lambda package: package.name)


def _purl(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    document = bill(in_layers([read(path) for path in LAYERS]), project["name"], project["version"])
    Path(sys.argv[1]).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
