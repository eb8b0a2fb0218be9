"""Answers stand apart from the intake of orders: with parts of their own, on which no part of the intake depends."""

import ast

import pytest

from partner_orders.answers.endpoint import GET, LIST, POST
from tests.support.alarms import metrics
from tests.support.template import TEMPLATE, Template
from tests.unit.template.test_template_laws import references

PACKAGE = TEMPLATE.parent / "layers" / "partner_orders" / "partner_orders"
OF_ANSWERS = "HasAnswers"
INTAKE = ("OrderEventsApi", "WebhookFunction", "OrderEventsQueue", "ConsumerFunction", "ConsumerFunctionOrderEvents")


def own(template: Template) -> set[str]:
    """What exists only where answers are switched on."""
    return {name for name, it in template.resources.items() if it.get("Condition") == OF_ANSWERS}


@pytest.mark.parametrize("name", [*INTAKE, "WebhookRole", "ConsumerRole", "OrdersTable"])
def test_intake_refers_to_no_part_of_answers(template: Template, name: str) -> None:
    """No part of the intake knows a part of the answers."""
    assert not references(template.properties(name)) & own(template)


@pytest.mark.parametrize("part", ["webhook", "consumer"])
def test_intake_imports_nothing_of_answers(part: str) -> None:
    """The webhook and the consumer do not import the parts that take and send answers."""
    imported = {
        node.module
        for path in (PACKAGE / part).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported
    assert not {name for name in imported if name.startswith(("partner_orders.answers", "partner_orders.sender"))}


def test_answers_api_has_the_routes_of_its_function(template: Template) -> None:
    """Each route that the function answers is one of the API's, for signed requests alone, and calls the function."""
    paths = template.properties("AnswersApi")["Body"]["paths"]
    routes = {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters"
    }
    assert routes.keys() == {POST, GET, LIST}
    for operation in routes.values():
        assert operation["security"] == [{"AWS_IAM": []}]
        assert "AnswersFunction" in str(operation["x-amazon-apigateway-integration"]["uri"])


def test_answers_have_parts_of_their_own(template: Template) -> None:
    """The functions of the answers have a queue, dead letters and alarms of their own."""
    ours = own(template)
    assert {"AnswersFunction", "SenderFunction", "AnswersQueue", "AnswersDeadLetters"} <= ours
    source = template.properties("SenderFunctionAnswers")
    assert references(source) == {"AnswersQueue", "SenderFunction"}
    assert references(template.properties("AnswersQueue")["RedrivePolicy"]) == {"AnswersDeadLetters"}
    alarms = {name: it for name, it in template.of_type("AWS::CloudWatch::Alarm").items() if name in ours}
    assert len(alarms) >= 6
    for name, alarm in alarms.items():
        for metric in metrics(alarm).values():
            # A metric of ours names its function; one of AWS's, a resource.
            service = str(metric.dimensions.get("service", ""))
            watched = references(metric.dimensions) & template.resources.keys()
            assert any(function in service for function in ("-answers", "-sender")) or watched <= ours, name
    assert template.parameters["Answers"]["Default"] == "DISABLED"
