"""US dollars for a million orders of three events, from what was counted and measured and the list prices of
``partner-orders cost``.

A function's time is its CPU time, stretched by the share of a processor that its memory buys, and 20 ms for each AWS
call that it waits for. Data transfer, the keeping of logs and AWS's free tiers are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from partner_orders_console.operations.cost.price_list import MILLION, usual_prices
from partner_orders_console.operations.cost.reckoning import KEY_USES_A_MONTH, SECRET_READS_A_MONTH
from tools.local.emulator import ROOT

PRICE_LIST = usual_prices()
PRICES = PRICE_LIST.prices
EVENTS_PER_ORDER = 3
CALL_SECONDS = 0.020
PLATFORM_SECONDS = 0.5
# Lambda gives a function of so much memory one processor.
MEMORY_OF_A_PROCESSOR = 1_769
TEMPLATE = (ROOT / "template.yaml").read_text()
# Megabytes, by function.
MEMORY = {
    function: int(
        re.findall(rf"  {function.capitalize()}Function:\n(?:    .*\n)*?      MemorySize: (\d+)", TEMPLATE)[0]
    )
    for function in ("webhook", "consumer", "publisher", "reconciler", "answers", "sender")
}
# CloudWatch counts so many bytes with each line.
LOG_LINE_BYTES = 26
# What Lambda itself logs of each invocation, where the template does not switch it off.
PLATFORM_LOG = (
    "START RequestId: 6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801 Version: $LATEST\n",
    "END RequestId: 6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801\n",
    (
        "REPORT RequestId: 6f2a9d34-8c55-4d0b-9c7e-51f0a2b7c801\tDuration: 27 ms\tMemory Size: 256 MB"
        "\tMax Memory Used: 98 MB\n"
    ),
)
ACCESS_LOG_LINE = '{"requestId":"6f2a9d34-8c55","status":"200","latency":"31","error":"-"}'
MONTH_SECONDS = 30 * 86_400
# Lambda bills a cold start's time as any other.
COLD_STARTS = 0.01
# The queue's event source keeps five pollers, which wait 20 s for messages.
POLLS_A_MONTH = 5 * MONTH_SECONDS // 20
TICK_SECONDS = 300
SWEEP_SECONDS = 60


@dataclass(frozen=True)
class Workload:
    """What one of the ways takes: CPU in seconds, ``batch`` is how many events an invocation of the consumer gets."""

    webhook_cpu: float
    webhook_log_bytes: int
    consumer_cpu_per_event: float
    consumer_calls_waited_for: float
    consumer_log_bytes: int
    write_units_per_order: float
    platform_logs: bool
    batch: int = 10
    with_bus: bool = False
    publisher_cpu_per_event: float = 0.0
    cold_start_cpu: Mapping[str, float] = field(default_factory=dict)
    read_units_to_reconcile: float = 0.0
    cpu_to_reconcile: float = 0.0

    @property
    def in_ones(self) -> "Workload":
        """The same with batches of one."""
        # Calls side by side take the time of one; of calls one after another each event has its share.
        return replace(self, batch=1, consumer_calls_waited_for=max(1.0, self.consumer_calls_waited_for / self.batch))


def per_million_orders(work: Workload) -> dict[str, float]:
    """By component."""
    events = EVENTS_PER_ORDER * MILLION
    batches = events / work.batch
    platform_bytes = sum(len(line) + LOG_LINE_BYTES for line in PLATFORM_LOG) if work.platform_logs else 0
    logged: float = events * (len(ACCESS_LOG_LINE) + work.webhook_log_bytes + 2 * LOG_LINE_BYTES + platform_bytes)
    logged += batches * (work.consumer_log_bytes + LOG_LINE_BYTES + platform_bytes)
    found = {
        "API": events * PRICES["http_api_million_requests"] / MILLION,
        "webhook": _lambda("webhook", events, work.webhook_cpu, 1),
        "queue": (events + 2 * batches) * PRICES["sqs_million_requests"] / MILLION,
        "consumer": _lambda(
            "consumer", batches, work.consumer_cpu_per_event * work.batch, work.consumer_calls_waited_for
        ),
        "table writes": MILLION * work.write_units_per_order * PRICES["dynamodb_million_write_units"] / MILLION,
        "logs": logged * PRICES["logs_gb"] / 1e9,
    }
    if work.with_bus:
        found["bus"] = events * PRICES["eventbridge_million_events"] / MILLION
        found["publisher"] = _lambda("publisher", batches, work.publisher_cpu_per_event * work.batch, 1)
    invocations = {"webhook": events, "consumer": batches} | ({"publisher": batches} if work.with_bus else {})
    found["cold starts"] = sum(
        _time(function, COLD_STARTS * count, work.cold_start_cpu.get(function, 0.0), 0)
        for function, count in invocations.items()
    )
    found["reconciliation"] = MILLION * work.read_units_to_reconcile * PRICES[
        "dynamodb_million_read_units"
    ] / MILLION + _time("reconciler", MILLION, work.cpu_to_reconcile, 0)
    return {name: round(usd, 2) for name, usd in found.items()}


def per_million_answers(counted: Mapping[str, Any], answers_cpu: float) -> dict[str, float]:
    """By component, of answers that are applied at once. ``counted`` is an AnswerCost; the platform is assumed to
    respond to each request within PLATFORM_SECONDS. What tells the table of them is paid as any order event."""
    by_sender = counted["calls"].index("SQS.SendMessage") + 1
    calls = sum(not name.startswith("PartnerApi.") for name in counted["calls"])
    requests = len(counted["calls"]) - calls
    sender_seconds = (calls - by_sender) * CALL_SECONDS + requests * PLATFORM_SECONDS
    found = {
        "API": PRICES["http_api_million_requests"],
        "answers": _lambda("answers", MILLION, answers_cpu, by_sender),
        # A wake-up is sent, received and deleted; an order event is sent.
        "queues": 4 * PRICES["sqs_million_requests"],
        "sender": _lambda("sender", MILLION, answers_cpu, sender_seconds / CALL_SECONDS),
        "table": counted["write_units"] * PRICES["dynamodb_million_write_units"]
        + counted["read_units"] * PRICES["dynamodb_million_read_units"],
    }
    return {name: round(usd, 2) for name, usd in found.items()}


def fixed_of_answers_per_month() -> dict[str, float]:
    """What a stack pays for answering orders, whatever it answers."""
    parts = [part for part in re.split(r"\n  (?=\w+:\n)", TEMPLATE) if "Condition: HasAnswers\n" in part]
    metrics = {name for part in parts for name in re.findall(r"MetricName: (\w+)", part) if "PartnerOrders" in part}
    shown = {
        name
        for line in TEMPLATE.splitlines()
        if "WidgetsOfAnswers" not in line and "Answer" in line
        for name in re.findall(r'"PartnerOrders", "(\w+)"', line)
    }
    sweeps = MONTH_SECONDS / SWEEP_SECONDS
    found = {
        "alarms": sum(part.count("MetricName: ") for part in parts) * PRICES["alarm_month"],
        "metrics": len(metrics | shown) * PRICES["metric_month"],
        "sweep": sweeps * PRICES["scheduler_million_calls"] / MILLION + _lambda("sender", sweeps, 0.0, 1),
        "polling of the queue": POLLS_A_MONTH * PRICES["sqs_million_requests"] / MILLION,
    }
    return {name: round(usd, 2) for name, usd in found.items()}


def _lambda(function: str, invocations: float, cpu: float, calls: float) -> float:
    requests = invocations * PRICES["lambda_million_requests"] / MILLION
    return requests + _time(function, invocations, cpu, calls)


def _time(function: str, times: float, cpu: float, calls: float) -> float:
    seconds = cpu / min(1.0, MEMORY[function] / MEMORY_OF_A_PROCESSOR) + calls * CALL_SECONDS
    return PRICE_LIST.gb_seconds(times * seconds, MEMORY[function])


def total(components: dict[str, float]) -> float:
    return round(sum(components.values()), 2)


def storage_per_million_orders(item_bytes: float, months: float) -> float:
    """For as long as they are kept, with point-in-time recovery."""
    price = PRICES["dynamodb_gb_month"] + PRICES["dynamodb_backup_gb_month"]
    return round(MILLION * item_bytes / 1e9 * months * price, 2)


def options(work: Workload, index_write_units: dict[str, float], body_bytes: float) -> dict[str, float]:
    """What each option adds to a million orders."""
    base = total(per_million_orders(work))
    events = EVENTS_PER_ORDER * MILLION
    invocations = events + events / work.batch
    found = {
        "the bus": total(per_million_orders(replace(work, with_bus=True))) - base,
        "a REST API in place of the HTTP API": events
        * (PRICES["rest_api_million_requests"] - PRICES["http_api_million_requests"])
        / MILLION,
        "batches of one": total(per_million_orders(work.in_ones)) - base,
        "tracing every invocation": invocations * PRICES["xray_million_traces"] / MILLION,
        "each body logged twice": 2 * events * body_bytes * PRICES["logs_gb"] / 1e9,
    }
    for index, units in index_write_units.items():
        found[f"the index {index}"] = units * PRICES["dynamodb_million_write_units"]
    return {name: round(usd, 2) for name, usd in found.items()}


@dataclass(frozen=True)
class Round:
    """What a tick over all stores takes that finds nothing to do."""

    calls: int
    seconds_waited: float
    read_units: float
    write_units: float


def reconciliation_per_month(one: Round, tick_cpu: float) -> float:
    """A round every five minutes, or one after another where the rate limit makes them longer. One worker at a time, so
    its time is a month's at most."""
    share = MEMORY["reconciler"] / MEMORY_OF_A_PROCESSOR
    seconds = one.seconds_waited + one.calls * CALL_SECONDS + tick_cpu / share
    rounds = MONTH_SECONDS / max(TICK_SECONDS, seconds)
    units = one.write_units * PRICES["dynamodb_million_write_units"]
    units += one.read_units * PRICES["dynamodb_million_read_units"]
    time = rounds * seconds * MEMORY["reconciler"] / 1024 * PRICES["lambda_gb_second_arm64"]
    ticks = MONTH_SECONDS / TICK_SECONDS * (PRICES["lambda_million_requests"] + PRICES["scheduler_million_calls"])
    return round((rounds * units + ticks) / MILLION + time, 2)


