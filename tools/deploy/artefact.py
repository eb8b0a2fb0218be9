"""What `sam build` left, opened before it is deployed. A deployed fault shows only when a function first starts."""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The packages that the functions import, and the time zones, which Python reads where the system has none.
PACKAGES = frozenset({
    *("annotated_types", "aws_lambda_powertools", "botocore", "certifi", "charset_normalizer", "dateutil"),
    *("idna", "jmespath", "partner_orders", "pydantic", "pydantic_core", "requests", "six.py", "tzdata"),
    *("typing_extensions.py", "typing_inspection", "urllib3"),
})  # fmt: skip
SERVICES = frozenset({"dynamodb", "events", "secretsmanager", "sqs"})


@dataclass(frozen=True)
class Layer:
    """A layer that holds packages only, beside the one that all functions have."""

    name: str
    packages: frozenset[str]


@dataclass(frozen=True)
class Contents:
    """What the build of a template holds: the layer of all functions with ``packages`` and the models of the SDK's
    ``services``, the layers ``beside`` it that some have, too, and its ``functions``."""

    template: str
    layer: str
    functions: tuple[str, ...]
    packages: frozenset[str]
    services: frozenset[str]
    beside: tuple[Layer, ...] = ()


ORDERS = Contents(
    template="template.yaml",
    layer="PartnerOrdersLayer",
    functions=(
        *("WebhookFunction", "ConsumerFunction", "PublisherFunction", "ReconcilerFunction"),
        *("AnswersFunction", "SenderFunction"),
    ),
    packages=PACKAGES,
    services=SERVICES,
)
CATALOGUE = Contents(
    template="catalogue.yaml",
    layer="CatalogueLayer",
    functions=(
        *("LoaderFunction", "PusherFunction", "UrgentFunction", "CatalogueWebhookFunction"),
        "UploaderFunction",
    ),
    # Nothing of the catalogue needs pydantic or time zones.
    packages=PACKAGES - {"annotated_types", "pydantic", "pydantic_core", "typing_inspection", "tzdata"},
    services=SERVICES | {"s3"},
    beside=(Layer("SftpLayer", frozenset({"_cffi_backend", "asyncssh", "cryptography"})),),
)
MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}  # e_machine of the ELF header
_ELF = b"\x7fELF"
_UNCHECKED = 0b01  # PEP 552: hash-based bytecode that Python never compares with its source
_NAMED = 3
_CORRECT = "Correct the layer's Makefile, or the contents in tools/deploy/artefact.py."


class FaultyBuildError(Exception):
    """The build must not be deployed. The message says why, and what to do."""


def check(build: Path, architecture: str, contents: Contents = ORDERS) -> int:
    """Open the build in ``build``, which is to hold ``contents`` and run on ``architecture`` (arm64 or x86_64).

    Returns the number of binaries in its layers. Raises FaultyBuildError with every fault that was found.
    """
    packages = build / contents.layer / "python"
    missing = [name for name in contents.functions if not (build / name / "app.py").is_file()]
    if not packages.is_dir() or missing:
        what = ", ".join(missing) or contents.layer
        raise FaultyBuildError(f"{build} holds no {what}: build it with `make build`.")
    faults = [*_of_layer(packages, contents.packages, architecture), *_of_models(packages, contents)]
    number = len(_binaries(packages))
    for layer in contents.beside:
        folder = build / layer.name / "python"
        if not folder.is_dir():
            raise FaultyBuildError(f"{build} holds no {layer.name}: build it with `make build`.")
        faults += [f"{layer.name}: {fault}" for fault in _of_layer(folder, layer.packages, architecture)]
        number += len(_binaries(folder))
    faults += _of_functions(build, contents)
    if faults:
        raise FaultyBuildError("\n".join(faults))
    return number


def pin_architecture(template: Path, architecture: str) -> None:
    """Let a built template accept no other processor than the one that its layer was built for.

    Raises FaultyBuildError if the template has no parameter Architecture.
    """
    text = template.read_text(encoding="utf-8")
    found = re.search(r"(?m)^  Architecture:\n(?:    .*\n)+", text)
    if found is None:
        raise FaultyBuildError(f"{template} has no parameter Architecture: build it with `make build`.")
    parameter = re.sub(r"    (?:AllowedValues|Default):.*\n(?: +- .*\n)*", "", found[0])
    parameter += f"    AllowedValues: [{architecture}]\n    Default: {architecture}\n"
    template.write_text(text[: found.start()] + parameter + text[found.end() :], encoding="utf-8")


