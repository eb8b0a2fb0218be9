"""What CloudWatch makes of an alarm of the template: the datapoints of its periods, and its state.

Follows the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data" and "Using metric math".
Periods slide: an alarm is judged each minute, by the periods that end at that minute.
"""

import ast
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

# By metric, the values that were emitted in each minute.
type Samples = Mapping[str, Mapping[int, Sequence[float]]]
type Datapoint = float | None

# Where datapoints are missing, CloudWatch looks at older periods. How many is not documented; its examples have two.
OLDER_PERIODS = 2
STATISTICS = {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}
PERCENTILE = re.compile(r"p(\d+)")
COMPARISONS = {"GreaterThanThreshold": float.__gt__, "LessThanThreshold": float.__lt__}


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"


class Metric(NamedTuple):
    """A metric that an alarm watches; ``period`` in seconds."""

    namespace: str
    name: str
    dimensions: dict[str, Any]
    statistic: str
    period: int


def metrics(alarm: Mapping[str, Any]) -> dict[str, Metric]:
    """The metrics of an alarm by the ids of its expression; by the empty id if it has none."""
    if "Metrics" not in alarm:
        return {"": _metric(alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"], alarm["Period"])}
    return {
        query["Id"]: _metric(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], query["MetricStat"]["Period"])
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }


def expression(alarm: Mapping[str, Any]) -> str:
    """The expression that an alarm is judged by; empty if it watches a metric itself."""
    returned = [query for query in alarm.get("Metrics", []) if query.get("ReturnData", True)]
    return str(returned[0]["Expression"]) if returned else ""


def _metric(named: Mapping[str, Any], statistic: str, period: int) -> Metric:
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in named["Dimensions"]}
    return Metric(named["Namespace"], named["MetricName"], dimensions, statistic, period)


def states(alarm: Mapping[str, Any], samples: Samples, minutes: Iterable[int]) -> list[State]:
    """The alarm's state at the end of each minute, of an alarm that was OK before."""
    found: list[State] = []
    for minute in minutes:
        found.append(state(alarm, samples, minute, found[-1] if found else State.OK))
    return found


def state(alarm: Mapping[str, Any], samples: Samples, minute: int, before: State = State.OK) -> State:
    """The alarm's state at the end of a minute, and of the state ``before``."""
    periods = alarm["EvaluationPeriods"]
    points = [_datapoint(alarm, samples, minute, back) for back in range(periods + OLDER_PERIODS)]
    is_breaching = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [None if point is None else is_breaching(float(point), float(alarm["Threshold"])) for point in points]
    missing = alarm["TreatMissingData"]
    if any(metric.namespace == "AWS/DynamoDB" for metric in metrics(alarm).values()):
        missing = "ignore"  # whatever the alarm says
    return judged(breaching, periods, alarm.get("DatapointsToAlarm", periods), missing, before)


def judged(breaching: Sequence[bool | None], periods: int, to_alarm: int, missing: str, before: State) -> State:
    """The state by which of the datapoints breach the threshold, the newest first; None for those that are missing."""
    there = [point for point in breaching if point is not None][:periods]
    lacking = periods - len(there)
    if missing == "ignore" and lacking and all(there):
        return State.ALARM if sum(there) >= to_alarm else before
    filled = sum(there) + (lacking if missing == "breaching" else 0)
    return State.ALARM if filled >= to_alarm else State.OK


def _datapoint(alarm: Mapping[str, Any], samples: Samples, minute: int, back: int) -> Datapoint:
    values = {name: _statistic(metric, samples, minute, back) for name, metric in metrics(alarm).items()}
    return values[""] if "" in values else evaluated(expression(alarm), values)


def _statistic(metric: Metric, samples: Samples, minute: int, back: int) -> Datapoint:
    """The value of the period that ends at the minute, or of one so many periods ``back``."""
    length = metric.period // 60
    end = minute - back * length
    emitted = samples.get(metric.name, {})
    inside = range(end - length + 1, end + 1)
    minutes = (
        [at for at in emitted if at in inside] if len(emitted) < length else [at for at in inside if at in emitted]
    )
    values = [value for at in minutes for value in emitted[at]]
    return _of(metric.statistic, values) if values else None


def _of(statistic: str, values: Sequence[float]) -> float:
    if percentile := PERCENTILE.fullmatch(statistic):
        # The nearest rank; CloudWatch interpolates between two values.
        return sorted(values)[math.ceil(int(percentile[1]) / 100 * len(values)) - 1]
    return float(STATISTICS[statistic](values))  # type: ignore[operator]


def evaluated(text: str, values: Mapping[str, Datapoint]) -> Datapoint:
    """An expression of metric math for one period. Whatever is made of a missing value is missing, but for FILL."""
    return _evaluated(_parsed(text), values)


@cache
def _parsed(text: str) -> ast.expr:
    python = re.sub(r"\bAND\b", "and", re.sub(r"\bOR\b", "or", text))
    return ast.parse(python, mode="eval").body


def _evaluated(node: ast.expr, values: Mapping[str, Datapoint]) -> Datapoint:
    def operands(*nodes: ast.expr) -> list[Datapoint]:
        return [_evaluated(operand, values) for operand in nodes]

    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[series, value]):
            filled, otherwise = operands(series, value)
            return otherwise if filled is None else filled
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise_node]):
            holds, *chosen = operands(condition, then, otherwise_node)
            return None if holds is None else chosen[0 if holds else 1]
        case ast.BoolOp(op=operator, values=nodes):
            sides = operands(*nodes)
            together = all if isinstance(operator, ast.And) else any
            return None if None in sides else float(together(sides))
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _combined(comparison, *operands(left, right))
        case ast.BinOp(left=left, op=arithmetic, right=right):
            return _combined(arithmetic, *operands(left, right))
        case _:
            raise ValueError(f"no metric math that we use: {ast.unparse(node)}")


_OPERATORS: dict[type[ast.AST], Any] = {
    ast.Gt: float.__gt__,
    ast.GtE: float.__ge__,
    ast.Lt: float.__lt__,
    ast.LtE: float.__le__,
    ast.Eq: float.__eq__,
    ast.Add: float.__add__,
    ast.Sub: float.__sub__,
    ast.Mult: float.__mul__,
}


def _combined(operator: ast.AST, left: Datapoint, right: Datapoint) -> Datapoint:
    if left is None or right is None:
        return None
    return float(_OPERATORS[type(operator)](left, right))
