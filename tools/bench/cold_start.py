"""CPU time of a cold start: from the start of a process to its first answer, under AWS's runtime interface client.

The process asks a runtime API of ours for its event, as it would in Lambda. When its answer arrives the process is
ended, and the kernel says how much CPU it had used, on all its threads.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.bench.artefacts import Artefact, environment, python
from tools.bench.events import first_event
from tools.local.process import ProcessFailedError


@dataclass
class RuntimeApi:
    address: str = ""
    event: bytes = b"{}"
    failed: bool = False
    answered: threading.Event = field(default_factory=threading.Event)


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(api.event)))
            self.send_header("Lambda-Runtime-Aws-Request-Id", "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801")
            self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            self.send_header(
                "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:f"
            )
            self.end_headers()
            self.wfile.write(api.event)

        def do_POST(self) -> None:
            api.failed = not self.path.endswith("/response")
            self.close_connection = True
            api.answered.set()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def cpu_seconds(artefact: Artefact, api: RuntimeApi, aws_url: str) -> float:
    """One cold start. Raises ProcessFailedError if the function did not answer."""
    api.event, api.failed = json.dumps(first_event(artefact)).encode(), False
    api.answered.clear()
    process = subprocess.Popen(
        [python(), "-m", "awslambdaric", artefact.handler],
        cwd=artefact.folder,
        env=environment(artefact, aws_url) | {"AWS_LAMBDA_RUNTIME_API": api.address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    is_answered = api.answered.wait(60)
    process.send_signal(signal.SIGKILL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = -signal.SIGKILL
    if not is_answered or api.failed:
        raise ProcessFailedError(f"{artefact.function}, {artefact.way}: no answer")
    return used.ru_utime + used.ru_stime
