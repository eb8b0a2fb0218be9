"""A small build folder in the shape of `sam build`'s, and an environment that may be deployed."""

import compileall
import py_compile
from pathlib import Path

import pytest

from tools.deploy.artefact import CATALOGUE, MACHINES, ORDERS, Contents
from tools.deploy.environment import Environment

PARAMETERS = {"ChainId": "5d3b8a1e-7c44-4f0e-9b62-0f1c2d3e4a5b", "PartnerApiBaseUrl": "https://example.com"}


def binary(architecture: str) -> bytes:
    """The start of an ELF file for a processor."""
    return b"\x7fELF" + bytes(14) + MACHINES[architecture].to_bytes(2, "little") + bytes(44)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A faultless build for arm64."""
    return faultless(tmp_path / "built", ORDERS)


@pytest.fixture
def built_catalogue(tmp_path: Path) -> Path:
    """The same of the catalogue."""
    return faultless(tmp_path / "built-catalogue", CATALOGUE)


def faultless(folder: Path, contents: Contents) -> Path:
    packages = folder / contents.layer / "python"
    for name in contents.packages:
        path = packages / name if name.endswith(".py") else packages / name / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("VALUE = 1\n")
    with_binary = "pydantic_core/_pydantic_core.so" if contents is ORDERS else "charset_normalizer/md.so"
    (packages / with_binary).write_bytes(binary("arm64"))
    for layer in contents.beside:
        for name in layer.packages:
            path = folder / layer.name / "python" / name / "__init__.py"
            path.parent.mkdir(parents=True)
            path.write_text("VALUE = 1\n")
        (folder / layer.name / "python" / "cryptography" / "_rust.so").write_bytes(binary("arm64"))
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder / layer.name, quiet=1, invalidation_mode=mode)
    for service in contents.services:
        (packages / "botocore" / "data" / service).mkdir(parents=True)
    compileall.compile_dir(packages, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    for name in contents.functions:
        (folder / name).mkdir()
        (folder / name / "app.py").write_text("from partner_orders import handler\n")
    return folder


@pytest.fixture
def environment() -> Environment:
    return Environment("staging", "partner-orders-staging", "eu-central-1", PARAMETERS)
