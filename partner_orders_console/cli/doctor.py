"""``partner-orders doctor``: the whole way, part by part, and what to do about each fault."""

import json
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import batched
from typing import Any
from urllib.parse import quote

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders.clock import from_text, now
from partner_orders.platform.credentials import CredentialsError, PartnerApiCredentials, check_secret
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.reconciler.report import UNDER_WAY, is_regular
from partner_orders_console.cli.errors import OperatorError, name_and_place, no_answer
from partner_orders_console.cli.output import AsJson, counted, print_json, print_text, working
from partner_orders_console.cli.secrets import webhook_header
from partner_orders_console.cli.stack import DeployedStack

_TIMEOUT = (3.05, 12.0)
_FUNCTIONS = ("Webhook", "Consumer", "Reconciler", "Publisher")
_QUEUES = {
    "OrderEventsDeadLettersUrl": "docs/runbooks/order-events-dead-letters.md",
    "PublisherDeadLettersUrl": "docs/runbooks/publisher-dead-letters.md",
    "ReconciliationDeadLettersUrl": "docs/runbooks/reconciliation-dead-letters.md",
}
# What lasts longer than this after a deployment, or after the first one, is a fault.
_FIRST_RUN = timedelta(minutes=30)
_LONGEST_RUN = timedelta(minutes=15)  # The function's own limit.
_FIRST_EVENT = timedelta(days=1)
_NOT_RUN = "docs/runbooks/reconciliation-not-run.md"
CLOCK_TOLERANCE = 60.0  # seconds
_NAMED = 3  # of the stores that could not be checked
_WEBHOOK_NEEDS = 3  # concurrent executions, beside the consumers and the reconciler


@dataclass(frozen=True)
class Finding:
    """``fault`` is empty where all is well; ``advice`` says what to do about it."""

    part: str
    fault: str = ""
    advice: str = ""
    note: str = ""


def doctor(context: typer.Context, as_json: AsJson = False) -> int:
    """Check everything that orders pass through. Exit status 1 if anything is wrong.

    Example: partner-orders doctor
    """
    stack = DeployedStack.find(context.obj)
    findings = [_stack(stack)]
    with working("looking") as shown:
        for check in CHECKS:
            if shown is not None:
                shown.update(f"looking at the {check.__name__.strip('_').replace('_', ' ')}")
            findings += _held(check, stack)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, style = ("FAULT", "red") if finding.fault else ("ok   ", "green")
            note = f"  ({finding.note})" if finding.note else ""
            print_text(f"{mark} {finding.part}{note}", style)
            if finding.fault:
                print_text(f"      {finding.fault}\n      {finding.advice}")
    return 1 if any(finding.fault for finding in findings) else 0


def _held(check: "Check", stack: DeployedStack) -> Iterator[Finding]:
    """A check's findings; that it could not look, or broke off, is one, too. Raises nothing."""
    part = check.__name__.strip("_").replace("_", " ")
    try:
        yield from check(stack)
    except OperatorError as error:
        yield Finding(part, error.what, error.advice)
    except ClientError as error:
        fault = f"AWS refused {error.operation_name}: {error.response['Error']['Code']}"
        yield Finding(part, fault, "It is not there any more, or you may not look: deploy the stack again.")
    except BotoCoreError as error:
        yield Finding(part, f"AWS did not answer: {type(error).__name__}", "Check the network and --region.")
    except requests.RequestException as error:
        yield Finding(part, no_answer(error), "Check the network, and the host's name.")
    except Exception as error:
        yield Finding(part, f"it could not be checked: {name_and_place(error)}", "Report it, with the command.")


# -- the checks -------------------------------------------------------------------------------------------------------


def _stack(stack: DeployedStack) -> Finding:
    """Without the stack there is nothing to check: raises OperatorError and botocore's errors."""
    status = stack.status
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status:
        return Finding("stack", note=f"{stack.name} in {stack.region}: {status}")
    return Finding("stack", f"its status is {status}", "Read its events in CloudFormation, and deploy again.")


