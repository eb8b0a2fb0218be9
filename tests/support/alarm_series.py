"""For each alarm of the template, datapoints that must make it fire and datapoints that must not.

Minutes count from 0. What emits a metric decides its gaps. SQS and API Gateway emit each minute while they are used.
The reconciler emits at the end of each run. The other functions emit a count only where there is something to count.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.alarms import Samples

HOUR = 60
RUN = 5  # minutes between two runs of the reconciler


@dataclass(frozen=True)
class Series:
    """``fires`` makes the alarm fire at the minute ``at`` and no sooner; at the minute ``over`` it is OK again.
    ``quiet`` never makes it fire. ``since`` is the first minute that is judged."""

    fires: Samples
    at: int
    over: int
    quiet: Samples
    since: int = 0


def each(minutes: Iterable[int], value: float) -> dict[int, list[float]]:
    """One value in each of the minutes."""
    return {minute: [value] for minute in minutes}


def runs(*values: float, start: int = 0, hours: int = 2) -> dict[int, list[float]]:
    """What runs of the reconciler emit from ``start`` on: the values, and zeros after them."""
    minutes = range(start, start + hours * HOUR, RUN)
    return each(minutes, 0) | {start + RUN * number: [value] for number, value in enumerate(values)}


def _dead_letters(metric: str = "ApproximateNumberOfMessagesVisible") -> Series:
    """One message for ten minutes. A queue that nobody used for hours emits nothing."""
    return Series(
        {metric: each(range(HOUR), 0) | each(range(10, 20), 1)}, at=10, over=20, quiet={metric: each(range(60, 90), 0)}
    )


def _counted(metric: str) -> Series:
    """A single one is enough. It is emitted once, so older periods keep the alarm for a quarter of an hour."""
    return Series({metric: each([10], 1)}, at=10, over=25, quiet={metric: each([30], 0)})


def _in_runs(metric: str, at: int, over: int, bad: int, harmless: int) -> Series:
    """``bad`` runs in a row make the alarm fire, ``harmless`` ones do not."""
    return Series(
        {metric: runs(*[0] * 12, *[1] * bad, hours=5)}, at, over, quiet={metric: runs(*[0] * 12, *[1] * harmless)}
    )


def _errors(over: int) -> Series:
    """Two failed invocations five minutes apart; Lambda emits a zero for each good one."""
    good = each(range(0, 2 * HOUR, RUN), 0)
    return Series(
        {"Errors": good | each((30, 35), 1)}, at=35, over=over, quiet={"Errors": good | each([30], 1) | each([80], 1)}
    )


# Waiting since the consumer stopped: an age of a minute more each minute.
_AGES = {minute: [60.0 * minute] for minute in range(30)}
# An event that fails is tried after seconds at first, then every 7.5 to 15 minutes.
_TRIES = (0, 1, 2, 4, 8, 15, 26, 38, 52, 66, 80)
_ORDERS = range(0, 4 * HOUR, 15)

SERIES: dict[str, Series] = {
    "OrderEventsDeadLettersAlarm": _dead_letters(),
    "ReconciliationDeadLettersAlarm": _dead_letters(),
    "PublisherDeadLettersAlarm": _dead_letters(),
    "AnswersDeadLettersAlarm": _dead_letters(),
    "AnswersRefusedAlarm": _counted("AnswersRefused"),
    "AnswersUnclearAlarm": _counted("AnswersUnclear"),
    "AnswersUnavailableAlarm": _counted("5xx"),
    "SenderErrorsAlarm": _errors(over=45),
    # Counted every five minutes; one count may be of orders that are just being got ready.
    "OrdersUnansweredAlarm": Series(
        {"OrdersUnanswered": each(range(0, 2 * HOUR, RUN), 0) | each((30, 35), 2)},
        at=35,
        over=45,
        quiet={"OrdersUnanswered": each(range(0, 2 * HOUR, RUN), 0) | each((30, 60), 2)},
    ),
    "OrderEventsTooOldAlarm": Series(
        {"ApproximateAgeOfOldestMessage": _AGES | each(range(30, 60), 5)},
        at=13,
        over=30,
        quiet={"ApproximateAgeOfOldestMessage": each(range(30, 60), 600) | each((70, 71), 5000) | each([72], 600)},
    ),
    "OrderEventsSlowAlarm": Series(
        # Of twenty events, two take 6 s.
        {"Lag": {minute: [1.0] * 18 + [6.0] * 2 * (minute < 31) for minute in range(1, 60)}},
        at=11,
        over=33,
        # Exactly the target; and a fault of five minutes.
        quiet={"Lag": each(range(30, 60), 5) | each(range(61, 66), 30) | each(range(66, 90), 1)},
    ),
    "OrderEventsFailingAlarm": Series(
        {"Failed": each(_TRIES, 1)},
        at=30,
        over=125,
        quiet={"Failed": each((60, 61, 62, 64, 68, 74), 10) | each(range(75, 120, 15), 0)},
    ),
    "ConsumerErrorsAlarm": _errors(over=45),
    "ReconcilerErrorsAlarm": _errors(over=45),
    "WebhookServerErrorsAlarm": Series(
        {"5xx": each(range(60), 0) | each((10, 12), 1)},
        at=12,
        over=13,
        quiet={"5xx": each(range(30, 60), 0) | each((40, 43), 9)},
    ),
    "StoresNotReconciledAlarm": _in_runs("StoresFailed", at=75, over=80, bad=2, harmless=1),
    "UnsteadyOrdersAlarm": _in_runs("UnsteadyOrders", at=75, over=80, bad=2, harmless=1),
    # Two quarters of an hour in which every run finds the store silent.
    "StoresSilentAlarm": _in_runs("StoresSilent", at=85, over=90, bad=6, harmless=5),
    "MinutesLeftOutAlarm": Series({"MinutesLeftOut": runs(0, 0, 1)}, at=10, over=15, quiet={"MinutesLeftOut": runs()}),
    "PartnerApiBlockedAlarm": Series(
        {"PartnerApiRateLimited": runs(0, 0, 1)}, at=10, over=15, quiet={"PartnerApiRateLimited": runs(start=HOUR)}
    ),
    "PartnerApiRefusedAlarm": Series(
        {"PartnerApiUnauthorized": runs(0, 0, 1, 1)},
        at=15,
        over=20,
        quiet={"PartnerApiUnauthorized": runs(0, 1, 0, 1, start=HOUR)},
    ),
    "PublisherBehindAlarm": Series(
        {"IteratorAge": each(range(60), 1000) | each(range(10, 20), 600_001)},
        at=12,
        over=20,
        quiet={"IteratorAge": each(range(30, 60), 600_000) | each((70, 71), 900_000) | each([72], 1000)},
    ),
    "PublisherNotRunningAlarm": Series(
        {"Stored": each(_ORDERS, 1), "Invocations": each(range(0, HOUR, 15), 1) | each(range(4 * HOUR, 5 * HOUR), 1)},
        at=165,
        over=240,
        quiet={"Stored": each((HOUR, 4 * HOUR), 1), "Invocations": each((HOUR + 1, 4 * HOUR + 1), 1)},
    ),
    "RejectedAlarm": _counted("Rejected"),
    "EventProblemsAlarm": _counted("EventProblems"),
    "UnknownStatusAlarm": _counted("UnknownStatus"),
    "RefusedBurstAlarm": Series(
        {"RefusedUnauthorized": each(range(10, 20), 11)},
        at=14,
        over=20,
        quiet={"RefusedUnauthorized": each(range(30, 60), 10)},
    ),
    "ApiNearThrottleAlarm": Series(
        {"Count": each(range(60), 100) | each(range(10, 15), 24_001)},
        at=11,
        over=15,
        quiet={"Count": each(range(30, 60), 24_000) | each([70], 60_000) | each([71], 100)},
    ),
    "TableThrottledAlarm": Series(
        {"ThrottledRequests": each(range(10, 30), 3)},
        at=18,
        over=31,
        quiet={"ThrottledRequests": each(range(30, 60), 2) | each([90], 500)},
    ),
    "WebhooksMissedAlarm": Series(
        {"WebhooksMissed": runs(*[2] * 11, hours=3)},
        at=50,
        over=60,
        quiet={"WebhooksMissed": runs(*[1] * 20, start=HOUR)},
    ),
    "WebhooksMissedShareAlarm": Series(
        # Twelve orders an hour, and the webhook dies after two of them.
        {"Enqueued": each(range(0, 2 * HOUR, 5), 3), "WebhooksMissed": runs(*[0] * 24, *[1] * 24, hours=10)},
        at=210,
        over=395,
        # One order in four loses its webhooks.
        quiet={"Enqueued": each(range(0, 2 * HOUR, 5), 3), "WebhooksMissed": runs(*[1, 0, 0, 0] * 6, hours=6)},
    ),
    "ReconciliationNotRunAlarm": Series(
        {"StoresChecked": each(range(0, HOUR, RUN), 3) | each(range(2 * HOUR, 3 * HOUR, RUN), 3)},
        at=85,
        over=120,
        quiet={"StoresChecked": each(range(0, 3 * HOUR, 25), 0)},
        since=29,
    ),
}
