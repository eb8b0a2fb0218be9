"""A core for each worker: the tasks of a seed are threads that run one at a time, and to hand the turn to another core
took a fifth of the time."""

import multiprocessing
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue


class Cores:
    """``take`` is called once by each of so many workers, threads or processes."""

    def __init__(self, workers: int) -> None:
        self._numbers: SimpleQueue[int] = multiprocessing.SimpleQueue()
        for number in range(workers):
            self._numbers.put(number)

    def take(self) -> None:
        """Keep the calling thread, and all that it starts, to one core."""
        if hasattr(os, "sched_setaffinity"):  # Linux.
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[self._numbers.get() % len(cores)]})
