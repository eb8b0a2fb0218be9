"""The README leads from a clone to the first own order, with the product's own commands."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.template import CATALOGUE, TEMPLATE, expanded
from tools.local.figures import Figures, last_line
from tools.local.morning_outcome import CatalogueFigures

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
COMMANDS = re.findall(r"^ {4,}((?:make|\.venv/bin/partner-orders) .+)$", README, re.MULTILINE)


def test_run_is_first_and_tests_are_second() -> None:
    """The first command runs the main job, the second one the tests."""
    assert COMMANDS[:2] == ["make run", "make test"]


def test_own_commands_lead_to_the_first_order() -> None:
    """From the deployment to the first order, every command is one of ours, in this order."""
    steps = ("make deploy", "secrets set-token", "secrets show-webhook", "register", "orders show", "doctor")
    deployment = README.partition("\n## Deploy it to AWS\n")[2].partition("\n## ")[0]
    commands = re.findall(r"^ {4,}(?! )(.+)$", deployment, re.MULTILINE)
    ours = [command for command in commands if command.startswith(("make ", ".venv/bin/partner-orders "))]
    assert [step for command, step in zip(ours, steps, strict=True) if step in command] == [*steps]
    assert not re.search(r"\baws [a-z]+", deployment)


def test_every_figure_of_the_run_is_explained() -> None:
    """The table explains each figure of the last line, and the example adds up."""
    names = re.findall(r"(\w+)=", last_line(Figures()))
    table = README.partition("| figure | means |")[2].partition("\n\n")[0]
    assert {*names} <= {*re.findall(r"`(\w+)`", table)}
    line = re.search(r"^ +(run: .*)$", README, re.MULTILINE)
    assert line
    figures = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[1])}
    assert [*figures] == names
    assert figures["recovered"] == figures["never_arrived"] + figures["shown_only"]


def test_every_figure_of_the_catalogue_is_explained() -> None:
    """The table explains each figure of the catalogue's line, and the example adds up."""
    names = re.findall(r"(\w+)=", CatalogueFigures().line())
    table = README.partition("| figure of the catalogue | means |")[2].partition("\n\n")[0]
    assert {*names} == {*re.findall(r"`(\w+)`", table)}
    line = re.search(r"^ +(catalogue: .*)$", README, re.MULTILINE)
    assert line
    figures = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[1])}
    assert [*figures] == names
    assert figures["changed"] == sum(figures[name] for name in ("shown", "processed", "refused", "held"))
    assert figures["lost"] == 0


def test_first_order_is_the_sample_order() -> None:
    """The order that is shown first is the one that was sent first."""
    shown = next(command for command in COMMANDS if "orders show" in command).split()[-1]
    assert shown in (ROOT / "events" / "order.json").read_text(encoding="utf-8")


def test_region_is_the_one_of_samconfig() -> None:
    """Every environment has the region that the README names."""
    regions = {SAMCONFIG[name]["deploy"]["parameters"]["region"] for name in ("local", "staging", "production")}
    assert regions == {"eu-central-1"}
    assert "Its region is `eu-central-1`, which you can change there." in " ".join(README.split())


def test_deployment_asks_first() -> None:
    """Every environment of an account asks before it changes anything."""
    asks = {
        name: it["deploy"]["parameters"].get("confirm_changeset") for name, it in SAMCONFIG.items() if name[0] != "v"
    }
    assert asks == {"default": None, "local": False, "staging": True, "production": True}


def test_make_targets_exist() -> None:
    """Every target of make that the README names is one."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {*re.findall(r"`make ([a-z-]+)", README), *re.findall(r"^ +make ([a-z-]+)", README, re.MULTILINE)}
    assert {"run", "up", "test", "help", "deploy", "deploy-catalogue"} <= named <= {*targets}


@pytest.mark.parametrize("template", [TEMPLATE, CATALOGUE], ids=lambda path: path.stem)
def test_described_values_are_the_templates(template: Path) -> None:
    """The defaults that docs/deploying.md names are those of the templates, and so are the bounds of numbers."""
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    defaults, texts = {}, {}
    for names, values, text in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| (.*) \|$", page, re.MULTILINE):
        given = values.replace("none, required", "none").replace("`", "").split(", ")
        for number, name in enumerate(re.findall(r"`(\w+)`", names)):
            defaults[name], texts[name] = given[min(number, len(given) - 1)], text
    for name, it in expanded(template).parameters.items():
        if name in defaults:
            nothing = {"none", "empty"} if it.get("Default", "") == "" else set()
            assert defaults[name] in nothing | {str(it.get("Default"))}, name
            if "MinValue" in it:
                low, high = re.findall(r"([\d,]+) to ([\d,]+\d)", texts[name].replace("from ", ""))[0]
                assert [int(text.replace(",", "")) for text in (low, high)] == [it["MinValue"], it["MaxValue"]], name
    assert len(defaults) > 40


@pytest.mark.parametrize("template", [TEMPLATE, CATALOGUE], ids=lambda path: path.stem)
def test_every_parameter_is_described(template: Path) -> None:
    """docs/deploying.md, or a page that it leads to, describes each parameter of both templates that is set by hand."""
    pages = [ROOT / "docs" / name for name in ("deploying.md", "catalogue.md", "files.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    by_hand = [
        name for name, it in expanded(template).parameters.items() if "(output " not in it.get("Description", "")
    ]
    assert len(by_hand) > 5
    assert [name for name in by_hand if f"`{name}`" not in text] == []
