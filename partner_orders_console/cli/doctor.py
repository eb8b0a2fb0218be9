"""``partner-orders doctor``: whether a stack is well, and what to do where it is not."""

from dataclasses import asdict

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, hint, print_json, print_text, working


def doctor(context: typer.Context, as_json: AsJson = False) -> int:
    """Check everything that orders pass through. Exit status 1 if anything is wrong.

    Example: partner-orders doctor
    """
    from partner_orders_console.operations.doctor.examination import examine

    stack = stack_of(context)
    with working("looking") as shown:
        findings = examine(stack, shown)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, style = ("FAULT", "red") if finding.fault else ("ok   ", "green")
            note = f"  ({finding.note})" if finding.note else ""
            print_text(f"{mark} {finding.part}{note}", style)
            if finding.fault:
                print_text(f"      {finding.fault}\n      {hint(finding.advice)}")
    return 1 if any(finding.fault for finding in findings) else 0
