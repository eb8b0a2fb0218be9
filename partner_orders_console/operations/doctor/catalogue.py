"""The catalogue's stack, where one is deployed beside the orders stack: whether both fit, and whether it works."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from botocore.exceptions import ClientError

from partner_orders.clock import now
from partner_orders.platform.session import AS_GIVEN
from partner_orders_console.operations.active_alarms import active_alarms
from partner_orders_console.operations.catalogue.overview import StoreStanding, standings
from partner_orders_console.operations.catalogue_stack import CatalogueStack, shared_parameters
from partner_orders_console.operations.doctor.finding import TIMEOUT, Finding, Fix
from partner_orders_console.operations.doctor.findings import findings
from partner_orders_console.operations.doctor.sftp import sftp
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.uploads.server import has_sftp
from partner_orders_console.operations.webhook_secret import webhook_header
from partner_orders_console.operations.words import ago, at, counted

FUNCTIONS = ("Loader", "Pusher", "Urgent", "CatalogueWebhook")
# Those that a schedule calls, with what the schedule's name ends in.
SCHEDULES = {"Loader": "load", "Pusher": "push"}
# AWS keeps so many executions for functions that reserve none; each of the catalogue's reserves one.
UNRESERVED = 100
_DEAD_LETTERS = {"Files": "files", "Callbacks": "callbacks", "Urgent": "urgent changes"}
_QUEUES = ("Files", "Callbacks", "Urgent")
_DEPLOY = "Run make deploy-catalogue for this environment."
_LONGEST_WAIT = timedelta(hours=1)
_NAMED = 3  # stores


def catalogue(stack: DeployedStack) -> Iterator[Finding]:
    """Check the catalogue beside the stack: nothing where there is none, and none is wanted."""
    wanted = stack.parameters.get("Catalogue")
    if wanted is None:  # A stack of an earlier version.
        return
    found = CatalogueStack.of(stack)
    if found is None:
        if wanted == "ENABLED":
            yield Finding("catalogue", note="none is deployed yet: make deploy-catalogue")
        return
    yield _stack(found, wanted)
    if "CatalogueTableName" not in found.outputs:
        return
    checks: tuple[Callable[[CatalogueStack], Iterator[Finding]], ...] = (
        *(_parameters, _forwarding, _concurrency, _functions, _schedules, _urgent_source),
        *(_webhook, _queues, _stores, sftp, _alarms),
    )
    for check in checks:
        yield from findings(f"catalogue's {check.__name__.strip('_')}", partial(check, found))


def _stack(found: CatalogueStack, wanted: str) -> Finding:
    status = found.deployed.status
    if not status.endswith("_COMPLETE") or "ROLLBACK" in status or "DELETE" in status:
        return Finding("catalogue", f"its status is {status}", f"Read its events in CloudFormation. {_DEPLOY}")
    if wanted != "ENABLED":
        fault = "the orders stack is deployed with Catalogue=DISABLED, so the two do not share the rate limit"
        return Finding("catalogue", fault, "Deploy the orders stack with Catalogue=ENABLED, then the catalogue again.")
    return Finding("catalogue", note=f"{found.name}: {status}")


def _parameters(found: CatalogueStack) -> Iterator[Finding]:
    """Compare its parameters with what the orders stack has now: nothing else keeps them alike."""
    now_there = shared_parameters(found.orders.outputs, found.orders.parameters)
    stale = sorted(name for name, value in now_there.items() if found.parameters.get(name, "") != value)
    if stale:
        fault = f"the orders stack has changed since: {', '.join(stale)}"
        yield Finding("catalogue's parameters", fault, _DEPLOY)
    else:
        yield Finding("catalogue's parameters")


def _forwarding(found: CatalogueStack) -> Iterator[Finding]:
    """Check to which queue the orders' consumer forwards callbacks, where it does."""
    part, given = "catalogue's callbacks", found.orders.parameters.get("CatalogueCallbacksQueueArn", "")
    if given and given != found.output("CallbacksQueueArn"):
        fault = "the orders stack forwards them to another queue"
        advice = f"Deploy the orders stack with CatalogueCallbacksQueueArn={found.output('CallbacksQueueArn')}"
        yield Finding(part, fault, advice)
    elif given:
        yield Finding(part, note="forwarded by the orders stack, too")
    else:
        yield Finding(part, note="the plug-in's URL for the catalogue is to be that of its webhook")


