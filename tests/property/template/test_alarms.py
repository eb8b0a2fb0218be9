"""Laws of the alarms that compare two metrics: they fire for every chain whose part is dead, and for no other."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tests.support.alarms import Samples, State, states
from tests.support.template import expanded

HOUR = 60
RUN_MINUTES = 5
STATES_OF_AN_ORDER = 3


def _emitted(minutes: Iterable[int], apart: int = 1) -> dict[int, list[float]]:
    """How many there are of each minute, told at the next of the minutes that are so far ``apart``."""
    counts = Counter(-(-minute // apart) * apart for minute in minutes)
    return {minute: [float(count)] for minute, count in counts.items()}


def _within_hours(least: int, most: int, hours: int) -> st.SearchStrategy[list[int]]:
    """Minutes of so many hours, in each of them at least and at most so many."""
    of_an_hour = st.lists(st.integers(0, HOUR - 1), min_size=least, max_size=most)
    return st.lists(of_an_hour, min_size=hours, max_size=hours).map(
        lambda found: sorted(hour * HOUR + minute for hour, minutes in enumerate(found) for minute in minutes)
    )


@given(_within_hours(4, 12, 8), st.integers(3 * HOUR, 4 * HOUR))
def test_dead_webhook_fires_within_three_hours(orders: list[int], dies_at: int) -> None:
    """Whenever the webhook of a chain of 4 to 12 orders an hour dies, the alarm fires within three hours of orders."""
    samples: Samples = {
        "Enqueued": _emitted(minute for minute in orders for _ in range(STATES_OF_AN_ORDER) if minute < dies_at),
        "WebhooksMissed": _emitted((minute for minute in orders if minute >= dies_at), RUN_MINUTES),
    }
    alarm = expanded().properties("WebhooksMissedShareAlarm")
    # The last run that a period of three hours sees may be five minutes back.
    assert states(alarm, samples, [dies_at, dies_at + 3 * HOUR + RUN_MINUTES]) == [State.OK, State.ALARM]


@given(_within_hours(0, 6, 8), st.integers(0, 3 * HOUR))
def test_lost_webhooks_of_an_order_fire_nothing(orders: list[int], lost_at: int) -> None:
    """All webhooks of one order in three hours may be lost, however few orders there are: the share does not fire."""
    lost = range(lost_at, 8 * HOUR, 3 * HOUR + RUN_MINUTES)
    samples: Samples = {
        "Enqueued": _emitted(minute for minute in orders for _ in range(STATES_OF_AN_ORDER)),
        "WebhooksMissed": _emitted((minute for minute in lost for _ in range(STATES_OF_AN_ORDER)), RUN_MINUTES),
    }
    alarm = expanded().properties("WebhooksMissedShareAlarm")
    assert State.ALARM not in states(alarm, samples, range(0, 12 * HOUR, 7))


@given(_within_hours(1, 3, 6), st.integers(0, 2 * HOUR))
def test_idle_publisher_fires_within_two_hours(stored: list[int], stops_at: int) -> None:
    """A publisher that nothing calls any more fires, if something is stored in each hour."""
    # No hour is empty, wherever it begins.
    minutes = sorted({*stored, *range(0, 6 * HOUR, HOUR)})
    calls = [minute for minute in minutes if minute < stops_at]
    samples: Samples = {"Stored": _emitted(minutes), "Invocations": _emitted(calls)}
    alarm = expanded().properties("PublisherNotRunningAlarm")
    assert states(alarm, samples, [stops_at + 2 * HOUR]) == [State.ALARM]


@given(_within_hours(0, 3, 6), st.integers(0, 10))
def test_called_publisher_fires_nothing(stored: list[int], late: int) -> None:
    """A publisher that is called for each event, within minutes, fires nothing, however rare the events are."""
    samples: Samples = {"Stored": _emitted(stored), "Invocations": _emitted(minute + late for minute in stored)}
    alarm = expanded().properties("PublisherNotRunningAlarm")
    assert State.ALARM not in states(alarm, samples, range(0, 8 * HOUR, 3))


@given(st.lists(st.integers(0, HOUR), max_size=40), st.integers(1, 100))
def test_throttling_is_over_when_it_ends(throttled: list[int], many: int) -> None:
    """A quarter of an hour after the last throttled write the alarm is over, though DynamoDB emits nothing then."""
    samples: Samples = {"ThrottledRequests": {minute: [float(many)] for minute in throttled}}
    alarm = expanded().properties("TableThrottledAlarm")
    found = states(alarm, samples, range(HOUR + 16))
    assert found[-1] is State.OK
    sustained = {minute for minute in range(10, HOUR) if {*range(minute - 9, minute + 1)} <= {*throttled}}
    assert many < 3 or all(found[minute] is State.ALARM for minute in sustained)
