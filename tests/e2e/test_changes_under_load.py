"""Secrets are rotated and the stack is updated while orders flow, and none is lost."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import pytest

from local.run import LONGEST_WAIT_SECONDS
from local.stack import Stack, deploy
from local.up import PARAMETERS
from partner_orders.orders_table import OrdersTable
from tests.e2e.conftest import Answer, eventually
from tests.e2e.test_every_statement_is_needed import cold
from tests.orders import as_bytes, order

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


# The platform does not say how long it waits between its tries.
TRY_AGAIN_AFTER = 3.0


class Orders(threading.Thread):
    """Posts an order now and then, as the platform does: again, up to five times, until there is a 2xx."""

    def __init__(self, post: Callable[..., Answer], secret: bytes) -> None:
        super().__init__(daemon=True)
        self._post = post
        self.secret = secret
        self.sent: list[str] = []
        self.given_up: list[str] = []
        self.refused = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.2):
            order_id = str(uuid4())
            self.sent.append(order_id)
            for _ in range(6):
                status = 0
                with suppress(OSError):
                    status = self._post(as_bytes(order(order_id=order_id)), self.secret).status
                if status == 200:
                    break
                self.refused += status == 401
                time.sleep(TRY_AGAIN_AFTER)
            else:
                self.given_up.append(order_id)


def status_of(post: Callable[..., Answer], secret: bytes) -> int | None:
    """What a new order gets; None if there was no answer, as where the function was just ended."""
    with suppress(OSError):
        return post(as_bytes(order(order_id=str(uuid4()))), secret).status
    return None


def accepted(post: Callable[..., Answer], secret: bytes) -> bool | None:
    return True if status_of(post, secret) == 200 else None


def finish(flow: Orders, orders: OrdersTable) -> None:
    flow.stopped.set()
    flow.join()
    assert flow.given_up == []
    assert len(flow.sent) > 10
    eventually(lambda: len(orders.known(flow.sent)) == len(flow.sent) or None, seconds=LONGEST_WAIT_SECONDS)


def test_a_secret_is_rotated_without_an_event_refused_and_the_old_one_is_refused_once_retired(
    stack: Stack, post: Callable[..., Answer], secret: bytes, orders: OrdersTable
) -> None:
    client, arn = stack.client("secretsmanager"), stack.outputs["WebhookSecretArn"]
    flow = Orders(post, secret)
    flow.start()
    time.sleep(2.0)
    client.put_secret_value(SecretId=arn, SecretString="Basic dGhlIG5ldzpvbmU=")
    new = b"Basic dGhlIG5ldzpvbmU="
    # Both are valid: a webhook reads the secret again when it meets one it does not know, once a minute.
    eventually(lambda: accepted(post, new), seconds=90)
    time.sleep(1.0)
    flow.secret = new
    time.sleep(2.0)
    finish(flow, orders)
    assert flow.refused == 0
    assert accepted(post, secret)
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    [previous] = [version for version, stages in versions.items() if "AWSPREVIOUS" in stages]
    client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPREVIOUS", RemoveFromVersionId=previous)
    cold(stack, "Webhook")  # or within five minutes
    eventually(lambda: accepted(post, new))
    assert eventually(lambda: status_of(post, secret)) == 401
    client.put_secret_value(SecretId=arn, SecretString=secret.decode())
    cold(stack, "Webhook")
    eventually(lambda: accepted(post, secret))


def test_the_stack_is_updated_and_rolled_back_while_orders_flow(
    stack: Stack, post: Callable[..., Answer], secret: bytes, orders: OrdersTable
) -> None:
    usual = PARAMETERS | {"ReconciliationState": "DISABLED"}
    flow = Orders(post, secret)
    flow.start()
    time.sleep(2.0)
    assert deploy(stack.endpoint_url, stack.platform_url, usual | {"LogLevel": "DEBUG", "LogRetentionDays": "7"})
    time.sleep(2.0)
    assert deploy(stack.endpoint_url, stack.platform_url, usual) == stack.outputs
    time.sleep(2.0)
    finish(flow, orders)
    assert flow.refused == 0