def _concurrency(found: CatalogueStack) -> Iterator[Finding]:
    """Check that the account has the executions that the functions reserve."""
    whole = found.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    needed = UNRESERVED + len(_functions_of(found))
    if whole < needed:
        fault = f"the account may run {whole} functions at once; with the catalogue it needs {needed}"
        yield Finding("catalogue's concurrency", fault, "Ask AWS to raise Lambda's concurrent executions.")
    else:
        yield Finding("catalogue's concurrency", note=f"{whole} executions at once in the account")


def _functions(found: CatalogueStack) -> Iterator[Finding]:
    client = found.client("lambda")
    for name in _functions_of(found):
        part, function = f"function {_spoken(name)}", found.output(f"{name}FunctionName")
        try:
            state = client.get_function_configuration(FunctionName=function).get("State", "Active")
        except client.exceptions.ResourceNotFoundException:
            yield Finding(part, "it does not exist", _DEPLOY)
            continue
        reserved = client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions")
        if state not in {"Active", "Inactive"}:
            yield Finding(part, f"its state is {state}", _DEPLOY)
        elif reserved != 1:
            how_many = "no execution" if reserved is None else counted(reserved, "execution")
            put = f"aws lambda put-function-concurrency --function-name {function} --reserved-concurrent-executions 1"
            yield Finding(part, f"it reserves {how_many}, and should reserve 1", put)
        else:
            yield Finding(part)


def _functions_of(found: CatalogueStack) -> tuple[str, ...]:
    """The functions of the stack; the uploader is there only with SFTP."""
    return (*FUNCTIONS, "Uploader") if has_sftp(found) else FUNCTIONS


def _spoken(name: str) -> str:
    return "catalogue webhook" if name == "CatalogueWebhook" else name.lower()


def _schedules(found: CatalogueStack) -> Iterator[Finding]:
    """Check that the loader and the pusher are called each minute, and the uploader each five."""
    client = found.client("scheduler")
    for name, ending in (SCHEDULES | ({"Uploader": "upload"} if has_sftp(found) else {})).items():
        part = f"schedule of the {name.lower()}"
        try:
            schedule = client.get_schedule(Name=f"{found.name}-{ending}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            yield Finding(part, "it does not exist", _DEPLOY)
            continue
        if schedule["State"] == "ENABLED":
            yield Finding(part, note=schedule["ScheduleExpression"])
        else:
            fix = Fix(f"switch the {part} on", partial(_switch_on, client, schedule))
            yield Finding(part, "it is off", "Somebody switched it off by hand: partner-orders doctor --fix", fix=fix)


def _switch_on(client: Any, schedule: dict[str, Any]) -> None:
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{name: schedule[name] for name in kept if name in schedule}, State="ENABLED")


def _urgent_source(found: CatalogueStack) -> Iterator[Finding]:
    """Check that urgent messages call their function."""
    part, client = "event source of urgent changes", found.client("lambda")
    listed = client.list_event_source_mappings(FunctionName=found.output("UrgentFunctionName"))["EventSourceMappings"]
    if not listed:
        yield Finding(part, "the urgent queue does not call it", _DEPLOY)
    for mapping in listed:
        state, uuid = mapping.get("State", ""), mapping["UUID"]
        if state in {"Enabled", "Enabling", "Updating"}:
            yield Finding(part)
            continue
        switch_on = partial(client.update_event_source_mapping, UUID=uuid, Enabled=True)
        fix = Fix(f"switch the {part} on", switch_on)
        yield Finding(part, f"it is {state}", "partner-orders doctor --fix", fix=fix)