def _clock(stack: DeployedStack) -> Iterator[Finding]:
    behind = seconds_behind(stack.client("sts").get_caller_identity())
    if abs(behind) > CLOCK_TOLERANCE:
        yield Finding("clock", clock_is_off(behind), "Set it: windows and days would be wrong.")
    else:
        yield Finding("clock")


def seconds_behind(answer: Mapping[str, Any]) -> float:
    """How far this machine's clock is behind that of an answer of AWS, or of its refusal; negative where it is ahead.
    0 where the answer has no time. Raises nothing."""
    try:
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return (date - now()).total_seconds()
    except (KeyError, ValueError, TypeError):  # No date, none that can be read, or one without a zone.
        return 0.0


def clock_is_off(behind: float) -> str:
    """``this machine's clock is 90 s behind``."""
    return f"this machine's clock is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead'}"


def _functions(stack: DeployedStack) -> Iterator[Finding]:
    client = stack.client("lambda")
    for name in _FUNCTIONS:
        output = f"{name}FunctionName"
        if output not in stack.outputs:
            continue
        part = f"function {name.lower()}"
        try:
            found = client.get_function_configuration(FunctionName=stack.outputs[output])
        except client.exceptions.ResourceNotFoundException:
            yield Finding(part, "it is not there", "Deploy the stack again.")
            continue
        state = found.get("State", "Active")
        reserved = client.get_function_concurrency(FunctionName=stack.outputs[output])
        if state not in {"Active", "Inactive"}:
            yield Finding(part, f"its state is {state}", "Deploy the stack again.")
        elif reserved.get("ReservedConcurrentExecutions") == 0:
            advice = f"aws lambda delete-function-concurrency --function-name {stack.outputs[output]}"
            yield Finding(part, "it is throttled: no execution is allowed", advice)
        elif not _has_policy(stack, found["Role"].rpartition("/")[2]):
            advice = "aws iam put-role-policy, with what template.yaml has: a deployment leaves what is changed by hand"
            yield Finding(part, "its role has no policy, so it may do nothing", advice)
        else:
            yield Finding(part)


def _has_policy(stack: DeployedStack, role: str) -> bool:
    """True also where the operator may not look."""
    try:
        return bool(stack.client("iam").list_role_policies(RoleName=role)["PolicyNames"])
    except ClientError as error:
        if "Denied" in error.response["Error"]["Code"]:
            return True
        raise


def _event_sources(stack: DeployedStack) -> Iterator[Finding]:
    client = stack.client("lambda")
    for name, what in (("Consumer", "order-events queue"), ("Publisher", "table's stream")):
        output = f"{name}FunctionName"
        if output not in stack.outputs:
            continue
        part = f"event source of the {name.lower()}"
        mappings = client.list_event_source_mappings(FunctionName=stack.outputs[output])["EventSourceMappings"]
        if not mappings:
            yield Finding(part, f"nothing calls it with the {what}", "Deploy the stack again.")
        for mapping in mappings:
            state = mapping.get("State", "")
            if state in {"Enabled", "Enabling", "Updating"}:
                yield Finding(part, note=what)
            else:
                yield Finding(
                    part, f"it is {state}", f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled"
                )


def _queue(stack: DeployedStack) -> Iterator[Finding]:
    part = "order-events queue"
    attributes = _attributes(stack, "OrderEventsQueueUrl")
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    letters = _attributes(stack, "OrderEventsDeadLettersUrl")["QueueArn"]
    usual_redrive = json.dumps({"deadLetterTargetArn": letters, "maxReceiveCount": 80})
    if redrive.get("deadLetterTargetArn") != letters:
        yield Finding(
            part, "what fails does not go to the dead letters", _set_queue(stack, RedrivePolicy=usual_redrive)
        )
    elif int(redrive.get("maxReceiveCount", 0)) < 80:
        yield Finding(part, "messages become dead letters too soon", _set_queue(stack, RedrivePolicy=usual_redrive))
    elif int(attributes["MessageRetentionPeriod"]) < 345_600:
        advice = _set_queue(stack, MessageRetentionPeriod="345600")
        yield Finding(part, "messages are dropped before they are dead letters", advice)
    elif int(attributes["VisibilityTimeout"]) < 180:
        advice = _set_queue(stack, VisibilityTimeout="300")
        yield Finding(part, "messages come back while they are worked on", advice)
    elif int(attributes.get("DelaySeconds", 0)) > 0:
        yield Finding(part, "messages wait before they are worked on", _set_queue(stack, DelaySeconds="0"))
    elif attributes.get("Policy"):
        # The roles say who may use the queue.
        yield Finding(part, "it has a policy of its own", _set_queue(stack, Policy=""))
    else:
        waiting = int(attributes["ApproximateNumberOfMessages"])
        yield Finding(part, note=f"{waiting} waiting")


