"""The local AWS: MiniStack on a free port, with IAM enforced and a temporary state."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.local.process import free_port, started

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".local" / "logs"
MINISTACK = ROOT / ".venv-local" / "bin" / "ministack"
REGION = "eu-central-1"


@contextlib.contextmanager
def emulator() -> Iterator[str]:
    """Run MiniStack until the context ends; yields its URL. Soon after, nothing is left. Raises ProcessFailedError."""
    port = free_port()
    endpoint_url = f"http://127.0.0.1:{port}"
    log = LOGS / f"emulator-{port}.log"
    with (
        _temporary_directory() as directory,
        started([MINISTACK], _environment(port, directory), log, f"{endpoint_url}/_ministack/health"),
    ):
        yield endpoint_url


@contextlib.contextmanager
def _temporary_directory() -> Iterator[str]:
    """Each function has copies of its layer there, tens of thousands of files: nobody waits until they are removed."""
    directory = tempfile.mkdtemp(prefix="partner-orders-")
    try:
        yield directory
    finally:
        subprocess.run(["/bin/sh", "-c", 'rm -rf -- "$0" >/dev/null 2>&1 </dev/null &', directory], check=False)


def _environment(port: int, directory: str) -> dict[str, str]:
    # The functions inherit this environment, so it has nothing of the developer's. Their Python is the one that the
    # environments were made from, which has no packages beside the layer's.
    python = Path(sys.base_prefix) / "bin"
    return {
        "PATH": os.pathsep.join([str(python), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": directory,
        "TMPDIR": directory,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "STATE_DIR": f"{directory}/state",
        "S3_DATA_DIR": f"{directory}/s3",
        # Unused services would take fixed ports, or use the developer's Docker.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{directory}/no-docker",
    }
