"""The webhook: whether it takes the secret, and only the secret."""

from collections.abc import Iterator

import requests
from botocore.exceptions import ClientError

from partner_orders.platform.session import AS_GIVEN
from partner_orders_console.cli.doctor.finding import TIMEOUT, Finding, unreadable_secret
from partner_orders_console.cli.errors import OperatorError
from partner_orders_console.cli.secrets import webhook_header
from partner_orders_console.cli.stack import DeployedStack


def webhook(stack: DeployedStack) -> Iterator[Finding]:
    """Post to the webhook with the secret, without one and with another."""
    part = "webhook"
    try:
        secret = webhook_header(stack)
    except ClientError as error:
        yield unreadable_secret("webhook secret", stack.output("WebhookSecretArn"), error)
        return
    except OperatorError as error:
        yield Finding("webhook secret", error.what, error.advice)
        return
    if not secret:
        yield Finding("webhook secret", "it is empty", "partner-orders secrets rotate-webhook")
        return
    yield Finding("webhook secret")
    # An empty body is refused with 400 once the secret was taken, and nothing is queued.
    for given, expected, fault in (
        (secret, 400, "the secret is not taken"),
        ("", 401, "it lets in who has no secret"),
        (secret[::-1] + "x", 401, "it lets in who has another secret"),
    ):
        headers = {**stack.headers, **({"Authorization": given} if given else {})}
        try:
            status = requests.post(
                stack.webhook_url, headers=headers, timeout=TIMEOUT, allow_redirects=False, auth=AS_GIVEN
            ).status_code
        except requests.RequestException as error:
            yield Finding(
                part, f"it does not answer: {type(error).__name__}", f"Is {stack.webhook_url} right? Deploy again."
            )
            return
        if status != expected:
            what = fault if status in {200, 400, 401} else "it fails"
            rotated = "Was it rotated less than a minute ago? If not: " if status == 401 else ""
            yield Finding(part, f"{what}: it answered {status}", f"{rotated}Read the webhook's log.")
            return
    yield Finding(part, note=stack.webhook_url)
