"""The wheel of the command line: what is in it, and that it runs where nothing else of ours is."""

import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.installed_wheel import InstalledWheel, built_wheel
from tools.local.emulator import ROOT

pytestmark = pytest.mark.slow
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    return InstalledWheel(wheel, tmp_path_factory.mktemp("installed"))


def test_wheel_holds_console_and_package(wheel: Path) -> None:
    """The wheel holds every module of the console and of the package that it needs, the files of the desk's pages,
    the price lists, the licence, and nothing else; it installs one command."""
    with ZipFile(wheel) as content:
        names = {name for name in content.namelist() if ".dist-info/" not in name}
        [metadata] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
        described = Parser().parsestr(content.read(metadata).decode())
        assert f"{Path(metadata).parent}/licenses/LICENSE" in content.namelist()
        commands = content.read(f"{Path(metadata).parent}/entry_points.txt").decode().splitlines()
    sources = {"partner_orders": ROOT / "layers" / "partner_orders", "partner_orders_console": ROOT}
    modules = {
        str(path.relative_to(folder)) for name, folder in sources.items() for path in (folder / name).rglob("*.py")
    }
    desk = ROOT / "partner_orders_console" / "desk"
    pages = {str(path.relative_to(ROOT)) for part in ("templates", "static") for path in (desk / part).rglob("*.*")}
    prices = {str(path.relative_to(ROOT)) for path in (ROOT / "partner_orders_console").rglob("price_lists/*.json")}
    assert prices
    assert commands == ["[console_scripts]", "partner-orders = partner_orders_console.cli.__main__:main"]
    assert names == modules | pages | prices | {"partner_orders/py.typed"}
    assert (described["Name"], described["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert {*described.get_all("Requires-Dist", [])} == {*PROJECT["dependencies"]}


def test_wheel_runs_without_a_clone(installed: InstalledWheel) -> None:
    """From the wheel alone, in an empty folder, ``--version`` and ``--help`` work."""
    assert installed("--version").stdout == f"partner-orders {PROJECT['version']}\n"
    helped = installed("doctor", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Check everything that orders pass through" in helped.stdout


def test_wheel_asks_which_stack(installed: InstalledWheel) -> None:
    """From the wheel, without a stack, the command says how to name one."""
    asked = installed("doctor")
    assert asked.returncode == 1
    assert "--stack-name" in asked.stderr
    assert "Traceback" not in asked.stderr
