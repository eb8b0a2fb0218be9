"""Work in a forked process: it cannot change this one, and it cannot run for ever."""

import contextlib
import importlib
import math
import os
import pickle
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

MEMORY = 3 * 1024**3
# How much longer work may take that waits for the processor, or for something else.
PATIENCE = 20
# Others' packages, which take long to import. What depends on our code is imported by each fork.
OTHERS = ("pytest", "hypothesis", "xdist", "moto", "boto3", "pydantic", "requests", "aws_lambda_powertools", "yaml")


@dataclass(frozen=True, slots=True)
class Ended[T]:
    """How a forked process ended. ``is_whole``: it gave its result. ``is_late``: it was killed, as it took too long."""

    result: T | None
    is_whole: bool
    is_late: bool = False


def import_others() -> None:
    """Import others' packages, once for all forks."""
    for name in OTHERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def in_fork[T](work: Callable[[], T], cpu_seconds: int | None = None) -> Ended[T]:
    """Do work in a forked process, in at most so many seconds of the processor, and 3 GiB of memory. An exception is
    shown, and ends it without a result."""
    reader, writer = os.pipe()
    sys.stdout.flush()  # What waits to be printed would be printed by both.
    if (child := os.fork()) == 0:
        os.close(reader)
        status = 1
        try:
            if cpu_seconds is not None:
                _limit(cpu_seconds)
            write(writer, work())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        received = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM):
        return Ended(None, is_whole=False, is_late=True)
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        return Ended(pickle.loads(received), is_whole=True)  # noqa: S301 (from our own fork)
    return Ended(None, is_whole=False)


def write(writer: int, result: object) -> None:
    with os.fdopen(writer, "wb", closefd=False) as pipe:
        pickle.dump(result, pipe)


def _limit(cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.alarm(cpu_seconds * PATIENCE)


def limit_further(cpu_seconds: int) -> None:
    """Within a limited fork: from now on at most so many seconds of the processor, and no more than the fork may."""
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if most != resource.RLIM_INFINITY:
        spent = math.ceil(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (min(spent + cpu_seconds, most), most))
        signal.alarm(cpu_seconds * PATIENCE)
