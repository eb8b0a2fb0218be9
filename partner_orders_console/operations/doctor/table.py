"""The table, and the bus that its changes are published on."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack


def table(stack: DeployedStack) -> Iterator[Finding]:
    """Check the table and its stream."""
    table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
        yield Finding("table", f"its status is {table['TableStatus']}", "See docs/runbooks/restore-the-table.md.")
    elif "PublisherFunctionName" in stack.outputs and not table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield Finding("table", "its stream is off, so nothing is published", "Deploy the stack again.")
    else:
        yield Finding("table", note=stack.table_name)


def bus(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the event bus exists."""
    if "OrderChangesBusName" not in stack.outputs:
        return
    name = stack.outputs["OrderChangesBusName"]
    try:
        stack.client("events").describe_event_bus(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        advice = (
            f"aws events create-event-bus --name {name}, deploy the subscribers again, then partner-orders orders"
            " publish for the orders that changed meanwhile. See docs/runbooks/publisher-dead-letters.md."
        )
        yield Finding("event bus", "it does not exist, and EventBridge drops what the publisher sends", advice)
        return
    yield Finding("event bus", note=name)
