"""Everything that a stack puts on its bus: a rule and a queue of our own, emptied as the events come."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from partner_orders.aws.event_bus import SOURCE
from partner_orders.clock import from_text

READERS = 2
WAIT_SECONDS = 1
QUEUE_RETENTION_SECONDS = 3600


@dataclass
class Heard:
    """``sequences`` counts, by order, how often each of its changes came; ``rejected`` by digest the rejected events.
    ``latencies`` are pairs: when the event came to the webhook, and how many seconds later its change reached the
    queue."""

    sequences: dict[str, Counter[int]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    latencies: list[tuple[datetime, float]] = field(default_factory=list)

    def hear(self, message: dict[str, Any]) -> None:
        detail = json.loads(message["Body"])["detail"]
        if "sequence" in detail:
            self.sequences.setdefault(detail["order_id"], Counter())[detail["sequence"]] += 1
        elif "digest" in detail:
            self.rejected[detail["digest"]] += 1
        received = from_text(detail["received_at"])
        sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
        self.latencies.append((received, max(0.0, (sent - received).total_seconds())))


class Subscriber:
    def __init__(self, client: Callable[[str], Any], queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url
        self._lock, self._is_over = threading.Lock(), threading.Event()
        self._heard = Heard()
        self._last_at = time.monotonic()
        self._threads = [threading.Thread(target=self._read, daemon=True) for _ in range(READERS)]
        for thread in self._threads:
            thread.start()

    def until(self, is_complete: Callable[[Heard], bool], longest_seconds: float) -> Heard:
        """What was heard once ``is_complete`` says so, or once nothing has come for so long."""
        while True:
            with self._lock:
                if is_complete(self._heard) or time.monotonic() - self._last_at > longest_seconds:
                    return self._heard
            time.sleep(0.5)

    @property
    def heard(self) -> Heard:
        """What was heard so far; still growing."""
        return self._heard

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        sqs = self._client("sqs")
        while not self._is_over.is_set():
            messages = sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
            if not messages:
                continue
            with self._lock:
                for message in messages:
                    self._heard.hear(message)
                self._last_at = time.monotonic()
            sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )


@contextmanager
def subscribed(client: Callable[[str], Any], bus_name: str, name: str) -> Iterator[Subscriber]:
    """Hear all that comes on the bus until the context ends. The rule and the queue, both called ``name``, are removed
    then. Raises botocore's errors."""
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": str(QUEUE_RETENTION_SECONDS)})[
        "QueueUrl"
    ]
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus_name, EventPattern=json.dumps({"source": [SOURCE]}))
        try:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, rule["RuleArn"])})
            events.put_targets(Rule=name, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": arn}])
            subscriber = Subscriber(client, url)
            try:
                yield subscriber
            finally:
                subscriber.end()
                events.remove_targets(Rule=name, EventBusName=bus_name, Ids=["queue"])
        finally:
            events.delete_rule(Name=name, EventBusName=bus_name)
    finally:
        sqs.delete_queue(QueueUrl=url)


def _policy(queue_arn: str, rule_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
