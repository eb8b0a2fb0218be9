"""``partner-orders doctor``: whether a stack is well, what to do where it is not, and mending what is safe to mend."""

from typing import TYPE_CHECKING, Annotated

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, Yes, ask, hint, print_json, print_text, say, working
from partner_orders_console.operations.errors import CancelledByOperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partner_orders_console.operations.doctor.finding import Finding
    from partner_orders_console.operations.stack import DeployedStack


def doctor(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="make the safe repairs, asking before each")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Check everything that orders pass through. Exit status 1 if anything is wrong.

    --fix switches the schedule and the event sources on, and restores the queue's settings; nothing else, and never a
    deliberate pause. Example: partner-orders doctor
    """
    from partner_orders_console.operations.doctor.examination import examine
    from partner_orders_console.operations.doctor.finding import summary

    stack = stack_of(context)
    with working("looking") as shown:
        findings = examine(stack, shown)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        _print(findings)
    fixed = _mend(stack, findings, yes) if fix else 0
    if not as_json:
        print_text(summary(findings, fixed))
    elif fix:
        say(summary(findings, fixed))
    return 1 if sum(bool(finding.fault) for finding in findings) > fixed else 0


def _print(findings: "Sequence[Finding]") -> None:
    for finding in findings:
        mark, style = ("FAULT", "red") if finding.fault else ("ok   ", "green")
        if finding.is_pause:
            mark, style = "PAUSE", "yellow"
        note = f"  ({hint(finding.note)})" if finding.note else ""
        print_text(f"{mark} {finding.part}{note}", style)
        if finding.fault:
            print_text(f"      {finding.fault}\n      {hint(finding.advice)}")


def _mend(stack: "DeployedStack", findings: "Sequence[Finding]", yes: bool) -> int:
    """Apply the fixes that the operator agrees to; how many. Raises CancelledByOperatorError if they declined one,
    once the others are done."""
    from partner_orders_console.operations.doctor.repairs import repair

    fixable = [finding for finding in findings if finding.fix]
    if not fixable:
        say("--fix can repair none of these.")
    fixed = 0
    for finding in fixable:
        if finding.fix is None:
            continue
        try:
            ask(f"{finding.part}: {finding.fix.what}?", yes)
        except CancelledByOperatorError as declined:
            say(str(declined))
            continue
        say(repair(stack, finding.fix))
        fixed += 1
    if fixed < len(fixable):
        raise CancelledByOperatorError(f"{fixed} of {len(fixable)} fixed")
    return fixed
