"""The stack's alarms: which of them are active."""

from collections.abc import Iterator

from partner_orders_console.operations.active_alarms import active_alarms
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at, counted


def alarms(stack: DeployedStack) -> Iterator[Finding]:
    """Name each alarm that is active."""
    active = 0
    for alarm in active_alarms(stack):
        active += 1
        note = f"since {at(alarm.since)}" if alarm.since else ""
        yield Finding(f"alarm {alarm.name}", alarm.what or "it is active", alarm.runbook or "See CloudWatch.", note)
    if not active:
        yield Finding("alarms", note=f"{counted(len(stack.alarm_names), 'alarm')}, none active")
