"""Every check, one after the other, and what to do about each fault."""

from collections.abc import Iterator
from functools import partial

from partner_orders_console.operations.doctor.alarms import alarms
from partner_orders_console.operations.doctor.catalogue import catalogue
from partner_orders_console.operations.doctor.clock import clock
from partner_orders_console.operations.doctor.dashboard import dashboard
from partner_orders_console.operations.doctor.finding import Check, Finding
from partner_orders_console.operations.doctor.findings import findings
from partner_orders_console.operations.doctor.functions import concurrency, event_sources, functions
from partner_orders_console.operations.doctor.last_webhooks import last_webhooks
from partner_orders_console.operations.doctor.partner_api import partner_api
from partner_orders_console.operations.doctor.pauses import paused_consumer, paused_stores
from partner_orders_console.operations.doctor.queues import dead_letters, queue
from partner_orders_console.operations.doctor.reconciliation import reconciliation, schedule
from partner_orders_console.operations.doctor.rejected import rejected_events
from partner_orders_console.operations.doctor.repairs import repairs
from partner_orders_console.operations.doctor.secret_use import refused_requests, secret_use
from partner_orders_console.operations.doctor.stores import stores
from partner_orders_console.operations.doctor.table import bus, table
from partner_orders_console.operations.doctor.webhook import webhook
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack

# In the order of the flow.
CHECKS: tuple[Check, ...] = (
    clock,
    functions,
    event_sources,
    paused_consumer,
    queue,
    dead_letters,
    table,
    bus,
    schedule,
    webhook,
    secret_use,
    refused_requests,
    last_webhooks,
    rejected_events,
    partner_api,
    reconciliation,
    stores,
    paused_stores,
    alarms,
    dashboard,
    concurrency,
    catalogue,
    repairs,
)


def examine(stack: DeployedStack, progress: Progress = silent) -> list[Finding]:
    """Check everything that orders pass through, in the order of the flow.

    Raises OperatorError and botocore's errors where there is no stack to examine.
    """
    return [finding for _, finding in examine_by_check(stack, progress)]


def examine_by_check(stack: DeployedStack, progress: Progress = silent) -> Iterator[tuple[str, Finding]]:
    """The same, each finding with the name of its check; the first is of the stack as a whole."""
    yield "stack", _stack(stack)
    for check in CHECKS:
        part = check.__name__.strip("_").replace("_", " ")
        progress(f"looking at the {part}")
        yield from ((check.__name__, finding) for finding in findings(part, partial(check, stack)))


def _stack(stack: DeployedStack) -> Finding:
    """Without the stack there is nothing to check: raises OperatorError and botocore's errors."""
    status = stack.status
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status:
        return Finding("stack", note=f"{stack.name} in {stack.region}: {status}")
    return Finding("stack", f"its status is {status}", "Read its events in CloudFormation, and deploy again.")
