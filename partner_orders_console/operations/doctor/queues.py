"""The order-events queue and the dead-letter queues."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from partner_orders_console.operations.doctor.finding import Finding, Fix
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

_QUEUES = {
    "OrderEventsDeadLettersUrl": "docs/runbooks/order-events-dead-letters.md",
    "PublisherDeadLettersUrl": "docs/runbooks/publisher-dead-letters.md",
    "ReconciliationDeadLettersUrl": "docs/runbooks/reconciliation-dead-letters.md",
    "AnswersDeadLettersUrl": "docs/runbooks/answers-dead-letters.md",
}


def queue(stack: DeployedStack) -> Iterator[Finding]:
    """Check the order-events queue's settings."""
    part = "order-events queue"
    attributes = _attributes(stack, "OrderEventsQueueUrl")
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    letters = _attributes(stack, "OrderEventsDeadLettersUrl")["QueueArn"]
    usual_redrive = json.dumps({"deadLetterTargetArn": letters, "maxReceiveCount": 80})
    if redrive.get("deadLetterTargetArn") != letters:
        fault = "failing messages do not go to the dead-letter queue"
        yield _wrong(stack, fault, "RedrivePolicy", usual_redrive)
    elif int(redrive.get("maxReceiveCount", 0)) < 80:
        yield _wrong(stack, "messages go to the dead-letter queue too soon", "RedrivePolicy", usual_redrive)
    elif int(attributes["MessageRetentionPeriod"]) < 345_600:
        fault = "messages are dropped before they go to the dead-letter queue"
        yield _wrong(stack, fault, "MessageRetentionPeriod", "345600")
    elif int(attributes["VisibilityTimeout"]) < 180:
        fault = "messages are redelivered while the consumer works on them"
        yield _wrong(stack, fault, "VisibilityTimeout", "300")
    elif int(attributes.get("DelaySeconds", 0)) > 0:
        yield _wrong(stack, "messages wait before they are delivered", "DelaySeconds", "0")
    elif attributes.get("Policy"):
        # The roles say who may use the queue. Somebody may have meant this one, so nothing removes it unasked.
        yield Finding(part, "it has a policy of its own", _set_queue(stack, Policy=""))
    else:
        waiting = int(attributes["ApproximateNumberOfMessages"])
        yield Finding(part, note=f"{counted(waiting, 'message')} waiting")


def _wrong(stack: DeployedStack, fault: str, name: str, usual: str) -> Finding:
    """The finding for an attribute that is not as the template sets it."""
    client, url = stack.client("sqs"), stack.output("OrderEventsQueueUrl")
    fix = Fix(
        f"set {name} of the order-events queue as the template does",
        lambda: client.set_queue_attributes(QueueUrl=url, Attributes={name: usual}),
    )
    return Finding("order-events queue", fault, _set_queue(stack, **{name: usual}), fix=fix)


def _set_queue(stack: DeployedStack, **attributes: str) -> str:
    """The command that restores an attribute. A deployment leaves it, since to CloudFormation nothing has changed."""
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
            yield Finding(part, counted(count, "dead-letter message"), f"partner-orders dead-letters list; {runbook}")
        else:
            yield Finding(part)


def _attributes(stack: DeployedStack, output: str) -> dict[str, Any]:
    return dict(
        stack.client("sqs").get_queue_attributes(QueueUrl=stack.output(output), AttributeNames=["All"])["Attributes"]
    )
