"""What the desk does for an operator: each change runs by itself, tells how far it is, and says what it did."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock, Thread
from typing import Literal

from partner_orders.clock import now
from partner_orders_console.desk.connection import Fault
from partner_orders_console.operations.explanation import explained
from partner_orders_console.operations.progress import Progress

_MOST = 50  # jobs that are remembered
_SOON = 1.5  # seconds after which a change that is not done yet shows its progress


@dataclass(frozen=True)
class Done:
    """What a change did, a sentence each; ``link`` leads to its result, ``label`` says where. ``warning`` is its state
    where it is not simply done, such as ``finished, 1 store not checked``."""

    sentences: tuple[str, ...]
    link: str = ""
    label: str = ""
    warning: str = ""


type Work = Callable[[Progress], Done]


@dataclass
class Job:
    """A change that was begun (UTC), ``what`` as the operator was asked, and ``back`` to the page that it came from."""

    job_id: str
    what: str
    back: str
    began_at: datetime
    progress: str = ""
    done: Done | None = None
    fault: Fault | None = None

    @property
    def state(self) -> Literal["running", "done", "failed"]:
        return "done" if self.done else "failed" if self.fault else "running"


class Jobs:
    """The changes of this desk, the newest last. ``after`` is called when one has ended."""

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after
        self._lock = Lock()
        self._jobs: dict[str, Job] = {}

    def begin(self, what: str, back: str, work: Work) -> Job:
        """Begin a change; waits a moment for its end, since most are done at once."""
        job = Job(secrets.token_hex(8), what, back, now())
        with self._lock:
            self._jobs[job.job_id] = job
            for old in [one for one in self._jobs.values() if one.state != "running"][:-_MOST]:
                del self._jobs[old.job_id]
        thread = Thread(target=self._run, args=(job, work), daemon=True)
        thread.start()
        thread.join(_SOON)
        return job

    def get(self, job_id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(job_id)

    def all(self) -> list[Job]:
        """The newest first."""
        with self._lock:
            return [*reversed(self._jobs.values())]

    def _run(self, job: Job, work: Work) -> None:
        def tell(line: str) -> None:
            job.progress = line

        try:
            done = work(tell)
        except Exception as error:
            job.fault = Fault(*explained(error))
        else:
            job.done = done
        finally:
            self._after()
