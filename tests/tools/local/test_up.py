"""`make up` says what to try next, shows what arrives, and ends cleanly; `make help` is grouped."""

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from botocore.exceptions import EndpointConnectionError

from tools.local import up
from tools.local.process import ProcessFailedError
from tools.local.stack import Stack

ROOT = Path(__file__).parents[3]
STACK = Stack("http://127.0.0.1:1", "eu-central-1", "partner-orders", "http://127.0.0.1:1/order-events",
              {"Host": "a.example"}, "it's $ecret", "http://127.0.0.1:2", {"ConsumerFunctionName": "c",
               "AnswersApiUrl": "https://a1b2.execute-api.eu-central-1.amazonaws.com"})  # fmt: skip
DESK = "http://127.0.0.1:3/enter?token=once"


def test_what_to_try_next_can_be_pasted() -> None:
    """Each file and target that the commands name exists, and the first two commands are those of the README."""
    commands = [shlex.split(line) for line in up.welcome(STACK, DESK).splitlines() if re.match("  [^ #]", line)]
    assert commands[0] == [".venv/bin/partner-orders", "send", "events/order.json"]
    assert [shlex.join(command) for command in commands[:2]] == re.findall(
        r"^ +(\.venv/bin/partner-orders (?:send|orders show) \S+)$",
        (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Deploy")[0],
        re.MULTILINE,
    )
    assert len(commands) > 6
    assert ["make", "orders-to-pick"] in commands
    assert ["make", "catalogue"] in commands
    assert up.welcome(STACK, DESK).split()[:2] == ["desk", DESK]
    assert "a1b2.execute-api.localhost" in up.welcome(STACK, DESK)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in commands:
        assert all((ROOT / name).is_file() for name in re.findall(r"events/[\w/]+\.json", " ".join(command)))
        assert command[0] in {".venv/bin/partner-orders", "make", "curl"}
        assert command[0] != "make" or command[1] in targets
    assert commands[-1][0] == "curl"
    assert f"Authorization: {STACK.webhook_secret}" in commands[-1]


def test_printed_address_opens_the_desk() -> None:
    """The address that is printed opens the desk, once, and the desk is there as long as `make up` runs."""
    browser = requests.Session()

    def status(address: str, path: str = "") -> int:
        with contextlib.suppress(requests.ConnectionError):
            return browser.get(urljoin(address, path), timeout=10, allow_redirects=False).status_code
        return 0

    with up.desk(STACK) as address:
        assert (status(address), status(address, "/static/desk.js")) == (303, 200)
        browser.cookies.clear()
        assert (status(address), status(address, "/static/desk.js")) == (403, 403)
    assert status(address) == 0


def ended_by(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of `make up` when an order has arrived and then something happens."""

    def lines(_: Stack) -> Iterator[str]:
        yield "stored      o-1  RECEIVED, store q7xk, by webhook"
        raise error

    @contextlib.contextmanager
    def running(*_: Any) -> Iterator[Stack]:
        yield STACK

    monkeypatch.setattr(up, "running_stack", running)
    monkeypatch.setattr(up, "saved", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(up, "collected", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(up, "desk", lambda _: contextlib.nullcontext(DESK))
    monkeypatch.setattr(up, "is_up", lambda: False)
    monkeypatch.setattr(up, "end_on_signals", lambda: None)
    monkeypatch.setattr(up, "arrivals", lines)
    return up.main()


def test_arrivals_are_shown_until_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What to try next is printed, then what arrives with its time, and Ctrl-C ends it with status 0."""
    assert ended_by(KeyboardInterrupt(), monkeypatch) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(up.welcome(STACK, DESK))
    assert re.search(r"^\d\d:\d\d:\d\d  stored      o-1  RECEIVED", shown, re.MULTILINE)
    assert "Stopped." in shown


def test_lost_local_aws_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A local AWS that stops responding ends it with a sentence and status 1."""
    assert ended_by(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), monkeypatch) == 1
    assert "The local AWS stopped responding" in capsys.readouterr().out


def test_slow_first_call_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook that does not respond in time is a sentence, not a traceback."""

    def late(*_: Any, **__: Any) -> None:
        raise requests.ReadTimeout

    monkeypatch.setattr(requests, "post", late)
    with pytest.raises(ProcessFailedError, match=r"the webhook at \S+ did not respond: ReadTimeout"):
        up.warm_up(STACK)


def test_no_target_hides_a_failure() -> None:
    """A command that fails fails its target: no recipe ignores it, and a pipe does not either."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert ".SHELLFLAGS := -euo pipefail -c" in makefile
    ignored = re.findall(r"^\t[@+]*-.*|^.*\|\| *(?:true|:|exit 0)$|^\.IGNORE.*", makefile, re.MULTILINE)
    # What is not there needs no removal.
    assert [line for line in ignored if "-exec rm -rf" not in line] == []


def test_help_is_grouped_in_order_of_use() -> None:
    """The groups come in the order of use, `make run` first, and list every target that is no part of another."""
    shown = subprocess.run(["/usr/bin/env", "make", "-C", ROOT, "help"], capture_output=True, text=True, check=True)
    lines = [line for line in shown.stdout.splitlines() if line and "directory" not in line]
    assert [line for line in lines if not line.startswith(" ")] == ["Try it", "Work on it", "Deliver it"]
    assert lines[1].startswith("  make run ")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown_targets = [line.split()[1] for line in lines if line.startswith("  ")]
    assert shown_targets == re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    targets = {*re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE)}
    parts = {target for target in targets if target.startswith(("lint-", "verify-"))}
    assert targets - {*shown_targets} - parts == {"help", "python"}
