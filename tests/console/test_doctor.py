"""``doctor``: what it says of faults that the local AWS of the end-to-end tests is not broken with."""

import ast
import io
import json
import re
import shlex
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, NoCredentialsError, UnauthorizedSSOTokenError

from partner_orders.clock import now, to_text
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations import doctor
from partner_orders_console.operations.doctor.examination import CHECKS
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.orders import order
from tools.local.simulated_platform.partner_api import Request, Response
from tools.local.simulated_platform.server import Platform, serve

type Run = Callable[..., Ran]
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}]}
)


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
        found = [finding for finding in run("doctor", "--json").json if finding["fault"]]
        assert [finding for finding in found if not finding["advice"]] == []
        return {finding["part"]: finding for finding in found}

    return found


def _arn(stack: DeployedStack, output: str) -> str:
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


def set_queue(stack: DeployedStack, **attributes: str) -> None:
    stack.client("sqs").set_queue_attributes(QueueUrl=stack.output("OrderEventsQueueUrl"), Attributes=attributes)


def test_short_retention_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A queue that drops messages is a fault, and the suggested command fixes it."""
    assert "order-events queue" not in faults()
    set_queue(stack, MessageRetentionPeriod="345599")
    found = faults()["order-events queue"]
    assert "dropped" in found["fault"]
    # As a shell would read it.
    command = shlex.split(found["advice"])
    assert command[:3] == ["aws", "sqs", "set-queue-attributes"]
    set_queue(stack, **json.loads(command[-1]))
    assert "order-events queue" not in faults()


def test_delayed_queue_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A queue that delays every message is a fault, and the suggested command fixes it."""
    set_queue(stack, DelaySeconds="900")
    found = faults()["order-events queue"]
    assert "wait" in found["fault"]
    set_queue(stack, **json.loads(shlex.split(found["advice"])[-1]))
    assert "order-events queue" not in faults()


def deployed(stack: DeployedStack, created: timedelta, last: timedelta) -> None:
    """So long ago."""
    times = {"CreationTime": now() - created, "LastUpdatedTime": now() - last}
    stack.__dict__["_description"] = {"StackStatus": "UPDATE_COMPLETE", **times}


def test_new_stack_has_time_before_faults(faults: Callable[[], Any], stack: DeployedStack, run: Run) -> None:
    """A new stack without runs or stores is a fault only after a grace period."""
    deployed(stack, timedelta(minutes=20), timedelta(minutes=20))
    assert not {"reconciliation", "stores"} & faults().keys()
    assert "none yet" in run("doctor").out
    deployed(stack, timedelta(minutes=40), timedelta(minutes=40))
    assert faults()["reconciliation"]["fault"] == "no run in the last hour"
    assert "stores" not in faults()
    deployed(stack, timedelta(hours=25), timedelta(minutes=20))
    assert "reconciliation" not in faults()
    assert faults()["stores"]["fault"] == "none is registered"


