"""The stack of `make run` is the real template, built again after each change, with the permissions of its roles."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.local import stack
from tools.local.emulator import ROOT


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is built from now on, of a clone whose files are those of ``tmp_path``."""
    for source in stack._sources():
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    done: list[str] = []

    def build(_: str, options: dict[str, Any], __: object) -> None:
        done.append(f"{options['template-file'].relative_to(tmp_path)} into {options['build-dir'].name}")
        options["build-dir"].mkdir(exist_ok=True)

    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setattr(stack, "BUILD", tmp_path / "orders")
    monkeypatch.setattr(stack, "CATALOGUE_BUILD", tmp_path / "catalogue")
    monkeypatch.setattr(stack, "_sam", build)
    return done


def test_both_templates_are_built_after_a_change(built: list[str], tmp_path: Path) -> None:
    """The real templates are built, and again only after a change of either, of a function, or of a layer."""
    both = ["catalogue.yaml into catalogue", "template.yaml into orders"]
    layer = "layers/partner_orders"
    changed = ("template.yaml", "catalogue.yaml", f"{layer}/partner_orders/webhook/endpoint.py")
    for path in ("", *changed, f"{layer}/requirements.txt", "functions/webhook/app.py"):
        if path:
            (tmp_path / path).write_text("changed")
        stack.build()
        assert sorted(built) == both, path
        stack.build()
        assert sorted(built) == both, path
        built.clear()


def test_every_source_counts() -> None:
    """What is built follows from both templates, and from every file of the functions and of the layers but a lock's
    source."""
    folders = [ROOT / "functions", ROOT / "layers"]
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    built = {path for path in files if "__pycache__" not in path.parts and path.suffix != ".in"}
    assert {*stack._sources()} == built | {ROOT / "template.yaml", ROOT / "catalogue.yaml"}


@pytest.mark.parametrize("existing", [[], ["POST /order-events"]])
def test_routes_are_those_of_the_template(existing: list[str]) -> None:
    """Each route of an API calls its function, and signed requests stay signed ones."""

    def operation(function: str) -> dict[str, Any]:
        return {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": f"arn:x/functions/${{{function}}}/invocations"}}}

    paths = {
        "/order-events": {"post": operation("Webhook")},
        "/answers": {"parameters": [], "post": operation("Answers") | {"security": [{"AWS_IAM": []}]}},
    }
    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "Api": ("api-1", {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": {"paths": paths}}}),
        "Webhook": ("webhook", {"Type": "AWS::Lambda::Function"}),
        "Answers": ("arn:alias:answers", {"Type": "AWS::Lambda::Alias"}),
    }
    made: list[tuple[Any, ...]] = []

    def integrate(**given: Any) -> dict[str, Any]:
        made.append((given.get("IntegrationId", "new"), given["IntegrationUri"]))
        return {"IntegrationId": f"i-{len(made)}"}

    gateway = SimpleNamespace(
        get_routes=lambda **_: {"Items": [{"RouteKey": key, "Target": "integrations/i-0"} for key in existing]},
        create_integration=integrate,
        update_integration=integrate,
        create_route=lambda **given: made.append((given["RouteKey"], given["Target"], given["AuthorizationType"])),
    )
    stack._mend_routes(resources, gateway)
    webhook = "arn:aws:lambda:eu-central-1:000000000000:function:webhook"
    first = [("i-0", webhook)] if existing else [("new", webhook), ("POST /order-events", "integrations/i-1", "NONE")]
    second = f"integrations/i-{len(first) + 1}"
    assert made == [*first, ("new", "arn:alias:answers"), ("POST /answers", second, "AWS_IAM")]


def test_permissions_stay_those_of_the_template() -> None:
    """Of the roles' policies only the batch actions of SQS are added, which the emulator checks apart."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "arn:table", "Condition": {"Null": {}}},
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"], "Resource": "arn:queue"},
        {"Effect": "Deny", "Action": ["sqs:DeleteMessage"], "Resource": "arn:queue"},
    ]
    documents = {"orders": {"Statement": statements[:1]}, "queue": {"Statement": statements[1:]}}
    put: dict[str, list[dict[str, Any]]] = {}

    def get(**asked: str) -> dict[str, Any]:
        return {"PolicyDocument": json.loads(json.dumps(documents[asked["PolicyName"]]))}

    def store(**policy: str) -> None:
        put[policy["PolicyName"]] = json.loads(policy["PolicyDocument"])["Statement"]

    pages = SimpleNamespace(paginate=lambda: [{"Roles": [{"RoleName": "r"}]}])
    iam = SimpleNamespace(
        get_paginator=lambda _: pages,
        list_role_policies=lambda **_: {"PolicyNames": [*documents]},
        get_role_policy=get,
        put_role_policy=store,
    )
    stack._mend_batch_permissions(iam)
    assert put == {
        "orders": [statements[0] | {"Action": ["dynamodb:GetItem"]}],
        "queue": [
            statements[1] | {"Action": ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:SendMessageBatch"]},
            statements[2] | {"Action": ["sqs:DeleteMessage", "sqs:DeleteMessageBatch"]},
        ],
    }
