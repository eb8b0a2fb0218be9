"""The functions, what calls them, and how many may run at once."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from partner_orders_console.operations.consumer_pause import present_pause
from partner_orders_console.operations.doctor.finding import Finding, Fix
from partner_orders_console.operations.logs import FUNCTIONS
from partner_orders_console.operations.stack import DeployedStack

# Concurrent executions, beside the consumers: a new table's stream has four shards, and a publisher reads each.
_PUBLISHERS, _RECONCILERS, _WEBHOOK_NEEDS = 4, 1, 3
# Two senders and the sweep, and one call of the answers API.
_ANSWERS_NEED = 4


def functions(stack: DeployedStack) -> Iterator[Finding]:
    """Check that each function may run."""
    client = stack.client("lambda")
    for name in map(str.title, FUNCTIONS):
        output = f"{name}FunctionName"
        if output not in stack.outputs:
            continue
        part = f"function {name.lower()}"
        try:
            found = client.get_function_configuration(FunctionName=stack.outputs[output])
        except client.exceptions.ResourceNotFoundException:
            yield Finding(part, "it does not exist", "Deploy the stack again.")
            continue
        state = found.get("State", "Active")
        reserved = client.get_function_concurrency(FunctionName=stack.outputs[output])
        if state not in {"Active", "Inactive"}:
            yield Finding(part, f"its state is {state}", "Deploy the stack again.")
        elif reserved.get("ReservedConcurrentExecutions") == 0:
            advice = f"aws lambda delete-function-concurrency --function-name {stack.outputs[output]}"
            yield Finding(part, "it is throttled: its reserved concurrency is 0", advice)
        elif not _has_policy(stack, found["Role"].rpartition("/")[2]):
            advice = "Restore the policy of template.yaml with aws iam put-role-policy: deploying would not."
            yield Finding(part, "its role has no policy, so AWS denies all its calls", advice)
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


def event_sources(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the queue and the table's stream call their functions."""
    called_by = {"Consumer": "order-events queue", "Publisher": "table's stream", "Sender": "answers queue"}
    for name, what in called_by.items():
        if f"{name}FunctionName" not in stack.outputs:
            continue
        part = f"event source of the {name.lower()}"
        mappings = stack.event_sources(name)
        if not mappings:
            yield Finding(part, f"the {what} does not call it", "Deploy the stack again.")
        for mapping in mappings:
            yield _event_source(stack, name, part, what, mapping)


def _event_source(stack: DeployedStack, name: str, part: str, what: str, mapping: dict[str, str]) -> Finding:
    state, uuid = mapping.get("State", ""), mapping["UUID"]
    if state in {"Enabled", "Enabling", "Updating"}:
        return Finding(part, note=what)
    if name == "Consumer" and (pause := present_pause(stack)):
        return Finding(part, note=f"{state}, because the consumer is paused: {pause}")
    client = stack.client("lambda")
    fix = Fix(f"switch the {part} on", lambda: client.update_event_source_mapping(UUID=uuid, Enabled=True))
    advice = f"partner-orders doctor --fix, or aws lambda update-event-source-mapping --uuid {uuid} --enabled"
    return Finding(part, f"it is {state}", advice, fix=fix)


def concurrency(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the account leaves this stack enough executions at once."""
    part = "concurrency"
    # What other functions have reserved is theirs; this stack reserves nothing.
    free = stack.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    consumers = int(stack.parameters.get("ConsumerConcurrency", "2"))
    publishers = _PUBLISHERS if "PublisherFunctionName" in stack.outputs else 0
    answers = _ANSWERS_NEED if "SenderFunctionName" in stack.outputs else 0
    needed = consumers + publishers + _RECONCILERS + _WEBHOOK_NEEDS + answers
    if free < needed:
        yield Finding(
            part,
            f"the account leaves {free} executions at once to functions that reserve none; this stack needs {needed}",
            "Ask AWS for more, reserve less for other functions, or lower ConsumerConcurrency.",
        )
    else:
        yield Finding(part, note=f"{free} executions at once")
