"""Gradual deployment: off unless asked for, whole where it is on, and never blind to a change."""

import hashlib
import json
import re
from typing import Any

import pytest

from tests.support.template import Template
from tests.unit.template.test_template_laws import references

SWITCH = "HasGradualDeployment"
GRADUAL = ("Webhook", "Consumer", "Publisher")
CODE_DEPLOY_SECONDS = 120  # until it has seen an alarm's new state
LONGEST_STACK_NAME = 49  # characters
LONGEST_QUEUE_NAME = 80  # characters
LONGEST_DESCRIPTION = 256  # characters, of a version


def chosen(node: Any, is_on: bool) -> Any:
    """A part of the template as it is with gradual deployment, or without."""
    if isinstance(node, dict):
        if node.keys() == {"Fn::If"} and node["Fn::If"][0] == SWITCH:
            return chosen(node["Fn::If"][1 if is_on else 2], is_on)
        return {key: chosen(value, is_on) for key, value in node.items()}
    return [chosen(item, is_on) for item in node] if isinstance(node, list) else node


def only_then(template: Template) -> set[str]:
    """The resources that exist only with gradual deployment."""
    return {name for name, it in template.resources.items() if it.get("Condition") in {SWITCH, "HasGradualPublisher"}}


def parameters_of(template: Template, properties: Any) -> set[str]:
    """The parameters on whose values a function's properties depend, conditions included."""
    conditions = set(re.findall(r'"Fn::If": \["(\w+)"', json.dumps(properties)))
    named = references(properties).union(*(references(template.conditions[name]) for name in conditions))
    return named & template.parameters.keys()


def digest_of(properties: dict[str, Any]) -> str:
    rest = {name: value for name, value in properties.items() if name not in {"Code", "Layers"}}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:6]


def described(template: Template, name: str) -> tuple[str, Any]:
    """A version's description with ``${Layer}`` for its layer, and the layer: by its ARN, or by the version in it."""
    description = template.properties(f"{name}Version")["Description"]["Fn::Sub"]
    if isinstance(description, str):
        first, _, rest = description.partition(" ")
        return f"${{Layer}} {rest}", {"Ref": first.strip("${}")}
    text, given = description
    position, split = given["Layer"]["Fn::Select"]
    separator, arn = split["Fn::Split"]
    assert "arn:aws:lambda:eu-central-1:123456789012:layer:name:7".split(separator)[int(position)] == "7"
    return text, arn


def test_gradual_deployment_is_off_by_default(template: Template) -> None:
    """Without the parameter there is no alias, version or deployment, and nothing refers to one."""
    assert template.parameters["GradualDeployment"]["Default"] == "DISABLED"
    kinds = {"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::CodeDeploy::Application"}
    kinds.add("AWS::CodeDeploy::DeploymentGroup")
    conditional = only_then(template)
    assert {name for name, it in template.resources.items() if it["Type"] in kinds} <= conditional
    for name, resource in template.resources.items():
        if name not in conditional:
            assert not references(chosen(resource["Properties"], is_on=False)) & conditional, name


@pytest.mark.parametrize(
    ("source", "alias"),
    [
        ("OrderEventsApi", "WebhookAlias"),
        ("ConsumerFunctionOrderEvents", "ConsumerAlias"),
        ("PublisherFunctionOrdersTable", "PublisherAlias"),
    ],
)
def test_sources_call_the_alias(template: Template, source: str, alias: str) -> None:
    """With gradual deployment the API, the queue and the stream call the alias, and without it the function."""
    function = alias.replace("Alias", "Function")
    assert {alias, function} & references(chosen(template.properties(source), is_on=True)) == {alias}
    assert {alias, function} & references(chosen(template.properties(source), is_on=False)) == {function}


def test_api_may_call_function_and_alias(template: Template) -> None:
    """The API may call the webhook's function and its alias, by the one route alone."""
    permissions = template.of_type("AWS::Lambda::Permission").values()
    called = {permission["FunctionName"]["Ref"]: permission["SourceArn"]["Fn::Sub"] for permission in permissions}
    assert called.keys() == {"WebhookFunction", "WebhookAlias", "AnswersFunction"}
    assert called.pop("AnswersFunction").endswith(":${AnswersApi}/*/*/stores/*")
    for source in called.values():
        assert source.endswith(":${OrderEventsApi}/*/POST/order-events")


@pytest.mark.parametrize("name", GRADUAL)
def test_every_change_publishes_a_version(template: Template, name: str) -> None:
    """A version's description changes with everything that a deployment can change of the function, and only then."""
    # The same description would leave the alias at old code. Another one for an unchanged function would fail.
    function = template.properties(f"{name}Function")
    text, layer = described(template, name)
    shown, *named, digest = text.split(" ")
    assert (shown, layer) == ("${Layer}", function["Layers"][0])
    assert sorted(named) == sorted(f"${{{parameter}}}" for parameter in parameters_of(template, function))
    assert digest == digest_of(function), f"put {digest_of(function)} into the description of {name}Version"


@pytest.mark.parametrize("name", GRADUAL)
def test_version_description_fits(template: Template, name: str) -> None:
    """A version's description fits with the longest stack name and the longest values."""
    text, _ = described(template, name)
    is_arn = name != "Consumer"
    layer = f"arn:aws-us-gov:lambda:ap-southeast-2:123456789012:layer:{'s' * LONGEST_STACK_NAME}-partner-orders:99999"
    values = {"Architecture": "x86_64", "LogLevel": "ERROR", "ChainId": "c" * 36, "PublishPersonalData": "false"}
    values |= {"OrderRetentionDays": "3650", "RejectedRetentionDays": "3650", "Tracing": "DISABLED"}
    values["CatalogueCallbacksQueueArn"] = f"arn:aws-us-gov:sqs:ap-southeast-2:123456789012:{'q' * LONGEST_QUEUE_NAME}"
    values["Layer"] = layer if is_arn else layer.rpartition(":")[2]
    filled = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)
    assert len(filled) <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("name", GRADUAL)
def test_alarms_can_stop_a_deployment(template: Template, name: str) -> None:
    """Each alarm of a deployment can fire while the new version has a tenth of the calls."""
    group = template.properties(f"{name}Deployment")
    [minutes] = re.findall(r"Canary10Percent(\d+)Minutes$", group["DeploymentConfigName"])
    watched = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert group["AlarmConfiguration"]["Enabled"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    named = {json.dumps(it.get("AlarmName")): key for key, it in template.of_type("AWS::CloudWatch::Alarm").items()}
    assert watched
    for alarm in watched:
        properties = template.properties(alarm["Ref"] if "Ref" in alarm else named[json.dumps(alarm)])
        periods = properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])
        assert properties["Period"] * periods + CODE_DEPLOY_SECONDS <= int(minutes) * 60, alarm


@pytest.mark.parametrize("name", GRADUAL)
def test_alias_updates_through_its_deployment(template: Template, name: str) -> None:
    """An alias points at its function's version, and only its deployment moves it."""
    alias = template.resources[f"{name}Alias"]
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": f"{name}Deployment"}
    assert references(alias["Properties"]) == {f"{name}Function", f"{name}Version"}
    assert alias["Properties"]["Name"] == "live"
    # The version that ran before stays, so that the alias can go back to it.
    assert template.resources[f"{name}Version"]["UpdateReplacePolicy"] == "Retain"
