"""The stack that brings alarms to a chat fits the template, and shows members of the channel nothing but alarms."""

from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode import cfn_yaml

from tests.support.template import TEMPLATE, Template

EXAMPLE = TEMPLATE.parent / "docs" / "examples" / "alarms-in-chat" / "template.yaml"
CHANNELS = {
    "AWS::Chatbot::SlackChannelConfiguration": {"SlackWorkspaceId", "SlackChannelId"},
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": {"TeamsTenantId", "TeamsTeamId", "TeamsChannelId"},
}


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    found: dict[str, Any] = cfn_yaml.load(str(EXAMPLE))
    return found


@pytest.fixture(scope="module")
def example(content: dict[str, Any]) -> Template:
    return Template(content)


@pytest.mark.slow
def test_chat_example_is_valid() -> None:
    """cfn-lint finds no error in the example."""
    found = lint(EXAMPLE.read_text(encoding="utf-8"), config=ManualArgs(regions=["eu-central-1"]))
    # It warns of ids that are empty by default, as if their conditions held then.
    assert [match for match in found if match.rule.id != "W1030"] == []


def test_chat_topic_is_an_alarm_topic(content: dict[str, Any], example: Template) -> None:
    """The output is the template's parameter for a topic, and CloudWatch's alarms of the account may publish to it."""
    assert content["Outputs"].keys() <= Template(cfn_yaml.load(str(TEMPLATE))).parameters.keys()
    [topic] = example.of_type("AWS::SNS::Topic")
    assert content["Outputs"]["AlarmTopicArn"]["Value"] == {"Ref": topic}
    [policy] = example.of_type("AWS::SNS::TopicPolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (policy["Topics"], statement["Resource"]) == ([{"Ref": topic}], {"Ref": topic})
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


@pytest.mark.parametrize(("kind", "parameters"), CHANNELS.items())
def test_chat_channel_gets_the_topic(example: Template, kind: str, parameters: set[str]) -> None:
    """A channel gets what is published to the topic, and may do no more than see alarms and metrics."""
    [topic] = example.of_type("AWS::SNS::Topic")
    [channel] = example.of_type(kind).values()
    assert channel["SnsTopicArns"] == [{"Ref": topic}]
    named = [value["Ref"] for value in channel.values() if isinstance(value, dict) and "Ref" in value]
    assert {*named} == parameters
    # Without a guardrail it would be AdministratorAccess.
    [guardrail] = channel["GuardrailPolicies"]
    role = example.properties(channel["IamRoleArn"]["Fn::GetAtt"][0])
    assert role["ManagedPolicyArns"] == [guardrail]
    assert "Policies" not in role
    [statement] = example.properties(guardrail["Ref"])["PolicyDocument"]["Statement"]
    for action in statement["Action"]:
        assert action.startswith(("cloudwatch:Describe", "cloudwatch:Get", "cloudwatch:List")), action


def test_chat_example_names_missing_ids(content: dict[str, Any]) -> None:
    """A chat without all of its ids, and no chat at all, are refused with a sentence before anything is made."""
    sentences = [
        assertion["AssertDescription"] for rule in content["Rules"].values() for assertion in rule["Assertions"]
    ]
    assert len(sentences) == 3
    every = set().union(*CHANNELS.values())
    assert {name for name in every if any(name in sentence for sentence in sentences)} == every
    assert all(content["Parameters"][name]["Default"] == "" for name in every)
