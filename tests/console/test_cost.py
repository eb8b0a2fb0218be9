"""``cost``: what a stack cost, from AWS's own figures and list prices."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.clock import now, to_text
from partner_orders_console.operations.cost.price_list import MILLION, price_list, usual_prices
from partner_orders_console.operations.cost.reckoning import MONTH, costs
from partner_orders_console.operations.cost.usage import FunctionUse, QueueUse, TableUse, Usage
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran, on_moto
from tests.support.orders import order
from tests.support.orders_table import TABLE
from tools.bench import money

type Run = Callable[..., Ran]

RESOURCES = {
    "WebhookFunction": ("AWS::Lambda::Function", "the-webhook"),
    "ConsumerFunction": ("AWS::Lambda::Function", "the-consumer"),
    "OrderEventsApi": ("AWS::ApiGatewayV2::Api", "api1"),
    "OrderEventsQueue": ("AWS::SQS::Queue", "https://sqs.eu-central-1.amazonaws.com/123456789012/order-events"),
    "OrdersTable": ("AWS::DynamoDB::Table", TABLE),
    "WebhookLogGroup": ("AWS::Logs::LogGroup", "/aws/webhook"),
    "WebhookSecret": ("AWS::SecretsManager::Secret", "arn:secret"),
    "Schedule": ("AWS::Scheduler::Schedule", "partner-orders-run"),
    "Dashboard": ("AWS::CloudWatch::Dashboard", "partner-orders"),
}


FUNCTION = {"MemorySize": 256, "Architectures": ["arm64"]}
SCHEDULE = {"ScheduleExpression": "rate(5 minutes)", "State": "ENABLED"}


@pytest.fixture
def used(stack: DeployedStack) -> DeployedStack:
    """A stack with resources, whose metrics AWS has counted."""
    stack.__dict__["_resources"] = [
        {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
        for name, (kind, physical) in RESOURCES.items()
    ]
    stack.clients.get("lambda", False, lambda: SimpleNamespace(get_function_configuration=lambda **_: FUNCTION))
    stack.clients.get("scheduler", False, lambda: SimpleNamespace(get_schedule=lambda **_: SCHEDULE))
    put(stack, "AWS/Lambda", "Invocations", ("FunctionName", "the-webhook"), 3_000)
    put(stack, "AWS/Lambda", "Duration", ("FunctionName", "the-webhook"), 90_000)
    put(stack, "AWS/Lambda", "Invocations", ("FunctionName", "the-consumer"), 300)
    put(stack, "AWS/ApiGateway", "Count", ("ApiId", "api1"), 3_000)
    for name, count in (("NumberOfMessagesSent", 3_000), ("NumberOfMessagesReceived", 3_000)):
        put(stack, "AWS/SQS", name, ("QueueName", "order-events"), count)
    put(stack, "AWS/SQS", "NumberOfEmptyReceives", ("QueueName", "order-events"), 400)
    put(stack, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", ("TableName", TABLE), 10_000)
    index = {"Name": "GlobalSecondaryIndexName", "Value": "by-time"}
    put(stack, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", ("TableName", TABLE), 500, index)
    put(stack, "AWS/Logs", "IncomingBytes", ("LogGroupName", "/aws/webhook"), 2_000_000)
    put(stack, "PartnerOrders", "Enqueued", ("service", "partner-orders-webhook"), 3_000)
    put(stack, "PartnerOrders", "Enqueued", ("service", "partner-orders-staging-webhook"), 3_000)
    return stack


def put(
    stack: DeployedStack, namespace: str, name: str, dimension: tuple[str, str], value: float, *more: dict[str, str]
) -> None:
    """Have a metric counted, two hours ago."""
    data: Any = {"MetricName": name, "Timestamp": now() - timedelta(hours=2), "Value": value}
    data["Dimensions"] = [{"Name": dimension[0], "Value": dimension[1]}, *more]
    stack.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[data])


@on_moto
def test_cost_of_what_was_counted(run: Run, used: DeployedStack, store_order: Callable[..., None]) -> None:
    """Each component has what AWS counted, and its cost by list prices; a queue is an estimate."""
    store_order(order(sys={"created_at": to_text(now())}), order(sys={"created_at": to_text(now())}, order_id="o-2"))
    found = run("cost", "--days", "1", "--json").json
    by = {cost["component"]: cost for cost in found["orders_stack"]}
    assert by["OrderEventsApi"]["usd"] == pytest.approx(0.003)
    assert by["Webhook"]["usd"] == pytest.approx(3_000 * 0.2 / MILLION + 90 * 0.25 * 0.0000133334)
    assert by["OrderEventsQueue"]["used"] == "about 4,000 requests"
    assert by["OrderEventsQueue"]["is_estimate"]
    assert by["OrdersTable, writes"]["used"] == "10,500 units"
    assert by["logs"]["usd"] == pytest.approx(0.002 * 0.5)
    assert (by["metrics"]["used"], by["metrics"]["is_fixed"]) == ("1", True)
    assert by["dashboard"]["usd"] == pytest.approx(3 / 30, rel=0.05)
    assert by["schedules"]["used"] in {"288 calls", *(f"{n} calls" for n in range(289, 301))}
    assert found["total"] == pytest.approx(sum(cost["usd"] for cost in found["orders_stack"]))
    assert found["orders"] == 2
    assert found["per_order"] < found["per_order_with_all"]
    assert found["prices"] == {"region": "us-east-1", "as_of": "2026-11"}
    assert any("S3" in what for what in found["not_counted"])


@on_moto
def test_people_read_a_bill(run: Run, used: DeployedStack) -> None:
    """For people the bill names the prices, what is an estimate and what is not counted."""
    ran = run("cost")
    assert ran.status == 0
    assert "OrderEventsQueue" in ran.out
    for said in ("list prices of us-east-1, looked up in 2026-11", "an estimate", "X-Ray", "--prices takes yours"):
        assert said in ran.err


def test_local_stack_costs_nothing(run: Run, stack: DeployedStack) -> None:
    """The stack of `make up` has no bill."""
    object.__setattr__(stack, "endpoint_url", "http://127.0.0.1:1")
    assert "costs nothing" in run("cost").err


@pytest.mark.parametrize("days", ["0", "-1", "91"])
def test_days_are_bounded(run: Run, days: str) -> None:
    """A time of no days, or of more than CloudWatch keeps by the hour for us, is refused."""
    ran = run("cost", f"--days={days}")
    assert (ran.status, "Choose from 1 to 90 days" in ran.err) == (1, True)


# -- prices ------------------------------------------------------------------------------------------------------------


def test_price_list_of_your_own(tmp_path: Path) -> None:
    """A file has the prices of another region."""
    file = tmp_path / "prices.json"
    prices = usual_prices().prices | {"logs_gb": 0.63}
    file.write_text(json.dumps({"as_of": "2027-01", "region": "eu-central-1", **prices}))
    found = price_list("eu-central-1", file)
    assert (found.region, found.as_of, found["logs_gb"]) == ("eu-central-1", "2027-01", 0.63)
    assert price_list("eu-central-1").region == "us-east-1"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"as_of": "2027", "region": "x", "logs_gb": 1}', '{"logs_gb": "a"}']
)
def test_broken_price_list_is_explained(tmp_path: Path, content: str) -> None:
    """A file that is no price list is named, with what it needs."""
    file = tmp_path / "prices.json"
    file.write_text(content)
    with pytest.raises(OperatorError, match="is not a price list"):
        price_list("eu-central-1", file)


# -- the benchmark's model ---------------------------------------------------------------------------------------------


def test_cost_agrees_with_the_benchmark() -> None:
    """What the cost model of docs/performance.md reckons for a million orders is what `cost` says of their usage."""
    work = money.Workload(
        webhook_cpu=0.002,
        webhook_log_bytes=300,
        consumer_cpu_per_event=0.001,
        consumer_calls_waited_for=1.0,
        consumer_log_bytes=400,
        write_units_per_order=13.0,
        platform_logs=False,
        with_bus=True,
        publisher_cpu_per_event=0.0005,
    )
    events = money.EVENTS_PER_ORDER * MILLION
    batches = events / work.batch

    def function(name: str, calls: float, cpu: float) -> FunctionUse:
        memory = money.MEMORY[name]
        seconds = calls * (cpu / min(1.0, memory / money.MEMORY_OF_A_PROCESSOR) + money.CALL_SECONDS)
        return FunctionUse(calls, seconds, memory)

    lines = events * (len(money.ACCESS_LOG_LINE) + work.webhook_log_bytes + 2 * money.LOG_LINE_BYTES)
    usage = Usage(
        functions={
            "webhook": function("webhook", events, work.webhook_cpu),
            "consumer": function("consumer", batches, work.consumer_cpu_per_event * work.batch),
            "publisher": function("publisher", batches, work.publisher_cpu_per_event * work.batch),
        },
        apis={"API": events},
        queues={"queue": QueueUse(events, events, events, 0, batches)},
        tables={"table": TableUse(0, MILLION * work.write_units_per_order, 0)},
        log_bytes=lines + batches * (work.consumer_log_bytes + money.LOG_LINE_BYTES),
        published=events,
    )
    found = {cost.component: cost.usd for cost in costs(usage, usual_prices(), MONTH) if not cost.is_fixed}
    model = money.per_million_orders(work)
    names = {"table, writes": "table writes", "event bus": "bus"}
    assert {names.get(name, name): round(usd, 2) for name, usd in found.items()} == {
        name: usd for name, usd in model.items() if name not in {"cold starts", "reconciliation"}
    }
    fixed = {cost.component: cost.usd for cost in costs(Usage(secrets=2, dashboards=1), usual_prices(), MONTH)}
    month = money.fixed_per_month(money.Round(0, 0, 0, 0), 0)
    assert round(fixed["secrets"] + fixed["reads of secrets"], 2) == month["secrets"]
    assert round(fixed["keys"], 2) == month["the table's key"]
    assert round(fixed["dashboard"], 2) == month["dashboard"]
