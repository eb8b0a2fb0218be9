"""Datapoints that must make an alarm fire, and datapoints that must not, by CloudWatch's own rules."""

from collections.abc import Iterable

import pytest

from tests.support.alarms import Samples, State, evaluated, judged, state, states
from tests.support.template import Template

HOUR = 60
RUN_MINUTES = 5
OK, ALARM = State.OK, State.ALARM


def each(minutes: Iterable[int], value: float) -> dict[int, list[float]]:
    return {minute: [value] for minute in minutes}


# -- the rules themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "to_alarm", "not_breaching", "breaching", "ignored"),
    [
        ("0-X-X", 3, OK, OK, OK),
        ("----0", 3, OK, OK, OK),
        ("-----", 3, OK, ALARM, None),
        ("0XX-X", 3, ALARM, ALARM, ALARM),
        ("--X--", 3, OK, ALARM, None),
        ("0-X-X", 2, ALARM, ALARM, ALARM),
        ("00X0X", 2, ALARM, ALARM, ALARM),
        ("0-X--", 2, OK, ALARM, OK),
        ("----0", 2, OK, ALARM, OK),
        ("---X-", 2, OK, ALARM, None),
    ],
)
def test_missing_data_is_treated_as_documented(
    shown: str, to_alarm: int, not_breaching: State, breaching: State, ignored: State | None
) -> None:
    """The tables of CloudWatch's guide, for three periods: X breaches, 0 does not, - is missing."""
    # Where the state that is ignored is None, the alarm keeps its state.
    points = [{"X": True, "0": False, "-": None}[letter] for letter in reversed(shown)]
    for before in State:
        assert judged(points, 3, to_alarm, "notBreaching", before) is not_breaching
        assert judged(points, 3, to_alarm, "breaching", before) is breaching
        assert judged(points, 3, to_alarm, "ignore", before) is (ignored or before)


def test_metric_math_of_missing_values() -> None:
    """What is made of a missing value is missing, but for FILL."""
    assert evaluated("FILL(a, 0)", {"a": None}) == 0
    assert evaluated("IF(a > 1 AND FILL(b, 0) < 1, 1, 0)", {"a": 2.0, "b": None}) == 1
    assert evaluated("IF(a > 1 AND b < 1, 1, 0)", {"a": 2.0, "b": None}) is None
    assert evaluated("IF(a * 3 >= b OR b == 9, 1, 0)", {"a": 2.0, "b": 7.0}) == 0
    with pytest.raises(ValueError, match="no metric math"):
        evaluated("SEARCH('x')", {})


# -- webhooks of a small chain ----------------------------------------------------------------------------------------


