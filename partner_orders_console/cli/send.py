"""``partner-orders send``: order events at the webhook, as the platform would post them."""

import base64
import json
import time
from pathlib import Path
from typing import Annotated, Any

import requests
import typer

from partner_orders.platform.session import AS_GIVEN
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import AsJson, counted, print_json, print_table, say, working
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.webhook_secret import webhook_header

# What the platform waits for an answer (docs/platform.md, 2.1).
_TIMEOUT_SECONDS = 10


def send(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, help="an event file, or a folder of them")],
    rate: Annotated[float, typer.Option(help="events a second", min=0.1)] = 10.0,
    as_json: AsJson = False,
) -> int:
    """Post order events at the webhook: files with an order's JSON, or files of events/webhook. Of the latter the body
    is posted as it is encoded, with this stack's secret: to try a missing or wrong one, `make invoke` or `doctor`.

    Example: partner-orders send events/order.json
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise OperatorError(f"no .json file in {path}", "Name a file, or a folder that has some.")
    events = [(file, *_body(file)) for file in files]
    stack = stack_of(context)
    headers = {**stack.headers, "Authorization": webhook_header(stack), "Content-Type": "application/json"}
    rows: list[dict[str, Any]] = []
    with working(f"posting {counted(len(events), 'event')}") as shown:
        for number, (file, body, encoding) in enumerate(events):
            shown(f"{number} of {len(events)} events are posted")
            rows.append({"file": str(file), **_post(stack.webhook_url, body, headers | encoding)})
            time.sleep(1 / rate)
    if as_json:
        print_json(rows)
    else:
        print_table(("status", "answer", "file"), ((row["status"], row["answer"], row["file"]) for row in rows))
    if any(row["status"] == requests.codes.unauthorized for row in rows):
        say("The webhook refused the secret. Was it rotated less than a minute ago? If not: partner-orders doctor")
    return 0 if all(str(row["status"]).startswith("2") for row in rows) else 1


def _body(file: Path) -> tuple[bytes, dict[str, str]]:
    """What of a file to post: the body of an API Gateway request, or all of it; and the headers that tell how the body
    is encoded. Raises OperatorError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}", "Is it a file that you may read?") from None
    try:
        event = json.loads(content)
    except (ValueError, RecursionError):
        return content, {}
    if not isinstance(event, dict) or "requestContext" not in event or "body" not in event:
        return content, {}
    text, given = str(event["body"] or ""), event.get("headers") or {}
    headers = {name.title(): str(given[name]) for name in ("content-type", "content-encoding") if name in given}
    try:
        body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
    except ValueError:
        raise OperatorError(
            f"{file}: the body is marked as base64, and is not", "Mend the body, or the mark."
        ) from None
    return body, headers


def _post(url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    try:
        answer = requests.post(
            url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False, auth=AS_GIVEN
        )
    except requests.RequestException as fault:
        return {"status": "none", "answer": type(fault).__name__}
    return {"status": answer.status_code, "answer": answer.text[:100]}
