"""`make invoke EVENT=events/<function>/<case>.json`: call a function of the stack that `make up` started.

Where the event says PASTE-THE-WEBHOOK-SECRET-HERE, the stack's own secret is put in.
"""

import json
import sys
from pathlib import Path

from local.stack import Stack

FUNCTIONS = {
    "webhook": "WebhookFunctionName",
    "consumer": "ConsumerFunctionName",
    "reconciler": "ReconcilerFunctionName",
}
PLACEHOLDER = "PASTE-THE-WEBHOOK-SECRET-HERE"


def main(event: Path) -> int:
    """Print the function's answer; gives 1 when it failed."""
    if not event.is_file():
        return _refuse(f"there is no file {event}")
    if event.parent.name not in FUNCTIONS:
        return _refuse(f"{event}: the folder names the function: {', '.join(FUNCTIONS)}")
    try:
        stack = Stack.load()
    except FileNotFoundError:
        return _refuse("no stack is up; start one with: make up")
    payload = event.read_text().replace(PLACEHOLDER, json.dumps(stack.webhook_secret)[1:-1])
    answer = stack.client("lambda").invoke(
        FunctionName=stack.outputs[FUNCTIONS[event.parent.name]], Payload=payload.encode()
    )
    print(json.dumps(json.load(answer["Payload"]), indent=2, ensure_ascii=False))
    return 1 if answer.get("FunctionError") else 0


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