def a_day(orders_an_hour: int, missed: Iterable[int]) -> Samples:
    """Nine hours of orders with three events each; in the minutes ``missed`` no webhook comes, and the reconciler finds
    each order once."""
    minutes = [minute for minute in range(9 * HOUR) if minute % (HOUR // orders_an_hour) == 0]
    dead = {*missed}
    runs = {minute: [0.0] for minute in range(24 * HOUR) if minute % RUN_MINUTES == 0}
    for minute in minutes:
        if minute in dead:
            runs[-(-minute // RUN_MINUTES) * RUN_MINUTES][0] += 1
    return {"Enqueued": each((minute for minute in minutes if minute not in dead), 3), "WebhooksMissed": runs}


@pytest.mark.parametrize("orders_an_hour", [4, 6, 12, 20])
def test_dead_webhook_of_a_small_chain_fires(template: Template, orders_an_hour: int) -> None:
    """The webhook of a chain of 4 to 20 orders an hour dies: an alarm fires within three hours, and ends at night."""
    alarm = template.properties("WebhooksMissedShareAlarm")
    found = states(alarm, a_day(orders_an_hour, range(4 * HOUR, 9 * HOUR)), range(16 * HOUR))
    assert ALARM not in found[: 4 * HOUR]
    assert ALARM in found[: 7 * HOUR]
    assert found[8 * HOUR] is ALARM
    assert found[13 * HOUR] is OK


@pytest.mark.parametrize("orders_an_hour", [1, 4, 12, 60])
def test_single_missed_webhooks_do_not_fire(template: Template, orders_an_hour: int) -> None:
    """One order without webhooks in three hours, and then a night without orders, fires nothing."""
    samples = a_day(orders_an_hour, [HOUR, 4 * HOUR, 7 * HOUR])
    assert sum(value for [value] in samples["WebhooksMissed"].values()) == 3
    assert {*states(template.properties("WebhooksMissedShareAlarm"), samples, range(24 * HOUR))} == {OK}


def test_one_lost_order_of_a_rare_chain(template: Template) -> None:
    """The only order of a night, whose three events were all missed, fires nothing."""
    samples = {"WebhooksMissed": each(range(0, HOUR, 5), 0) | each((10, 30, 50), 1)}
    assert {*states(template.properties("WebhooksMissedShareAlarm"), samples, range(4 * HOUR))} == {OK}


def test_number_alone_does_not_fire_the_share(template: Template) -> None:
    """Ten missed events of a hundred are no quarter."""
    samples = {"WebhooksMissed": each(range(0, HOUR, 6), 1), "Enqueued": each(range(0, HOUR, 6), 9)}
    assert {*states(template.properties("WebhooksMissedShareAlarm"), samples, range(HOUR, 2 * HOUR))} == {OK}


# -- the publisher ----------------------------------------------------------------------------------------------------


def test_publisher_that_is_never_called_fires(template: Template) -> None:
    """Orders are stored and nothing calls the publisher: an alarm fires within two hours."""
    samples = {"Stored": each(range(0, 6 * HOUR, 15), 1), "Invocations": each(range(0, 2 * HOUR, 15), 1)}
    found = states(template.properties("PublisherNotRunningAlarm"), samples, range(6 * HOUR))
    assert ALARM not in found[: 3 * HOUR]
    assert found[4 * HOUR] is ALARM
    assert found[-1] is ALARM


def test_publisher_that_was_never_called_fires(template: Template) -> None:
    """It does not need a call to have been there at all, as on a stack whose mapping never worked."""
    samples = {"Stored": each(range(0, 3 * HOUR, 15), 1)}
    assert state(template.properties("PublisherNotRunningAlarm"), samples, 3 * HOUR) is ALARM


def test_idle_publisher_does_not_fire(template: Template) -> None:
    """Nothing stored and nothing published, as at night, fires nothing; nor does an event at a period's end."""
    alarm = template.properties("PublisherNotRunningAlarm")
    assert {*states(alarm, {}, range(3 * HOUR))} == {OK}
    late = {"Stored": each((HOUR, 4 * HOUR), 1), "Invocations": each((HOUR + 1, 4 * HOUR + 1), 1)}
    assert {*states(alarm, late, range(8 * HOUR))} == {OK}


# -- the table --------------------------------------------------------------------------------------------------------


def test_throttled_table_fires_and_ends(template: Template) -> None:
    """Throttled writes for ten minutes fire; when they are over, so is the alarm, although DynamoDB sends no zeros."""
    alarm = template.properties("TableThrottledAlarm")
    found = states(alarm, {"ThrottledRequests": each(range(20, 40), 20)}, range(2 * HOUR))
    assert ALARM not in found[:25]
    assert found[35] is ALARM
    assert {*found[50:]} == {OK}
    assert {*states(alarm, {"ThrottledRequests": each([20], 20)}, range(HOUR))} == {OK}


def test_alarm_on_dynamodb_without_zeros_stays(template: Template) -> None:
    """The same alarm on the metric itself never ends, whatever it says of missing data."""
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ThrottledRequests", "Dimensions": [], "Statistic": "Sum"}
    alarm = {key: value for key, value in template.properties("TableThrottledAlarm").items() if key != "Metrics"}
    found = states(alarm | metric | {"Period": 300}, {"ThrottledRequests": each(range(20, 40), 20)}, range(5 * HOUR))
    assert found[-1] is ALARM


# -- reconciliation ---------------------------------------------------------------------------------------------------


def test_unsteady_orders_fire_if_they_last(template: Template) -> None:
    """An order that every run finds unsteady fires within the hour; one that a single run does, does not."""
    alarm = template.properties("UnsteadyOrdersAlarm")
    runs = range(0, 4 * HOUR, RUN_MINUTES)
    assert {*states(alarm, {"UnsteadyOrders": each(runs, 0) | {HOUR: [1.0]}}, range(4 * HOUR))} == {OK}
    found = states(alarm, {"UnsteadyOrders": each(runs, 0) | each(range(HOUR, 2 * HOUR, 5), 1)}, range(4 * HOUR))
    assert found[2 * HOUR - 1] is ALARM
    assert found[-1] is OK


def test_one_minute_left_out_fires(template: Template) -> None:
    """A single minute that was left out fires at once, and not for ever."""
    alarm = template.properties("MinutesLeftOutAlarm")
    runs = each(range(0, 2 * HOUR, RUN_MINUTES), 0)
    assert {*states(alarm, {"MinutesLeftOut": runs}, range(2 * HOUR))} == {OK}
    found = states(alarm, {"MinutesLeftOut": runs | {HOUR: [1.0]}}, range(2 * HOUR))
    assert found[HOUR] is ALARM
    assert found[HOUR + 5] is OK


def test_half_an_hour_without_a_run_fires(template: Template) -> None:
    """The alarm says half an hour: it fires then, and not some periods later; runs of twenty minutes do not fire it."""
    alarm = template.properties("ReconciliationNotRunAlarm")
    found = states(alarm, {"StoresChecked": each(range(0, 2 * HOUR + 1, RUN_MINUTES), 3)}, range(29, 4 * HOUR))
    assert found[: 2 * HOUR] == [OK] * (2 * HOUR)
    assert found.index(ALARM) == 2 * HOUR + 30 - 29
    assert {*states(alarm, {"StoresChecked": each(range(0, 4 * HOUR, 20), 3)}, range(29, 4 * HOUR))} == {OK}
