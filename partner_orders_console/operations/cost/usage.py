"""What a stack used in a time, as AWS counted it: CloudWatch's metrics, and the resources of the stack."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from partner_orders_console.operations.metric_series import OURS, Metric, series
from partner_orders_console.operations.stack import DeployedStack

_HOUR = timedelta(hours=1)
_AT_ONCE = 100  # alarms that CloudWatch takes by name
# Queues whose messages Lambda receives and deletes in batches, a call of the function for each.
_EVENT_SOURCES = {"OrderEventsQueue": "Consumer", "AnswersQueue": "Sender", "UrgentQueue": "Urgent"}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1_440}


@dataclass(frozen=True)
class FunctionUse:
    """``seconds`` are those of all calls together."""

    invocations: float
    seconds: float
    memory_mb: int
    architecture: str = "arm64"


@dataclass(frozen=True)
class QueueUse:
    """Messages, and receives without any. ``batches`` are the calls of the function that Lambda feeds from the queue;
    None where a function receives and deletes messages by itself."""

    sent: float
    received: float
    deleted: float
    empty_receives: float
    batches: float | None = None

    @property
    def requests(self) -> float:
        """About how many requests that were. Where a batch's size is not known, each message counts as one."""
        taken = self.received + self.deleted if self.batches is None else 2 * self.batches
        return self.sent + self.empty_receives + taken


@dataclass(frozen=True)
class TableUse:
    """Capacity units of a table and its indexes, and the bytes that it holds now."""

    read_units: float
    write_units: float
    stored_bytes: float


@dataclass(frozen=True)
class Usage:
    """By logical id, without the kind: ``Webhook``, ``OrderEventsQueue``. ``metrics`` of ours and ``alarm_metrics`` are
    numbers of metrics that are paid for by the month; ``scheduled`` are the calls that the schedules should have
    made."""

    functions: Mapping[str, FunctionUse] = field(default_factory=dict)
    apis: Mapping[str, float] = field(default_factory=dict)
    queues: Mapping[str, QueueUse] = field(default_factory=dict)
    tables: Mapping[str, TableUse] = field(default_factory=dict)
    log_bytes: float = 0.0
    published: float = 0.0
    scheduled: float = 0.0
    secrets: int = 0
    metrics: int = 0
    alarm_metrics: int = 0
    dashboards: int = 0


def usage(stack: DeployedStack, start: datetime, end: datetime) -> Usage:
    """What a stack used between two times (UTC). Metrics are summed up by the hour. Raises botocore's errors."""
    tables = {name: _table(stack, table) for name, table in stack.resources_of("AWS::DynamoDB::Table").items()}
    counted = _Counted(stack, tables, start, end)
    invocations = {name: counted.of(name, "Invocations") for name in stack.resources_of("AWS::Lambda::Function")}
    return Usage(
        functions={
            name.removesuffix("Function"): _function(stack, function, invocations[name], counted.of(name, "Duration"))
            for name, function in stack.resources_of("AWS::Lambda::Function").items()
        },
        apis={name: counted.of(name, "Count") for name in stack.resources_of("AWS::ApiGatewayV2::Api")},
        queues={name: _queue(counted, invocations, name) for name in stack.resources_of("AWS::SQS::Queue")},
        tables={
            name: TableUse(
                counted.of(name, "ConsumedReadCapacityUnits"),
                counted.of(name, "ConsumedWriteCapacityUnits"),
                float(table.get("TableSizeBytes", 0)),
            )
            for name, table in tables.items()
        },
        log_bytes=sum(counted.of(name, "IncomingBytes") for name in stack.resources_of("AWS::Logs::LogGroup")),
        published=counted.of("Publisher", "Published"),
        scheduled=sum(
            _calls(stack, name, end - start) for name in stack.resources_of("AWS::Scheduler::Schedule").values()
        ),
        secrets=len(stack.resources_of("AWS::SecretsManager::Secret")),
        metrics=_our_metrics(stack),
        alarm_metrics=sum(_metrics_of_alarms(stack)),
        dashboards=len(stack.resources_of("AWS::CloudWatch::Dashboard")),
    )


class _Counted:
    """The sums of the metrics of all resources, read in as few requests as possible."""

    def __init__(
        self, stack: DeployedStack, tables: Mapping[str, Mapping[str, Any]], start: datetime, end: datetime
    ) -> None:
        wanted = {**_metrics_of(stack), **_metrics_of_tables(tables)}
        self._sums: dict[tuple[str, str], float] = {}
        for (resource, name, _), values in series(stack, wanted, start, end).items():
            self._sums[resource, name] = self._sums.get((resource, name), 0.0) + sum(values.values())

    def of(self, resource: str, metric: str) -> float:
        return self._sums.get((resource, metric), 0.0)


