"""The template as CloudFormation gets it: expanded by SAM's own translator, with the parameters' defaults."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from samtranslator.translator.transform import transform

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
CATALOGUE = TEMPLATE.with_name("catalogue.yaml")
_ACCOUNT = "eu-central-1:123456789012"
# The values of the parameters without a default.
_PARAMETERS = {
    "ChainId": "8c6a1f0e-52b7-4d39-b1e8-0f4f7d2a9c11",
    "PartnerApiBaseUrl": "https://example.com",
    "PartnerApiSecretArn": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:PartnerApiSecret-1A2B",
    "WebhookSecretArn": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:WebhookSecret-1A2B",
    "RequestBudgetTableName": "partner-orders-RequestBudgetTable-1A2B",
    "RequestBudgetTableArn": f"arn:aws:dynamodb:{_ACCOUNT}:table/partner-orders-RequestBudgetTable-1A2B",
}


class Template:
    """``resources`` by logical id; ``parameters`` by name."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.resources: dict[str, dict[str, Any]] = content["Resources"]
        self.parameters: dict[str, dict[str, Any]] = content["Parameters"]
        self.conditions: dict[str, Any] = content["Conditions"]
        self.outputs: dict[str, dict[str, Any]] = content["Outputs"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of a type, by logical id."""
        return {name: it["Properties"] for name, it in self.resources.items() if it["Type"] == kind}

    def named_after(self, variable: str) -> dict[str, str | None]:
        """The reference to the parameter or the resource that an environment variable is named after."""
        words = "".join(word.capitalize() for word in variable.split("_"))
        names = (words, re.sub("(Url|Name|Arn)$", "", words))
        return {"Ref": next((name for name in names if name in self.resources or name in self.parameters), None)}

    def properties(self, name: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.resources[name]["Properties"]
        return properties

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every role, with the role's logical id."""
        for name, role in self.of_type("AWS::IAM::Role").items():
            for policy in role.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield name, statement if "Fn::If" not in statement else statement["Fn::If"][1]


def as_written(template: Path) -> dict[str, Any]:
    """A template before SAM expands it."""
    content: dict[str, Any] = _plain(cfn_yaml.load(str(template)))
    return content


@cache
def expanded(template: Path = TEMPLATE) -> Template:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        content = _uploaded(as_written(template))
        parameters = {name: value for name, value in _PARAMETERS.items() if name in content["Parameters"]}
        return Template(transform(content, parameters, _NoManagedPolicies()))


@cache
def table_of_the_template(template: Path) -> dict[str, Any]:
    """What create_table() takes to make the orders table as the template does."""
    properties = as_written(template)["Resources"]["OrdersTable"]["Properties"]
    names = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    return {name: properties[name] for name in names}


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def _uploaded(content: dict[str, Any]) -> dict[str, Any]:
    """With code in a bucket, as after `sam package`."""
    for resource in content["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in resource["Properties"]:
                resource["Properties"][place] = "s3://bucket/code.zip"
    return content


def _plain(node: Any) -> Any:
    """cfn-lint's nodes remember their place in the file; the translator wants plain ones."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return str(node) if isinstance(node, str) else node