def _webhook(found: CatalogueStack) -> Iterator[Finding]:
    """Post to the webhook with the secret and without one. An empty body gets 200, and nothing is enqueued."""
    part = "catalogue webhook"
    secret = webhook_header(found.orders)
    for given, expected, fault in ((secret, 200, "it does not accept the secret"), ("", 401, "it accepts any request")):
        headers = {**found.webhook_headers, **({"Authorization": given} if given else {})}
        try:
            response = requests.post(
                found.webhook_url, headers=headers, timeout=TIMEOUT, allow_redirects=False, auth=AS_GIVEN
            )
        except requests.RequestException as error:
            yield Finding(part, f"it does not respond: {type(error).__name__}", _DEPLOY)
            return
        if response.status_code != expected:
            what = fault if response.status_code in {200, 401} else "it fails"
            yield Finding(part, f"{what}: it responded with {response.status_code}", "Read its log group.")
            return
    yield Finding(part, note=found.webhook_url)


def _queues(found: CatalogueStack) -> Iterator[Finding]:
    waiting = {name: _messages(found, f"{name}QueueUrl") for name in _QUEUES}
    yield Finding("catalogue's queues", note=", ".join(f"{_DEAD_LETTERS[name]}: {waiting[name]}" for name in _QUEUES))
    for name, what in _DEAD_LETTERS.items():
        part, count = f"dead letters ({what})", _messages(found, f"{name}DeadLettersUrl")
        runbook = f"docs/runbooks/{name.lower()}-dead-letters.md"
        yield Finding(part, counted(count, "dead-letter message"), runbook) if count else Finding(part)


def _messages(found: CatalogueStack, output: str) -> int:
    """How many messages are in a queue, also those that somebody works on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = found.output(output)
    attributes = found.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes.get(name, 0)) for name in names)


def _stores(found: CatalogueStack) -> Iterator[Finding]:
    """Judge the stores by what waits and what is held."""
    part, every = "stores of the catalogue", standings(found)
    if not every:
        yield Finding(part, note="none yet: partner-orders catalogue set STORE puts one in")
        return
    late = [store for store in every if _waits_too_long(store)]
    for store in late[:_NAMED]:
        since = store.waiting_since
        fault = f"{counted(store.waiting, 'change')} waiting since {at(since)} ({ago(since, now())})" if since else ""
        yield Finding(f"store {store.store_id}", fault, "docs/runbooks/changes-waiting.md")
    files = [store.store_id for store in every if store.held_files]
    if files:
        fault = f"{counted(sum(store.held_files for store in every), 'file')} held, of {', '.join(files[:_NAMED])}"
        yield Finding("held files", fault, "partner-orders catalogue held; docs/runbooks/files-held.md")
    prices = sum(store.held_prices for store in every)
    if prices:
        yield Finding("held prices", f"{counted(prices, 'price')} held", "docs/runbooks/prices-held.md")
    sending = sum(store.settings.is_sending for store in every)
    if len(late) <= _NAMED:
        yield Finding(part, note=f"{len(every)}, of which {sending} are sent")
    else:
        yield Finding(part, f"{len(late)} have changes that wait for too long", "docs/runbooks/changes-waiting.md")


def _waits_too_long(store: StoreStanding) -> bool:
    since = store.waiting_since
    return store.settings.sends_by_api and since is not None and now() - since > _LONGEST_WAIT


def _alarms(found: CatalogueStack) -> Iterator[Finding]:
    active = [*active_alarms(found.deployed)]
    for alarm in active:
        note = f"since {at(alarm.since)}" if alarm.since else ""
        yield Finding(f"alarm {alarm.name}", alarm.what or "it is active", alarm.runbook or "See CloudWatch.", note)
    if not active:
        names = found.deployed.alarm_names
        yield Finding("catalogue's alarms", note=f"{counted(len(names), 'alarm')}, none active")
