"""``send``: what is posted of a file, and with which credentials."""

import ast
import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.support.console import Ran

type Run = Callable[..., Ran]

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
NETRC = "default login a-stranger password of-theirs\n"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[requests.PreparedRequest]:
    """The requests that would go out, from a machine whose netrc has a login for every host."""
    netrc = tmp_path / "netrc"
    netrc.write_text(NETRC)
    monkeypatch.setenv("NETRC", str(netrc))
    found: list[requests.PreparedRequest] = []

    def send(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        found.append(request)
        answer = requests.Response()
        answer.status_code = 200
        answer.raw = SimpleNamespace(read=lambda *_: b"", release_conn=lambda: None, close=lambda: None)
        return answer

    monkeypatch.setattr(requests.Session, "send", send)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return found


@pytest.mark.parametrize("file", ["consumer/received.json", "publisher/received.json"])
def test_event_of_another_function_is_refused(run: Run, sent: list[requests.PreparedRequest], file: str) -> None:
    """The event of another function is not posted; the message has the command that takes it."""
    ran = run("send", str(EVENTS / file))
    assert (ran.status, sent) == (1, [])
    assert f"make invoke EVENT={EVENTS / file}" in ran.err


def test_folder_with_a_foreign_event_posts_nothing(run: Run, sent: list[requests.PreparedRequest]) -> None:
    """A folder with the event of another function is refused as a whole, before the first request."""
    assert run("send", str(EVENTS / "consumer")).status == 1
    assert sent == []


def test_bytes_are_posted_as_they_are(run: Run, sent: list[requests.PreparedRequest]) -> None:
    """A body that is not UTF-8 is posted byte for byte."""
    file = EVENTS / "webhook" / "invalid_utf8.json"
    assert run("send", str(file)).status == 0
    body = base64.b64decode(json.loads(file.read_bytes())["body"])
    assert b"\xff\xfe" in body
    assert [request.body for request in sent] == [body]


def test_body_marked_as_base64_must_be(run: Run, sent: list[requests.PreparedRequest], folder: Path) -> None:
    """A body that is marked as base64, and is not, is refused in a sentence."""
    file = folder / "event.json"
    file.write_text('{"requestContext": {}, "body": "***", "isBase64Encoded": true}')
    ran = run("send", str(file))
    assert (ran.status, sent) == (1, [])
    assert "marked as base64" in ran.err


def test_netrc_default_is_not_sent(run: Run, sent: list[requests.PreparedRequest]) -> None:
    """A default entry of the operator's netrc does not replace the webhook secret."""
    assert run("send", str(EVENTS / "order.json")).status == 0
    assert [request.headers["Authorization"] for request in sent] == ["the webhook secret"]


_CALLS = {"request", "get", "post", "put", "patch", "delete", "head", "options"}
# They call only servers that they started themselves, without any credentials.
_WITHOUT_CREDENTIALS = {"tools/local/process.py", "tools/local/stack.py", "tools/local/up.py"}


def _without_auth(file: Path) -> list[str]:
    """The calls of requests in a file that leave the credentials to requests."""
    source = file.read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in _CALLS
        and ast.unparse(call.func.value) == "requests"
        and "auth" not in {option.arg for option in call.keywords}
    ]


@pytest.mark.slow
def test_each_request_names_its_credentials() -> None:
    """Each request of the package, the command line and the tools says by ``auth=`` which credentials it has."""
    folders = ("layers", "functions", "partner_orders_console", "tools")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py") if "peers" not in file.parts]
    found = [call for file in files for call in _without_auth(file)]
    assert [call for call in found if call.split(":")[0] not in _WITHOUT_CREDENTIALS] == []