def fixed_per_month(idle: Round, tick_cpu: float) -> dict[str, float]:
    """What is paid without any order: one store, checked every five minutes."""
    # Without answers, which are switched off unless a chain wants them.
    template = "\n".join(line for line in TEMPLATE.splitlines() if "Answer" not in line)
    alarms = [part for part in re.split(r"\n  (?=\w+:\n)", TEMPLATE) if "Condition: HasAnswers\n" not in part]
    metrics = set(re.findall(r'"PartnerOrders", "(\w+)"', template))
    metrics |= {name for part in alarms for name in re.findall(r"Namespace: PartnerOrders\n\s+MetricName: (\w+)", part)}
    found = {
        # An alarm is paid for by the metrics that it watches.
        "alarms": sum(part.count("MetricName: ") for part in alarms) * PRICES["alarm_month"],
        "metrics": len(metrics) * PRICES["metric_month"],
        "dashboard": TEMPLATE.count("Type: AWS::CloudWatch::Dashboard") * PRICES["dashboard_month"],
        "secrets": TEMPLATE.count("Type: AWS::SecretsManager::Secret") * PRICES["secret_month"]
        + SECRET_READS_A_MONTH * PRICES["secrets_manager_million_requests"] / MILLION,
        "the table's key": KEY_USES_A_MONTH * PRICES["kms_million_requests"] / MILLION,
        "polling of the queue": POLLS_A_MONTH * PRICES["sqs_million_requests"] / MILLION,
        "reconciliation": reconciliation_per_month(idle, tick_cpu),
    }
    return {name: round(usd, 2) for name, usd in found.items()}
