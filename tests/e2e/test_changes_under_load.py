"""Secrets are rotated and the stack is updated while orders flow, and none is lost."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

import pytest

from partner_orders.order_events.message import WEBHOOK
from partner_orders.orders.table import OrdersTable
from partner_orders.platform.webhook_secret import REFRESH_EVERY_SECONDS
from tests.support.deployed import Answer, cold, eventually
from tests.support.orders import as_bytes, order
from tools.local.hour import LONGEST_WAIT_SECONDS
from tools.local.stack import BUILD, Stack, deploy
from tools.local.up import PARAMETERS

pytestmark = pytest.mark.slow


# The platform does not say how long it waits between its tries. Longer each time: on a busy machine a deployment takes
# the time of everything else, and the local AWS then answers too late for the webhook's own limits, or not at all.
WAITS = (2.0, 4.0, 8.0, 16.0, 32.0)
NEXT = "webhook-of-the-next-version"


class Orders(threading.Thread):
    """Posts an order now and then, as the platform does: again, up to five times, until there is a 2xx. ``given_up``
    has what each order got that got none; 0 where there was no answer."""

    def __init__(self, post: Callable[..., Answer], secret: bytes) -> None:
        super().__init__(daemon=True)
        self._post = post
        self.secret = secret
        self.sent: list[str] = []
        self.given_up: list[list[int]] = []
        self.refused = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.2):
            order_id = str(uuid4())
            self.sent.append(order_id)
            answers: list[int] = []
            for wait in (*WAITS, 0.0):
                answers.append(status_of(self._post, self.secret, order_id) or 0)
                if answers[-1] == 200:
                    break
                time.sleep(wait)
            else:
                self.given_up.append(answers)
            self.refused += answers.count(401)


def status_of(post: Callable[..., Answer], secret: bytes, order_id: str = "") -> int | None:
    """What a new order gets; None if there was no answer, as where the function was just ended."""
    with suppress(OSError, HTTPException):
        return post(as_bytes(order(order_id=order_id or str(uuid4()))), secret).status
    return None


def accepted(post: Callable[..., Answer], secret: bytes) -> bool | None:
    return True if status_of(post, secret) == 200 else None


def admitted(post: Callable[..., Answer], secret: bytes) -> bool | None:
    """Whether the secret lets one in; None if the webhook could not say."""
    return {200: True, 401: False}.get(status_of(post, secret) or 0)


def finish(flow: Orders, orders: OrdersTable) -> None:
    flow.stopped.set()
    flow.join()
    assert flow.given_up == []
    assert len(flow.sent) > 10
    eventually(lambda: len(orders.known(flow.sent)) == len(flow.sent) or None, seconds=LONGEST_WAIT_SECONDS)


def test_secret_rotates_without_rejections(
    stack: Stack, post: Callable[..., Answer], secret: bytes, orders: OrdersTable
) -> None:
    """A secret is rotated without a rejected event, and the old one is rejected once revoked."""
    client, arn = stack.client("secretsmanager"), stack.outputs["WebhookSecretArn"]
    flow = Orders(post, secret)
    flow.start()
    time.sleep(2.0)
    client.put_secret_value(SecretId=arn, SecretString="Basic dGhlIG5ldzpvbmU=")
    new = b"Basic dGhlIG5ldzpvbmU="
    # Both are valid: a webhook reads the secret again when it meets one it does not know, once a minute.
    time.sleep(REFRESH_EVERY_SECONDS)
    eventually(lambda: accepted(post, new))
    flow.secret = new
    time.sleep(2.0)
    finish(flow, orders)
    assert flow.refused == 0
    assert eventually(lambda: admitted(post, secret))
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    [previous] = [version for version, stages in versions.items() if "AWSPREVIOUS" in stages]
    client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPREVIOUS", RemoveFromVersionId=previous)
    cold(stack, "Webhook")  # or within five minutes
    eventually(lambda: accepted(post, new))
    assert not eventually(lambda: admitted(post, secret))
    client.put_secret_value(SecretId=arn, SecretString=secret.decode())
    cold(stack, "Webhook")
    eventually(lambda: accepted(post, secret))


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """A build whose code differs: its webhook gives another source, which the order's history keeps."""
    built = tmp_path / "next"
    shutil.copytree(BUILD, built)
    package = built / "PartnerOrdersLayer" / "python" / "partner_orders"
    code = package / "order_events" / "message.py"
    text = code.read_text()
    assert text.count('WEBHOOK = "webhook"') == 1
    code.write_text(text.replace('WEBHOOK = "webhook"', f'WEBHOOK = "{NEXT}"'))
    compile_ = [sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", str(package)]
    subprocess.run(compile_, check=True)
    return built


def test_update_and_rollback_lose_no_orders(
    stack: Stack, post: Callable[..., Answer], secret: bytes, orders: OrdersTable, next_version: Path
) -> None:
    """Orders keep flowing while the stack is updated to other code and rolled back."""
    # By name, since an update without a value keeps the one before.
    usual = PARAMETERS | {"ReconciliationState": "DISABLED", "LogLevel": "INFO", "LogRetentionDays": "30"}

    def sources() -> list[str]:
        stored = [orders.get(order_id) for order_id in flow.sent[-3:]]
        return [entry.source for one in stored if one for entry in one.history]

    flow = Orders(post, secret)
    flow.start()
    time.sleep(2.0)
    changed = usual | {"LogLevel": "DEBUG", "LogRetentionDays": "7"}
    assert deploy(stack.endpoint_url, stack.platform_url, changed, built=next_version)
    eventually(lambda: NEXT in sources() or None, seconds=LONGEST_WAIT_SECONDS)
    assert deploy(stack.endpoint_url, stack.platform_url, usual) == stack.outputs
    eventually(lambda: sources() == [WEBHOOK] * 3 or None, seconds=LONGEST_WAIT_SECONDS)
    finish(flow, orders)
    assert flow.refused == 0
