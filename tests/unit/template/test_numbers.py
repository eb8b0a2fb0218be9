"""Numbers that belong together, and sizes that were chosen: a slip of one is noticed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import CATALOGUE, TEMPLATE, Template, as_written
from tests.unit.template.test_template_laws import DAY

# The function behind each API.
BEHIND = {
    "OrderEventsApi": "WebhookFunction",
    "AnswersApi": "AnswersFunction",
    "CatalogueApi": "CatalogueWebhookFunction",
}
# Megabytes and seconds. 1,769 MB are one whole processor; 900 s are Lambda's longest.
SIZES = {
    "WebhookFunction": (256, 9),
    "ConsumerFunction": (512, 30),
    "PublisherFunction": (512, 60),
    "ReconcilerFunction": (512, 900),
    "AnswersFunction": (512, 14),
    "SenderFunction": (512, 60),
    "CatalogueWebhookFunction": (256, 9),
    "LoaderFunction": (1769, 900),
    "PusherFunction": (1769, 120),
    "UrgentFunction": (256, 30),
    "UploaderFunction": (1769, 900),
}
# Megabytes of the disk, where it is not the usual one.
DISKS = {"LoaderFunction": 4096, "UploaderFunction": 2048}
# Most tries of a message, seconds between two of them, and seconds that it is kept.
TRIES = {
    "OrderEventsQueue": (80, 300, 4 * DAY),
    "AnswersQueue": (20, 360, DAY // 6),
    "FilesQueue": (50, 960, 14 * DAY),
    "CallbacksQueue": (100, 180, 4 * DAY),
    "UrgentQueue": (200, 60, 4 * DAY),
}
# A batch of ten bodies has to fit the consumer's memory. An answer and an urgent change are worked on alone.
BATCHES = {
    "ConsumerFunctionOrderEvents": 10,
    "PublisherFunctionOrdersTable": 100,
    "SenderFunctionAnswers": 1,
    "UrgentFunctionUrgent": 1,
}
# Seconds of a datapoint, how many of the last ones count, how many of these have to be over the threshold, and that.
WINDOWS = {
    "StoresNotReconciledAlarm": (900, 3, 2, 0),
    "UnsteadyOrdersAlarm": (900, 3, 2, 0),
    "StoresSilentAlarm": (900, 3, 2, 0),
    "OrdersUnansweredAlarm": (300, 3, 2, 0),
    "MinutesLeftOutAlarm": (300, 1, None, 0),
    "PartnerApiBlockedAlarm": (300, 1, 1, 0),
    "StoresWithoutFileAlarm": (3600, 2, 2, 0),
    "DriftLeftAlarm": (86400, 1, None, 0),
    "DriftNotComparedAlarm": (86400, 1, None, 0),
    "FilesNotUploadedAlarm": (300, 1, None, 0),
    "SftpHostKeyChangedAlarm": (300, 1, None, 0),
    "SftpLoginRefusedAlarm": (300, 1, None, 0),
}


@pytest.fixture(scope="module")
def both(template: Template, catalogue: Template) -> dict[str, Template]:
    return {"orders": template, "catalogue": catalogue}


def of_type(both: dict[str, Template], kind: str) -> dict[str, dict[str, Any]]:
    return {name: it for one in both.values() for name, it in one.of_type(kind).items()}


def compared(condition: Any) -> Iterator[tuple[str, str]]:
    """The parameters that a condition compares, and with what."""
    if isinstance(condition, dict):
        match condition:
            case {"Fn::Equals": [{"Ref": name}, str(value)]}:
                yield name, value
            case _:
                for part in condition.values():
                    yield from compared(part)
    elif isinstance(condition, list):
        for part in condition:
            yield from compared(part)


@pytest.mark.parametrize("template", [TEMPLATE, CATALOGUE], ids=["orders", "catalogue"])
def test_switch_means_what_it_says(template: Path) -> None:
    """What a switch adds is there if it is ENABLED; only the API's own address goes if it is DISABLED."""
    content = as_written(template)
    switches = {name: it for name, it in content["Parameters"].items() if it.get("Default") in ("ENABLED", "DISABLED")}
    conditions = content["Conditions"].values()
    for name, value in (pair for condition in conditions for pair in compared(condition) if pair[0] in switches):
        if name == "ExecuteApiEndpoint":
            assert value == "DISABLED"
        else:
            assert value in switches[name]["AllowedValues"], name
            assert value != "DISABLED", name


