"""One open desk: the stack that it shows, what it may do, and what it remembers."""

from collections.abc import Callable
from dataclasses import dataclass

from partner_orders_console.desk.connection import Connection, Fault
from partner_orders_console.desk.examining import Examining
from partner_orders_console.desk.guard import Guard
from partner_orders_console.desk.jobs import Jobs
from partner_orders_console.desk.kept import Kept
from partner_orders_console.operations.stack import DeployedStack


@dataclass(frozen=True)
class Options:
    """``allows_changes``: whether the desk may change anything. ``shows_personal_data``: whether it may reveal
    customers' data, order by order."""

    allows_changes: bool = False
    shows_personal_data: bool = False


class Desk:
    """``find`` finds the stack; ``host`` is the address with its port."""

    def __init__(
        self, find: Callable[[], DeployedStack], options: Options, host: str, token: str | None = None
    ) -> None:
        self.options = options
        self.connection = Connection(find)
        self.kept = Kept()
        self.examining = Examining(self.connection)
        self.jobs = Jobs(after=self._changed)
        self.guard = Guard(host, token)

    def _changed(self) -> None:
        """After a change, everything is read anew, also by the doctor."""
        self.kept.forget()
        self.examining.changed()

    def read[T](self, name: object, seconds: float, make: Callable[[DeployedStack], T]) -> T | Fault:
        """A part of a page, at most so many seconds old, or why it cannot be shown."""
        return self.connection.attempt(lambda stack: self.kept.get(name, seconds, lambda: make(stack)))
