"""The metrics of `make up`: read out of the functions' logs and the queues, and put into the local CloudWatch.

AWS does this by itself. MiniStack reads no metrics out of logs, and has none of its own services.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from partner_orders_console.operations.dead_letter_queue import OUTPUTS
from partner_orders_console.operations.logs import FUNCTIONS
from tools.local.arrivals import FunctionLog
from tools.local.stack import Stack

_REPORT = "REPORT RequestId: "  # The line by which Lambda ends a call.
QUEUES = ("OrderEventsQueueUrl", *OUTPUTS.values())
EVERY_SECONDS = 5.0
_AT_ONCE = 500  # values that CloudWatch takes in one request
_QUEUE_EVERY = 60.0  # seconds, as in AWS


def metrics_in(line: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The metrics of a log line in CloudWatch's embedded metric format, each with its namespace; of any other line
    none."""
    try:
        content = json.loads(line)
    except ValueError:
        return
    if not isinstance(content, dict) or not isinstance(content.get("_aws"), dict):
        return
    at = datetime.fromtimestamp(content["_aws"]["Timestamp"] / 1000, UTC)
    for directive in content["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": content[name]} for name in names]
            for metric in directive["Metrics"]:
                values = content[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": dimensions,
                        "Timestamp": at,
                        "Values": values if isinstance(values, list) else [values],
                        "Unit": metric.get("Unit", "None"),
                    },
                )


class Metrics:
    """Collects what a stack's functions and queues tell from now on. Raises botocore's errors."""

    def __init__(self, stack: Stack) -> None:
        names = stack.deployed().resources
        self._logs = {
            names[f"{name}Function"]: FunctionLog(stack, f"{name}LogGroup")
            for name in map(str.title, FUNCTIONS)
            if f"{name}Function" in names
        }
        self._queues = [stack.outputs[output] for output in QUEUES if output in stack.outputs]
        self._sqs = stack.client("sqs")
        self._cloudwatch = stack.client("cloudwatch")
        self._queues_at = float("-inf")

    def collect(self) -> None:
        """Put what came since the last call into the local CloudWatch."""
        found: dict[str, list[dict[str, Any]]] = {}
        for function, log in self._logs.items():
            with suppress(ClientError):  # A function that never ran has no log yet.
                lines = [*log.since_last_look()]
                for namespace, metric in (told for line in lines for told in metrics_in(line)):
                    found.setdefault(namespace, []).append(metric)
                calls = sum(line.startswith(_REPORT) for line in lines)
                found.setdefault("AWS/Lambda", []).append(_invocations(function, calls))
        if time.monotonic() - self._queues_at >= _QUEUE_EVERY:
            self._queues_at = time.monotonic()
            found["AWS/SQS"] = [metric for url in self._queues for metric in self._queue(url)]
        for namespace, metrics in found.items():
            for first in range(0, len(metrics), _AT_ONCE):
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=metrics[first : first + _AT_ONCE])

    def _queue(self, url: str) -> Iterator[dict[str, Any]]:
        names = ["ApproximateNumberOfMessages"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        yield {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
            "Timestamp": datetime.now(UTC),
            "Value": float(attributes["ApproximateNumberOfMessages"]),
            "Unit": "Count",
        }


def _invocations(function: str, calls: int) -> dict[str, Any]:
    return {
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Timestamp": datetime.now(UTC),
        "Value": float(calls),
        "Unit": "Count",
    }


@contextmanager
def collected(stack: Stack, every_seconds: float = EVERY_SECONDS) -> Iterator[Metrics]:
    """Collect a stack's metrics until the context ends."""
    metrics, ended = Metrics(stack), threading.Event()

    def work() -> None:
        while not ended.wait(every_seconds):
            with suppress(BotoCoreError, ClientError):  # The next turn may do better.
                metrics.collect()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield metrics
    finally:
        ended.set()
        thread.join(10)
