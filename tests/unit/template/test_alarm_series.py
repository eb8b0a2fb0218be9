"""Each alarm of the template fires for one series of datapoints, at its minute, and stays silent for another."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.alarm_series import SERIES, Series
from tests.support.alarms import Samples, State, expression, metrics, states
from tests.support.catalogue_alarm_series import CATALOGUE_SERIES
from tests.support.sampling import every
from tests.support.template import TEMPLATE, Template

ALARM = "AWS::CloudWatch::Alarm"
DOCS = TEMPLATE.parent / "docs"
# Of the one template and of the catalogue's: no two alarms have the same name.
ALL = SERIES | CATALOGUE_SERIES
ALARMS = sorted(ALL)
AFTERWARDS = 30  # minutes that are judged after the last datapoint


def judged(alarm: dict[str, Any], series: Series) -> tuple[int | None, int | None, bool]:
    """At which minutes the alarm fires and is OK again, and whether it fires in the quiet series too."""

    def found(samples: Samples) -> list[State]:
        emitted = (minute for values in (*series.fires.values(), *series.quiet.values()) for minute in values)
        return states(alarm, samples, range(series.since, max(series.over, *emitted) + AFTERWARDS))

    firing = found(series.fires)
    at = firing.index(State.ALARM) if State.ALARM in firing else None
    over = next((minute for minute in range(at, len(firing)) if firing[minute] is State.OK), None) if at else None
    shown = [None if minute is None else minute + series.since for minute in (at, over)]
    return shown[0], shown[1], State.ALARM in found(series.quiet)


@pytest.fixture(scope="session")
def alarms(template: Template, catalogue: Template) -> dict[str, dict[str, Any]]:
    """The alarms of both templates."""
    return {name: alarm for one in (template, catalogue) for name, alarm in one.of_type(ALARM).items()}


def test_every_alarm_has_its_series(template: Template, catalogue: Template) -> None:
    """Every alarm has datapoints that make it fire and datapoints that do not, of each metric that it watches."""
    for one, series in ((template, SERIES), (catalogue, CATALOGUE_SERIES)):
        alarms = one.of_type(ALARM)
        assert series.keys() == alarms.keys()
        for name, alarm in alarms.items():
            watched = {metric.name for metric in metrics(alarm).values()}
            assert series[name].fires.keys() <= watched, name
            assert series[name].quiet.keys() <= watched, name
            assert any(series[name].fires.values()), name
    assert len(ALL) == len(SERIES) + len(CATALOGUE_SERIES)


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_fires_at_its_minute(alarms: dict[str, dict[str, Any]], name: str) -> None:
    """The alarm fires at its minute, ends at its minute, and does not fire for what is harmless."""
    series = ALL[name]
    assert judged(alarms[name], series) == (series.at, series.over, False)


def test_alarm_watches_its_own_resource(template: Template, catalogue: Template) -> None:
    """An alarm on a queue or a function watches the one that its name begins with."""
    kinds = {"AWS/SQS": "AWS::SQS::Queue", "AWS/Lambda": "AWS::Lambda::Function"}
    for one in (template, catalogue):
        for name, alarm in one.of_type(ALARM).items():
            for metric in metrics(alarm).values():
                if metric.namespace in kinds:
                    resources = one.of_type(kinds[metric.namespace])
                    fitting = [each for each in resources if name.startswith(re.sub("(Queue|Function)$", "", each))]
                    own = max(fitting, key=lambda each: len(re.sub("(Queue|Function)$", "", each)))
                    assert [*metric.dimensions.values()] in (
                        [{"Fn::GetAtt": [own, "QueueName"]}],
                        [{"Ref": own}],
                    ), name


# -- the series are sharp ---------------------------------------------------------------------------------------------

type Change = Callable[[dict[str, Any]], dict[str, Any]]


def _periods(alarm: dict[str, Any], changed: Callable[[int], int]) -> dict[str, Any]:
    if "Metrics" not in alarm:
        return alarm | {"Period": changed(alarm["Period"])}
    queries = [
        query | {"MetricStat": query["MetricStat"] | {"Period": changed(query["MetricStat"]["Period"])}}
        if "MetricStat" in query
        else query
        for query in alarm["Metrics"]
    ]
    return alarm | {"Metrics": queries}


def _more_periods(alarm: dict[str, Any]) -> dict[str, Any]:
    more = {name: alarm[name] + 1 for name in ("EvaluationPeriods", "DatapointsToAlarm") if name in alarm}
    return alarm | more


OTHER = {"GreaterThanThreshold": "LessThanThreshold", "LessThanThreshold": "GreaterThanThreshold"}
CHANGES: dict[str, Change] = {
    "far-threshold": lambda alarm: alarm | {"Threshold": 100_000 * (alarm["Threshold"] + 1)},
    "low-threshold": lambda alarm: alarm | {"Threshold": alarm["Threshold"] - 1},
    "long-period": lambda alarm: _periods(alarm, lambda seconds: seconds * 4),
    "short-period": lambda alarm: _periods(alarm, lambda seconds: max(60, seconds // 5)),
    "one-more-period": _more_periods,
    "other-comparison": lambda alarm: alarm | {"ComparisonOperator": OTHER[alarm["ComparisonOperator"]]},
    "missing-data": lambda alarm: alarm | {"TreatMissingData": "breaching"},
    "other-statistic": lambda alarm: alarm | {"Statistic": "SampleCount"},
}


@pytest.mark.parametrize("name", every(4, ALARMS))
def test_changed_alarm_misses_its_series(alarms: dict[str, dict[str, Any]], name: str) -> None:
    """With another threshold, period, comparison, statistic or treatment of missing data it no longer fits."""
    alarm, series = alarms[name], ALL[name]
    changed = {change: make(alarm) for change, make in CHANGES.items()}
    if expression(alarm):
        # The expression fills in zeros, and its metrics have statistics of their own.
        del changed["missing-data"], changed["other-statistic"]
    fitting = [
        change
        for change, other in changed.items()
        # A period of a minute is the shortest.
        if other != alarm and judged(other, series) == (series.at, series.over, False)
    ]
    assert fitting == []


# -- what the documents promise ---------------------------------------------------------------------------------------

PROMISES = {
    "OrderEventsTooOldAlarm": ("guarantees.md", "an alarm tells within a quarter of an hour", 15),
    "OrderEventsFailingAlarm": ("guarantees.md", "after half an hour an alarm tells", 30),
    "OrderEventsSlowAlarm": ("runbooks/order-events-slow.md", "For ten minutes or more", 11),
    "PublisherNotRunningAlarm": ("runbooks/publisher-not-running.md", "two hours", 45 + 2 * 60),
    "ReconciliationNotRunAlarm": ("runbooks/reconciliation-not-run.md", "For half an hour", 55 + 30),
}


@pytest.mark.parametrize("name", PROMISES)
def test_alarm_fires_when_documents_say(name: str) -> None:
    """An alarm fires within the time that a document promises, counted from the series' fault."""
    document, words, latest = PROMISES[name]
    assert words in (DOCS / document).read_text(encoding="utf-8")
    assert SERIES[name].at <= latest


def test_near_throttle_precedes_the_throttle(template: Template) -> None:
    """The API throttles at the documented rate, and the alarm fires from four fifths of it on."""
    settings = template.properties("OrderEventsApiApiGatewayDefaultStage")["DefaultRouteSettings"]
    rate, burst = settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]
    words = f"API's throttle ({rate} requests a second, bursts of {burst:,})"
    assert words in re.sub(r"\s+", " ", (DOCS / "guarantees.md").read_text(encoding="utf-8"))
    alarm = template.properties("ApiNearThrottleAlarm")
    assert (rate, alarm["Threshold"]) == (500, rate * alarm["Period"] * 4 / 5)
