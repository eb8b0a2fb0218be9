"""The stack's alarms: which of them are active."""

from collections.abc import Iterator
from itertools import batched

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.doctor.reconciliation import FIRST_RUN, NOT_RUN
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted


def alarms(stack: DeployedStack) -> Iterator[Finding]:
    """Name each alarm that is active."""
    client, active = stack.client("cloudwatch"), 0
    for some in batched(stack.alarm_names, 100, strict=False):
        pages = client.get_paginator("describe_alarms").paginate(AlarmNames=list(some))
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"] if alarm["StateValue"] == "ALARM"):
            what, _, runbook = alarm.get("AlarmDescription", "").partition(" Runbook: ")
            if runbook == NOT_RUN and now() - stack.deployed_at < FIRST_RUN:
                continue  # It counts the time before the deployment, too.
            active += 1
            since = at(alarm.get("StateUpdatedTimestamp"))
            note = f"since {since}" if since else ""
            yield Finding(f"alarm {alarm['AlarmName']}", what or "it is active", runbook or "See CloudWatch.", note)
    if not active:
        yield Finding("alarms", note=f"{counted(len(stack.alarm_names), 'alarm')}, none active")
