"""A build with a fault is refused before it is deployed, in a sentence that says what to do."""

import importlib.util
import py_compile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.deploy.conftest import binary
from tools.deploy.artefact import ORDERS, FaultyBuildError, check, pin_architecture
from tools.deploy.environment import read_template


def wrong_processor(packages: Path) -> None:
    (packages / "pydantic_core" / "_pydantic_core.so").write_bytes(binary("x86_64"))


def wrong_processor_by_content(packages: Path) -> None:
    (packages / "requests" / "tool").write_bytes(binary("x86_64"))


def binary_of_another_system(packages: Path) -> None:
    (packages / "pydantic_core" / "_pydantic_core.so").write_bytes(b"\xcf\xfa\xed\xfe" + bytes(60))


def no_binary(packages: Path) -> None:
    (packages / "pydantic_core" / "_pydantic_core.so").unlink()


def bytecode_missing(packages: Path) -> None:
    Path(importlib.util.cache_from_source(str(packages / "six.py"))).unlink()


def bytecode_that_is_checked(packages: Path) -> None:
    mode = py_compile.PycInvalidationMode.TIMESTAMP
    py_compile.compile(str(packages / "six.py"), invalidation_mode=mode)


def wheel_left(packages: Path) -> None:
    (packages / "pydantic-2.whl").touch()


def records_of_a_wheel_left(packages: Path) -> None:
    (packages / "pydantic-2.dist-info").mkdir()


def package_that_nothing_imports(packages: Path) -> None:
    (packages / "boto3").mkdir()


def package_missing(packages: Path) -> None:
    (packages / "six.py").unlink()


def service_that_nothing_calls(packages: Path) -> None:
    (packages / "botocore" / "data" / "ec2").mkdir()


def code_beside_app(packages: Path) -> None:
    (packages.parents[1] / "WebhookFunction" / "helper.py").touch()


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (wrong_processor, "_pydantic_core.so is built for x86_64, and the template says arm64."),
        (wrong_processor_by_content, "requests/tool is built for x86_64, and the template says arm64."),
        (binary_of_another_system, "_pydantic_core.so is built for another system than Linux"),
        (no_binary, "The layer holds no binary"),
        (bytecode_missing, "modules have no bytecode that Lambda can use as it is, first six.py"),
        (bytecode_that_is_checked, "modules have no bytecode that Lambda can use as it is, first six.py"),
        (wheel_left, "pydantic-2.whl is left over from a wheel"),
        (records_of_a_wheel_left, "pydantic-2.dist-info is left over from a wheel"),
        (package_that_nothing_imports, "The layer holds boto3, which no function imports."),
        (package_missing, "The layer lacks six.py, which the functions import."),
        (service_that_nothing_calls, "not those that the functions call: ec2."),
        (code_beside_app, "WebhookFunction holds helper.py beside app.py."),
    ],
)
def test_planted_fault_is_named(built: Path, plant: Callable[[Path], None], sentence: str) -> None:
    """Each planted fault of a build is refused by a sentence that names it and says what to do."""
    assert check(built, "arm64") == 1
    plant(built / ORDERS.layer / "python")
    with pytest.raises(FaultyBuildError) as refused:
        check(built, "arm64")
    assert sentence in str(refused.value)
    assert any(word in str(refused.value) for word in ("Build again", "Correct", "Move it"))


def test_whole_build_for_another_processor(built: Path) -> None:
    """A build for one processor is refused for the other."""
    with pytest.raises(FaultyBuildError, match="make build ARCHITECTURE=x86_64"):
        check(built, "x86_64")


def test_empty_folder_is_no_build(tmp_path: Path) -> None:
    """A folder without a build is refused with the command that makes one."""
    with pytest.raises(FaultyBuildError, match="build it with `make build`"):
        check(tmp_path, "arm64")


@pytest.mark.parametrize(
    "values",
    ["AllowedValues: [arm64, x86_64]", "AllowedValues:\n    - arm64\n    - x86_64", "Description: of any kind"],
)
def test_built_template_accepts_one_processor(tmp_path: Path, values: str) -> None:
    """A built template accepts only the processor that its layer was built for, and is otherwise unchanged."""
    others = "  Other:\n    Type: String\n    AllowedValues: [a, b]\n    Default: a\nResources: {}\n"
    template = tmp_path / "template.yaml"
    template.write_text(f"Parameters:\n  Architecture:\n    Type: String\n    {values}\n    Default: arm64\n{others}")
    pin_architecture(template, "x86_64")
    pinned = read_template(template)
    architecture = pinned["Parameters"].pop("Architecture")
    assert (architecture["AllowedValues"], architecture["Default"]) == (["x86_64"], "x86_64")
    assert pinned == {
        "Parameters": {"Other": {"Type": "String", "AllowedValues": ["a", "b"], "Default": "a"}},
        "Resources": {},
    }


def test_template_without_processor_is_refused(tmp_path: Path) -> None:
    """A template that cannot be held to one processor is refused."""
    (tmp_path / "template.yaml").write_text("Parameters:\n  ChainId:\n    Type: String\n")
    with pytest.raises(FaultyBuildError, match="has no parameter Architecture"):
        pin_architecture(tmp_path / "template.yaml", "arm64")
