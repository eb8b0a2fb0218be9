"""``doctor``: what it says of faults that the local AWS of the end-to-end tests is not broken with."""

import io
import json
import shlex
import zipfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, NoCredentialsError, UnauthorizedSSOTokenError

from cli.stack import DeployedStack
from tests.cli.conftest import Ran

type Run = Callable[..., Ran]


@pytest.fixture
def faults(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, dict[str, str]]]:
    """What the doctor finds, by part."""

    def refused(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "post", refused)
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE"}
    redrive = {"deadLetterTargetArn": _arn(stack, "OrderEventsDeadLettersUrl"), "maxReceiveCount": 80}
    set_queue(stack, RedrivePolicy=json.dumps(redrive), VisibilityTimeout="300", MessageRetentionPeriod="345600")

    def found() -> dict[str, dict[str, str]]:
        return {finding["part"]: finding for finding in run("doctor", "--json").json if finding["fault"]}

    return found


def _arn(stack: DeployedStack, output: str) -> str:
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


def set_queue(stack: DeployedStack, **attributes: str) -> None:
    stack.client("sqs").set_queue_attributes(QueueUrl=stack.output("OrderEventsQueueUrl"), Attributes=attributes)


def test_a_queue_that_drops_messages_is_a_fault_with_the_command_that_mends_it(
    faults: Callable[[], Any], stack: DeployedStack
) -> None:
    assert "order-events queue" not in faults()
    set_queue(stack, MessageRetentionPeriod="3600")
    found = faults()["order-events queue"]
    assert "dropped" in found["fault"]
    # As a shell would read it.
    command = shlex.split(found["advice"])
    assert command[:3] == ["aws", "sqs", "set-queue-attributes"]
    set_queue(stack, **json.loads(command[-1]))
    assert "order-events queue" not in faults()


@pytest.mark.parametrize(
    ("output", "part"),
    [("WebhookSecretArn", "webhook secret"), ("PartnerApiSecretArn", "Partner API credentials")],
)
def test_of_a_secret_that_is_about_to_be_deleted_it_says_how_it_is_restored(
    faults: Callable[[], Any], stack: DeployedStack, output: str, part: str
) -> None:
    arn = stack.output(output)
    stack.client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    assert faults()[part]["advice"] == f"aws secretsmanager restore-secret --secret-id {arn}"


def test_a_function_that_may_not_run_at_all_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    role = stack.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    client = stack.client("lambda")
    client.create_function(
        FunctionName="consumer", Runtime="python3.13", Role=role, Handler="app.h", Code={"ZipFile": code.getvalue()}
    )
    stack.outputs["ConsumerFunctionName"] = "consumer"
    assert "function consumer" not in faults()
    client.put_function_concurrency(FunctionName="consumer", ReservedConcurrentExecutions=0)
    assert "throttled" in faults()["function consumer"]["fault"]


def test_a_bus_that_is_gone_is_a_fault_and_one_that_was_never_deployed_is_none(
    faults: Callable[[], Any], stack: DeployedStack
) -> None:
    assert "event bus" not in faults()
    stack.outputs["OrderChangesBusName"] = "changes"
    assert "not there" in faults()["event bus"]["fault"]
    stack.client("events").create_event_bus(Name="changes")
    assert "event bus" not in faults()


def test_a_stack_that_is_not_there_is_one_error_and_not_one_for_each_part(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> Any:
        message = "Stack with id partner-orders does not exist"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")

    monkeypatch.setattr(DeployedStack, "client", lambda *_: SimpleNamespace(describe_stacks=refused))
    ran = run("doctor")
    assert (ran.status, ran.out) == (1, "")
    assert "there is no stack partner-orders in eu-central-1" in ran.err


@pytest.mark.parametrize("fault", [NoCredentialsError(), UnauthorizedSSOTokenError()])
def test_who_is_not_signed_in_is_told_once(run: Run, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise fault

    monkeypatch.setattr(DeployedStack, "client", refused)
    ran = run("doctor")
    assert (ran.status, ran.out) == (1, "")
    assert "Sign in with the AWS CLI" in ran.err
