"""The order-events queue and the dead-letter queues."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from partner_orders_console.operations.doctor.finding import Finding
from partner_orders_console.operations.stack import DeployedStack

_QUEUES = {
    "OrderEventsDeadLettersUrl": "docs/runbooks/order-events-dead-letters.md",
    "PublisherDeadLettersUrl": "docs/runbooks/publisher-dead-letters.md",
    "ReconciliationDeadLettersUrl": "docs/runbooks/reconciliation-dead-letters.md",
}


def queue(stack: DeployedStack) -> Iterator[Finding]:
    """Check the order-events queue's settings."""
    part = "order-events queue"
    attributes = _attributes(stack, "OrderEventsQueueUrl")
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    letters = _attributes(stack, "OrderEventsDeadLettersUrl")["QueueArn"]
    usual_redrive = json.dumps({"deadLetterTargetArn": letters, "maxReceiveCount": 80})
    if redrive.get("deadLetterTargetArn") != letters:
        yield Finding(
            part, "what fails does not go to the dead letters", _set_queue(stack, RedrivePolicy=usual_redrive)
        )
    elif int(redrive.get("maxReceiveCount", 0)) < 80:
        yield Finding(part, "messages become dead letters too soon", _set_queue(stack, RedrivePolicy=usual_redrive))
    elif int(attributes["MessageRetentionPeriod"]) < 345_600:
        advice = _set_queue(stack, MessageRetentionPeriod="345600")
        yield Finding(part, "messages are dropped before they are dead letters", advice)
    elif int(attributes["VisibilityTimeout"]) < 180:
        advice = _set_queue(stack, VisibilityTimeout="300")
        yield Finding(part, "messages come back while they are worked on", advice)
    elif int(attributes.get("DelaySeconds", 0)) > 0:
        yield Finding(part, "messages wait before they are worked on", _set_queue(stack, DelaySeconds="0"))
    elif attributes.get("Policy"):
        # The roles say who may use the queue.
        yield Finding(part, "it has a policy of its own", _set_queue(stack, Policy=""))
    else:
        waiting = int(attributes["ApproximateNumberOfMessages"])
        yield Finding(part, note=f"{waiting} waiting")


def _set_queue(stack: DeployedStack, **attributes: str) -> str:
    """What puts back an attribute that somebody changed by hand: a deployment leaves it, since to CloudFormation
    nothing has changed."""
    url = stack.output("OrderEventsQueueUrl")
    return f"aws sqs set-queue-attributes --queue-url {url} --attributes {shlex.quote(json.dumps(attributes))}"


def dead_letters(stack: DeployedStack) -> Iterator[Finding]:
    """Count the messages of each dead-letter queue."""
    for output, runbook in _QUEUES.items():
        if output not in stack.outputs:
            continue
        attributes = _attributes(stack, output)
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        count = sum(int(attributes.get(name, 0)) for name in names)
        part = f"dead letters ({output.removesuffix('Url').removesuffix('DeadLetters')})"
        if count:
            yield Finding(part, f"{count} wait", f"partner-orders dead-letters list; {runbook}")
        else:
            yield Finding(part)


def _attributes(stack: DeployedStack, output: str) -> dict[str, Any]:
    return dict(
        stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    )
