"""US dollars for what was used: used quantities x list prices, by component, and for each order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_orders.clock import now
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.cost.price_list import PriceList
from partner_orders_console.operations.cost.usage import FunctionUse, Usage, usage
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

MONTH = timedelta(days=30)
MOST_DAYS = 90
# What the code does by the clock, and no metric shows. The webhook reads the current and the previous secret every five
# minutes, the reconciler its token at each run.
SECRET_READS_A_MONTH = 3 * int(MONTH.total_seconds()) // 300
# DynamoDB asks KMS for a table's key at most every five minutes for each of the functions.
KEY_USES_A_MONTH = 4 * int(MONTH.total_seconds()) // 300
NOT_COUNTED = (
    "cold starts, of which Lambda also bills the time before the function begins",
    "messages over 64 KB, each of which counts as several requests",
    "requests to S3, and what the bucket holds",
    "X-Ray traces, if Tracing=XRAY",
    "data transfer, the keeping of logs, backups of deleted tables, taxes",
    "what free tiers, discounts and support plans change",
)


@dataclass(frozen=True)
class Cost:
    """What a component cost. ``used`` says what was counted, for a person. ``is_fixed`` marks what is paid without any
    order, ``is_estimate`` what no metric shows."""

    component: str
    used: str
    usd: float
    is_fixed: bool = False
    is_estimate: bool = False


@dataclass(frozen=True)
class Bill:
    """The costs of a stack between two times (UTC), with those of its catalogue, and the orders created in it."""

    start: datetime
    end: datetime
    prices: PriceList
    region: str
    costs: Sequence[Cost]
    catalogue: Sequence[Cost]
    orders: int

    @property
    def total(self) -> float:
        return sum(cost.usd for cost in (*self.costs, *self.catalogue))

    @property
    def month(self) -> float:
        """What thirty days like these cost."""
        return self.total * (MONTH / (self.end - self.start))

    @property
    def per_order(self) -> float | None:
        """What an order adds, with what the orders' stack does by itself for each; None without orders."""
        used = sum(cost.usd for cost in self.costs if not cost.is_fixed)
        return used / self.orders if self.orders else None

    @property
    def per_order_with_all(self) -> float | None:
        """The share of an order in all that was paid."""
        return self.total / self.orders if self.orders else None


def bill(stack: DeployedStack, days: float, prices: PriceList) -> Bill:
    """What a stack cost in the last days. Raises OperatorError for a stack on this machine, and botocore's errors."""
    if stack.endpoint_url:
        raise OperatorError("the stack on this machine costs nothing", "Name a stack in an account.")
    if not 0 < days <= MOST_DAYS:
        raise OperatorError(f"{days:g} days are not possible", f"Choose from 1 to {MOST_DAYS} days.")
    end = now()
    # Metrics are summed up by the hour.
    start = (end - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    beside = CatalogueStack.beside(stack)
    return Bill(
        start=start,
        end=end,
        prices=prices,
        region=stack.region,
        costs=[*costs(usage(stack, start, end), prices, end - start)],
        catalogue=[*costs(usage(beside.deployed, start, end), prices, end - start, is_catalogue=True)]
        if beside
        else [],
        orders=len(
            {
                order_id
                for store in stack.stores.all()
                for listing in store.listings
                for order_id in stack.orders.of_store(listing, start, end)
            }
        ),
    )


def costs(used: Usage, prices: PriceList, time: timedelta, is_catalogue: bool = False) -> Iterator[Cost]:
    """The cost of each component of a stack in a time; one that costs nothing is left out."""
    for cost in (*_by_use(used, prices), *_by_month(used, prices, time / MONTH, is_catalogue)):
        if cost.usd > 0:
            yield cost


def function_usd(use: FunctionUse, prices: PriceList) -> float:
    """What the calls of a function cost, and their time."""
    return prices.million("lambda_million_requests", use.invocations) + prices.gb_seconds(
        use.seconds, use.memory_mb, use.architecture
    )


def _by_use(used: Usage, prices: PriceList) -> Iterator[Cost]:
    for name, count in used.apis.items():
        yield Cost(name, f"{count:,.0f} requests", prices.million("http_api_million_requests", count))
    for name, function in used.functions.items():
        what = f"{function.invocations:,.0f} calls, {function.seconds:,.0f} s at {function.memory_mb:,} MB"
        yield Cost(name, what, function_usd(function, prices))
    for name, queue in used.queues.items():
        usd = prices.million("sqs_million_requests", queue.requests)
        yield Cost(name, f"about {queue.requests:,.0f} requests", usd, is_estimate=True)
    for name, table in used.tables.items():
        writes, reads = table.write_units, table.read_units
        yield Cost(f"{name}, writes", f"{writes:,.0f} units", prices.million("dynamodb_million_write_units", writes))
        yield Cost(f"{name}, reads", f"{reads:,.0f} units", prices.million("dynamodb_million_read_units", reads))
    yield Cost("logs", f"{used.log_bytes / 1e9:,.3f} GB", used.log_bytes / 1e9 * prices["logs_gb"])
    published = used.published
    yield Cost("event bus", f"{published:,.0f} events", prices.million("eventbridge_million_events", published))


def _by_month(used: Usage, prices: PriceList, months: float, is_catalogue: bool) -> Iterator[Cost]:
    """What is paid by the month, and what the code does by the clock."""
    gigabytes = sum(table.stored_bytes for table in used.tables.values()) / 1e9
    kept = gigabytes * months * (prices["dynamodb_gb_month"] + prices["dynamodb_backup_gb_month"])
    yield Cost("tables, kept with backups", f"{gigabytes:,.3f} GB now", kept, is_fixed=True, is_estimate=True)
    for name, count, price in (
        ("alarms", used.alarm_metrics, "alarm_month"),
        ("metrics", used.metrics, "metric_month"),
        ("dashboard", used.dashboards, "dashboard_month"),
        ("secrets", used.secrets, "secret_month"),
    ):
        yield Cost(name, f"{count:,}", count * months * prices[price], is_fixed=True)
    calls = prices.million("scheduler_million_calls", used.scheduled)
    yield Cost("schedules", f"{used.scheduled:,.0f} calls", calls, is_fixed=True, is_estimate=True)
    keys = KEY_USES_A_MONTH * months
    yield Cost(
        "keys", f"{keys:,.0f} requests to KMS", prices.million("kms_million_requests", keys),
        is_fixed=True, is_estimate=True,
    )  # fmt: skip
    if not is_catalogue:
        reads = SECRET_READS_A_MONTH * months
        usd = prices.million("secrets_manager_million_requests", reads)
        yield Cost("reads of secrets", f"{reads:,.0f} requests", usd, is_fixed=True, is_estimate=True)