def _metrics_of(stack: DeployedStack) -> dict[tuple[str, str, str], Metric]:
    """By logical id, metric and index, which is empty here."""
    kinds = (
        ("AWS::Lambda::Function", "AWS/Lambda", "FunctionName", ("Invocations", "Duration")),
        ("AWS::ApiGatewayV2::Api", "AWS/ApiGateway", "ApiId", ("Count",)),
        ("AWS::Logs::LogGroup", "AWS/Logs", "LogGroupName", ("IncomingBytes",)),
        (
            *("AWS::SQS::Queue", "AWS/SQS", "QueueName"),
            ("NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives"),
        ),
    )
    found = {}
    for kind, namespace, dimension, names in kinds:
        for resource, physical in stack.resources_of(kind).items():
            value = physical.rpartition("/")[2] if dimension == "QueueName" else physical
            for name in names:
                found[resource, name, ""] = Metric(namespace, name, (dimension, value), period=_HOUR)
    service = ("service", f"{stack.name}-publisher")
    return found | {("Publisher", "Published", ""): Metric(OURS, "Published", service, period=_HOUR)}


def _metrics_of_tables(tables: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str, str], Metric]:
    """The units of an index are counted beside those of its table."""
    found = {}
    for resource, table in tables.items():
        dimension = ("TableName", table["TableName"])
        for index in ("", *(one["IndexName"] for one in table.get("GlobalSecondaryIndexes", ()))):
            more = (("GlobalSecondaryIndexName", index),) if index else ()
            for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
                found[resource, name, index] = Metric("AWS/DynamoDB", name, dimension, period=_HOUR, more=more)
    return found


def _table(stack: DeployedStack, name: str) -> dict[str, Any]:
    return dict(stack.dynamodb.describe_table(TableName=name)["Table"])


def _function(stack: DeployedStack, name: str, invocations: float, milliseconds: float) -> FunctionUse:
    found = stack.client("lambda").get_function_configuration(FunctionName=name)
    [architecture] = found.get("Architectures") or ["x86_64"]
    return FunctionUse(invocations, milliseconds / 1000, found["MemorySize"], architecture)


def _queue(counted: _Counted, invocations: Mapping[str, float], name: str) -> QueueUse:
    return QueueUse(
        sent=counted.of(name, "NumberOfMessagesSent"),
        received=counted.of(name, "NumberOfMessagesReceived"),
        deleted=counted.of(name, "NumberOfMessagesDeleted"),
        empty_receives=counted.of(name, "NumberOfEmptyReceives"),
        batches=invocations.get(f"{_EVENT_SOURCES[name]}Function") if name in _EVENT_SOURCES else None,
    )


def _calls(stack: DeployedStack, schedule: str, time: timedelta) -> float:
    """How often a schedule should have called its function in a time."""
    found = stack.client("scheduler").get_schedule(Name=schedule)
    rate = _RATE.fullmatch(found["ScheduleExpression"])
    if rate is None or found["State"] != "ENABLED":
        return 0.0
    return time / timedelta(minutes=int(rate[1]) * _MINUTES[rate[2]])


def _our_metrics(stack: DeployedStack) -> int:
    """How many metrics of ours a stack has put in the last two weeks."""
    pages = stack.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=OURS)
    services = {f"{stack.name}-{_service(name)}" for name in stack.resources_of("AWS::Lambda::Function")}
    found = (metric["Dimensions"] for page in pages for metric in page["Metrics"])
    return sum(any(it["Value"] in services for it in dimensions) for dimensions in found)


def _service(function: str) -> str:
    """``CatalogueWebhookFunction`` as its metrics name it: ``catalogue-webhook``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", function.removesuffix("Function")).lower()


def _metrics_of_alarms(stack: DeployedStack) -> Iterator[int]:
    """How many metrics each alarm watches."""
    client, names = stack.client("cloudwatch"), stack.alarm_names
    for begin in range(0, len(names), _AT_ONCE):
        pages = client.get_paginator("describe_alarms").paginate(AlarmNames=names[begin : begin + _AT_ONCE])
        for alarm in (alarm for page in pages for alarm in page["MetricAlarms"]):
            yield sum("MetricStat" in one for one in alarm.get("Metrics", ())) or 1
