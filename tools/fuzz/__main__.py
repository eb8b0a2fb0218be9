"""``python -m tools.fuzz``: strange input into the webhook, the parsers and the consumer for so many seconds.

Half of the machine follows coverage (atheris), half makes orders with something wrong in them (Hypothesis). The last
line is ``fuzz: inputs=N failures=F seconds=S``; with a failure the exit code is 1, and the input that did it is in
tests/tools/fuzz/corpus, where ``make test`` tries it again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tools.fuzz import corpus, coverage_guided, growth
from tools.fuzz.laws import Violation, bounded

TARGET_NAMES = ("webhook", "parser", "page", "consumer")
# What starting, and an input that is being made smaller, may take beyond the time of a search.
GRACE_SECONDS = 240


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of all together")
    parser.add_argument("--replay", type=Path, nargs="+", help="only these inputs, in a folder named as their target")
    parser.add_argument(
        "--grow", action="store_true", help="keep what earlier searches have found and the corpus lacks"
    )
    parser.add_argument("--target", choices=TARGET_NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "fuzz"
    if arguments.replay:
        return replay(arguments.replay)
    if arguments.grow:
        return grow()
    if arguments.engine:
        return search(arguments.target, arguments.engine, arguments.seconds)
    return everything(arguments.seconds)


def everything(seconds: float) -> int:
    """Both engines side by side, each from target to target, in processes of their own."""
    start = time.monotonic()
    engines = ["hypothesis"]
    if coverage_guided.is_there():
        engines.append("atheris")
    else:
        print("fuzz: no atheris for this machine; generated inputs only", flush=True)

    def lane(engine: str) -> list[tuple[int, int]]:
        return [_in_a_process(target, engine, seconds / len(TARGET_NAMES)) for target in TARGET_NAMES]

    with ThreadPoolExecutor(len(engines)) as pool:
        done = [turn for turns in pool.map(lane, engines) for turn in turns]
    inputs, failures = (sum(column) for column in zip(*done, strict=True))
    print(f"fuzz: inputs={inputs} failures={failures} seconds={time.monotonic() - start:.0f}")
    return 1 if failures else 0


def _in_a_process(target: str, engine: str, seconds: float) -> tuple[int, int]:
    """How many inputs one search tried, and how many failures it met: none or one."""
    command = [sys.executable, "-m", "tools.fuzz", "--target", target, "--engine", engine, "--seconds", str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds + GRACE_SECONDS, check=False)  # noqa: S603
        last = done.stdout.splitlines()[-1] if done.stdout else b""
        report: dict[str, Any] = json.loads(last)
    except subprocess.TimeoutExpired:
        print(f"{target} ({engine}): hung", flush=True)
        return 0, 1
    except ValueError:
        print(f"{target} ({engine}): died\n{done.stderr.decode(errors='replace')[-2_000:]}", flush=True)
        return 0, 1
    print(f"{target} ({engine}): inputs={report['inputs']}", flush=True)
    if report["violation"]:
        print(f"  {report['violation']}\n  replay: {report['replay']}", flush=True)
    return report["inputs"], int(bool(report["violation"]))


def search(name: str, engine: str, seconds: float) -> int:
    """One engine at one target. The last line on the standard output is the report, as JSON."""
    atheris = coverage_guided.instrumented() if engine == "atheris" else None
    from tools.fuzz import generated, targets  # noqa: PLC0415 (atheris watches what is imported after it)

    target = targets.TARGETS[name]()
    inputs, violation = 0, ""

    def attempt(data: bytes) -> None:
        nonlocal inputs, violation
        inputs += 1
        try:
            with bounded(target.cpu_seconds, target.mebibytes):
                target(data)
        except Violation as broken:
            violation = str(broken)
            raise

    def end(data: bytes | None) -> None:
        path = None if data is None else corpus.keep_failure(name, data)
        report = {
            "inputs": inputs,
            "violation": violation if path else "",
            "replay": corpus.how_to_replay(path) if path else "",
        }
        print(json.dumps(report), flush=True)

    until = time.monotonic() + seconds
    if atheris:
        coverage_guided.search(atheris, name, attempt, until, end)
    else:
        end(generated.search(name, attempt, until))
    return 0


def replay(paths: list[Path]) -> int:
    from tools.fuzz.targets import TARGETS  # noqa: PLC0415 (they take long to load)

    failures = 0
    for path in paths:
        target = TARGETS[path.resolve().parent.name]()
        try:
            with bounded(target.cpu_seconds, target.mebibytes):
                target(path.read_bytes())
        except Violation as broken:
            failures += 1
            cause = f" ({broken.__cause__!r})" if broken.__cause__ else ""
            print(f"{path}: {broken}{cause}")
    print(f"fuzz: inputs={len(paths)} failures={failures}")
    return 1 if failures else 0


def grow() -> int:
    from tools.fuzz.targets import TARGETS  # noqa: PLC0415 (they take long to load)

    for name in TARGET_NAMES:
        target = TARGETS[name]()
        gained = growth.gained(target, corpus.kept(name), corpus.found(name))
        target.close()
        for path in gained:
            corpus.keep(name, path.read_bytes())
        print(f"{name}: {len(gained)} more in the corpus")
    return 0


if __name__ == "__main__":
    sys.exit(main())
