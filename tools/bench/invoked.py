"""Runs inside the measured process: calls a handler with the events that come on standard input, a line each, and
tells of each call how long it took, how much CPU all threads used and how much memory the process ever had. Imports
nothing but the standard library.

With ``offline`` as second argument no request leaves the SDK: it is built and then answered with nothing.
"""

import importlib
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = "$LATEST"
    memory_limit_in_mb = "512"
    invoked_function_arn = f"arn:aws:lambda:eu-central-1:000000000000:function:{function_name}"
    aws_request_id = "6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801"
    tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def take_the_sdk_offline() -> None:
    endpoint = importlib.import_module("botocore.endpoint").Endpoint
    response = importlib.import_module("botocore.awsrequest").AWSResponse

    def make_request(*_: Any) -> Any:
        return response("", 200, {}, None), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    endpoint.make_request = make_request


def peak_bytes() -> int:
    """The most memory that this program had at once."""
    try:
        # getrusage() also counts what the process was before it became this program.
        return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    results = os.fdopen(os.dup(1), "w", buffering=1)
    # What the function prints is its log.
    log = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    if sys.argv[2] == "offline":
        take_the_sdk_offline()
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    context = Context()
    for line in sys.stdin:
        event = json.loads(line)
        logged = os.fstat(log).st_size
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            answer = handler(event, context)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        sys.stdout.flush()
        log_bytes = os.fstat(log).st_size - logged
        taken = {"cpu": cpu, "wall": wall, "log_bytes": log_bytes, "peak_bytes": peak_bytes()}
        results.write(json.dumps(taken | {"answer": answer}) + "\n")


if __name__ == "__main__":
    main()
