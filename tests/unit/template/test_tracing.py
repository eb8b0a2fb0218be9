"""Tracing by parameter: off unless it is asked for, in both stacks, and with rights only then."""

from typing import Any

import pytest

from partner_orders_console.operations.catalogue_stack import FROM_PARAMETERS
from tests.support.template import Template

ACTIONS = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@pytest.fixture(params=["template", "catalogue"])
def either(request: pytest.FixtureRequest) -> Template:
    """Each of the two templates."""
    found: Template = request.getfixturevalue(request.param)
    return found


def resolved(node: Any, tracing: str) -> Any:
    """A part of the template as CloudFormation sees it, with this value of the parameter; what has no value is None."""
    if isinstance(node, dict) and node.get("Fn::If", [""])[0] == "HasTracing":
        return resolved(node["Fn::If"][1 if tracing == "XRAY" else 2], tracing)
    if node == {"Ref": "AWS::NoValue"}:
        return None
    if isinstance(node, dict):
        return {name: resolved(value, tracing) for name, value in node.items()}
    return [resolved(value, tracing) for value in node] if isinstance(node, list) else node


def test_tracing_is_off_by_default(either: Template) -> None:
    """The parameter has two values, and is off by default."""
    parameter = either.parameters["Tracing"]
    assert (parameter["AllowedValues"], parameter["Default"]) == (["DISABLED", "XRAY"], "DISABLED")
    assert either.conditions["HasTracing"] == {"Fn::Equals": [{"Ref": "Tracing"}, "XRAY"]}


@pytest.mark.parametrize(("tracing", "mode"), [("DISABLED", "PassThrough"), ("XRAY", "Active")])
def test_functions_are_traced_on_request(either: Template, tracing: str, mode: str) -> None:
    """Each function begins traces only with XRAY; else it does what Lambda does by itself."""
    functions = either.of_type("AWS::Lambda::Function")
    assert functions
    assert {name: resolved(it["TracingConfig"], tracing) for name, it in functions.items()} == {
        name: {"Mode": mode} for name in functions
    }


@pytest.mark.parametrize("tracing", ["DISABLED", "XRAY"])
def test_roles_may_trace_only_then(either: Template, tracing: str) -> None:
    """The role of each function may send traces with XRAY, and nobody may without it."""
    may = set()
    for name, role in either.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in filter(None, resolved(policy["PolicyDocument"]["Statement"], tracing)):
                actions = statement.get("Action", [])
                if ACTIONS & ({actions} if isinstance(actions, str) else {*actions}):
                    assert {*actions} == ACTIONS
                    may.add(name)
    roles = {it["Role"]["Fn::GetAtt"][0] for it in either.of_type("AWS::Lambda::Function").values()}
    assert may == (roles if tracing == "XRAY" else set())


def test_catalogue_follows_the_orders_stack() -> None:
    """The catalogue is traced if the orders stack is."""
    assert "Tracing" in FROM_PARAMETERS
