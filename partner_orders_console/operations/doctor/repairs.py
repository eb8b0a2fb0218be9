"""What `doctor --fix` mended, by whom and when: stored in the table, for whoever looks later."""

from collections.abc import Iterator
from datetime import timedelta

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Range
from partner_orders.clock import now, to_text
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.doctor.finding import Finding, Fix
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import at

SCHEMA_VERSION = 1
_KEPT = timedelta(days=90)
_SHOWN = timedelta(days=7)


def repair(stack: DeployedStack, fix: Fix) -> str:
    """Apply a fix, and record it; a line for a log that says who did what, and when. Raises botocore's errors."""
    fix.apply()
    when = now()
    by = caller(stack)
    row = {
        "schema_version": SCHEMA_VERSION,
        "what": fix.what,
        "by": by,
        "expires_at": int((when + _KEPT).timestamp()),
    }
    stack.table.put(keys.repair(to_text(when)), row)
    return f"{at(when)} {stack.name}: {fix.what}, by {by}"


def repairs(stack: DeployedStack) -> Iterator[Finding]:
    """Name what was mended in the last week."""
    since = Range(to_text(now() - _SHOWN))
    for row in stack.table.query(keys.REPAIRS, since, newest_first=True, limit=5):
        yield Finding("mended by doctor --fix", note=f"{at(row['sk'])}: {row['what']}, by {row['by']}")
