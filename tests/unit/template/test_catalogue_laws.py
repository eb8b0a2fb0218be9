"""The laws of the catalogue's template: what its numbers, targets and rights must satisfy together."""

import json
import re
from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from partner_orders.loader.handler import LoaderSettings
from partner_orders.promotions import state as promotion_state
from partner_orders.pusher.handler import PusherSettings
from partner_orders.pusher.urgent_handler import UrgentSettings
from partner_orders.store_status import status as store_status
from partner_orders.uploader.handler import UploaderSettings
from partner_orders.webhook.handler import WebhookSettings
from tests.support.alarms import expression, metrics
from tests.support.template import CATALOGUE, Template
from tests.unit.template.test_template_laws import (
    A_KEY_OF_THE_CHAINS_OWN,
    ACTIONS,
    DAY,
    HOUR,
    _list,
    is_emitted,
    longest_call_seconds,
    references,
)
from tools.fresh_handler import fresh_handler

# The last one only where files go by SFTP.
FUNCTIONS = ("LoaderFunction", "PusherFunction", "UrgentFunction", "CatalogueWebhookFunction", "UploaderFunction")
SETTINGS = {
    "LoaderFunction": LoaderSettings,
    "PusherFunction": PusherSettings,
    "UrgentFunction": UrgentSettings,
    "CatalogueWebhookFunction": WebhookSettings,
    "UploaderFunction": UploaderSettings,
}
QUEUES = {f"{name}Queue": f"{name}DeadLetters" for name in ("Files", "Callbacks", "Urgent")}
TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}  # with Tracing=XRAY only: test_tracing
READING = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"}
WRITING = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}


# -- at most five executions ------------------------------------------------------------------------------------------


def test_functions_of_one_execution(catalogue: Template) -> None:
    """The stack has four functions, five with SFTP, and each reserves one execution (decision 24)."""
    reserved = {
        name: function["ReservedConcurrentExecutions"]
        for name, function in catalogue.of_type("AWS::Lambda::Function").items()
    }
    assert reserved == dict.fromkeys(FUNCTIONS, 1)


def test_one_event_source_at_its_least(catalogue: Template) -> None:
    """Only urgent messages call their function, with the fewest pollers that AWS allows; the others drain queues."""
    [mapping] = catalogue.of_type("AWS::Lambda::EventSourceMapping").values()
    assert references(mapping) == {"UrgentQueue", "UrgentFunction"}
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", ["Loader", "Pusher"])
def test_a_missed_minute_is_not_made_up_for(catalogue: Template, name: str) -> None:
    """A minute in which a function is busy or cannot start is left to the next: neither the schedule nor Lambda repeats
    it, so nothing piles up behind a long run."""
    schedule = catalogue.properties(f"{name}FunctionEachMinute")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    invoked = catalogue.properties(f"{name}FunctionEventInvokeConfig")
    assert (invoked["MaximumRetryAttempts"], invoked["MaximumEventAgeInSeconds"]) == (0, 60)


def test_nothing_of_the_intake_is_the_catalogues(catalogue: Template, template: Template) -> None:
    """The catalogue's functions are called by queues and schedules of its own stack, and its alarms watch what is its
    own; the stacks share no resource by name."""
    own = catalogue.resources.keys()
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule", "AWS::Lambda::Permission"):
        for name, it in catalogue.of_type(kind).items():
            assert references(it) & own, name
            assert "ImportValue" not in json.dumps(it), name
    for name, alarm in catalogue.of_type("AWS::CloudWatch::Alarm").items():
        for metric in metrics(alarm).values():
            service = str(metric.dimensions.get("service", ""))
            assert "${AWS::StackName}" in service or references(metric.dimensions) <= own, name
    sources = {json.dumps(it["EventSourceArn"]) for it in catalogue.of_type("AWS::Lambda::EventSourceMapping").values()}
    assert sources == {json.dumps({"Fn::GetAtt": ["UrgentQueue", "Arn"]})}
    intake = ("WebhookFunction", "OrderEventsQueue", "ConsumerFunctionOrderEvents", "OrdersTable")
    for name in intake:
        assert "Catalogue" not in json.dumps(template.properties(name)), name


# -- queues -----------------------------------------------------------------------------------------------------------