def _of_layer(packages: Path, expected: frozenset[str], architecture: str) -> Iterator[str]:
    yield from _of_binaries(_binaries(packages), packages, architecture)
    yield from _of_bytecode(packages)
    yield from _of_leftovers(packages, expected)


def _binaries(packages: Path) -> list[Path]:
    return [path for path in _files(packages) if _is_binary(path)]


def _of_binaries(binaries: list[Path], packages: Path, architecture: str) -> Iterator[str]:
    again = f"Build again with `make build ARCHITECTURE={architecture}`."
    if not binaries:
        yield f"The layer holds no binary, though a package of it has one. {again}"
    wrong = {path: machine for path in binaries if (machine := _machine(path)) != architecture}
    for path, machine in sorted(wrong.items())[:_NAMED]:
        yield f"{path.relative_to(packages)} is built for {machine}, and the template says {architecture}. {again}"
    if len(wrong) > _NAMED:
        yield f"{len(wrong) - _NAMED} more binaries are not built for {architecture}. {again}"


def _of_bytecode(packages: Path) -> Iterator[str]:
    sources = [path for path in packages.rglob("*.py") if path.stat().st_size]
    bare = [path.relative_to(packages) for path in sources if not _is_compiled(path)]
    if bare:
        yield (
            f"{len(bare)} of {len(sources)} modules have no bytecode that Lambda can use as it is, first"
            f" {min(bare)}: each cold start would compile them. Build again with `make build`, by Python 3.13."
        )


def _of_leftovers(packages: Path, expected: frozenset[str]) -> Iterator[str]:
    # A binary that is a module itself has its platform in its name.
    present = {path.name: path.name.partition(".cpython")[0] for path in packages.iterdir()}
    present.pop("__pycache__", None)
    if absent := sorted(expected - {*present.values()}):
        yield f"The layer lacks {', '.join(absent)}, which the functions import. {_CORRECT}"
    wheels = [path for path in packages.rglob("*") if path.suffix == ".whl" or path.name.endswith(".dist-info")]
    for path in sorted(wheels)[:_NAMED]:
        yield f"{path.relative_to(packages)} is left over from a wheel, and nothing imports it. {_CORRECT}"
    left = {path.name for path in wheels}
    if unused := sorted(name for name, module in present.items() if module not in expected and name not in left):
        yield f"The layer holds {', '.join(unused)}, which no function imports. {_CORRECT}"


def _of_models(packages: Path, contents: Contents) -> Iterator[str]:
    models = packages / "botocore" / "data"
    if models.is_dir() and (other := {path.name for path in models.iterdir() if path.is_dir()} ^ contents.services):
        names = ", ".join(sorted(other)[:_NAMED])
        yield f"The SDK's services are not those that the functions call: {names}. {_CORRECT}"


def _of_functions(build: Path, contents: Contents) -> Iterator[str]:
    for name in contents.functions:
        more = sorted({path.name for path in (build / name).iterdir()} - {"app.py", "__pycache__", "requirements.txt"})
        if more:
            yield f"{name} holds {', '.join(more)} beside app.py. Move it into layers/partner_orders/partner_orders."


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _is_binary(path: Path) -> bool:
    if path.suffix in {".so", ".dylib", ".pyd"} or ".so." in path.name:
        return True
    if path.suffix in {".py", ".pyc", ".json", ".gz"}:
        return False
    with path.open("rb") as file:
        return file.read(4) == _ELF


def _machine(path: Path) -> str:
    """The processor that a binary is for, in the template's words; or what else it is."""
    with path.open("rb") as file:
        header = file.read(20)
    if header[:4] != _ELF:
        return "another system than Linux"
    number = int.from_bytes(header[18:20], "little")
    return next((name for name, machine in MACHINES.items() if machine == number), f"machine {number:#x}")


def _is_compiled(source: Path) -> bool:
    bytecode = Path(importlib.util.cache_from_source(str(source)))
    if not bytecode.is_file():
        return False
    with bytecode.open("rb") as file:
        header = file.read(8)
    return header[:4] == importlib.util.MAGIC_NUMBER and int.from_bytes(header[4:], "little") == _UNCHECKED
