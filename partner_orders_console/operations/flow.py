"""The flow that orders take through a stack, stage by stage: what each counts, and which alarms and checks are its."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from partner_orders.clock import now
from partner_orders_console.operations.active_alarms import ActiveAlarm, active_alarms
from partner_orders_console.operations.metric_series import Metric, Series, of_function, series
from partner_orders_console.operations.stack import DeployedStack


class Stage(StrEnum):
    """In the order of the flow; the last two stand beside it."""

    PLATFORM = "platform"
    WEBHOOK = "webhook"
    QUEUE = "queue"
    CONSUMER = "consumer"
    TABLE = "table"
    PUBLISHER = "publisher"
    RECONCILER = "reconciler"
    SENDER = "sender"


# The stage that each alarm of the template is about, by its logical id without "Alarm".
ALARMS: dict[str, Stage] = {
    "PartnerApiBlocked": Stage.PLATFORM,
    "PartnerApiRefused": Stage.PLATFORM,
    "StoresSilent": Stage.PLATFORM,
    "WebhookServerErrors": Stage.WEBHOOK,
    "RefusedBurst": Stage.WEBHOOK,
    "ApiNearThrottle": Stage.WEBHOOK,
    "OrderEventsDeadLetters": Stage.QUEUE,
    "OrderEventsTooOld": Stage.QUEUE,
    "OrderEventsSlow": Stage.CONSUMER,
    "OrderEventsFailing": Stage.CONSUMER,
    "ConsumerErrors": Stage.CONSUMER,
    "Rejected": Stage.CONSUMER,
    "EventProblems": Stage.CONSUMER,
    "UnknownStatus": Stage.CONSUMER,
    "TableThrottled": Stage.TABLE,
    "PublisherDeadLetters": Stage.PUBLISHER,
    "PublisherBehind": Stage.PUBLISHER,
    "PublisherNotRunning": Stage.PUBLISHER,
    "ReconcilerErrors": Stage.RECONCILER,
    "StoresNotReconciled": Stage.RECONCILER,
    "UnsteadyOrders": Stage.RECONCILER,
    "MinutesLeftOut": Stage.RECONCILER,
    "ReconciliationDeadLetters": Stage.RECONCILER,
    "ReconciliationNotRun": Stage.RECONCILER,
    "WebhooksMissed": Stage.RECONCILER,
    "WebhooksMissedShare": Stage.RECONCILER,
    "AnswersRefused": Stage.SENDER,
    "AnswersUnclear": Stage.SENDER,
    "OrdersUnanswered": Stage.SENDER,
    "SenderErrors": Stage.SENDER,
    "AnswersUnavailable": Stage.SENDER,
    "AnswersDeadLetters": Stage.SENDER,
}
# The stage that each check of the doctor is about, by its name; those of the whole stack have none.
CHECKS: dict[str, Stage] = {
    "webhook": Stage.WEBHOOK,
    "secret_use": Stage.WEBHOOK,
    "refused_requests": Stage.WEBHOOK,
    "last_webhooks": Stage.PLATFORM,
    "partner_api": Stage.PLATFORM,
    "stores": Stage.PLATFORM,
    "queue": Stage.QUEUE,
    "dead_letters": Stage.QUEUE,
    "event_sources": Stage.CONSUMER,
    "paused_consumer": Stage.CONSUMER,
    "rejected_events": Stage.CONSUMER,
    "table": Stage.TABLE,
    "bus": Stage.PUBLISHER,
    "schedule": Stage.RECONCILER,
    "reconciliation": Stage.RECONCILER,
    "paused_stores": Stage.RECONCILER,
}


@dataclass(frozen=True)
class Counted:
    """What a stage counts: a word, and the metrics of ours that it sums up. ``is_trouble`` marks what should be 0."""

    stage: Stage
    word: str
    function: str
    metrics: Sequence[str]
    is_trouble: bool = False


COUNTED: tuple[Counted, ...] = (
    Counted(Stage.PLATFORM, "webhooks missed", "reconciler", ["WebhooksMissed"], is_trouble=True),
    Counted(Stage.PLATFORM, "failed requests", "reconciler", ["PartnerApiErrors"], is_trouble=True),
    Counted(Stage.WEBHOOK, "received", "webhook", ["Enqueued"]),
    Counted(Stage.WEBHOOK, "refused", "webhook", ["RefusedUnauthorized", "RefusedTooLarge"], is_trouble=True),
    Counted(Stage.WEBHOOK, "unavailable", "webhook", ["Unavailable"], is_trouble=True),
    Counted(Stage.CONSUMER, "stored", "consumer", ["Stored"]),
    Counted(Stage.CONSUMER, "late", "consumer", ["Late"]),
    Counted(Stage.CONSUMER, "duplicate", "consumer", ["Duplicate"]),
    Counted(Stage.CONSUMER, "rejected", "consumer", ["Rejected"], is_trouble=True),
    Counted(Stage.CONSUMER, "failed, will be retried", "consumer", ["Failed"], is_trouble=True),
    Counted(Stage.PUBLISHER, "published", "publisher", ["Published"]),
    Counted(Stage.PUBLISHER, "not published", "publisher", ["NotPublished"], is_trouble=True),
    Counted(Stage.RECONCILER, "found missing", "reconciler", ["FoundMissing"]),
    Counted(Stage.RECONCILER, "found different", "reconciler", ["FoundDifferent"]),
    Counted(Stage.RECONCILER, "stores failed", "reconciler", ["StoresFailed"], is_trouble=True),
    Counted(Stage.SENDER, "accepted", "answers", ["AnswersAccepted"]),
    Counted(Stage.SENDER, "answered", "sender", ["AnswersApplied"]),
    Counted(Stage.SENDER, "refused", "sender", ["AnswersRefused"], is_trouble=True),
    Counted(Stage.SENDER, "unclear", "sender", ["AnswersUnclear"], is_trouble=True),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Timed:
    """How long a stage took: the function and metric that measure it, in seconds."""

    stage: Stage
    word: str
    function: str
    metric: str


TIMED: tuple[Timed, ...] = (
    Timed(Stage.CONSUMER, "from webhook to table", "consumer", "Lag"),
    Timed(Stage.SENDER, "from accepted to outcome", "sender", "AnswerSeconds"),
)


@dataclass(frozen=True)
class Figure:
    """A count of the last hour and of the last day."""

    word: str
    hour: int
    day: int
    is_trouble: bool

    @property
    def is_wrong(self) -> bool:
        """Whether there is trouble in the last hour."""
        return self.is_trouble and self.hour > 0


@dataclass(frozen=True)
class Delay:
    """Seconds at the median and for 95 of 100, in the last hour and the last day; None where nothing was measured."""

    word: str
    hour_p50: float | None
    hour_p95: float | None
    day_p50: float | None
    day_p95: float | None


@dataclass(frozen=True)
class Flow:
    """The figures of each stage, and for charts what passed in each five minutes of the day."""

    at: datetime
    figures: dict[Stage, list[Figure]]
    delays: dict[Stage, list[Delay]]
    received: Series
    stored: Series
    lag_p50: Series
    lag_p95: Series


def stages_of(stack: DeployedStack) -> list[Stage]:
    """The stages that a stack has: the publisher and the sender only if they are switched on."""
    absent = set()
    if "PublisherDeadLettersUrl" not in stack.outputs:
        absent.add(Stage.PUBLISHER)
    if "AnswersApiUrl" not in stack.outputs:
        absent.add(Stage.SENDER)
    return [stage for stage in Stage if stage not in absent]


def flow(stack: DeployedStack) -> Flow:
    """The figures of the last hour and day. One request to CloudWatch. Raises botocore's errors."""
    end = now()
    present = {*stages_of(stack)}
    found = series(stack, _counted(stack, present) | _chart(stack) | _timed(stack, present), end - DAY, end)
    figures: dict[Stage, list[Figure]] = {}
    for counted in (one for one in COUNTED if one.stage in present):
        values = [found[counted.function, name] for name in counted.metrics]
        hour = sum(_since(one, end - HOUR) for one in values)
        day = sum(_since(one, end - DAY) for one in values)
        figures.setdefault(counted.stage, []).append(Figure(counted.word, hour, day, counted.is_trouble))
    delays: dict[Stage, list[Delay]] = {}
    for timed in (one for one in TIMED if one.stage in present):
        measured = [
            _largest(found[timed.metric, stat, str(period)], end - period, period)
            for period in (HOUR, DAY)
            for stat in ("p50", "p95")
        ]
        delays.setdefault(timed.stage, []).append(Delay(timed.word, *measured))
    return Flow(
        at=end,
        figures=figures,
        delays=delays,
        received=found["webhook", "Enqueued"],
        stored=found["consumer", "Stored"],
        lag_p50=found["consumer", "p50"],
        lag_p95=found["consumer", "p95"],
    )


