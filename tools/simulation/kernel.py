"""Simulated time, and tasks that run one at a time: every switch between them happens at a call we control.

A task is a thread that runs only while it holds the turn. It gives the turn away where it sleeps, and every AWS call
sleeps before and after its effect. Who is next is decided by the simulated clock and a counter alone, so that the same
seed gives the same interleaving.
"""

import heapq
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any


class Killed(BaseException):
    """The process that this task belongs to is gone."""


class OneAfterAnotherError(Exception):
    """Work was begun only after other work of the same task was waited for."""


class Process:
    """Tasks that die together, as the threads of one Lambda environment do; frozen between two invocations."""

    def __init__(self, name: str, clock_off_by: float = 0.0) -> None:
        self.name = name
        self.clock_off_by = clock_off_by
        self.killed = False
        self.frozen = False
        self.tasks: list[Task] = []
        self.hung_at: set[str] = set()


class Task:
    def __init__(self, work: Callable[[], object], process: Process) -> None:
        self.process = process
        self.done = False
        self.ticket = 0
        self.has_waited = False
        self._work = work
        self.turn = threading.Semaphore(0)
        self.error: BaseException | None = None
        self.thread: threading.Thread | None = None


class Kernel:
    """``start`` is the time at which the simulated clock begins; seconds are counted from there."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.seconds = 0.0
        self._queue: list[tuple[float, int, int, Task]] = []
        self._count = 0
        self._main = threading.Semaphore(0)
        self._until = 0.0
        self._local = threading.local()

    # -- time ---------------------------------------------------------------------------------------------------

    def at(self, instant: datetime) -> float:
        return (instant - self._start).total_seconds()

    def now(self) -> datetime:
        """The true time."""
        return self._start.astimezone(UTC) + timedelta(seconds=self.seconds)

    def process(self) -> Process:
        return self.task().process

    def task(self) -> Task:
        task: Task = self._local.task
        return task

    def in_task(self) -> bool:
        """Whether the caller is part of the simulation, rather than looking at it."""
        return hasattr(self._local, "task")

    # -- tasks --------------------------------------------------------------------------------------------------

    def spawn(self, work: Callable[[], object], process: Process, delay: float = 0.0) -> Task:
        task = Task(work, process)
        process.tasks = [one for one in process.tasks if not one.done]
        process.tasks.append(task)
        self._wake(task, self.seconds + delay)
        return task

    def sleep(self, seconds: float) -> None:
        """Give the turn away for so long. Raises Killed."""
        task: Task = self._local.task
        wake_at = self.seconds + max(0.0, seconds)
        if task.process.killed:
            raise Killed
        task.ticket += 1
        if not task.process.frozen and wake_at <= self._until and (not self._queue or self._queue[0][0] > wake_at):
            self.seconds = wake_at  # Nobody else's turn comes before: go on.
            return
        self._wake(task, wake_at)
        self._give_away(task)

    def wait(self, futures: Iterable["Future[Any]"], timeout: float | None = None) -> None:
        """As ``concurrent.futures.wait``, in simulated time."""
        task: Task = self._local.task
        task.has_waited = True
        pending = [future for future in futures if not future.done()]
        task.ticket += 1
        ticket = task.ticket
        deadline = float("inf") if timeout is None else self.seconds + timeout

        def finished(_: "Future[Any]") -> None:
            pending.pop()
            if not pending and task.ticket == ticket:
                self._wake(task, self.seconds)

        if not pending or deadline <= self.seconds:
            return
        for future in list(pending):
            future.add_done_callback(finished)
        if timeout is not None:
            self._wake(task, deadline)
        self._give_away(task)

    def kill(self, process: Process) -> None:
        """End every task of a process at the call it is in."""
        process.killed = True
        for task in process.tasks:
            if not task.done:
                self._wake(task, self.seconds)

    def thaw(self, process: Process) -> None:
        """Let the tasks that an earlier invocation left behind go on."""
        process.frozen = False
        for task in process.tasks:
            if not task.done:
                self._wake(task, self.seconds)

    def run(self, until: float) -> None:
        """Let the tasks run until the simulated time, or until none is left. Raises what a task raised."""
        self._until = until
        while self._queue and self._queue[0][0] <= until:
            at, _, ticket, task = heapq.heappop(self._queue)
            if task.done or ticket != task.ticket or (task.process.frozen and not task.process.killed):
                continue
            self.seconds = max(self.seconds, at)
            if task.thread is None:
                task.thread = threading.Thread(target=self._body, args=(task,), daemon=True)
                task.thread.start()
            else:
                task.turn.release()
            self._main.acquire()
            if task.error is not None:
                raise task.error
        self.seconds = max(self.seconds, until)

    def _body(self, task: Task) -> None:
        self._local.task = task
        try:
            if not task.process.killed:
                task._work()  # noqa: SLF001
        except Killed:
            pass
        except BaseException as error:
            task.error = error
        task.done = True
        self._main.release()

    def _give_away(self, task: Task) -> None:
        self._main.release()
        task.turn.acquire()
        task.ticket += 1
        if task.process.killed:
            raise Killed

    def _wake(self, task: Task, at: float) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, task.ticket, task))


class InterleavedExecutor(Executor):
    """Runs what it is given as tasks of the kernel, side by side, within the process that submits it. A task has to
    submit all its work before it waits for any: simulated time alone would not tell."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self._kernel.task().has_waited:
            raise OneAfterAnotherError
        future: Future[Any] = Future()

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except Killed:
                raise
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._kernel.spawn(work, self._kernel.process())
        return future
