"""`make screenshots`: the pictures of docs/images/, of terminal and desk, drawn from a run on this machine."""

import contextlib
import os
import pty
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.text import Text

from partner_orders.platform.session import AS_GIVEN
from tools.local.desk_pictures import draw_desk
from tools.local.emulator import ROOT
from tools.local.figures import last_line, summary
from tools.local.hour import HOUR, Hour, NotFinishedError
from tools.local.metrics import Metrics
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.run import MIX, play_all
from tools.local.screen import Screen
from tools.local.stack import Stack, switch_schedules
from tools.local.up import running_stack

IMAGES = ROOT / "docs" / "images"
NARROWEST, COLUMNS = 80, 120


def picture(path: Path, command: str, output: str) -> None:
    """Draw a command and its output, with colours as ANSI codes, as an SVG file."""
    lines = [Text.assemble(("$ ", "bold green"), command), *Text.from_ansi(output.strip("\n")).split("\n")]
    for line in lines:
        line.rstrip()
    width = max(NARROWEST, *(line.cell_len for line in lines))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=width, file=nowhere, highlight=False)
        for line in lines:
            console.print(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(console.export_svg(title=command, unique_id=path.stem), encoding="utf-8")


def printed(stack_file: Path, *arguments: str) -> str:
    """What a command of the command line prints on a terminal of COLUMNS columns, without its standard error."""
    terminal, its_end = pty.openpty()
    told = {"PARTNER_ORDERS_LOCAL_STACK": str(stack_file), "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("partner-orders"), *arguments],
        env=os.environ | told,
        stdin=subprocess.DEVNULL,
        stdout=its_end,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_end)
    output = b""
    with contextlib.suppress(OSError):  # The other end is closed: the command has ended.
        while part := os.read(terminal, 65_536):
            output += part
    os.close(terminal)
    process.wait()
    return output.decode().replace("\r\n", "\n")


def longest_lived(stack: Stack) -> str:
    """The id of the order of which the webhook acknowledged the most events."""
    truth: dict[str, Any] = requests.get(f"{stack.platform_url}/_platform/truth", timeout=60, auth=AS_GIVEN).json()
    counts = Counter(event["order_id"] for event in truth["events"] if event["outcome"] == "acknowledged")
    return str(counts.most_common(1)[0][0])


def draw_stack(console: Console, stack: Stack) -> None:
    """Play an hour and draw the check of the stack, an order, and the desk. Raises ProcessFailedError."""
    # Without garbage: draw_run() would count the same bodies as repeated.
    metrics, hour = Metrics(stack), Hour(stack, Screen(console), HOUR | {"faults": {"drop": 0.05}})
    hour.play()
    hour.wait_until_stored()
    hour.reconcile()
    _raise_if(hour.compare())
    switch_schedules(stack, "ENABLED")
    stack.client("lambda").invoke(FunctionName=stack.outputs["ReconcilerFunctionName"], Payload=b"{}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stack.json"
        stack.save(file)
        order_id = longest_lived(stack)
        picture(IMAGES / "doctor.svg", "partner-orders doctor", printed(file, "doctor"))
        shown = printed(file, "orders", "show", order_id)
        picture(IMAGES / "orders-show.svg", f"partner-orders orders show {order_id}", shown)
    draw_desk(stack, metrics, order_id, IMAGES)
    switch_schedules(stack, "DISABLED")


def draw_run(console: Console, stack: Stack) -> None:
    """Play what `make run` plays and draw its end. Raises ProcessFailedError."""
    begun = time.monotonic()
    figures, answers, catalogue, wrong = play_all(console, stack)
    _raise_if(wrong)
    lines = answers.line(), catalogue.line(), last_line(figures)
    end = "\n".join((summary(figures, len(MIX), time.monotonic() - begun), *lines))
    picture(IMAGES / "make-run.svg", "make run", end)


def _raise_if(wrong: list[str]) -> None:
    if wrong:
        raise ProcessFailedError("The run failed, so there is no picture of it:\n" + "\n".join(wrong))


def main() -> int:
    end_on_signals()
    console = Console(soft_wrap=True, highlight=False)
    try:
        with running_stack(console, {"ReconciliationState": "DISABLED"}) as stack:
            # Before the brands: after them the platform no longer shows the first ones' orders.
            draw_stack(console, stack)
            draw_run(console, stack)
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 130
    except (NotFinishedError, ProcessFailedError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print(f"written to {IMAGES.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
