"""A lock as `uv pip compile --generate-hashes` writes it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "partner_orders" / "requirements.txt"
SFTP_LAYER = ROOT / "layers" / "sftp" / "requirements.txt"
LAYERS = (LAYER, SFTP_LAYER)
# The environment that each lock is installed into.
ENVIRONMENTS = {
    ROOT / "requirements" / "tools.txt": ROOT / ".venv-tools",
    ROOT / "requirements" / "dev.txt": ROOT / ".venv",
    ROOT / "requirements" / "local.txt": ROOT / ".venv-local",
    ROOT / "requirements" / "fuzz.txt": ROOT / ".venv-fuzz",
    ROOT / "requirements" / "scan.txt": ROOT / ".venv-scan",
}

_PINNED = re.compile(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([0-9A-Za-z.!+_-]+)(?: ; (.+))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class LockError(ValueError):
    """A line that a lock should not have."""


@dataclass(frozen=True)
class Locked:
    """A package as locked. ``wanted_by`` are the packages that need it; a file that asks for it is left out."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


def read(path: Path) -> list[Locked]:
    """The packages of a lock, by name. Raises LockError for a package that is not one exact version with hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    packages: list[Locked] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement, *hashes = (part.strip() for part in line.split("    "))
        pinned, sums = _PINNED.fullmatch(requirement), [_HASH.fullmatch(part) for part in hashes]
        if pinned is None or not sums:
            raise LockError(f"{path.name}: not one exact version with hashes: {requirement}")
        known = [match.group(1) for match in sums if match is not None]
        if len(known) != len(sums):
            raise LockError(f"{path.name}: something else than a SHA-256 of {pinned.group(1)}")
        name, version, marker = pinned.groups(default="")
        packages.append(Locked(name, version, marker, tuple(known), _wanted_by(lines[number + 1 :])))
    return sorted(packages, key=lambda package: (package.name, package.version))


def _wanted_by(comments: list[str]) -> tuple[str, ...]:
    """The packages in the comment that follows a package: ``# via a``, or ``# via`` and a line for each."""
    names: list[str] = []
    for line in comments:
        if not line.startswith("    #"):
            break
        name = line.strip().removeprefix("#").strip().removeprefix("via").strip()
        if name and not name.startswith("-"):
            names.append(name)
    return tuple(names)
