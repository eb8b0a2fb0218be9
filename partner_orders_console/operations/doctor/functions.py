"""The functions, what calls them, and how many may run at once."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack

_FUNCTIONS = ("Webhook", "Consumer", "Reconciler", "Publisher")
# Concurrent executions, beside the consumers: a new table's stream has four shards, and a publisher reads each.
_PUBLISHERS, _RECONCILERS, _WEBHOOK_NEEDS = 4, 1, 3


def functions(stack: DeployedStack) -> Iterator[Finding]:
    """Check that each function may run."""
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


def event_sources(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the queue and the table's stream call their functions."""
    client = stack.client("lambda")
    for name, what in (("Consumer", "order-events queue"), ("Publisher", "table's stream")):
        output = f"{name}FunctionName"
        if output not in stack.outputs:
            continue
        part = f"event source of the {name.lower()}"
        # Lambda lists an alias's mappings under the alias's own name only.
        called = stack.outputs[output] + (":live" if stack.parameters.get("GradualDeployment") == "ENABLED" else "")
        mappings = client.list_event_source_mappings(FunctionName=called)["EventSourceMappings"]
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


def concurrency(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the account leaves this stack enough executions at once."""
    part = "concurrency"
    # What other functions have reserved is theirs; this stack reserves nothing.
    free = stack.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    consumers = int(stack.parameters.get("ConsumerConcurrency", "2"))
    publishers = _PUBLISHERS if "PublisherFunctionName" in stack.outputs else 0
    needed = consumers + publishers + _RECONCILERS + _WEBHOOK_NEEDS
    if free < needed:
        yield Finding(
            part,
            f"the account leaves {free} executions at once to what reserves none, this stack needs {needed}",
            "Ask AWS for more, reserve less for other functions, or lower ConsumerConcurrency.",
        )
    else:
        yield Finding(part, note=f"{free} executions at once")
