"""The parameters that docs/deploying.md lists are those of the templates, with their defaults and bounds."""

import re
from typing import Any

import pytest

from tests.support.template import CATALOGUE, TEMPLATE, as_written

TEXT = (TEMPLATE.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
# Retentions in days that CloudWatch Logs takes, up to two years.
LOG_RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]


@pytest.fixture(scope="module")
def orders() -> dict[str, dict[str, Any]]:
    parameters: dict[str, dict[str, Any]] = as_written(TEMPLATE)["Parameters"]
    return parameters


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[str, Any]]:
    parameters: dict[str, dict[str, Any]] = as_written(CATALOGUE)["Parameters"]
    return parameters


def documented(after: str) -> list[tuple[list[str], list[str], str]]:
    """The rows of the first table of parameters after a text: names, their defaults, and the meaning."""
    table = TEXT.partition(after)[2].partition("| parameter | default | means |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| (.*) \|$", table, re.MULTILINE)
    return [(re.findall(r"`(\w+)`", names), default.split(", "), means) for names, default, means in rows]


def bounds(means: str) -> tuple[int, int] | None:
    found = re.search(r"([\d,]+) to ([\d,]*\d)", means)
    return (int(found[1].replace(",", "")), int(found[2].replace(",", ""))) if found else None


def check(parameters: dict[str, dict[str, Any]], after: str) -> set[str]:
    """Compare the documented parameters with the template's. Returns their names."""
    checked = set()
    for names, defaults, means in documented(after):
        for name, default in zip(names, defaults if len(names) > 1 else [", ".join(defaults)], strict=True):
            parameter = parameters[name]
            said = default.strip("`")
            is_none = said in ("none", "none, required", "empty")
            assert str(parameter.get("Default", "")) == ("" if is_none else said), name
            if "MinValue" in parameter:
                assert bounds(means) == (parameter["MinValue"], parameter["MaxValue"]), name
            checked.add(name)
    return checked


def test_parameters_of_the_orders_stack(orders: dict[str, dict[str, Any]]) -> None:
    """Every parameter is listed with its default, and a number with its bounds."""
    assert check(orders, "## Parameters") == orders.keys()


def test_parameters_of_the_catalogue(orders: dict[str, dict[str, Any]], catalogue: dict[str, dict[str, Any]]) -> None:
    """Every parameter of the catalogue that the orders stack does not decide is listed."""
    decided = {
        *("PartnerApiSecretArn", "WebhookSecretArn", "RequestBudgetTableName", "RequestBudgetTableArn"),
        *("OrderChangesBusName", "OrderChangesBusArn"),
    }
    assert check(catalogue, "## The catalogue") == catalogue.keys() - orders.keys() - decided


def test_both_stacks_take_the_same(orders: dict[str, dict[str, Any]], catalogue: dict[str, dict[str, Any]]) -> None:
    """A parameter that both stacks have takes the same values in both."""
    for name in orders.keys() & catalogue.keys():
        for part in ("MinValue", "MaxValue", "AllowedValues", "AllowedPattern"):
            assert orders[name].get(part) == catalogue[name].get(part), name


def test_values_of_switches(orders: dict[str, dict[str, Any]], catalogue: dict[str, dict[str, Any]]) -> None:
    """A switch is on or off, X-Ray or nothing traces, and logs are kept as long as CloudWatch can keep them."""
    for parameters in (orders, catalogue):
        assert parameters["LogRetentionDays"]["AllowedValues"] == LOG_RETENTIONS
        for name, parameter in parameters.items():
            if parameter.get("Default") in ("ENABLED", "DISABLED"):
                states = ["DISABLED", "XRAY" if name == "Tracing" else "ENABLED"]
                assert sorted(parameter["AllowedValues"]) == states, name
