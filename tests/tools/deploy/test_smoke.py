"""`make smoke` leaves nothing, whatever happens, and touches nothing of the stack it is named after."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.aws import simulated_aws
from tests.tools.deploy.test_deployment import FakeTarget
from tools.deploy import deployment, removal, smoke
from tools.deploy.environment import LONGEST_STACK_NAME, Environment
from tools.deploy.metrics import SmokeMetrics
from tools.deploy.target import Deployed, DeploymentError

NAME = "partner-orders-smoke-1"
TABLE: dict[str, Any] = {
    "TableName": "orders",
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


@dataclass
class FakeCloudFormation:
    """One stack that keeps a table and a secret, perhaps a catalogue beside it that keeps a bucket, and sam's own.
    ``deleted`` are the names of those deleted."""

    has_catalogue: bool = False

    deleted: list[str] = field(default_factory=list)

    def get_paginator(self, _operation: str) -> Any:
        return SimpleNamespace(paginate=self._resources)

    def delete_stack(self, StackName: str) -> None:  # noqa: N803 - boto3's name
        self.deleted.append(StackName)

    def get_waiter(self, _state: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert StackName == removal.SAM_STACK
        return {"Stacks": [{"Outputs": [{"OutputKey": "SourceBucket", "OutputValue": "uploads"}]}]}

    def _resources(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's name
        if StackName == f"{NAME}-catalogue" and self.has_catalogue:
            return _resources([("AWS::S3::Bucket", "files"), ("AWS::SQS::Queue", "q")])
        if StackName != NAME:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "ListStackResources")
        return _resources(
            [("AWS::DynamoDB::Table", "orders"), ("AWS::SecretsManager::Secret", "webhook"), ("AWS::SQS::Queue", "q")]
        )


def _resources(found: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """A page of resources, each by its type and its name."""
    return [{"StackResourceSummaries": [{"ResourceType": kind, "PhysicalResourceId": name} for kind, name in found]}]


@pytest.fixture
def stacks() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, stacks: FakeCloudFormation) -> Iterator[removal.Clients]:
    """An account with what the stack keeps, and the uploads of two stacks."""
    monkeypatch.setattr(removal, "_POLL_SECONDS", 0)
    with simulated_aws() as session:
        make: Any = session.client
        made: dict[str, Any] = {name: make(name) for name in ("dynamodb", "secretsmanager", "s3", "cloudwatch")}
        made["dynamodb"].create_table(**TABLE)
        made["secretsmanager"].create_secret(Name="webhook", SecretString="x")
        made["s3"].create_bucket(
            Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": session.region_name}
        )
        made["s3"].put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
        for key in (f"{NAME}/code", f"{NAME}/code", "partner-orders/code"):
            made["s3"].put_object(Bucket="uploads", Key=key, Body=b"x")
        made["cloudformation"] = stacks
        yield made.__getitem__


def test_everything_of_the_stack_is_removed(aws: removal.Clients, stacks: FakeCloudFormation) -> None:
    """The stack, the protected table, the secrets and every uploaded version are deleted, and nothing else."""
    assert removal.remove(aws, NAME) == []
    assert stacks.deleted == [NAME]
    assert aws("dynamodb").list_tables()["TableNames"] == []
    assert aws("secretsmanager").list_secrets()["SecretList"] == []
    versions = aws("s3").list_object_versions(Bucket="uploads")
    assert [version["Key"] for version in versions["Versions"]] == ["partner-orders/code"]


def test_catalogue_is_removed_first(aws: removal.Clients, stacks: FakeCloudFormation) -> None:
    """The catalogue beside the stack goes before it, with every version of every file in its bucket."""
    stacks.has_catalogue = True
    s3 = aws("s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="files", Key="lists/1/a.csv", Body=b"x")
    s3.delete_object(Bucket="files", Key="lists/1/a.csv")
    assert removal.remove(aws, NAME) == []
    assert stacks.deleted == [f"{NAME}-catalogue", NAME]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["uploads"]


def test_bucket_that_went_with_its_stack(aws: removal.Clients, stacks: FakeCloudFormation) -> None:
    """A bucket that the stack's own deletion removed is no fault."""
    stacks.has_catalogue = True
    assert removal.remove(aws, NAME) == []


