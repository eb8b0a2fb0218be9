"""A function in a process of its own, as in Lambda, kept warm: what each of its invocations takes."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.artefacts import HERE, Artefact, python
from tools.local.process import ProcessFailedError


@dataclass(frozen=True)
class Invocation:
    cpu: float
    wall: float
    log_bytes: int
    peak_bytes: int
    answer: Any


class Function:
    def __init__(self, process: "subprocess.Popen[str]", what: str) -> None:
        self._process = process
        self._what = what

    def invoke(self, event: Mapping[str, Any]) -> Invocation:
        """Raises ProcessFailedError if the function fails, or hands a message back."""
        assert self._process.stdin is not None  # noqa: S101 (both are pipes)
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ProcessFailedError(f"{self._what} ended")
        result = Invocation(**json.loads(line))
        failed = isinstance(result.answer, dict) and (
            "error" in result.answer
            or result.answer.get("batchItemFailures")
            or result.answer.get("statusCode", 200) // 100 != 2
        )
        if failed:
            raise ProcessFailedError(f"{self._what} failed: {str(result.answer)[:500]}")
        return result


@contextmanager
def running(artefact: Artefact, variables: Mapping[str, str], offline: bool = False) -> Iterator[Function]:
    with tempfile.TemporaryDirectory() as folder:
        mode, log = "offline" if offline else "online", str(Path(folder) / "log")
        process = subprocess.Popen(
            [python(), str(HERE / "invoked.py"), artefact.handler, mode, log],
            cwd=artefact.folder,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Function(process, f"{artefact.function}, {artefact.way}")
        finally:
            process.kill()
            process.communicate()
