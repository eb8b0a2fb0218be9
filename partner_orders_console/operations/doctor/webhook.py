"""The webhook: whether it takes the secret, and only the secret."""

from collections.abc import Iterator

import requests
from botocore.exceptions import ClientError

from partner_orders.platform.session import AS_GIVEN
from partner_orders_console.operations.doctor.finding import TIMEOUT, Finding, unreadable_secret
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_secret import (
    HOW_TO_STORE_IT,
    webhook_header,
    webhook_secret,
    webhook_secret_fault,
)


def webhook(stack: DeployedStack) -> Iterator[Finding]:
    """Post to the webhook with the secret, without one and with another."""
    part, name = "webhook", "webhook secret"
    try:
        fault = webhook_secret_fault(webhook_secret(stack))
        yield Finding(name, f"it {fault}", HOW_TO_STORE_IT) if fault else Finding(name)
        secret = webhook_header(stack)
    except ClientError as error:
        yield unreadable_secret(name, stack.output("WebhookSecretArn"), error)
        return
    except OperatorError:
        return  # The fault is named.
    # An empty body gets 200 with the secret, and nothing is enqueued.
    for given, expected, fault in (
        (secret, 200, "it does not accept the secret"),
        ("", 401, "it accepts requests without the secret"),
        (secret[::-1] + "x", 401, "it accepts requests with a wrong secret"),
    ):
        headers = {**stack.headers, **({"Authorization": given} if given else {})}
        try:
            status = requests.post(
                stack.webhook_url, headers=headers, timeout=TIMEOUT, allow_redirects=False, auth=AS_GIVEN
            ).status_code
        except requests.RequestException as error:
            yield Finding(
                part, f"it does not respond: {type(error).__name__}", f"Is {stack.webhook_url} right? Deploy again."
            )
            return
        if status != expected:
            what = fault if status in {200, 401} else "it fails"
            rotated = "Was it rotated less than a minute ago? If not: " if status == 401 else ""
            yield Finding(part, f"{what}: it responded with {status}", f"{rotated}partner-orders logs webhook --errors")
            return
    yield Finding(part, note=stack.webhook_url)
