"""Order events posted at a stack's webhook, as the platform would post them."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from partner_orders.platform.session import AS_GIVEN
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_secret import webhook_header

# What the platform waits for a response (docs/platform.md, 2.1).
_TIMEOUT_SECONDS = 10
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class EventFile:
    """A file, the bytes to post of it, and the headers that tell how they are encoded."""

    file: Path
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """What became of a file. ``status`` is the HTTP status, None without a response; ``response`` its first 100
    characters, or the kind of error."""

    file: str
    status: int | None
    response: str

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and self.status // 100 == 2

    @property
    def is_unauthorized(self) -> bool:
        return self.status == _UNAUTHORIZED


def event_files(path: Path) -> list[EventFile]:
    """The events of a file, or of all ``.json`` files in a folder. Raises OperatorError if there are none, or if a file
    is the event of another function."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise OperatorError(f"no .json file in {path}", "Name a file, or a folder that has some.")
    return [event_file(file) for file in files]


def event_file(file: Path) -> EventFile:
    """What to post of a file: the body of an API Gateway request, byte for byte, or all of it. Raises OperatorError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{file} cannot be read: {error.strerror}",
            "Check that it is a file and that you have the right to read it.",
        ) from None
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        return EventFile(file, content)
    if not isinstance(event, dict):
        return EventFile(file, content)
    if isinstance(event.get("Records"), list) or file.resolve().parent.name == "reconciler":
        raise OperatorError(
            f"{file} is an event of another function: the webhook receives order objects",
            f"Call its function with it: make invoke EVENT={file}",
        )
    if "requestContext" not in event or "body" not in event:
        return EventFile(file, content)
    text, given = str(event["body"] or ""), event.get("headers") or {}
    headers = {name.title(): str(given[name]) for name in ("content-type", "content-encoding") if name in given}
    try:
        encoded = event.get("isBase64Encoded")
        body = base64.b64decode(text, validate=True) if encoded else text.encode("utf-8", "surrogatepass")
    except ValueError:
        raise OperatorError(
            f"{file}: the body is marked as base64 but is not", "Correct the body or the mark (isBase64Encoded)."
        ) from None
    return EventFile(file, body, headers)


def post(stack: DeployedStack, events: Sequence[EventFile], rate: float, progress: Progress = silent) -> list[Posted]:
    """Post events with the stack's secret, ``rate`` a second. Raises OperatorError where no header can hold the
    secret."""
    headers = {**stack.headers, "Authorization": webhook_header(stack), "Content-Type": "application/json"}
    posted = []
    for number, event in enumerate(events):
        progress(f"{number} of {len(events)} events are posted")
        posted.append(_posted(stack.webhook_url, event, headers | event.headers))
        time.sleep(1 / rate)
    return posted


def _posted(url: str, event: EventFile, headers: dict[str, str]) -> Posted:
    try:
        response = requests.post(
            url, data=event.body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False, auth=AS_GIVEN
        )
    except requests.RequestException as fault:
        return Posted(str(event.file), None, type(fault).__name__)
    return Posted(str(event.file), response.status_code, response.text[:100])
