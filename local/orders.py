"""`make orders`: the simulated platform of `make up` plays orders, and keeps some of their webhooks to itself."""

import sys
import time
from typing import Any

import requests

from local.stack import Stack

HOUR = {"orders": 24, "stores": 2, "wall_seconds": 20, "faults": {"drop": 0.3}}


def main() -> int:
    try:
        stack = Stack.load()
    except FileNotFoundError:
        return _refuse("no stack is up; start one with: make up")
    # Other orders each time.
    answer = _platform(stack, "POST", "play", {**HOUR, "seed": int(time.time())})
    if answer.status_code != requests.codes.accepted:
        return _refuse(answer.json()["message"])
    print(f"a trading hour of {HOUR['orders']} orders is played in {HOUR['wall_seconds']} seconds", flush=True)
    while (progress := _platform(stack, "GET", "progress").json())["state"] != "done":
        time.sleep(0.5)
    print(
        f"{progress['events']} events: {progress['acknowledged']} acknowledged, {progress['never_sent']} never sent\n"
        "What was never sent is found by the next regular run, within 5 minutes, or now by:"
        " .venv/bin/partner-orders reconcile run"
    )
    return 0


def _platform(stack: Stack, method: str, what: str, content: Any = None) -> requests.Response:
    return requests.request(method, f"{stack.platform_url}/_platform/{what}", json=content, timeout=60)


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