def test_removal_goes_on_after_a_failure(aws: removal.Clients) -> None:
    """What cannot be deleted is named, and the rest is deleted all the same."""

    class Refusing:
        def delete_secret(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DeleteSecret")

    [left] = removal.remove(lambda service: Refusing() if service == "secretsmanager" else aws(service), NAME)
    assert "is still there (AccessDeniedException): delete it by hand" in left
    assert aws("dynamodb").list_tables()["TableNames"] == []
    assert aws("s3").list_object_versions(Bucket="uploads", Prefix=NAME).get("Versions", []) == []


def test_absent_stack_is_no_fault(aws: removal.Clients) -> None:
    """A deployment that never began leaves nothing to remove, and no fault."""
    assert removal.remove(aws, "never-there") == []
    assert aws("dynamodb").list_tables()["TableNames"] == ["orders"]


def test_tried_stack_disturbs_nobody(environment: Environment) -> None:
    """The stack has a name of its own, no domain, no alarms to anybody, and the schedule off."""
    notified = {
        "AlarmEmail": "a@example.com",
        "DomainName": "a.example.com",
        "CertificateArn": "arn",
        "LogLevel": "DEBUG",
    }
    longest = replace(
        environment, stack_name="s" * LONGEST_STACK_NAME, parameters={**environment.parameters, **notified}
    )
    one, other = (smoke.passing_environment(longest, "smoke") for _ in range(2))
    assert len({one.stack_name, other.stack_name, longest.stack_name}) == 3
    assert len(one.stack_name) == LONGEST_STACK_NAME
    expected = {**environment.parameters, "LogLevel": "DEBUG", "ReconciliationState": "DISABLED"}
    assert one.parameters == expected


@pytest.mark.parametrize("failing", ["deploy", "try_out"])
def test_failure_still_removes_the_stack(
    built: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A deployment or a check that fails ends the run with its own error, after the stack was removed."""
    removed: list[str] = []

    def remember(_: removal.Clients, name: str) -> list[str]:
        removed.append(name)
        return []

    def fail(*_: Any, **__: Any) -> Deployed:
        raise DeploymentError("the planted failure")

    monkeypatch.setattr(deployment, "validate_template", lambda *_: None)
    monkeypatch.setattr(smoke, "remove", remember)
    monkeypatch.setattr(FakeTarget if failing == "deploy" else smoke, failing, fail)
    with pytest.raises(DeploymentError, match="the planted failure"):
        smoke.smoke(FakeTarget(environment, built), deployment_template())
    [name] = removed
    assert name.startswith("partner-orders-staging-smoke-")


def test_remains_fail_the_run(built: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose checks passed fails if something could not be removed."""
    monkeypatch.setattr(deployment, "validate_template", lambda *_: None)
    monkeypatch.setattr(smoke, "try_out", lambda *_: None)
    monkeypatch.setattr(smoke, "remove", lambda *_: ["the table is still there"])
    with pytest.raises(DeploymentError, match="the table is still there"):
        smoke.smoke(FakeTarget(environment, built), deployment_template())


def test_metrics_are_awaited_in_cloudwatch(aws: removal.Clients, environment: Environment) -> None:
    """The metrics of this very stack are awaited, each by its function's dimension."""
    target: Any = SimpleNamespace(client=aws, has_metrics=True, environment=environment)
    found = SmokeMetrics(target, Deployed(NAME, "eu-central-1", {}, "", {}, ()))
    put(aws, "other-webhook", "Enqueued")
    put(aws, f"{NAME}-webhook", "RefusedUnauthorized")
    assert not found.are_all_there()
    assert found.missing() == "Enqueued of the webhook, Lag of the consumer"
    put(aws, f"{NAME}-webhook", "Enqueued")
    put(aws, f"{NAME}-consumer", "Lag")
    assert found.are_all_there()
    assert "are in CloudWatch" in found.description


def put(aws: removal.Clients, service: str, metric: str) -> None:
    aws("cloudwatch").put_metric_data(
        Namespace="PartnerOrders",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "service", "Value": service}],
                "Value": 1.0,
                "Timestamp": datetime.now(UTC),
            }
        ],
    )


def deployment_template() -> dict[str, Any]:
    """What the environment is held to: a template of three parameters."""
    text: dict[str, str] = {"Type": "String"}
    return {
        "Parameters": {
            "ChainId": text,
            "PartnerApiBaseUrl": text,
            "Architecture": {**text, "Default": "arm64"},
            "ReconciliationState": {**text, "Default": "ENABLED"},
        }
    }
