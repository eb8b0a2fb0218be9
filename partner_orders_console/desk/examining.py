"""The doctor's findings for the desk: it takes its time, so it works beside the pages, and they show what it found."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Thread

from partner_orders.clock import now
from partner_orders_console.desk.connection import Connection, Fault
from partner_orders_console.operations.doctor.examination import examine_by_check
from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.explanation import explained

# Seconds after which an open page has the stack examined again: each time costs a request to the platform.
EVERY = 900.0
_OLD = timedelta(minutes=20)


@dataclass(frozen=True)
class Examined:
    """What was found, each with the name of its check, between two times; ``fault`` says why there is nothing."""

    at: datetime
    began_at: datetime
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
        self._changed_at: datetime | None = None

    @property
    def is_old(self) -> bool:
        """Whether what was found may be true no more: something was changed since, or it is from long ago."""
        if self.latest is None:
            return False
        began_at = self.latest.began_at
        return now() - began_at > _OLD or (self._changed_at is not None and began_at < self._changed_at)

    def changed(self) -> None:
        """Have the stack examined at the next look, since something was changed."""
        with self._lock:
            self._changed_at, self._began_at = now(), None

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

        began_at = now()
        try:
            findings = [*examine_by_check(self._connection.stack(), tell)]
            self.latest = Examined(now(), began_at, findings)
        except Exception as error:
            self._connection.lost(error)
            self.latest = Examined(now(), began_at, fault=Fault(*explained(error)))
        finally:
            self.is_running = False