def test_gateway_waits_for_the_function(both: dict[str, Template]) -> None:
    """The gateway waits a second longer than the function behind it may take."""
    functions = of_type(both, "AWS::Lambda::Function")
    for name, api in of_type(both, "AWS::ApiGatewayV2::Api").items():
        integrations = [
            operation["x-amazon-apigateway-integration"]
            for path in api["Body"]["paths"].values()
            for operation in path.values()
            if isinstance(operation, dict) and "x-amazon-apigateway-integration" in operation
        ]
        seconds = functions[BEHIND[name]]["Timeout"] + 1
        assert {integration["timeoutInMillis"] for integration in integrations} == {seconds * 1000}, name


def test_own_address_goes_with_a_domain() -> None:
    """The API's own address is switched off where only the domain is wanted."""
    api = as_written(TEMPLATE)["Resources"]["OrderEventsApi"]["Properties"]
    assert api["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasDomainOnly", True, False]}


def test_requests_are_throttled(both: dict[str, Template]) -> None:
    """Each API takes so many requests a second, and twice as many at once."""
    rates = {
        re.sub("ApiGatewayDefaultStage$", "", name): stage["DefaultRouteSettings"]
        for name, stage in of_type(both, "AWS::ApiGatewayV2::Stage").items()
    }
    assert {name: (it["ThrottlingRateLimit"], it["ThrottlingBurstLimit"]) for name, it in rates.items()} == {
        "OrderEventsApi": (500, 1000),
        "AnswersApi": (50, 100),
        "CatalogueApi": (20, 40),
    }


def test_sizes_of_functions(both: dict[str, Template]) -> None:
    """Each function has the memory, the time and the disk that were chosen for it."""
    functions = of_type(both, "AWS::Lambda::Function")
    assert {name: (it["MemorySize"], it["Timeout"]) for name, it in functions.items()} == SIZES
    assert {name: it["EphemeralStorage"]["Size"] for name, it in functions.items() if "EphemeralStorage" in it} == DISKS


def test_messages_are_tried_and_kept(both: dict[str, Template]) -> None:
    """Each queue tries a message so often, and every dead letter is kept for the longest that SQS allows."""
    queues = of_type(both, "AWS::SQS::Queue")
    tried = {name: it for name, it in queues.items() if "RedrivePolicy" in it}
    assert {
        name: (it["RedrivePolicy"]["maxReceiveCount"], it["VisibilityTimeout"], it["MessageRetentionPeriod"])
        for name, it in tried.items()
    } == TRIES
    letters = {name: it["MessageRetentionPeriod"] for name, it in queues.items() if name not in tried}
    assert letters
    assert set(letters.values()) == {14 * DAY}


def test_batches(both: dict[str, Template]) -> None:
    """Each function takes so many messages at once, and a change that fails is searched for in halves of its batch."""
    mappings = of_type(both, "AWS::Lambda::EventSourceMapping")
    assert {name: it["BatchSize"] for name, it in mappings.items()} == BATCHES
    assert mappings["PublisherFunctionOrdersTable"]["BisectBatchOnFunctionError"] is True
    assert mappings["SenderFunctionAnswers"]["ScalingConfig"] == {"MaximumConcurrency": 4}


