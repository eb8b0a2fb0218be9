"""What is measured: each function as built by us, as the floor with boto3 and without, and as the peer in three ways
of building it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.local.emulator import REGION, ROOT
from tools.local.process import ProcessFailedError
from tools.local.stack import ARCHITECTURE, BUILD, SAM, UV, build, sam_environment
from tools.local.up import CHAIN_ID

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".local" / "bench"
RUNTIME = FOLDER / "runtime"
# A function that is added needs a line here, a handler in floor/ and peers/src/, and an event below.
FUNCTIONS = {
    "webhook": "WebhookFunction",
    "consumer": "ConsumerFunction",
    "publisher": "PublisherFunction",
    "reconciler": "ReconcilerFunction",
    "answers": "AnswersFunction",
}
EVENTS = {
    "webhook": "webhook/received.json",
    "consumer": "consumer/received.json",
    "publisher": "publisher/received.json",
    "reconciler": "reconciler/schedule.json",
    "answers": "answers/ready.json",
}
OURS, FLOOR, LOWEST_FLOOR, PEER, PEER_ON_RUNTIME, PEER_AS_OURS = (
    "ours",
    "floor",
    "floor, by botocore alone",
    "peer, as SAM builds it",
    "peer, with the runtime's boto3",
    "peer, built as ours",
)
WAYS = (OURS, FLOOR, LOWEST_FLOOR, PEER, PEER_ON_RUNTIME, PEER_AS_OURS)
# Lambda's runtime has these.
SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py")


@dataclass(frozen=True)
class Artefact:
    """``path`` is what Python finds modules in, beside the standard library and the runtime: the function's folder
    first."""

    function: str
    way: str
    path: tuple[Path, ...]
    handler: str

    @property
    def folder(self) -> Path:
        return self.path[0]


def build_all() -> list[Artefact]:
    """Build everything. Raises ProcessFailedError."""
    build()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    _install_runtime()
    layer = BUILD / "PartnerOrdersLayer" / "python"
    peer = _build_peer()
    as_ours = _compiled(peer, FOLDER / "peer-as-ours")
    on_runtime, sdk = FOLDER / "peer-on-runtime", FOLDER / "sdk"
    shutil.copytree(peer, on_runtime)
    for name in SDK:
        source = on_runtime / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, _made(sdk) / name)
        (shutil.rmtree if source.is_dir() else os.unlink)(source)
    _compile(sdk)
    # The floor is made with boto3, which is more than ours needs.
    boto3 = FOLDER / "boto3"
    for name in ("boto3", "s3transfer"):
        shutil.copytree(sdk / name, boto3 / name)
    alone = FOLDER / "botocore-alone"
    shutil.copy(HERE / "floor" / "botocore_alone.py", _made(alone) / "boto3.py")
    _compile(alone)
    found = []
    for function, resource in FUNCTIONS.items():
        ours = FOLDER / "ours" / function
        shutil.copytree(BUILD / resource, ours, ignore=shutil.ignore_patterns("__pycache__"))
        floor = FOLDER / "floor" / function
        shutil.copy(HERE / "floor" / f"{function}.py", _made(floor) / "app.py")
        found += [
            Artefact(function, OURS, (ours, layer), "app.handler"),
            Artefact(function, FLOOR, (floor, layer, boto3), "app.handler"),
            Artefact(function, LOWEST_FLOOR, (floor, layer, alone), "app.handler"),
            Artefact(function, PEER, (peer,), f"{function}.handler"),
            Artefact(function, PEER_ON_RUNTIME, (on_runtime, sdk), f"{function}.handler"),
            Artefact(function, PEER_AS_OURS, (as_ours,), f"{function}.handler"),
        ]
    return found


def from_source(function: str, way: str) -> Artefact:
    """One of them as it stands here, with this environment's packages: for what does not depend on the build."""
    packages = Path(sys.prefix) / "lib" / "python3.13" / "site-packages"
    if way == OURS:
        layer = ROOT / "layers" / "partner_orders"
        return Artefact(function, way, (ROOT / "functions" / function, layer, packages), "app.handler")
    folder = HERE / "floor" if way == FLOOR else HERE / "peers" / "src"
    return Artefact(function, way, (folder, packages), f"{function}.handler")


def environment(artefact: Artefact, url: str, tables: tuple[str, str] = ("orders", "idempotency")) -> dict[str, str]:
    """What the process of a function sees. It writes no bytecode, as it cannot in Lambda, whose mounts are read-only;
    and every AWS call goes to ``url``."""
    paths = [*artefact.path[1:], RUNTIME]
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(artefact.folder),
        "AWS_LAMBDA_FUNCTION_NAME": artefact.function,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_SESSION_TOKEN": "simulated",
        "AWS_ENDPOINT_URL": url,
        "POWERTOOLS_METRICS_NAMESPACE": "PartnerOrders",
        "POWERTOOLS_SERVICE_NAME": artefact.function,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "ORDER_EVENTS_QUEUE_URL": f"{url}/000000000000/order-events",
        "WEBHOOK_SECRET_ARN": f"arn:aws:secretsmanager:{REGION}:000000000000:secret:webhook-abcdef",
        "PARTNER_API_SECRET_ARN": f"arn:aws:secretsmanager:{REGION}:000000000000:secret:partner-api-abcdef",
        "PARTNER_API_BASE_URL": url,
        "ORDERS_TABLE_NAME": tables[0],
        "IDEMPOTENCY_TABLE_NAME": tables[1],
        "CHAIN_ID": CHAIN_ID,
        # The longest that the template allows: the orders of the bench are of one day.
        "ORDER_RETENTION_DAYS": "3650",
        "REJECTED_RETENTION_DAYS": "90",
        "RATE_LIMIT_PER_MINUTE": "60",
        "EVENT_BUS_NAME": "order-changes",
        "PUBLISHER_DEAD_LETTERS_URL": f"{url}/000000000000/publisher-dead-letters",
        "PUBLISH_PERSONAL_DATA": "false",
        "ANSWERS_QUEUE_URL": f"{url}/000000000000/answers",
        "BRAND": "foodpanda",
    }


def python() -> str:
    """The interpreter without any environment, as in Lambda."""
    return str(Path(sys.base_prefix) / "bin" / "python3.13")


def _install_runtime() -> None:
    options = ["--quiet", "--no-config", "--require-hashes", "--only-binary", ":all:", "--python", sys.executable]
    lock = ROOT / "requirements" / "bench.txt"
    _run([UV, "pip", "install", *options, "--target", RUNTIME, "-r", lock], "the runtime interface client")
    _compile(RUNTIME)


def _build_peer() -> Path:
    template = HERE / "peers" / "template.yaml"
    target = FOLDER / "peer-built"
    options: list[str | Path] = ["--build-dir", target, "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    _run([SAM, "build", "--template", template, *options], "sam build of the peer", sam_environment({}))
    folder = target / "PeerFunction"
    if any(folder.rglob("*.pyc")):
        raise ProcessFailedError(
            "SAM's builder keeps bytecode now; the peer's ways of building it are to be thought over"
        )
    return folder


def _compiled(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.dist-info"))
    _compile(target)
    return target


def _compile(folder: Path) -> None:
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    _run([python(), "-m", "compileall", *options, folder], f"compiling {folder.name}")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: Sequence[str | Path], what: str, variables: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise ProcessFailedError(f"{what} failed:\n{(done.stdout + done.stderr)[-2000:]}")
