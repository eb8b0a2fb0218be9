"""What a check of the doctor finds. A check takes a stack, and yields findings."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

type Check = Callable[[DeployedStack], Iterator[Finding]]

NOT_FOUND_OR_DENIED = "Not found, or access denied. Check your permissions, or deploy the stack again."
TIMEOUT = (3.05, 12.0)  # seconds: to connect, and between two bytes


@dataclass(frozen=True)
class Fix:
    """What `doctor --fix` may do about a fault, such as ``switch the schedule on``. ``apply`` raises botocore's
    errors."""

    what: str
    apply: Callable[[], object] = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """``fault`` is empty where all is well; ``advice`` says what to do about it, and ``fix`` does it, where that is
    safe. ``is_pause`` marks what somebody paused on purpose: no fault, but not as usual either."""

    part: str
    fault: str = ""
    advice: str = ""
    note: str = ""
    fix: Fix | None = field(default=None, compare=False)
    is_pause: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "part": self.part,
            "fault": self.fault,
            "advice": self.advice,
            "note": self.note,
            "fixable": self.fix is not None,
            "pause": self.is_pause,
        }


def summary(findings: Iterable[Finding], fixed: int = 0) -> str:
    """One line: ``3 faults, 14 ok``, ``all 17 checks ok``, ``no fault, 1 pause, 16 ok``; ``fixed`` of the faults are
    mended since."""
    found = list(findings)
    faults = sum(bool(finding.fault) for finding in found) - fixed
    pauses = sum(finding.is_pause for finding in found)
    if not faults and not fixed and not pauses:
        return f"all {counted(len(found), 'check')} ok"
    parts = [f"{fixed} fixed"] if fixed else []
    parts.append(counted(faults, "fault") if faults or fixed else "no fault")
    parts += [counted(pauses, "pause")] if pauses else []
    return ", ".join([*parts, f"{len(found) - faults - fixed - pauses} ok"])


def unreadable_secret(part: str, arn: str, error: ClientError) -> Finding:
    """The finding for a secret that AWS did not give. Secrets Manager keeps a deleted one for some days."""
    code = error.response["Error"]["Code"]
    if code == "InvalidRequestException":
        return Finding(part, "it is scheduled for deletion", f"aws secretsmanager restore-secret --secret-id {arn}")
    return Finding(
        part,
        f"it cannot be read: {code}",
        NOT_FOUND_OR_DENIED,
    )
