"""The doctor's findings for the desk: it takes its time, so it works beside the pages, and they show what it found."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread

from partner_orders.clock import now
from partner_orders_console.desk.connection import Connection, Fault
from partner_orders_console.operations.doctor.examination import examine_by_check
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.explanation import explained

# Seconds after which an open page has the stack examined again: each time costs a request to the platform.
EVERY = 900.0


@dataclass(frozen=True)
class Examined:
    """What was found, each with the name of its check; ``fault`` says why there is nothing."""

    at: datetime
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    fault: Fault | None = None

    @property
    def faults(self) -> list[tuple[str, Finding]]:
        return [(check, finding) for check, finding in self.findings if finding.fault]


class Examining:
    """Examines the stack in the background, once at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._began_at: float | None = None
        self.is_running = False
        self.progress = ""
        self.latest: Examined | None = None

    def look(self, again: bool = False) -> None:
        """Have the stack examined if the last time was long ago, or ``again``."""
        with self._lock:
            is_due = self._began_at is None or time.monotonic() - self._began_at >= EVERY
            if self.is_running or not (again or is_due):
                return
            self.is_running, self._began_at, self.progress = True, time.monotonic(), ""
        Thread(target=self._examine, daemon=True).start()

    def _examine(self) -> None:
        def tell(line: str) -> None:
            self.progress = line

        try:
            self.latest = Examined(now(), [*examine_by_check(self._connection.stack(), tell)])
        except Exception as error:
            self._connection.lost(error)
            self.latest = Examined(now(), fault=Fault(*explained(error)))
        finally:
            self.is_running = False