def test_judges_last_finished_run(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """Doctor judges the last finished regular run; an error, or a run that never ended, is a fault."""

    def ran(minutes_ago: int, stopped: str, regular: bool = True, **failed: str) -> None:
        began = now() - timedelta(minutes=minutes_ago)
        row = {"started_at": to_text(began), "stopped": stopped, "failed_stores": failed, "regular": regular}
        stack.reconciliation.save_report(began, row)

    stack.stores.set("s1", StoreSettings(currency="PKR"))
    ran(50, StopReason.UNDER_WAY)
    assert StopReason.UNDER_WAY in faults()["reconciliation"]["fault"]
    ran(40, "error:ClientError")
    assert "error:ClientError" in faults()["reconciliation"]["fault"]
    ran(20, "", s1="forbidden")
    assert "forbidden" in faults()["reconciliation"]["fault"]
    ran(3, StopReason.UNDER_WAY)
    ran(3, "", regular=False)
    assert "forbidden" in faults()["reconciliation"]["fault"]
    assert "s1" in faults()["reconciliation"]["fault"]
    ran(2, "")
    assert "reconciliation" not in faults()


def test_only_foreign_orders_are_a_fault(
    faults: Callable[[], Any], stack: DeployedStack, store_order: Callable[..., None]
) -> None:
    """If every order is of another chain, doctor reports a fault at once."""
    deployed(stack, timedelta(minutes=1), timedelta(minutes=1))
    store_order({"order_id": "o1", "status": "RECEIVED"})  # It says of no chain that it is its.
    assert "stores" not in faults()
    foreign = order()
    foreign["client"]["chain_id"] = "another-chain"
    store_order(foreign)
    assert "ChainId" in faults()["stores"]["advice"]


def test_active_alarm_names_its_runbook(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """An active alarm of this stack is reported with its runbook; alarms of other stacks are not."""
    client = stack.client("cloudwatch")
    for name, runbook in (("ours", "rejected"), ("not-run", "reconciliation-not-run"), ("anothers", "rejected")):
        client.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"It is so. Runbook: docs/runbooks/{runbook}.md",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="Rejected",
            Namespace="PartnerOrders",
            Period=60,
            Statistic="Sum",
            Threshold=0,
        )
    stack.__dict__["alarm_names"] = ["ours", "not-run"]
    assert not [part for part in faults() if part.startswith("alarm")]
    for name in ("ours", "not-run", "anothers"):
        client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert {part for part in faults() if part.startswith("alarm")} == {"alarm ours", "alarm not-run"}
    assert faults()["alarm ours"]["fault"] == "It is so."
    assert faults()["alarm ours"]["advice"] == "docs/runbooks/rejected.md"
    # It counts the time before there was a stack.
    deployed(stack, timedelta(minutes=5), timedelta(minutes=5))
    assert {part for part in faults() if part.startswith("alarm")} == {"alarm ours"}


@pytest.fixture
def platform(stack: DeployedStack) -> Iterator[Platform]:
    """The Partner API, over HTTP, with one OAuth client."""
    made = Platform(stack.parameters["ChainId"], "static-token", 60, {"an-id": "its-secret"})
    server = serve(made, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stack.parameters["PartnerApiBaseUrl"] = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("client_secret", "fault"), [("its-secret", ""), ("another", "answered 401")])
def test_oauth_client_is_tried_once(
    faults: Callable[[], Any], stack: DeployedStack, platform: Platform, client_secret: str, fault: str
) -> None:
    """Doctor tries an OAuth client with one token request, and a granted token with one more."""
    content = json.dumps({"client_id": "an-id", "client_secret": client_secret})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=content)
    found = faults()
    assert fault in found.get("Partner API", {"fault": ""})["fault"]
    assert bool(fault) == ("Partner API" in found)
    assert len(platform.api.requests) == (1 if fault else 2)
    assert client_secret not in str(found)


def test_skips_paused_and_escapes_store_ids(
    faults: Callable[[], Any], run: Run, stack: DeployedStack, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor skips paused stores and escapes a store id in the URL."""
    asked: list[str] = []
    handle = platform.api.handle

    def noted(request: Request, at: datetime) -> Response:
        asked.append(request.target)
        return handle(request, at)

    monkeypatch.setattr(platform.api, "handle", noted)
    content = json.dumps({"token": "static-token"})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=content)
    stack.stores.set("a", StoreSettings(is_paused=True))
    stack.stores.set("b/../c?d", StoreSettings(currency="PKR"))
    assert "Partner API" not in faults()
    assert [target.partition("?")[0].partition("/vendors/")[2] for target in asked] == ["b%2F..%2Fc%3Fd/orders"]
    stack.stores.set("b/../c?d", StoreSettings(is_paused=True))
    [found] = [finding for finding in run("doctor", "--json").json if finding["part"] == "Partner API"]
    assert (found["fault"], "every store is paused" in found["note"]) == ("", True)
    assert len(asked) == 1


def test_platform_without_orders_is_no_fault(
    faults: Callable[[], Any], stack: DeployedStack, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Partner API that answers 204, as some brands do where there are no orders, is in order."""
    asked: list[str] = []

    def nothing(request: Request, _: datetime) -> Response:
        asked.append(request.target)
        return Response(204, {}, b"")

    monkeypatch.setattr(platform.api, "handle", nothing)
    content = json.dumps({"token": "static-token"})
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=content)
    assert "Partner API" not in faults()
    assert len(asked) == 1


