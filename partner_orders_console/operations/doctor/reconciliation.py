"""The reconciler's schedule, and its last run."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from partner_orders.clock import from_text, now
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.stop_reason import StopReason, stop_reason
from partner_orders_console.operations.active_alarms import FIRST_RUN, NOT_RUN
from partner_orders_console.operations.doctor.finding import Finding, Fix
from partner_orders_console.operations.secrets_status import stored_at_of
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import ago, at, counted

_LONGEST_RUN = timedelta(minutes=15)  # The function's own limit.
_NAMED = 3  # of the stores that could not be checked
_OF_CREDENTIALS = {Failure.UNAUTHORIZED, Failure.CREDENTIALS}
# What AWS says of a schedule beside these is not part of it.
_OF_A_SCHEDULE = (
    *("Name", "GroupName", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow"),
    *("Target", "StartDate", "EndDate", "KmsKeyArn", "ActionAfterCompletion"),
)


def schedule(stack: DeployedStack) -> Iterator[Finding]:
    """Check that the schedule is on and calls the reconciler."""
    client = stack.client("scheduler")
    try:
        found = client.get_schedule(Name=f"{stack.name}-run")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield Finding("schedule", "it does not exist", "Deploy the stack again.")
        return
    if found["State"] != "ENABLED":
        yield _schedule_is_off(stack, client, found)
    elif not found["Target"]["Arn"].endswith(f":function:{stack.output('ReconcilerFunctionName')}"):
        # A deployment leaves what is changed by hand, until it changes the schedule itself.
        advice = "Deploy with ReconciliationState=DISABLED, then with ENABLED: that writes the schedule anew."
        yield Finding("schedule", f"it calls {found['Target']['Arn']}, not the reconciler", advice)
    else:
        yield Finding("schedule", note=found["ScheduleExpression"])


def _schedule_is_off(stack: DeployedStack, client: Any, found: dict[str, Any]) -> Finding:
    if stack.parameters.get("ReconciliationState") == "DISABLED":
        advice = (
            "It was deployed that way. Missed webhooks stay missed until you deploy with ReconciliationState=ENABLED."
        )
        return Finding("schedule", "it is off", advice)
    whole = {name: found[name] for name in _OF_A_SCHEDULE if name in found}
    fix = Fix("switch the reconciler's schedule on", lambda: client.update_schedule(**whole, State="ENABLED"))
    advice = "Somebody switched it off by hand, and missed webhooks stay missed: partner-orders doctor --fix"
    return Finding("schedule", "it is off", advice, fix=fix)


def reconciliation(stack: DeployedStack) -> Iterator[Finding]:
    """Judge the last regular run by its report, as far as its faults are still those of the stack."""
    part = "reconciliation"
    # What somebody called for looked at what they named, and is no sign of the schedule.
    reports = [*filter(is_regular, stack.reconciliation.reports(now() - timedelta(hours=1), now()))]
    if not reports and now() - stack.deployed_at < FIRST_RUN:
        yield Finding(part, note="none yet since the deployment: the schedule starts it soon")
        return
    if not reports:
        yield Finding(part, "no run in the last hour", NOT_RUN)
        return
    # One that has just begun says nothing yet.
    last = next((one for one in reversed(reports) if one["stopped"] != StopReason.UNDER_WAY), reports[-1])
    reason, began_at = stop_reason(last["stopped"]), from_text(last["started_at"])
    run = f"run {at(began_at)} ({ago(began_at, now())})"
    if reason is StopReason.UNDER_WAY and now() - began_at < _LONGEST_RUN:
        yield Finding(part, note=f"{run} is under way")
        return
    is_broken = reason in {StopReason.UNDER_WAY, StopReason.ERROR}
    if is_broken:
        fault = f"{run} did not finish: {last['stopped']}"
        yield Finding(part, fault, "partner-orders logs reconciler --errors; docs/runbooks/reconciler-errors.md")
    failed, gone = _still_failing(stack, last)
    if failed:
        yield _failed_stores(stack, last, run, failed)
    elif not is_broken:
        stopped = f", stopped: {last['stopped'].replace('_', ' ')}" if last["stopped"] else ""
        past = f"; {counted(gone, 'store')} that failed then were removed or paused since" if gone else ""
        yield Finding(part, note=f"{run}{stopped}{past}")


def _still_failing(stack: DeployedStack, report: dict[str, Any]) -> tuple[dict[str, str], int]:
    """The failures of stores that are still reconciled, and how many others there are."""
    failed: dict[str, str] = report["failed_stores"]
    if not failed:
        return {}, 0
    reconciled = {store.store_id for store in stack.stores.all() if not store.is_paused}
    left = {store_id: kind for store_id, kind in failed.items() if store_id in reconciled}
    return left, len(failed) - len(left)


def _failed_stores(stack: DeployedStack, report: dict[str, Any], run: str, failed: dict[str, str]) -> Finding:
    began_at, kinds = from_text(report["started_at"]), {*failed.values()}
    stored_at = stored_at_of(stack, "PartnerApiSecretArn") if kinds <= _OF_CREDENTIALS else None
    if stored_at is not None and began_at < stored_at:
        note = (
            f"{run} was refused ({', '.join(sorted(kinds))}), before the current credentials were stored at"
            f" {at(stored_at)}; the next run will tell"
        )
        return Finding("reconciliation", note=note)
    positions, named = stack.reconciliation.positions(), []
    for store_id, kind in sorted(failed.items())[:_NAMED]:
        until = positions[store_id].checked_until if store_id in positions else None
        named.append(f"{store_id} ({kind}, {'not checked since ' + at(until) if until else 'never checked'})")
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return Finding(
        "reconciliation",
        f"{run} could not check {counted(len(failed), 'store')}: {', '.join(named)}{more}",
        f"partner-orders reports show {report['started_at']}; docs/runbooks/stores-not-reconciled.md",
    )
