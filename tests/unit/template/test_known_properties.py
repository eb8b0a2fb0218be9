"""What stands on an event's way has the properties listed here and no other: one more may delay, drop or hide it, such
as a batching window, a longest age of a record, a shorter longest message, or an alarm whose actions are off."""

from typing import Any

import pytest

from tests.support.template import Template

_FUNCTION = {"Architectures", "Code", "Description", "Environment", "Handler", "Layers", "LoggingConfig", "MemorySize"}
_FUNCTION |= {"Role", "Runtime", "Tags", "Timeout", "TracingConfig"}
KNOWN: dict[str, set[str]] = {
    "AWS::SQS::Queue": {
        *("KmsMasterKeyId", "MessageRetentionPeriod", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout")
    },
    "AWS::CloudWatch::Alarm": {
        *("AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator", "DatapointsToAlarm", "Dimensions"),
        *("EvaluationPeriods", "ExtendedStatistic", "MetricName", "Metrics", "Namespace", "OKActions", "Period"),
        *("Statistic", "Threshold", "TreatMissingData"),
    },
    "AWS::Lambda::EventInvokeConfig": {
        *("DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier")
    },
    "AWS::Scheduler::Schedule": {"FlexibleTimeWindow", "Name", "ScheduleExpression", "State", "Target"},
}
_REPORTED = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
EVENT_SOURCES: dict[str, dict[str, Any]] = {
    "ConsumerFunctionOrderEvents": {
        "BatchSize": 10,
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "ConsumerConcurrency"}},
        **_REPORTED,
    },
    "SenderFunctionAnswers": {"BatchSize": 1, "ScalingConfig": {"MaximumConcurrency": 4}, **_REPORTED},
    "UrgentFunctionUrgent": {"BatchSize": 1, "ScalingConfig": {"MaximumConcurrency": 2}, **_REPORTED},
    "PublisherFunctionOrdersTable": {
        "BatchSize": 100,
        "StartingPosition": "TRIM_HORIZON",
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": -1,
        **_REPORTED,
    },
}
# When each function is called, and whether it is; None where nobody can switch that off.
SCHEDULES: dict[str, tuple[Any, Any]] = {
    "ReconcilerFunction": ({"Ref": "ReconciliationSchedule"}, {"Ref": "ReconciliationState"}),
    "SenderFunction": ("rate(1 minute)", None),
    "LoaderFunction": ("rate(1 minute)", None),
    "PusherFunction": ("rate(1 minute)", None),
    "UploaderFunction": ("rate(5 minutes)", None),
}
# Held by laws of their own.
_ELSEWHERE = {"EventSourceArn", "FunctionName", "FilterCriteria", "DestinationConfig"}


@pytest.fixture(params=["orders", "catalogue"])
def stack(request: pytest.FixtureRequest, template: Template, catalogue: Template) -> Template:
    """Each of the two stacks."""
    return template if request.param == "orders" else catalogue


@pytest.mark.parametrize("kind", KNOWN)
def test_no_property_is_unknown(stack: Template, kind: str) -> None:
    """Queues, alarms, schedules and the invocations of functions have no property but the known ones."""
    others = {name: properties.keys() - KNOWN[kind] for name, properties in stack.of_type(kind).items()}
    assert not {name: names for name, names in others.items() if names}


def test_orders_have_the_accounts_concurrency(template: Template, catalogue: Template) -> None:
    """Only the catalogue's functions are kept to a number of executions."""
    for one, more in ((template, set[str]()), (catalogue, {"EphemeralStorage", "ReservedConcurrentExecutions"})):
        for name, properties in one.of_type("AWS::Lambda::Function").items():
            assert properties.keys() <= _FUNCTION | more, name


def test_event_sources_are_exact(template: Template, catalogue: Template) -> None:
    """No event source waits to fill a batch, is switched off, or gives a record up for its age or after some tries."""
    kind = "AWS::Lambda::EventSourceMapping"
    found = {**template.of_type(kind), **catalogue.of_type(kind)}
    shown = {
        name: {key: value for key, value in properties.items() if key not in _ELSEWHERE}
        for name, properties in found.items()
    }
    assert shown == EVENT_SOURCES


def test_schedules_are_exact(template: Template, catalogue: Template) -> None:
    """Each schedule calls its own function, as often as it is to, and only an operator switches one off."""
    kind = "AWS::Scheduler::Schedule"
    schedules = [*template.of_type(kind).values(), *catalogue.of_type(kind).values()]
    shown = {
        schedule["Target"]["Arn"]["Fn::GetAtt"][0]: (schedule["ScheduleExpression"], schedule.get("State"))
        for schedule in schedules
    }
    assert (shown, len(schedules)) == (SCHEDULES, len(SCHEDULES))
    assert {schedule["Target"]["Input"] for schedule in schedules} == {"{}"}


def test_schedules_are_kept_to_the_minute(stack: Template) -> None:
    """No schedule may start what it starts some time later than it says."""
    for name, schedule in stack.of_type("AWS::Scheduler::Schedule").items():
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}, name


def test_no_function_has_a_url(stack: Template) -> None:
    """No function has a URL of its own beside the API, which throttles and has one route."""
    assert stack.of_type("AWS::Lambda::Url") == {}
