"""docs/conventions.md: what it says of names is so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.environment import read_template

ROOT = Path(__file__).parents[3]
OUR_CODE = ("layers/partner_orders/partner_orders", "partner_orders_console", "functions", "tools", "tests")
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}
TEMPLATES = ("template.yaml", "catalogue.yaml")


def test_no_module_is_named_after_nothing() -> None:
    """No module or folder of ours has a name that says nothing of what is in it."""
    named = {path.stem for folder in OUR_CODE for path in (ROOT / folder).rglob("*.py")}
    named |= {path.parent.name for folder in OUR_CODE for path in (ROOT / folder).rglob("*.py")}
    assert "endpoint" in named
    assert not named & NAMES_OF_NOTHING


def metrics_of(value: Any) -> Iterator[tuple[str, str]]:
    """Namespace and name of each metric in a part of the template."""
    if isinstance(value, dict):
        if "MetricName" in value and "Namespace" in value:
            yield value["Namespace"], value["MetricName"]
        value = [*value.values()]
    if isinstance(value, list):
        for one in value:
            yield from metrics_of(one)


@pytest.mark.parametrize("template", TEMPLATES)
def test_metrics_are_camel_case(template: str) -> None:
    """Each of our metrics that an alarm watches is written in CamelCase, in the one namespace."""
    watched = {*metrics_of(read_template(ROOT / template)["Resources"])}
    ours = {name for namespace, name in watched if namespace == "PartnerOrders"}
    assert len(ours) > 10
    assert [name for name in ours if not re.fullmatch(r"([A-Z][a-z0-9]*)+", name)] == []
    assert {namespace.partition("/")[0] for namespace, _ in watched} == {"PartnerOrders", "AWS"}


@pytest.mark.parametrize("template", TEMPLATES)
def test_functions_are_named_by_part(template: str) -> None:
    """The folder of each function and the service of its metrics have the name of its resource."""
    resources = read_template(ROOT / template)["Resources"]
    functions = {name: its["Properties"] for name, its in resources.items() if its["Type"].endswith("::Function")}
    assert functions
    text = (ROOT / template).read_text(encoding="utf-8")
    for name, properties in functions.items():
        part = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower()
        assert properties["CodeUri"] == f"functions/{part}"
        # The first one after the function's name is its own, or else another function's, which is another name.
        [service] = re.findall(rf"^  {name}:\n.*?POWERTOOLS_SERVICE_NAME: (.*?)\n", text, re.DOTALL | re.MULTILINE)
        assert service == f"!Sub ${{AWS::StackName}}-{part.replace('_', '-')}"