def test_messages_stay_hidden_while_worked_on(catalogue: Template) -> None:
    """A message stays hidden for longer than its function may run."""
    for queue, function in zip(QUEUES, FUNCTIONS, strict=False):
        hidden = catalogue.properties(queue)["VisibilityTimeout"]
        assert hidden > catalogue.properties(function)["Timeout"], queue


def test_dead_letters_precede_retention(catalogue: Template) -> None:
    """A failing message becomes a dead-letter message before its queue drops it, and stays there for 14 days."""
    for queue, letters in QUEUES.items():
        properties = catalogue.properties(queue)
        redrive = properties["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [letters, "Arn"]}
        assert redrive["maxReceiveCount"] * properties["VisibilityTimeout"] < properties["MessageRetentionPeriod"]
        assert catalogue.properties(letters)["MessageRetentionPeriod"] == 14 * DAY


def test_busy_function_is_no_fault_of_a_message(catalogue: Template) -> None:
    """An urgent message that finds its function busy counts as received, and is tried for hours all the same."""
    queue = catalogue.properties("UrgentQueue")
    assert queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] >= 3 * HOUR


def test_queues_and_logs_are_encrypted(catalogue: Template) -> None:
    """Every queue is encrypted, by SQS or by the chain's own key, which the logs use, too."""
    for name, queue in catalogue.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", False, True]}, name
        assert queue["KmsMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name
    for name, group in catalogue.of_type("AWS::Logs::LogGroup").items():
        assert group["KmsKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


# -- the bucket and the table -----------------------------------------------------------------------------------------


def test_bucket_is_private_and_versioned(catalogue: Template) -> None:
    """The bucket keeps versions, is encrypted, answers nobody without TLS, and can never be made public."""
    bucket = catalogue.properties("FilesBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert [*bucket["PublicAccessBlockConfiguration"].values()] == [True] * 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": {"Fn::If": ["HasKmsKey", "aws:kms", "AES256"]},
        "KMSMasterKeyID": A_KEY_OF_THE_CHAINS_OWN,
    }
    [statement] = catalogue.properties("FilesBucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2


def test_only_files_are_told_of(catalogue: Template) -> None:
    """The bucket tells the queue of lists/ and changes/ alone, so that no report of ours is taken for a file."""
    bucket = catalogue.properties("FilesBucket")
    prefixes = set()
    for told in bucket["NotificationConfiguration"]["QueueConfigurations"]:
        assert told["Queue"] == {"Fn::GetAtt": ["FilesQueue", "Arn"]}
        [rule] = told["Filter"]["S3Key"]["Rules"]
        prefixes.add((told["Event"], rule["Name"], rule["Value"]))
    assert prefixes == {("s3:ObjectCreated:*", "prefix", f"{folder}/") for folder in ("lists", "changes")}
    # S3 tries the queue when the bucket is made, so its policy comes first.
    assert catalogue.resources["FilesBucket"]["DependsOn"] == "FilesQueuePolicy"
    [statement] = catalogue.properties("FilesQueuePolicy")["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_old_files_go(catalogue: Template) -> None:
    """Files and reports go after 90 days, bodies of promotions after 400, earlier versions after 30; the last export of
    a store stays."""
    rules = {rule["Id"]: rule for rule in catalogue.properties("FilesBucket")["LifecycleConfiguration"]["Rules"]}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    for folder, days in (("lists", 90), ("changes", 90), ("reports", 90), ("promotions", 400)):
        rule = rules.pop(folder)
        assert (rule["Prefix"], rule["ExpirationInDays"]) == (f"{folder}/", days)
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    exports = rules.pop("exports")
    assert "ExpirationInDays" not in exports
    assert exports["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    sent, kept = rules.pop("sent"), rules.pop("promotion-rows")
    assert (sent["Prefix"], sent["ExpirationInDays"]) == ("sent/", 90)
    # A row that was sent ends its promotion, however old it is.
    assert (kept["Prefix"], "ExpirationInDays" in kept) == ("promotion-rows/", False)
    assert sent["NoncurrentVersionExpiration"] == kept["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    [leftovers] = rules.values()
    assert leftovers["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "Prefix" not in leftovers


def test_table_settings(catalogue: Template) -> None:
    """The table is on demand, encrypted, recoverable, protected, expires rows, and has neither stream nor index."""
    table = catalogue.properties("CatalogueTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSESpecification"]["KMSMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert not {"StreamSpecification", "GlobalSecondaryIndexes"} & table.keys()


def test_stack_deletion_keeps_data(catalogue: Template) -> None:
    """Deleting the stack deletes neither the table nor the files, nor a login that somebody stored."""
    kept = {name: it for name, it in catalogue.resources.items() if it.get("DeletionPolicy", "Delete") != "Delete"}
    assert {name: it["DeletionPolicy"] for name, it in kept.items()} == {
        "CatalogueTable": "Retain",
        "FilesBucket": "RetainExceptOnCreate",
        "SftpSecret": "RetainExceptOnCreate",
    }
    assert {it["UpdateReplacePolicy"] for it in kept.values()} == {"Retain"}


# -- the stack beside it ----------------------------------------------------------------------------------------------


def test_nothing_is_exported_or_imported() -> None:
    """Neither stack holds the other's deployment up by an export or an import."""
    text = CATALOGUE.read_text(encoding="utf-8")
    assert not re.findall(r"ImportValue|Export:", text)


def test_no_resource_has_a_fixed_name(catalogue: Template) -> None:
    """No resource has a fixed name that a second stack would collide with."""
    kinds = ("TableName", "QueueName", "FunctionName", "RoleName", "LogGroupName", "TopicName", "AlarmName")
    for name, resource in catalogue.resources.items():
        for kind in (*kinds, "BucketName", "Name"):
            assert not isinstance(resource["Properties"].get(kind), str), f"{name}: {kind}"


def test_template_has_no_yaml_aliases() -> None:
    """The template uses no YAML alias, which CloudFormation rejects."""
    text = CATALOGUE.read_text(encoding="utf-8")
    assert re.findall(r"(?m)(?:^|[\s:\[,])([&*][A-Za-z][\w-]*)", text) == []


# -- functions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTINGS)
def test_environment_is_what_the_handler_reads(catalogue: Template, name: str) -> None:
    """Each variable that a handler reads is set, with those that may be empty, and no other is."""
    given = {key for key in catalogue.properties(name)["Environment"]["Variables"] if not key.startswith("POWERTOOLS_")}
    assert given == {setting.name.upper() for setting in fields(SETTINGS[name])}
    assert any(setting.default is MISSING for setting in fields(SETTINGS[name]))


def test_variables_are_wired_by_name(catalogue: Template) -> None:
    """Each variable holds the parameter or the resource that it is named after: no function works on another queue, or
    by another limit."""
    others = {
        "EVENT_BUS_NAME": {"Fn::If": ["HasBus", {"Ref": "OrderChangesBusName"}, ""]},
        "ORDER_EVENTS_QUEUE_URL": {"Ref": "CallbacksQueue"},
    }
    for function in FUNCTIONS:
        for name, value in catalogue.properties(function)["Environment"]["Variables"].items():
            if not name.startswith("POWERTOOLS_"):
                assert value == others.get(name, catalogue.named_after(name)), f"{function}: {name}"


def test_nothing_is_checked_in_by_default(catalogue: Template) -> None:
    """Stores are checked in only where the chain asks for it."""
    assert catalogue.parameters["CheckIn"]["Default"] == "DISABLED"


def test_log_level_never_drops_metrics(catalogue: Template) -> None:
    """No log level makes Lambda drop the log lines that are metrics."""
    assert catalogue.conditions["HasDebugLogs"] == {"Fn::Equals": [{"Ref": "LogLevel"}, "DEBUG"]}
    for name in FUNCTIONS:
        properties = catalogue.properties(name)
        assert properties["LoggingConfig"]["ApplicationLogLevel"] == {"Fn::If": ["HasDebugLogs", "DEBUG", "INFO"]}, name
        variables = properties["Environment"]["Variables"]
        assert variables["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}, name
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "PartnerOrders", name
        assert variables["POWERTOOLS_SERVICE_NAME"]["Fn::Sub"].startswith("${AWS::StackName}-"), name


def test_webhook_ends_before_platform_limit(catalogue: Template) -> None:
    """The webhook's calls at their slowest end before its own timeout, and that before the platform gives up."""
    app: Any = fresh_handler("webhook")
    timeout = catalogue.properties("CatalogueWebhookFunction")["Timeout"]
    slowest = 2 * longest_call_seconds(app.SECRETS_MANAGER_CALLS) + longest_call_seconds(app.SQS_CALLS)
    assert slowest < timeout < 10


def test_pusher_begins_nothing_too_late(catalogue: Template) -> None:
    """The pusher begins nothing new that could outlast its timeout, and is done before the next minute's end."""
    app: Any = fresh_handler("pusher")
    timeout = catalogue.properties("PusherFunction")["Timeout"]
    assert app.LAST_START_SECONDS < 60
    assert timeout > app.LAST_START_SECONDS + app.FILE_SECONDS + app.AFTER_A_REQUEST_SECONDS


def test_claims_outlive_the_pusher(catalogue: Template) -> None:
    """Whoever claims a promotion or a store's status has ended before anybody else may take it."""
    timeout = timedelta(seconds=catalogue.properties("PusherFunction")["Timeout"])
    assert min(store_status.CLAIM, promotion_state.CLAIM) > timeout


def test_only_one_route_exists(catalogue: Template) -> None:
    """The only route is one POST to the webhook, throttled, and its log has no caller or header."""
    paths = catalogue.properties("CatalogueApi")["Body"]["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {"/catalogue-callbacks": {"post"}}
    stage = catalogue.properties("CatalogueApiApiGatewayDefaultStage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    logged = set(re.findall(r"\$context\.([a-zA-Z.]+)", stage["AccessLogSettings"]["Format"]))
    assert "requestId" in logged
    assert not {name for name in logged if name.startswith(("identity", "authorizer"))}


# -- who may do what --------------------------------------------------------------------------------------------------


def test_each_function_has_its_own_role(catalogue: Template) -> None:
    """Each function has its own role."""
    roles = {catalogue.properties(name)["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS}
    assert roles == {name.replace("Function", "Role") for name in FUNCTIONS}


def test_function_permissions_are_exact(catalogue: Template) -> None:
    """Each role has exactly the permissions listed here."""
    allowed: dict[str, set[str]] = {}
    for role, statement in catalogue.statements():
        allowed.setdefault(role, set()).update(_list(statement["Action"]))
    assert allowed.pop("ScheduleRole") == {"lambda:InvokeFunction"}
    every = {"logs:CreateLogStream", "logs:PutLogEvents", "kms:Decrypt", "kms:GenerateDataKey", *TRACING}
    assert all(actions >= every for actions in allowed.values())
    draining = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage"}
    sending = {"secretsmanager:GetSecretValue", "events:PutEvents"}
    assert {role: actions - every for role, actions in allowed.items()} == {
        "LoaderRole": READING
        | WRITING - {"dynamodb:BatchWriteItem"}
        | draining
        | {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"},
        "PusherRole": READING | WRITING | draining | sending | {"s3:PutObject", "s3:GetObject"},
        "UrgentRole": READING | WRITING | draining | sending | {"sqs:GetQueueAttributes", "s3:GetObject"},
        "CatalogueWebhookRole": {"secretsmanager:GetSecretValue", "sqs:SendMessage"},
        "UploaderRole": READING - {"dynamodb:BatchGetItem"}
        | WRITING
        | {"secretsmanager:GetSecretValue", "s3:GetObject", "s3:PutObject", "s3:ListBucket"},
    }


def test_secrets_have_their_readers(catalogue: Template) -> None:
    """Each secret is read by the roles that need it, and the SFTP login by the uploader's alone."""
    readers: dict[str, set[str]] = {}
    for role, statement in catalogue.statements():
        if "secretsmanager:GetSecretValue" in _list(statement["Action"]):
            [secret] = references(statement["Resource"])
            readers.setdefault(secret, set()).add(role)
    assert readers == {
        "WebhookSecretArn": {"CatalogueWebhookRole"},
        "PartnerApiSecretArn": {"PusherRole", "UrgentRole"},
        "SftpSecret": {"UploaderRole"},
    }


def test_no_statement_uses_a_wildcard(catalogue: Template) -> None:
    """No statement allows any action, or objects beyond a folder of the bucket."""
    folders = ("lists", "changes", "reports", "exports", "promotions", "promotion-rows", "sent")
    for role, statement in catalogue.statements():
        if {*_list(statement["Action"])} == TRACING:
            continue  # X-Ray knows no finer resource.
        for value in [*_list(statement["Action"]), *_list(statement["Resource"])]:
            text = value if isinstance(value, str) else str(next(iter(value.values())))
            for folder in folders:
                text = text.replace(f"${{FilesBucket.Arn}}/{folder}/*", "")
            assert "*" not in text, f"{role}: {statement}"


def test_roles_write_their_own_rows(catalogue: Template) -> None:
    """Each role writes to the table only the partitions of its part."""
    partitions, table = {}, {"Fn::GetAtt": ["CatalogueTable", "Arn"]}
    for role, statement in catalogue.statements():
        if WRITING & {*_list(statement["Action"])} and statement["Resource"] == table:
            [(operator, [(key, values)])] = [(name, [*it.items()]) for name, it in statement["Condition"].items()]
            assert (operator, key) == ("ForAllValues:StringLike", "dynamodb:LeadingKeys")
            partitions[role] = {*values}
    both = {"STORES", "STORE#*", "CHANGES", "CHANGES#*"}
    assert partitions == {
        "LoaderRole": both | {"HELD#*", "FILES#*", "DECISIONS#*", "DRIFT#*"},
        "PusherRole": both | {"JOB#*", "JOBS#*", "CALLBACK#*", "STATUSES#*", "PROMOTIONS", "PROMOTION_WISHES#*"},
        "UrgentRole": both | {"HELD#*", "JOB#*", "JOBS#*"},
        "UploaderRole": {"UPLOADS", "UPLOADED#*", "CHANGES", "CHANGES#*", "PROMOTIONS", "PROMOTION_WISHES#*"},
    }


def test_schedules_may_start_what_they_call(catalogue: Template) -> None:
    """The schedules' role may start the functions that the schedules call, the uploader too, and no others."""
    called = [schedule["Target"]["Arn"] for schedule in catalogue.of_type("AWS::Scheduler::Schedule").values()]
    [allowed] = [statement for role, statement in catalogue.statements() if role == "ScheduleRole"]
    assert allowed["Action"] == "lambda:InvokeFunction"
    assert sorted(map(str, references(allowed["Resource"]))) == sorted({*map(str, references(called))})


def test_references_exist(catalogue: Template) -> None:
    """Everything refers to something that exists."""
    known = catalogue.resources.keys() | catalogue.parameters.keys()
    for name, resource in catalogue.resources.items():
        assert references(resource["Properties"]) <= known, name


def test_number_parameters_have_bounds(catalogue: Template) -> None:
    """Every parameter that is a number has a least and a greatest value, or names the values that it can have."""
    for name, parameter in catalogue.parameters.items():
        if parameter["Type"] == "Number":
            assert "AllowedValues" in parameter or parameter["MinValue"] < parameter["MaxValue"], name


# -- files by SFTP ----------------------------------------------------------------------------------------------------


def test_uploader_is_there_with_a_host_only(catalogue: Template) -> None:
    """Everything of the uploader is deployed only with SftpHost; nothing else depends on it, and no other function has
    its layer."""
    assert catalogue.conditions["HasSftp"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SftpHost"}, ""]}]}
    assert catalogue.parameters["SftpHost"]["Default"] == ""
    conditional = {name for name, it in catalogue.resources.items() if it.get("Condition") == "HasSftp"}
    assert conditional == {
        *("UploaderFunction", "UploaderRole", "UploaderLogGroup", "UploaderFunctionEachFiveMinutes"),
        *("UploaderFunctionEventInvokeConfig", "SftpSecret", *(name for name in conditional if "Layer" in name)),
        *(
            "FilesNotUploadedAlarm",
            "SftpHostKeyChangedAlarm",
            "SftpLoginRefusedAlarm",
            "UploaderErrorsAlarm",
            "UploaderNotRunningAlarm",
        ),
    }
    [layer] = [name for name in conditional if name.startswith("SftpLayer")]
    having = [name for name in FUNCTIONS if {"Ref": layer} in catalogue.properties(name)["Layers"]]
    assert having == ["UploaderFunction"]


def test_uploader_begins_no_file_too_late(catalogue: Template) -> None:
    """A file begins only where the session, the archive and the rows before it fit into what is left."""
    app: Any = fresh_handler("uploader")
    timeout = catalogue.properties("UploaderFunction")["Timeout"]
    assert app.SESSION_SECONDS + 60 < app.LEAST_SECONDS < timeout
    schedule = catalogue.properties("UploaderFunctionEachFiveMinutes")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


# -- alarms -----------------------------------------------------------------------------------------------------------


def test_alarmed_metrics_are_emitted(catalogue: Template) -> None:
    """Every alarm watches a metric that AWS or a function of the stack emits, and takes missing data for what it is."""
    alarms = catalogue.of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) >= 12
    for name, alarm in alarms.items():
        watched = metrics(alarm)
        for metric in watched.values():
            assert is_emitted(catalogue, metric.namespace, metric.name, metric.dimensions), name
        is_of_silence = alarm["ComparisonOperator"] == "LessThanThreshold"
        assert alarm["TreatMissingData"] == ("breaching" if is_of_silence else "notBreaching"), name
        if is_of_silence or len(watched) > 1:
            unfilled = re.sub(r"FILL\((\w+), 0\)", "", expression(alarm))
            assert expression(alarm), name
            assert not {*re.findall(r"\w+", unfilled)} & watched.keys(), name
        assert max(metric.period for metric in watched.values()) * alarm["EvaluationPeriods"] <= DAY, name


def test_alarms_notify_email_and_topic(catalogue: Template) -> None:
    """Every alarm notifies the given address and topic when it fires and when it ends."""
    nothing = {"Ref": "AWS::NoValue"}
    told = [
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, nothing]},
        {"Fn::If": ["HasTopic", {"Ref": "AlarmTopicArn"}, nothing]},
    ]
    for name, alarm in catalogue.of_type("AWS::CloudWatch::Alarm").items():
        assert [alarm[actions] for actions in ACTIONS] == [told, told], name


def test_alarm_has_its_own_runbook(catalogue: Template) -> None:
    """Every alarm names its own runbook, which tells when the alarm is over."""
    named = set()
    for name, alarm in catalogue.of_type("AWS::CloudWatch::Alarm").items():
        [path] = re.findall(r"Runbook: (docs/runbooks/[a-z0-9-]+\.md)$", alarm["AlarmDescription"])
        text = (Path(CATALOGUE).parent / path).read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n"), path
        assert "\n## How to know that it is over\n" in text, path
        named.add(path)
    assert len(named) == len(catalogue.of_type("AWS::CloudWatch::Alarm"))


def test_dashboard_shows_existing_metrics(catalogue: Template) -> None:
    """The dashboard shows metrics that are emitted and all alarms; those of the uploader only where it is deployed."""
    text, parts = catalogue.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    without = text
    for name, part in parts.items():
        condition, given, nothing = part["Fn::If"]
        assert (condition, nothing) == ("HasSftp", "")
        text, without = text.replace(f"${{{name}}}", given["Fn::Sub"]), without.replace(f"${{{name}}}", "")
    assert references({"Fn::Sub": text}) <= catalogue.resources.keys()
    conditional = {name for name, it in catalogue.resources.items() if it.get("Condition") == "HasSftp"}
    assert not references({"Fn::Sub": without}) & conditional
    widgets = json.loads(text)["widgets"]
    shown = {name.removesuffix(".Arn}").removeprefix("${") for name in widgets[0]["properties"]["alarms"]}
    assert shown == catalogue.of_type("AWS::CloudWatch::Alarm").keys()
    assert len(json.loads(without)["widgets"]) == len(widgets) - 1
    for widget in widgets[1:]:
        before: list[str] = []
        for given in widget["properties"]["metrics"]:
            metric = [part for part in given if isinstance(part, str)]
            # "." repeats what stands above it, "..." all but the last.
            if metric[:1] == ["..."]:
                metric = before[: len(before) + 1 - len(metric)] + metric[1:] if len(metric) > 1 else before
            metric = [before[at] if part == "." else part for at, part in enumerate(metric)]
            namespace, name, *pairs = before = metric
            values = [{"Fn::Sub": value} if "${" in value else value for value in pairs[1::2]]
            assert is_emitted(catalogue, namespace, name, dict(zip(pairs[::2], values, strict=True))), metric


def test_documents_count_alarms_and_metrics(catalogue: Template) -> None:
    """What the catalogue's alarms cost is documented with their number and that of their metrics."""
    alarms = catalogue.of_type("AWS::CloudWatch::Alarm").values()
    watched = sum(len(metrics(alarm)) for alarm in alarms)
    text = (CATALOGUE.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert f"| {len(alarms)} alarms on {watched} metrics of the catalogue |" in text
