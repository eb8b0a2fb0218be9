"""The stack's alarms that are active: what each says, its runbook, and since when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from partner_orders.clock import now
from partner_orders_console.operations.stack import DeployedStack

# What lasts longer than this after a deployment is a fault.
FIRST_RUN = timedelta(minutes=30)
NOT_RUN = "docs/runbooks/reconciliation-not-run.md"
_COUNT_THE_TIME_BEFORE = {NOT_RUN, "docs/runbooks/pusher-not-running.md"}
_AT_ONCE = 100  # alarms that CloudWatch takes by name


@dataclass(frozen=True)
class ActiveAlarm:
    """``since`` is when it became active (UTC), as far as CloudWatch says; ``kind`` its logical id in the template,
    without "Alarm", where that was looked up."""

    name: str
    what: str
    runbook: str
    since: datetime | None
    kind: str = ""


def active_alarms(stack: DeployedStack) -> Iterator[ActiveAlarm]:
    """Each alarm of the stack that is active; in the first half hour not those that miss runs, as they count the time
    before the deployment too. Raises botocore's errors."""
    client = stack.client("cloudwatch")
    for some in batched(stack.alarm_names, _AT_ONCE, strict=False):
        pages = client.get_paginator("describe_alarms").paginate(AlarmNames=list(some), StateValue="ALARM")
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"] if alarm["StateValue"] == "ALARM"):
            what, _, runbook = alarm.get("AlarmDescription", "").partition(" Runbook: ")
            if runbook not in _COUNT_THE_TIME_BEFORE or now() - stack.deployed_at >= FIRST_RUN:
                yield ActiveAlarm(alarm["AlarmName"], what, runbook, alarm.get("StateUpdatedTimestamp"))