def test_counts_only_free_concurrency(
    faults: Callable[[], Any], stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concurrency that the account reserves for other functions is not available to this stack."""
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 6}
    client, real = SimpleNamespace(get_account_settings=lambda: {"AccountLimit": limit}), DeployedStack.client
    monkeypatch.setattr(DeployedStack, "client", lambda self, name: client if name == "lambda" else real(self, name))
    assert "concurrency" not in faults()
    limit["UnreservedConcurrentExecutions"] = 5
    assert "leaves 5 executions at once" in faults()["concurrency"]["fault"]


def test_publishers_count_as_concurrency(
    faults: Callable[[], Any], stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With change events, a new account's ten executions are just enough for the defaults."""
    limit = {"UnreservedConcurrentExecutions": 10}
    functions = SimpleNamespace(get_account_settings=lambda: {"AccountLimit": limit})
    real = DeployedStack.client
    monkeypatch.setattr(DeployedStack, "client", lambda self, name: functions if name == "lambda" else real(self, name))
    stack.outputs["PublisherFunctionName"] = "publisher"
    assert "concurrency" not in faults()
    limit["UnreservedConcurrentExecutions"] = 9
    assert "this stack needs 10" in faults()["concurrency"]["fault"]
    assert "ConsumerConcurrency" in faults()["concurrency"]["advice"]


@pytest.mark.parametrize("credentials", [{"token": "a-token"}, {"client_id": "an-id", "client_secret": "its-secret"}])
def test_silent_host_is_one_fault(
    faults: Callable[[], Any], run: Run, stack: DeployedStack, credentials: dict[str, str]
) -> None:
    """A host that does not respond is one fault, and the rest of the report is complete, with an advice for each."""
    stack.parameters["PartnerApiBaseUrl"] = "http://127.0.0.1:1"  # Nobody listens there.
    content = json.dumps(credentials)
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("PartnerApiSecretArn"), SecretString=content)
    found = faults()["Partner API"]
    assert found["fault"] == "http://127.0.0.1:1 does not respond: ConnectionError"
    assert "PartnerApiBaseUrl" in found["advice"]
    findings = run("doctor", "--json").json
    assert {"Partner API credentials", "stores", "alarms", "concurrency"} <= {finding["part"] for finding in findings}
    ran = run("doctor")
    assert ran.status == 1
    for finding in findings:
        advice = f"      {finding['fault']}\n      {finding['advice']}\n" if finding["fault"] else ""
        assert re.search(
            rf"^(FAULT|ok   ) {re.escape(finding['part'])}(  \(.*\))?\n{re.escape(advice)}", ran.out, re.MULTILINE
        )
    assert "FAULT Partner API" in ran.out
    assert "error:" not in ran.err


