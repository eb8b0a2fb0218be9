"""The reconciler's schedule, and its last run."""

from collections.abc import Iterator
from datetime import timedelta

from botocore.exceptions import ClientError

from partner_orders.clock import from_text, now
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

# What lasts longer than this after a deployment is a fault.
FIRST_RUN = timedelta(minutes=30)
_LONGEST_RUN = timedelta(minutes=15)  # The function's own limit.
NOT_RUN = "docs/runbooks/reconciliation-not-run.md"
_NAMED = 3  # of the stores that could not be checked


def schedule(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the schedule is on and calls the reconciler."""
    try:
        found = stack.client("scheduler").get_schedule(Name=f"{stack.name}-run")
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


def reconciliation(stack: DeployedStack) -> Iterator[Finding]:
    """Judge the last regular run by its report."""
    part = "reconciliation"
    # What somebody called for looked at what they named, and is no sign of the schedule.
    reports = [*filter(is_regular, stack.reconciliation.reports(now() - timedelta(hours=1), now()))]
    if not reports and now() - stack.deployed_at < FIRST_RUN:
        yield Finding(part, note="none yet since the deployment: the schedule has still to come round")
        return
    if not reports:
        yield Finding(part, "no run in the last hour", NOT_RUN)
        return
    # One that has just begun says nothing yet.
    last = next((one for one in reversed(reports) if one["stopped"] != StopReason.UNDER_WAY), reports[-1])
    failed, stopped = last["failed_stores"], last["stopped"]
    reason = stop_reason(stopped)
    if reason is StopReason.UNDER_WAY and now() - from_text(last["started_at"]) < _LONGEST_RUN:
        yield Finding(part, note=f"under way since {last['started_at'][:19]}")
        return
    if reason in {StopReason.UNDER_WAY, StopReason.ERROR}:
        yield Finding(part, f"the last run did not come to its end: {stopped}", "docs/runbooks/reconciler-errors.md")
    if failed:
        kinds = ", ".join(sorted({*failed.values()}))
        some = ", ".join(sorted(failed)[:_NAMED]) + (", ..." if len(failed) > _NAMED else "")
        yield Finding(
            part,
            f"{counted(len(failed), 'store')} could not be checked ({some}): {kinds}",
            "partner-orders reports list --by-run; docs/runbooks/stores-not-reconciled.md",
        )
    elif reason is not StopReason.ERROR:
        yield Finding(part, note=f"last run {last['started_at'][:19]}{', ' + stopped if stopped else ''}")
