"""``python -m tools.supply_chain.rules``: check the locks, and the environments made of them, offline.

Every package is one exact version with hashes; what the layers hold is what is tested; no version is on the list in
requirements/denied.txt; and in each environment is what its lock says and nothing else.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.supply_chain.lock import ENVIRONMENTS, LAYER, LAYERS, ROOT, Locked, LockError, read

DEV, FUZZ = (ROOT / "requirements" / f"{name}.txt" for name in ("dev", "fuzz"))
DENIED = ROOT / "requirements" / "denied.txt"
# pip makes the environment of the tools, and is replaced by uv there.
NOT_LOCKED = {ROOT / ".venv-tools": {"pip"}}


@dataclass(frozen=True)
class Denied:
    name: str
    versions: SpecifierSet
    reason: str


def main() -> int:
    problems: list[str] = []
    locks: dict[Path, list[Locked]] = {}
    for path in (*LAYERS, *ENVIRONMENTS):
        try:
            locks[path] = read(path)
        except LockError as error:
            problems.append(str(error))
    denied = denied_by(DENIED.read_text(encoding="utf-8"))
    for path, packages in locks.items():
        problems += [f"{path.name}: {problem}" for problem in on_the_list(packages, denied)]
    tested_with = {DEV: LAYERS, FUZZ: (LAYER,)}
    for path in ENVIRONMENTS:
        for layer in tested_with.get(path, ()):
            if layer in locks and path in locks:
                problems += [f"{path.name}: {problem}" for problem in differing(locks[layer], locks[path])]
        if path in locks and (environment := ENVIRONMENTS[path]).is_dir():
            found = installed(environment, NOT_LOCKED.get(environment, set()))
            problems += [f"{environment.name}: {problem}" for problem in beside_the_lock(found, locks[path])]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


def denied_by(text: str) -> list[Denied]:
    """A line is ``name specifier  # reason``; a reason is required."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        rule, _, reason = line.partition("#")
        name, _, versions = rule.strip().partition(" ")
        if not (versions and reason.strip()):
            raise ValueError(f"not a rule with a reason: {line}")
        found.append(Denied(name, SpecifierSet(versions), reason.strip()))
    return found


def on_the_list(packages: Sequence[Locked], denied: Sequence[Denied]) -> Iterator[str]:
    for package in packages:
        for rule in denied:
            if package.name == rule.name and rule.versions.contains(package.version, prereleases=True):
                yield f"{package.name} {package.version} is denied: {rule.reason}"


def differing(layer: Sequence[Locked], tested: Sequence[Locked]) -> Iterator[str]:
    """What the layer holds in another version than what it is tested with."""
    versions = {package.name: package.version for package in tested}
    for package in layer:
        if versions.get(package.name) != package.version:
            yield f"the layer holds {package.name} {package.version}, not {versions.get(package.name)}"


def installed(environment: Path, left_out: set[str]) -> dict[str, str]:
    """Name to version of the packages in an environment, without this project itself.

    A package that was installed from a place of its own, and not by the lock, has no version.
    """
    places = [str(place) for place in environment.glob("lib/python*/site-packages")]
    return {
        canonicalize_name(package.name): "" if package.read_text("direct_url.json") else package.version
        for package in distributions(path=places)
        if canonicalize_name(package.name) not in left_out and not is_this_project(package)
    }


def is_this_project(package: Distribution) -> bool:
    """Whether a package is this repository, installed editable; one of the same name from elsewhere is not."""
    source = json.loads(package.read_text("direct_url.json") or "{}")
    return source.get("url") == ROOT.as_uri() and source.get("dir_info", {}).get("editable") is True


def beside_the_lock(found: dict[str, str], packages: Sequence[Locked]) -> Iterator[str]:
    """What is installed and not locked, or locked for this machine and not installed."""
    expected = {it.name: it.version for it in packages if not it.marker or Marker(it.marker).evaluate()}
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            yield f"{name}: {found.get(name)} is installed, {expected.get(name)} is locked"


if __name__ == "__main__":
    sys.exit(main())
