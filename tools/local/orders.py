"""`make orders`: the simulated platform of `make up` places orders and drops some of their webhooks."""

import sys
import time
from typing import Any

import requests

from partner_orders.platform.session import AS_GIVEN
from partner_orders.platform.webhook_secret import REFRESH_EVERY_SECONDS
from tools.local.second_terminal import refuse, with_stack
from tools.local.stack import Stack
from tools.local.up import configure_platform

HOUR = {"orders": 24, "stores": 2, "wall_seconds": 20, "faults": {"drop": 0.3}}
PAUSE_SECONDS = 5.0


def main() -> int:
    return with_stack(_place_orders)


def _place_orders(stack: Stack) -> int:
    connect(stack)
    # The seed makes other orders each time.
    response = platform(stack, "POST", "play", {**HOUR, "seed": int(time.time())})
    if response.status_code != requests.codes.accepted:
        return refuse(response.json()["message"])
    print(f"playing a trading hour of {HOUR['orders']} orders in {HOUR['wall_seconds']} seconds", flush=True)
    while (progress := platform(stack, "GET", "progress").json())["state"] != "done":
        time.sleep(0.5)
    print(
        f"{progress['events']} events: {progress['acknowledged']} acknowledged, {progress['never_sent']} never sent,"
        f" {progress['failed']} refused\n"
        "The next regular run fetches what was never sent, within 5 minutes. To fetch it now:\n"
        "  .venv/bin/partner-orders reconcile run --yes\n"
        "It finds most other orders different, too: the platform sends no webhook for PICKED_UP.\n"
        "Reports count these orders as before_registration, not as webhooks_missed: their stores are new here."
    )
    return refuse(_why_refused(progress["failed_by_answer"])) if progress["failed"] else 0


def connect(stack: Stack) -> None:
    """Tell the simulated platform the webhook secret of now, once the webhook accepts it."""
    secret = stack.present_webhook_secret()
    _wait_until_admitted(stack, secret)
    configure_platform(stack, webhook_secret=secret)


def _wait_until_admitted(stack: Stack, secret: str) -> None:
    """Wait until the webhook accepts the secret: after a rotation that takes up to a minute."""
    until, said = time.monotonic() + REFRESH_EVERY_SECONDS, False
    headers = {**stack.webhook_headers, "Authorization": secret}
    while _status(stack.webhook_url, headers) == requests.codes.unauthorized:
        if time.monotonic() > until:
            return
        if not said:
            print("the webhook secret was rotated; waiting until the webhook accepts the new one", flush=True)
        said = True
        time.sleep(PAUSE_SECONDS)


def _status(url: str, headers: dict[str, str]) -> int:
    return requests.post(url, headers=headers, timeout=30, auth=AS_GIVEN).status_code


def _why_refused(by_answer: dict[str, int]) -> str:
    shown = {answer: f"with {answer}" if int(answer) else "without a response in time" for answer in by_answer}
    responses = ", ".join(f"{number} {shown[answer]}" for answer, number in by_answer.items())
    why = "the webhook does not accept the secret; restart `make up`" if "401" in by_answer else "see .local/logs"
    return f"refused: {responses}: {why}"


def platform(stack: Stack, method: str, what: str, content: Any = None) -> requests.Response:
    return requests.request(method, f"{stack.platform_url}/_platform/{what}", json=content, timeout=60, auth=AS_GIVEN)


if __name__ == "__main__":
    sys.exit(main())
