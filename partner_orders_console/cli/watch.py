"""``partner-orders watch``: orders, answers, rejected events, refused requests and runs as they come."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, at, print_json, print_text, say

if TYPE_CHECKING:
    from partner_orders_console.operations.stack import DeployedStack

_PAUSE_SECONDS = 1.0
_LOG_PAUSE_SECONDS = 5.0  # CloudWatch Logs allows an account some searches a second


def watch(context: typer.Context, as_json: AsJson = False) -> None:
    """Show orders, answers, rejected events, refused requests and the reconciler's runs as they come, until Ctrl-C.

    Example: partner-orders watch
    """
    from partner_orders.clock import now
    from partner_orders_console.operations.changes import Changes, line_of

    stack = stack_of(context)
    changes, refusals = Changes(stack), _Refusals(stack)
    say("watching (Ctrl-C ends it); times in UTC")
    while True:
        for before, after in changes.changes():
            if line := line_of(before, after):
                _print(now(), line, as_json)
        for when, line in refusals.lines():
            _print(when, line, as_json)
        time.sleep(_PAUSE_SECONDS)


class _Refusals:
    """The requests that the webhook refuses, each a line; none for whoever may not read its log."""

    def __init__(self, stack: "DeployedStack") -> None:
        from partner_orders_console.operations.refused_requests import NewRefusals

        self._new: NewRefusals | None = NewRefusals(stack)
        self._looked_at = 0.0

    def lines(self) -> Iterator[tuple[datetime, str]]:
        """When each was refused, and the line. The log is read every few seconds."""
        from botocore.exceptions import ClientError

        from partner_orders_console.operations.explanation import explained
        from partner_orders_console.operations.refused_requests import line_of_refusal

        if self._new is None or time.monotonic() - self._looked_at < _LOG_PAUSE_SECONDS:
            return
        self._looked_at = time.monotonic()
        try:
            for request in self._new.since_last_look():
                yield request.at, line_of_refusal(request)
        except ClientError as error:
            say(f"refused requests are not shown: {explained(error)[0]}")
            self._new = None


def _print(when: datetime, line: str, as_json: bool) -> None:
    if as_json:
        print_json({"at": when, "change": line})
    else:
        print_text(f"{at(when)}  {line}")