def _counted(stack: DeployedStack, present: set[Stage]) -> dict[tuple[str, ...], Metric]:
    wanted = ((one.function, name) for one in COUNTED if one.stage in present for name in one.metrics)
    return {(function, name): of_function(stack, function, name) for function, name in wanted}


def _chart(stack: DeployedStack) -> dict[tuple[str, ...], Metric]:
    return {("consumer", stat): of_function(stack, "consumer", "Lag", stat) for stat in ("p50", "p95")}


def _timed(stack: DeployedStack, present: set[Stage]) -> dict[tuple[str, ...], Metric]:
    return {
        (timed.metric, stat, str(period)): of_function(stack, timed.function, timed.metric, stat, period)
        for timed in TIMED
        if timed.stage in present
        for period in (HOUR, DAY)
        for stat in ("p50", "p95")
    }


def _since(values: Series, start: datetime) -> int:
    return round(sum(value for when, value in values.items() if when >= start - timedelta(minutes=5)))


def _largest(values: Series, start: datetime, period: timedelta) -> float | None:
    """Of the one or two periods that the time from ``start`` on falls into; None where nothing was measured."""
    return max((value for when, value in values.items() if when > start - period), default=None)


def alarms_by_stage(stack: DeployedStack) -> dict[Stage, list[ActiveAlarm]]:
    """The active alarms at the stage that each is about. Raises botocore's errors."""
    logical = {name: logical_id.removesuffix("Alarm") for logical_id, name in stack.resources.items()}
    found: dict[Stage, list[ActiveAlarm]] = {}
    for alarm in active_alarms(stack):
        kind = logical.get(alarm.name, "")
        found.setdefault(ALARMS.get(kind, Stage.TABLE), []).append(replace(alarm, kind=kind))
    return found