def _set_queue(stack: DeployedStack, **attributes: str) -> str:
    """What puts back an attribute that somebody changed by hand: a deployment leaves it, since to CloudFormation
    nothing has changed."""
    url = stack.output("OrderEventsQueueUrl")
    return f"aws sqs set-queue-attributes --queue-url {url} --attributes {shlex.quote(json.dumps(attributes))}"


def _dead_letters(stack: DeployedStack) -> Iterator[Finding]:
    for output, runbook in _QUEUES.items():
        if output not in stack.outputs:
            continue
        attributes = _attributes(stack, output)
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        count = sum(int(attributes.get(name, 0)) for name in names)
        part = f"dead letters ({output.removesuffix('Url').removesuffix('DeadLetters')})"
        if count:
            yield Finding(part, f"{count} wait", f"partner-orders dead-letters list; {runbook}")
        else:
            yield Finding(part)


def _table(stack: DeployedStack) -> Iterator[Finding]:
    table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        yield Finding("table", f"its status is {table['TableStatus']}", "See docs/runbooks/restore-the-table.md.")
    elif "PublisherFunctionName" in stack.outputs and not table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield Finding("table", "its stream is off, so nothing is published", "Deploy the stack again.")
    else:
        yield Finding("table", note=stack.table_name)


def _bus(stack: DeployedStack) -> Iterator[Finding]:
    if "OrderChangesBusName" not in stack.outputs:
        return
    name = stack.outputs["OrderChangesBusName"]
    try:
        stack.client("events").describe_event_bus(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        advice = f"aws events create-event-bus --name {name}; then partner-orders dead-letters redrive publisher"
        yield Finding("event bus", "it is not there, so nothing is published", advice)
        return
    yield Finding("event bus", note=name)


def _schedule(stack: DeployedStack) -> Iterator[Finding]:
    try:
        found = stack.client("scheduler").get_schedule(Name=f"{stack.name}-reconciliation")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield Finding("schedule", "it is not there", "Deploy the stack again.")
        return
    if found["State"] != "ENABLED":
        yield Finding("schedule", "it is off", "Missed webhooks stay missed: deploy with ReconciliationState=ENABLED.")
    elif not found["Target"]["Arn"].endswith(f":function:{stack.output('ReconcilerFunctionName')}"):
        # A deployment leaves what is changed by hand, until it changes the schedule itself.
        advice = "Deploy with ReconciliationState=DISABLED, then with ENABLED: that writes the schedule anew."
        yield Finding("schedule", f"it calls {found['Target']['Arn']}, not the reconciler", advice)
    else:
        yield Finding("schedule", note=found["ScheduleExpression"])


def _webhook(stack: DeployedStack) -> Iterator[Finding]:
    part = "webhook"
    try:
        secret = webhook_header(stack)
    except ClientError as error:
        yield _unreadable("webhook secret", stack.output("WebhookSecretArn"), error)
        return
    except OperatorError as error:
        yield Finding("webhook secret", error.what, error.advice)
        return
    if not secret:
        yield Finding("webhook secret", "it is empty", "partner-orders secrets rotate-webhook")
        return
    yield Finding("webhook secret")
    # An empty body is refused with 400 once the secret was taken, and nothing is queued.
    for given, expected, fault in (
        (secret, 400, "the secret is not taken"),
        ("", 401, "it lets in who has no secret"),
        (secret[::-1] + "x", 401, "it lets in who has another secret"),
    ):
        headers = {**stack.headers, **({"Authorization": given} if given else {})}
        try:
            status = requests.post(
                stack.webhook_url, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ).status_code
        except requests.RequestException as error:
            yield Finding(
                part, f"it does not answer: {type(error).__name__}", f"Is {stack.webhook_url} right? Deploy again."
            )
            return
        if status != expected:
            what = fault if status in {200, 400, 401} else "it fails"
            rotated = "Was it rotated less than a minute ago? If not: " if status == 401 else ""
            yield Finding(part, f"{what}: it answered {status}", f"{rotated}Read the webhook's log.")
            return
    yield Finding(part, note=stack.webhook_url)


def _partner_api(stack: DeployedStack) -> Iterator[Finding]:
    part = "Partner API"
    arn = stack.output("PartnerApiSecretArn")
    try:
        text = stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except ClientError as error:
        yield _unreadable(f"{part} credentials", arn, error)
        return
    try:
        check_secret(text)
    except CredentialsError as error:
        yield Finding(f"{part} credentials", str(error), "partner-orders secrets set-token")
        return
    yield Finding(f"{part} credentials")
    base_url, chain_id = stack.parameters["PartnerApiBaseUrl"].rstrip("/"), stack.parameters["ChainId"]
    rate_limit = RateLimit(2, time.monotonic, time.sleep)
    client = stack.client("secretsmanager")
    try:
        token = PartnerApiCredentials(client, arn, base_url, requests.Session(), rate_limit).token()
    except CredentialsError as error:
        yield Finding(part, str(error), "partner-orders secrets set-client; is PartnerApiBaseUrl the brand's host?")
        return
    except requests.RequestException as error:
        yield _silent(part, base_url, error)
        return
    stores = stack.stores.all()
    # A paused store may be closed for good, and the platform may refuse to tell of it.
    asked = [store.store_id for store in stores if not store.is_paused]
    if stores and not asked:
        yield Finding(part, note=f"{base_url}; not asked for orders: every store is paused")
        return
    vendor_id = asked[0] if asked else "none"
    times = {"start_time": now() - timedelta(minutes=10), "end_time": now()}
    try:
        answer = requests.get(
            f"{base_url}/v2/chains/{quote(chain_id, safe='')}/vendors/{quote(vendor_id, safe='')}/orders",
            params={name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()} | {"page_size": "1"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        yield _silent(part, base_url, error)
        return
    match answer.status_code:
        case 200 | 404:  # 404: the token is taken, and the store is not known
            yield Finding(part, note=base_url)
        case 401:
            yield Finding(
                part, "it refuses the token", "partner-orders secrets set-token; docs/runbooks/partner-api-refused.md"
            )
        case 403:
            yield Finding(part, f"the token does not cover store {vendor_id}", "Ask the platform.")
        case 429:
            yield Finding(part, "it is blocked: too many requests", "docs/runbooks/partner-api-blocked.md")
        case status:
            yield Finding(part, f"it answered {status}", "Wait, and try again; then ask the platform.")


def _silent(part: str, base_url: str, error: requests.RequestException) -> Finding:
    advice = "Is PartnerApiBaseUrl the brand's host? If it is: check the network, and ask the platform."
    return Finding(part, f"{base_url} does not answer: {type(error).__name__}", advice)


def _reconciliation(stack: DeployedStack) -> Iterator[Finding]:
    part = "reconciliation"
    # What somebody called for looked at what they named, and is no sign of the schedule.
    reports = [*filter(is_regular, stack.reconciliation.reports(now() - timedelta(hours=1), now()))]
    if not reports and now() - stack.deployed_at < _FIRST_RUN:
        yield Finding(part, note="none yet since the deployment: the schedule has still to come round")
        return
    if not reports:
        yield Finding(part, "no run in the last hour", _NOT_RUN)
        return
    # One that has just begun says nothing yet.
    last = next((one for one in reversed(reports) if one["stopped"] != UNDER_WAY), reports[-1])
    failed, stopped = last["failed_stores"], last["stopped"]
    if stopped == UNDER_WAY and now() - from_text(last["started_at"]) < _LONGEST_RUN:
        yield Finding(part, note=f"under way since {last['started_at'][:19]}")
        return
    if stopped == UNDER_WAY or stopped.startswith("error:"):
        yield Finding(part, f"the last run did not come to its end: {stopped}", "docs/runbooks/reconciler-errors.md")
    if failed:
        kinds = ", ".join(sorted({*failed.values()}))
        some = ", ".join(sorted(failed)[:_NAMED]) + (", ..." if len(failed) > _NAMED else "")
        yield Finding(
            part,
            f"{counted(len(failed), 'store')} could not be checked ({some}): {kinds}",
            "partner-orders reconcile reports; docs/runbooks/stores-not-reconciled.md",
        )
    elif not stopped.startswith("error:"):
        yield Finding(part, note=f"last run {last['started_at'][:19]}{', ' + stopped if stopped else ''}")


def _stores(stack: DeployedStack) -> Iterator[Finding]:
    stores = stack.stores.all()
    if not stores:
        others = stack.orders.stores_with_orders(datetime.min.replace(tzinfo=UTC), now()) - {""}
        if others:
            yield Finding("stores", "orders come, and none is of our chain", "Deploy with the right ChainId.")
        elif now() - stack.created_at < _FIRST_EVENT:
            yield Finding("stores", note="none yet: a store's first event registers it (partner-orders register)")
        else:
            yield Finding("stores", "none is registered", "Its first event registers a store: partner-orders register.")
        return
    bare = sum(not (store.time_zone and store.trading_hours and store.currency) for store in stores)
    yield Finding(
        "stores", note=f"{len(stores)} registered" + (f", {bare} without zone, hours or currency" if bare else "")
    )


def _alarms(stack: DeployedStack) -> Iterator[Finding]:
    client, ringing = stack.client("cloudwatch"), 0
    for some in batched(stack.alarm_names, 100, strict=False):
        pages = client.get_paginator("describe_alarms").paginate(AlarmNames=list(some))
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"] if alarm["StateValue"] == "ALARM"):
            what, _, runbook = alarm.get("AlarmDescription", "").partition(" Runbook: ")
            if runbook == _NOT_RUN and now() - stack.deployed_at < _FIRST_RUN:
                continue  # It counts the time before the deployment, too.
            ringing += 1
            yield Finding(f"alarm {alarm['AlarmName']}", what or "it is in ALARM", runbook or "See CloudWatch.")
    if not ringing:
        yield Finding("alarms", note=f"{counted(len(stack.alarm_names), 'alarm')}, none rings")


def _concurrency(stack: DeployedStack) -> Iterator[Finding]:
    part = "concurrency"
    # What other functions have reserved is theirs; this stack reserves nothing.
    free = stack.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    needed = int(stack.parameters.get("ConsumerConcurrency", "5")) + 1 + _WEBHOOK_NEEDS
    if free < needed:
        yield Finding(
            part,
            f"the account leaves {free} executions at once to what reserves none, this stack needs {needed}",
            "Ask AWS for more, or reserve less for other functions.",
        )
    else:
        yield Finding(part, note=f"{free} executions at once")


def _unreadable(part: str, arn: str, error: ClientError) -> Finding:
    """Of a secret; Secrets Manager keeps a deleted one for some days."""
    code = error.response["Error"]["Code"]
    if code == "InvalidRequestException":
        return Finding(part, "it is about to be deleted", f"aws secretsmanager restore-secret --secret-id {arn}")
    return Finding(part, f"it cannot be read: {code}", "Deploy the stack again, unless it is you who may not read it.")


def _attributes(stack: DeployedStack, output: str) -> dict[str, Any]:
    return dict(
        stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    )


type Check = Callable[[DeployedStack], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    *(_clock, _functions, _event_sources, _queue, _dead_letters, _table, _bus, _schedule),
    *(_webhook, _partner_api, _reconciliation, _stores, _alarms, _concurrency),
)