@pytest.mark.parametrize(
    ("function", "period"),
    [("ReconcilerFunction", 300), ("SenderFunction", 60), ("LoaderFunction", 60), ("PusherFunction", 60)],
)
def test_call_waits_less_than_a_period(both: dict[str, Template], function: str, period: int) -> None:
    """A call of the schedule is not repeated by Lambda, and is dropped once the next one is near."""
    invoked = of_type(both, "AWS::Lambda::EventInvokeConfig")[f"{function}EventInvokeConfig"]
    assert invoked["MaximumRetryAttempts"] == 0
    assert period / 2 < invoked["MaximumEventAgeInSeconds"] <= period


def test_missed_run_is_tried_until_the_next(template: Template) -> None:
    """A run of the reconciler that could not start is tried twice more before the next one is near."""
    schedule = template.properties("ReconcilerFunctionSchedule")
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 240}


def test_uploader_begins_each_five_minutes(catalogue: Template) -> None:
    """A call that could not start is left to the next one."""
    schedule = catalogue.properties("UploaderFunctionEachFiveMinutes")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    invoked = catalogue.properties("UploaderFunctionEventInvokeConfig")
    assert (invoked["MaximumRetryAttempts"], invoked["MaximumEventAgeInSeconds"]) == (0, 60)


def test_tables_are_encrypted_and_protected(both: dict[str, Template]) -> None:
    """Every table is encrypted by a key of KMS, and those that hold data cannot be deleted by accident."""
    tables = of_type(both, "AWS::DynamoDB::Table")
    assert {it["SSESpecification"]["SSEEnabled"] for it in tables.values()} == {True}
    assert {name for name, it in tables.items() if it.get("DeletionProtectionEnabled")} == {
        *("OrdersTable", "CatalogueTable"),
    }


def test_gradual_deployment_rolls_back(template: Template) -> None:
    """A deployment goes back by itself if an alarm fires."""
    groups = template.of_type("AWS::CodeDeploy::DeploymentGroup")
    assert groups
    for name, group in groups.items():
        assert group["AutoRollbackConfiguration"]["Enabled"] is True, name
        assert group["AlarmConfiguration"]["Enabled"] is True, name


def test_answers_api_requires_its_path(template: Template) -> None:
    """Every parameter of a path is required."""
    for path in template.properties("AnswersApi")["Body"]["paths"].values():
        assert all(parameter["required"] is True for parameter in path["parameters"])


def test_bucket_cleans_up(catalogue: Template) -> None:
    """Marks of deleted objects go, and a key of the chain's own is asked for once a while."""
    bucket = catalogue.properties("FilesBucket")
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpiredObjectDeleteMarker"] for rule in rules if "ExpiredObjectDeleteMarker" in rule] == [True]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    assert {rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules[:-1]} == {30}
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["BucketKeyEnabled"]["Fn::If"][1] is True


def test_windows_of_alarms(both: dict[str, Template]) -> None:
    """These alarms look at times that no series of datapoints in the other tests tells apart."""
    alarms = of_type(both, "AWS::CloudWatch::Alarm")
    assert {
        name: (it["Period"], it["EvaluationPeriods"], it.get("DatapointsToAlarm"), it["Threshold"])
        for name, it in alarms.items()
        if name in WINDOWS
    } == WINDOWS


def test_alarm_watches_one_series(both: dict[str, Template]) -> None:
    """Of the series of an alarm exactly one is compared with its threshold; CloudWatch takes no other."""
    calculated = {
        name: it["Metrics"] for name, it in of_type(both, "AWS::CloudWatch::Alarm").items() if "Metrics" in it
    }
    assert calculated
    for name, series in calculated.items():
        assert [one.get("ReturnData", True) for one in series].count(True) == 1, name


def test_both_stacks_have_the_same_defaults() -> None:
    """A parameter of both templates has one default."""
    orders, catalogue = (as_written(template)["Parameters"] for template in (TEMPLATE, CATALOGUE))
    shared = orders.keys() & catalogue.keys()
    assert {"RateLimitPerMinute", "LogRetentionDays"} <= shared
    assert {name: catalogue[name].get("Default") for name in shared} == {
        name: orders[name].get("Default") for name in shared
    }
