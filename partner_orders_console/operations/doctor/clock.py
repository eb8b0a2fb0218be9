"""This machine's clock, beside that of AWS."""

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from partner_orders.clock import now
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack

CLOCK_TOLERANCE = 60.0  # seconds


def clock(stack: DeployedStack) -> Iterator[Finding]:
    """Compare this machine's clock with that of AWS."""
    behind = seconds_behind(stack.client("sts").get_caller_identity())
    if abs(behind) > CLOCK_TOLERANCE:
        yield Finding("clock", clock_is_off(behind), "Set the clock: time windows and dates would be wrong.")
    else:
        yield Finding("clock")


def seconds_behind(answer: Mapping[str, Any]) -> float:
    """How far this machine's clock is behind that of an answer of AWS, or of its refusal; negative where it is ahead.
    0 where the answer has no time. Raises nothing."""
    try:
        date = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return (date - now()).total_seconds()
    except (KeyError, ValueError, TypeError):  # No date, none that can be read, or one without a zone.
        return 0.0


def clock_is_off(behind: float) -> str:
    """``this machine's clock is 90 s behind``."""
    return f"this machine's clock is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead'}"
