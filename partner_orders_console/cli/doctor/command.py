"""The command: every check, one after the other, and what to do about each fault."""

from collections.abc import Iterator
from dataclasses import asdict

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError

from partner_orders_console.cli.doctor.alarms import alarms
from partner_orders_console.cli.doctor.clock import clock
from partner_orders_console.cli.doctor.finding import Check, Finding
from partner_orders_console.cli.doctor.functions import concurrency, event_sources, functions
from partner_orders_console.cli.doctor.partner_api import partner_api
from partner_orders_console.cli.doctor.queues import dead_letters, queue
from partner_orders_console.cli.doctor.reconciliation import reconciliation, schedule
from partner_orders_console.cli.doctor.stores import stores
from partner_orders_console.cli.doctor.table import bus, table
from partner_orders_console.cli.doctor.webhook import webhook
from partner_orders_console.cli.errors import OperatorError, name_and_place, no_answer
from partner_orders_console.cli.output import AsJson, print_json, print_text, working
from partner_orders_console.cli.stack import DeployedStack

# In the order of the flow.
CHECKS: tuple[Check, ...] = (
    clock,
    functions,
    event_sources,
    queue,
    dead_letters,
    table,
    bus,
    schedule,
    webhook,
    partner_api,
    reconciliation,
    stores,
    alarms,
    concurrency,
)


def doctor(context: typer.Context, as_json: AsJson = False) -> int:
    """Check everything that orders pass through. Exit status 1 if anything is wrong.

    Example: partner-orders doctor
    """
    stack = DeployedStack.find(context.obj)
    findings = [_stack(stack)]
    with working("looking") as shown:
        for check in CHECKS:
            if shown is not None:
                shown.update(f"looking at the {check.__name__.strip('_').replace('_', ' ')}")
            findings += _held(check, stack)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, style = ("FAULT", "red") if finding.fault else ("ok   ", "green")
            note = f"  ({finding.note})" if finding.note else ""
            print_text(f"{mark} {finding.part}{note}", style)
            if finding.fault:
                print_text(f"      {finding.fault}\n      {finding.advice}")
    return 1 if any(finding.fault for finding in findings) else 0


def _held(check: Check, stack: DeployedStack) -> Iterator[Finding]:
    """A check's findings; that it could not look, or broke off, is one, too. Raises nothing."""
    part = check.__name__.strip("_").replace("_", " ")
    try:
        yield from check(stack)
    except OperatorError as error:
        yield Finding(part, error.what, error.advice)
    except ClientError as error:
        fault = f"AWS refused {error.operation_name}: {error.response['Error']['Code']}"
        yield Finding(part, fault, "It is not there any more, or you may not look: deploy the stack again.")
    except BotoCoreError as error:
        yield Finding(part, f"AWS did not answer: {type(error).__name__}", "Check the network and --region.")
    except requests.RequestException as error:
        yield Finding(part, no_answer(error), "Check the network, and the host's name.")
    except Exception as error:
        yield Finding(part, f"it could not be checked: {name_and_place(error)}", "Report it, with the command.")


def _stack(stack: DeployedStack) -> Finding:
    """Without the stack there is nothing to check: raises OperatorError and botocore's errors."""
    status = stack.status
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status:
        return Finding("stack", note=f"{stack.name} in {stack.region}: {status}")
    return Finding("stack", f"its status is {status}", "Read its events in CloudFormation, and deploy again.")
