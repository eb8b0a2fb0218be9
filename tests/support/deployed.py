"""The deployed stack from outside: answers of the webhook, the command line, and waiting for what it does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tools.local.emulator import ROOT
from tools.local.stack import Stack

# What doctor may find on a stack as the other tests leave it, by part, and words of it: the schedules are off, not all
# stores are on the platform, and some events were garbage.
LEFT_BY_TESTS = {
    "schedule": "it is off",
    **{f"schedule of the {name}": "it is off" for name in ("loader", "pusher", "uploader")},
    "reconciliation": "could not check",
    "rejected events": "could not be stored as an order",
    "SFTP server": "ConnectionRefusedError",
}
LONGEST_COMMAND_SECONDS = 600.0
LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class CommandLine:
    """Runs ``partner-orders``; the stack is found where `make up` leaves word of it."""

    def __init__(self, stack_file: Path) -> None:
        self._stack_file = stack_file

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("partner-orders"), *arguments],
            cwd=ROOT,
            env=os.environ
            | {
                "PARTNER_ORDERS_LOCAL_STACK": str(self._stack_file),
                "XDG_CONFIG_HOME": str(self._stack_file.parent / "nothing-chosen"),
            },
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            # A command that stays fails its test, instead of holding up all others.
            timeout=LONGEST_COMMAND_SECONDS,
        )

    def json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self(*arguments, "--json", stdin=stdin).stdout)

    def faults(self) -> dict[str, str]:
        return {finding["part"]: finding["fault"] for finding in self.json("doctor") if finding["fault"]}


def unexpected(findings: list[dict[str, str]]) -> dict[str, str]:
    """The faults among doctor's findings that the other tests do not leave, by part."""
    faults = {finding["part"]: finding["fault"] for finding in findings if finding["fault"]}
    return {
        part: fault for part, fault in faults.items() if part not in LEFT_BY_TESTS or LEFT_BY_TESTS[part] not in fault
    }


def platform(stack: Stack, method: str, what: str, content: object = None) -> Any:
    """Ask the simulated platform of a stack for something that a platform would not do."""
    response = requests.request(method, f"{stack.platform_url}/_platform/{what}", json=content, timeout=120)
    response.raise_for_status()
    return response.json()


def eventually[T](look: Callable[[], T | None], seconds: float = LONGEST_WAIT_SECONDS) -> T:
    """What ``look`` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.1)
    pytest.fail(f"nothing after {seconds:.0f} s")


def cold(stack: Stack, function: str) -> None:
    """End the function's environments, so that the next call reads its secret anew."""
    # Those of our own local AWS: another one on this machine has functions of the same names.
    [emulator] = _children(os.getpid(), "bin/ministack")
    for pid in _children(emulator, f"ministack-lambda-{stack.outputs[f'{function}FunctionName']}"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _children(parent: int, command: str) -> list[int]:
    found = subprocess.run(
        ["/usr/bin/pgrep", "-P", str(parent), "-f", command], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


def invoke(stack: Stack, function: str, event: Any) -> Any:
    answer = stack.client("lambda").invoke(
        FunctionName=stack.outputs[f"{function}FunctionName"], Payload=json.dumps(event).encode()
    )
    return json.load(answer["Payload"])