@pytest.mark.parametrize(
    "fault", [KeyError("Amna"), ValueError("Amna"), TypeError("Amna"), OSError("Amna"), requests.Timeout("Amna")]
)
@pytest.mark.usefixtures("faults")
def test_failing_check_loses_no_findings(run: Run, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """A check that raises an unexpected error loses no finding, its own or of other checks."""

    def _other_part(_: DeployedStack) -> Iterator[Finding]:
        yield Finding("before")
        raise fault

    monkeypatch.setattr(
        "partner_orders_console.operations.doctor.examination.CHECKS", (*CHECKS[:3], _other_part, *CHECKS[3:])
    )
    ran = run("doctor", "--json")
    found = {finding["part"]: finding for finding in ran.json}
    assert {"clock", "before", "other part", "table", "concurrency"} <= found.keys()
    assert type(fault).__name__ in found["other part"]["fault"]
    assert found["other part"]["advice"]
    assert (ran.status, "Amna" in ran.out + ran.err) == (1, False)


@pytest.mark.parametrize(
    ("responses", "fault"),
    [
        ((401,), "it does not accept the secret: it responded with 401"),
        ((503,), "it fails: it responded with 503"),
        ((200, 200), "it accepts requests without the secret: it responded with 200"),
        ((200, 500), "it fails: it responded with 500"),
        ((200, 401, 200), "it accepts requests with a wrong secret: it responded with 200"),
    ],
    ids=["secret", "secret: fault", "none", "none: fault", "wrong"],
)
def test_webhook_that_takes_the_wrong_ones(
    faults: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, responses: tuple[int, ...], fault: str
) -> None:
    """A webhook that refuses the secret, or accepts anything else, is a fault; what to do is a whole sentence."""
    left = [*responses]
    monkeypatch.setattr(requests, "post", lambda *_, **__: SimpleNamespace(status_code=left.pop(0)))
    found = faults()["webhook"]
    assert (found["fault"], left) == (fault, [])
    rotated = "Was it rotated less than a minute ago? If not: " if responses[-1] == 401 else ""
    assert found["advice"] == f"{rotated}partner-orders logs webhook --errors"


@pytest.mark.parametrize("secret", ["a secret\nof two lines", "ключ"])
def test_unusable_webhook_secret_is_a_fault(faults: Callable[[], Any], stack: DeployedStack, secret: str) -> None:
    """A webhook secret that no header can hold is a fault of the secret, and is not printed."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString=secret)
    found = faults()
    assert "header" in found["webhook secret"]["fault"]
    assert "rotate-webhook" in found["webhook secret"]["advice"]
    assert "webhook" not in found
    assert secret not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        ('{"secret": "my-own"}', "JSON"),
        ('"my-own"', "quotes"),
        ("\xef\xbb\xbfmy-own", "byte order mark"),
        (" \ufeff ", "empty"),
    ],
)
def test_wrapped_webhook_secret_is_a_fault(
    faults: Callable[[], Any], stack: DeployedStack, stored: str, fault: str
) -> None:
    """A webhook secret stored in quotes, as JSON or empty is a fault, with what to do; it is not printed."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretString=stored)
    found = faults()
    assert fault in found["webhook secret"]["fault"]
    assert "set-webhook" in found["webhook secret"]["advice"]
    assert "my-own" not in json.dumps(found, ensure_ascii=False)


def test_binary_webhook_secret_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A webhook secret stored as binary is a fault, with what to do."""
    stack.client("secretsmanager").put_secret_value(SecretId=stack.output("WebhookSecretArn"), SecretBinary=b"my-own")
    assert "not stored as text" in faults()["webhook secret"]["fault"]


@pytest.mark.parametrize(
    ("output", "part"),
    [("WebhookSecretArn", "webhook secret"), ("PartnerApiSecretArn", "Partner API credentials")],
)
def test_deleted_secret_can_be_restored(
    faults: Callable[[], Any], stack: DeployedStack, output: str, part: str
) -> None:
    """For a secret scheduled for deletion, doctor prints the command that restores it."""
    arn = stack.output(output)
    stack.client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    assert faults()[part]["advice"] == f"aws secretsmanager restore-secret --secret-id {arn}"


def test_blocked_function_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A function without a policy, or with no concurrency, is a fault."""
    role = stack.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    client = stack.client("lambda")
    client.create_function(
        FunctionName="consumer", Runtime="python3.13", Role=role, Handler="app.h", Code={"ZipFile": code.getvalue()}
    )
    stack.outputs["ConsumerFunctionName"] = "consumer"
    assert "no policy" in faults()["function consumer"]["fault"]
    stack.client("iam").put_role_policy(RoleName="role", PolicyName="consumer", PolicyDocument=POLICY)
    assert "function consumer" not in faults()
    client.put_function_concurrency(FunctionName="consumer", ReservedConcurrentExecutions=0)
    assert "throttled" in faults()["function consumer"]["fault"]


@pytest.mark.parametrize(("gradual", "called"), [("DISABLED", "consumer"), ("ENABLED", "consumer:live")])
def test_event_source_of_an_alias_is_found(
    faults: Callable[[], Any], stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, gradual: str, called: str
) -> None:
    """The queue calls the consumer's function, or its alias with gradual deployment."""

    def mappings(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        found = [{"State": "Enabled", "UUID": "u"}] if FunctionName == called else []
        return {"EventSourceMappings": found}

    functions, real = SimpleNamespace(list_event_source_mappings=mappings), DeployedStack.client
    monkeypatch.setattr(DeployedStack, "client", lambda self, name: functions if name == "lambda" else real(self, name))
    stack.outputs["ConsumerFunctionName"] = "consumer"
    stack.parameters["GradualDeployment"] = gradual
    assert "event source of the consumer" not in faults()


def test_missing_bus_is_a_fault_if_deployed(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A missing event bus is a fault only if the stack deploys one."""
    assert "event bus" not in faults()
    stack.outputs["OrderChangesBusName"] = "changes"
    found = faults()["event bus"]
    assert "EventBridge drops" in found["fault"]
    # What was dropped left no dead letter to redrive.
    assert "create-event-bus --name changes" in found["advice"]
    assert "orders publish" in found["advice"]
    stack.client("events").create_event_bus(Name="changes")
    assert "event bus" not in faults()


def test_wrong_schedule_target_is_a_fault(faults: Callable[[], Any], stack: DeployedStack) -> None:
    """A schedule that invokes another function is a fault; its rate may be changed."""
    stack.outputs["ReconcilerFunctionName"] = "reconciler"
    client = stack.client("scheduler")

    def scheduled(function: str, rate: str = "rate(5 minutes)") -> dict[str, Any]:
        target = {"Arn": f"arn:aws:lambda:eu-central-1:123456789012:function:{function}", "RoleArn": "arn:aws:iam::1:r"}
        rest = {"FlexibleTimeWindow": {"Mode": "OFF"}, "State": "ENABLED"}
        return {"Name": f"{stack.name}-run", "ScheduleExpression": rate, "Target": target, **rest}

    client.create_schedule(**scheduled("reconciler"))
    assert "schedule" not in faults()
    client.update_schedule(**scheduled("another-reconciler"))
    found = faults()["schedule"]
    assert "another-reconciler, not the reconciler" in found["fault"]
    assert "ReconciliationState=DISABLED" in found["advice"]
    client.update_schedule(**scheduled("reconciler", "rate(30 minutes)"))
    assert "schedule" not in faults()


def test_missing_stack_is_one_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing stack is one error, not one for each check."""

    def refused(**_: Any) -> Any:
        message = "Stack with id partner-orders does not exist"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")

    monkeypatch.setattr(DeployedStack, "client", lambda *_: SimpleNamespace(describe_stacks=refused))
    ran = run("doctor")
    assert (ran.status, ran.out) == (1, "")
    assert "there is no stack partner-orders in eu-central-1" in ran.err


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (NoCredentialsError(), "no AWS credentials were found\n"),
        (UnauthorizedSSOTokenError(), "the AWS credentials cannot be used: UnauthorizedSSOTokenError\n"),
    ],
)
def test_missing_sign_in_is_one_error(run: Run, monkeypatch: pytest.MonkeyPatch, fault: Exception, what: str) -> None:
    """Missing or expired AWS credentials are one error that says how to sign in."""

    def refused(*_: Any, **__: Any) -> Any:
        raise fault

    monkeypatch.setattr(DeployedStack, "client", refused)
    ran = run("doctor")
    assert (ran.status, ran.out) == (1, "")
    assert f"error: {what}Sign in with the AWS CLI" in ran.err


def choices(value: ast.expr) -> list[ast.expr]:
    """The expressions of which a value is one."""
    match value:
        case ast.IfExp(body=body, orelse=other):
            return [*choices(body), *choices(other)]
        case ast.BoolOp(values=values):
            return [one for part in values for one in choices(part)]
    return [value]


def test_every_fault_has_advice() -> None:
    """Wherever a check makes a finding of a fault, it says what to do about it."""
    folder = Path(doctor.__file__).parent
    without = []
    for path in folder.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                has_fault = "fault" in given or len(call.args) > 1
                advice = given.get("advice") or (call.args[2] if len(call.args) > 2 else ast.Constant(""))
                if has_fault and any(isinstance(one, ast.Constant) and not one.value for one in choices(advice)):
                    without.append(f"{path.name}:{call.lineno}")
    assert without == []
