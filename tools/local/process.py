"""Servers as child processes: started, awaited, and stopped with this process."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import requests


class ProcessFailedError(RuntimeError):
    """A program did not start, or failed. The message says why, or where its log is."""


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP end this process like an exit, so that its child processes are stopped too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def started(command: Sequence[str | Path], environment: Mapping[str, str], log: Path, ready_url: str) -> Iterator[None]:
    """Run a server until the context ends; the context begins when ``ready_url`` responds with 200.

    The server gets a session of its own. So Ctrl-C reaches only this process, which then stops the server and its
    children. The log is kept only after an error. Raises ProcessFailedError.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    failed = False
    try:
        _wait_until_ready(process, Path(command[0]).name, log, ready_url)
        yield
    except Exception:
        failed = True
        raise
    finally:
        _stop(process)
        if not failed:
            log.unlink(missing_ok=True)


def _wait_until_ready(process: subprocess.Popen[bytes], name: str, log: Path, url: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == requests.codes.ok:
                return
        time.sleep(0.1)
    raise ProcessFailedError(f"{name} did not start; see {log}")


def _stop(process: subprocess.Popen[bytes], seconds: float = 5.0) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
