"""Series of CloudWatch's metrics: ours by function, and those of AWS's services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from partner_orders_console.operations.stack import DeployedStack

OURS = "PartnerOrders"
_AT_ONCE = 500  # metrics that CloudWatch takes in a request


@dataclass(frozen=True)
class Metric:
    """A metric with its dimension, as a statistic (``Sum``, ``Maximum``, ``p95``) over periods. ``more`` are further
    dimensions, of the few that have them."""

    namespace: str
    name: str
    dimension: tuple[str, str]
    stat: str = "Sum"
    period: timedelta = timedelta(minutes=5)
    more: tuple[tuple[str, str], ...] = ()


type Series = dict[datetime, float]
"""Values by the beginning of their period (UTC); a period without any is left out."""


def of_function(
    stack: DeployedStack, function: str, name: str, stat: str = "Sum", period: timedelta | None = None
) -> Metric:
    """One of our metrics, as a function such as ``webhook`` counts it."""
    return Metric(OURS, name, ("service", f"{stack.name}-{function}"), stat, period or timedelta(minutes=5))


def of_queue(stack: DeployedStack, output: str, name: str) -> Metric:
    """A metric of the queue whose URL is an output of the stack. Raises OperatorError if it has no such queue."""
    return Metric("AWS/SQS", name, ("QueueName", stack.output(output).rpartition("/")[2]), "Maximum")


def series[Name](
    stack: DeployedStack, metrics: Mapping[Name, Metric], start: datetime, end: datetime
) -> dict[Name, Series]:
    """The series of each metric between two times. CloudWatch is a minute or two late, and charges 0.01 USD for a
    thousand metrics. Raises botocore's errors."""
    client = stack.client("cloudwatch")
    found: dict[Name, Series] = {name: {} for name in metrics}
    for some in batched(metrics.items(), _AT_ONCE, strict=False):
        names = {f"m{number}": name for number, (name, _) in enumerate(some)}
        queries = [_query(f"m{number}", metric) for number, (_, metric) in enumerate(some)]
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            found[names[result["Id"]]].update(zip(result["Timestamps"], result["Values"], strict=True))
    return found


def _query(name: str, metric: Metric) -> dict[str, Any]:
    described = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in (metric.dimension, *metric.more)],
    }
    seconds = int(metric.period.total_seconds())
    return {"Id": name, "MetricStat": {"Metric": described, "Period": seconds, "Stat": metric.stat}}
