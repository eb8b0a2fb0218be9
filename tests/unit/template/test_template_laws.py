"""The template's laws: what the numbers, the targets and the rights in it must satisfy together."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.consumer.intake import HAND_BACK_SECONDS, LAST_START_SECONDS, backoff_seconds
from partner_orders.reconciler import lease, run_state
from partner_orders.settings import LONGEST_RETENTION_DAYS
from tests.support.alarms import expression, metrics
from tests.support.template import TEMPLATE, Template
from tools.fresh_handler import fresh_handler

HOUR = 3600
DAY = 24 * HOUR
FUNCTIONS = ("WebhookFunction", "ConsumerFunction", "PublisherFunction", "ReconcilerFunction")
A_KEY_OF_THE_CHAINS_OWN = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
# Actions for which AWS has no finer resource.
TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
ANY_RESOURCE = {"dynamodb:ListStreams", "cloudwatch:DescribeAlarms", *TRACING}
MOVING_CALLS = {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
MOVING_CALLS |= {"cloudwatch:DescribeAlarms"}
PLATFORM_TIMEOUT_SECONDS = 10
SMALLEST_ACCOUNT = 10  # concurrent executions of a new AWS account


def longest_call_seconds(config: Any) -> float:
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2**retry for retry in range(attempts - 1))  # the SDK waits up to 1, 2, 4 ... seconds between tries
    return float(attempts * (config.connect_timeout + config.read_timeout) + pauses)


def references(node: Any) -> set[str]:
    """Every logical id or parameter that a part of the template refers to."""
    found: set[str] = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                found.add(value)
            elif key == "Fn::GetAtt":
                found.add(value[0] if isinstance(value, list) else value.split(".")[0])
            elif key == "Fn::Sub":
                text, given = (value, {}) if isinstance(value, str) else value
                found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)}", text) if name not in given}
            found |= references(value)
    elif isinstance(node, list):
        for item in node:
            found |= references(item)
    return {name for name in found if not name.startswith("AWS::")}


# -- the way in -------------------------------------------------------------------------------------------------------


def test_webhook_ends_before_platform_limit(template: Template) -> None:
    """The webhook times out before the platform gives up."""
    assert template.properties("WebhookFunction")["Timeout"] < PLATFORM_TIMEOUT_SECONDS


def test_webhook_calls_end_before_timeout(template: Template) -> None:
    """The webhook's AWS calls at their slowest end before its own timeout."""
    app = fresh_handler("webhook")
    slowest = 2 * longest_call_seconds(app.SECRETS_MANAGER_CALLS) + longest_call_seconds(app.SQS_CALLS)
    assert slowest < template.properties("WebhookFunction")["Timeout"]


def test_only_one_route_exists(template: Template) -> None:
    """The only route is one POST to the webhook."""
    paths = template.properties("OrderEventsApi")["Body"]["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {"/order-events": {"post"}}


def test_api_throttles_and_logs_no_callers(template: Template) -> None:
    """The API is throttled, and its access logs contain no caller or header."""
    stage = template.properties("OrderEventsApiApiGatewayDefaultStage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    logged = set(re.findall(r"\$context\.([a-zA-Z.]+)", stage["AccessLogSettings"]["Format"]))
    assert "requestId" in logged
    assert not {name for name in logged if name.startswith(("identity", "authorizer"))}


# -- the queue --------------------------------------------------------------------------------------------------------


def test_visibility_is_six_consumer_timeouts(template: Template) -> None:
    """A received message stays hidden for at least six times the consumer's timeout."""
    queue, consumer = template.properties("OrderEventsQueue"), template.properties("ConsumerFunction")
    assert queue["VisibilityTimeout"] >= 6 * consumer["Timeout"]


def test_message_is_tried_for_six_hours(template: Template) -> None:
    """A message is tried for at least six hours before it becomes a dead-letter message."""
    queue = template.properties("OrderEventsQueue")
    attempts = queue["RedrivePolicy"]["maxReceiveCount"]
    # Each pause at its shortest: put off by the consumer, or, when that fails or it dies, by the queue.
    shortest = [min(backoff_seconds(attempt, 0.0), queue["VisibilityTimeout"]) for attempt in range(1, attempts)]
    assert sum(shortest) >= 6 * HOUR


def test_dead_letter_precedes_retention(template: Template) -> None:
    """A failing message becomes a dead-letter message before the queue drops it."""
    queue = template.properties("OrderEventsQueue")
    attempts = queue["RedrivePolicy"]["maxReceiveCount"]
    longest = sum(max(backoff_seconds(attempt, 1.0), queue["VisibilityTimeout"]) for attempt in range(1, attempts))
    assert longest < queue["MessageRetentionPeriod"] <= 4 * DAY


def test_dead_letters_are_kept_14_days(template: Template) -> None:
    """Dead-letter messages of order events are kept for 14 days."""
    dead_letters = template.properties("OrderEventsDeadLetters")
    assert dead_letters["MessageRetentionPeriod"] == 14 * DAY
    target = template.properties("OrderEventsQueue")["RedrivePolicy"]["deadLetterTargetArn"]
    assert target == {"Fn::GetAtt": ["OrderEventsDeadLetters", "Arn"]}


@pytest.mark.parametrize(
    ("name", "queue"),
    [("ConsumerFunctionOrderEvents", "OrderEventsQueue"), ("SenderFunctionAnswers", "AnswersQueue")],
)
def test_functions_report_failed_messages(template: Template, name: str, queue: str) -> None:
    """The consumer and the sender report which messages of a batch failed."""
    mapping = template.properties(name)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}


def test_consumer_leaves_concurrency(template: Template) -> None:
    """The consumer leaves concurrency for the webhook on the smallest account."""
    mapping = template.properties("ConsumerFunctionOrderEvents")
    assert mapping["ScalingConfig"]["MaximumConcurrency"] == {"Ref": "ConsumerConcurrency"}
    consumers, reconcilers = template.parameters["ConsumerConcurrency"]["Default"], 1
    # A table on demand begins with four partitions, and its stream with a shard for each.
    publishers = 4 * template.properties("PublisherFunctionOrdersTable").get("ParallelizationFactor", 1)
    assert SMALLEST_ACCOUNT - consumers - reconcilers - publishers >= 3


def test_consumer_starts_nothing_too_late(template: Template) -> None:
    """The consumer starts no call that could outlast its timeout."""
    app = fresh_handler("consumer")
    assert longest_call_seconds(app.AWS_CALLS) <= LAST_START_SECONDS
    assert HAND_BACK_SECONDS < LAST_START_SECONDS < template.properties("ConsumerFunction")["Timeout"]


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_initial_secrets_never_change(template: Template) -> None:
    """The initial contents of the secrets never change."""
    # CloudFormation writes a changed initial content over what the operator has stored since.
    generated = template.properties("WebhookSecret")
    assert generated["GenerateSecretString"] == {"PasswordLength": 48, "ExcludePunctuation": True}
    assert "SecretString" not in generated
    assert template.properties("PartnerApiSecret")["SecretString"] == '{"token": "PASTE-THE-PARTNER-API-TOKEN-HERE"}'


@pytest.mark.parametrize("name", ["OrdersTable", "WebhookSecret", "PartnerApiSecret"])
def test_stack_deletion_keeps_data(template: Template, name: str) -> None:
    """Deleting the stack deletes neither the orders nor the secrets."""
    assert template.resources[name]["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}
    assert template.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_table_settings(template: Template) -> None:
    """The table is on demand, encrypted, recoverable, expires rows, and has a stream of both images."""
    table = template.properties("OrdersTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_orders_outlive_the_platforms_copy(template: Template) -> None:
    """Orders are kept longer than the platform keeps them."""
    assert template.parameters["OrderRetentionDays"]["MinValue"] >= 90


def test_indexes_hold_keys_only(template: Template) -> None:
    """Every index holds keys only."""
    indexes = template.properties("OrdersTable")["GlobalSecondaryIndexes"]
    assert {index["Projection"]["ProjectionType"] for index in indexes} == {"KEYS_ONLY"}


def test_queues_are_encrypted(template: Template) -> None:
    """Every queue is encrypted, by SQS or by the chain's own key."""
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", False, True]}, name
        assert queue["KmsMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name


def test_own_key_encrypts_data_and_logs(template: Template) -> None:
    """With the chain's own key, the table, the secrets and the logs use it."""
    assert template.properties("OrdersTable")["SSESpecification"]["KMSMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN
    for kind in ("AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"):
        for name, properties in template.of_type(kind).items():
            assert properties["KmsKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name


def test_log_groups_expire(template: Template) -> None:
    """Every log group has a retention, and every function writes to one of the stack."""
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        assert "RetentionInDays" in group, name
    for name in FUNCTIONS:
        assert references(template.properties(name)["LoggingConfig"]["LogGroup"]) <= template.resources.keys()


def test_no_resource_has_a_fixed_name(template: Template) -> None:
    """No resource has a fixed name that a second stack would collide with."""
    for name, resource in template.resources.items():
        for kind in ("TableName", "QueueName", "FunctionName", "RoleName", "LogGroupName", "TopicName", "AlarmName"):
            fixed = resource["Properties"].get(kind)
            assert not isinstance(fixed, str), f"{name}: {kind}"


# -- who may do what --------------------------------------------------------------------------------------------------


def test_each_function_has_its_own_role(template: Template) -> None:
    """Each function has its own role."""
    roles = [template.properties(name)["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS)
    assert set(roles) <= template.of_type("AWS::IAM::Role").keys()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_statement_uses_a_wildcard(template: Template) -> None:
    """No statement allows any action, or any resource if AWS has a finer one."""
    for role, statement in template.statements():
        for entry in ("Action", "Resource"):
            values = _list(statement[entry])
            if entry == "Resource" and {*_list(statement["Action"])} <= ANY_RESOURCE:
                continue
            for value in values:
                text = value if isinstance(value, str) else next(iter(value.values()))
                # Any stage, method, store and order of the one API.
                assert "*" not in str(text).replace("${AnswersApi}/*/*/stores/*", ""), f"{role}: {statement}"


CALLERS = {"SweepRole": {"lambda:InvokeFunction"}, "AnswersCallerRole": {"execute-api:Invoke"}}
READING = {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem"}
STREAM_READING = {f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}


def test_function_permissions_are_exact(template: Template) -> None:
    """Each role has exactly the permissions listed here."""
    allowed: dict[str, set[str]] = {}
    for role, statement in template.statements():
        actions = statement["Action"]
        # These read and write nothing that the key encrypts.
        if role in (without_the_key := {"GradualDeploymentRole": MOVING_CALLS, **CALLERS}):
            assert {*_list(actions)} <= without_the_key[role]
            continue
        allowed.setdefault(role, set()).update([actions] if isinstance(actions, str) else actions)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    with_a_key_of_the_chains_own = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert all(actions >= with_a_key_of_the_chains_own for actions in allowed.values())
    # Only with Tracing=XRAY (test_tracing); the schedule calls and is not called.
    traced = {role for role, actions in allowed.items() if actions >= TRACING}
    assert traced == allowed.keys() - {"ReconciliationScheduleRole"}
    allowed = {role: actions - with_a_key_of_the_chains_own - TRACING for role, actions in allowed.items()}
    assert allowed == {
        "WebhookRole": logs | {"secretsmanager:GetSecretValue", "sqs:SendMessage"},
        "ConsumerRole": logs
        | {"sqs:SendMessage", "sqs:GetQueueUrl"}  # to the catalogue's queue, where the brand has one URL for both
        | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
        | {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"},
        "ReconcilerRole": logs
        | {"secretsmanager:GetSecretValue", "sqs:SendMessage", "sqs:GetQueueAttributes"}
        | {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"},
        "PublisherRole": logs
        | {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
        | {"dynamodb:GetItem", "events:PutEvents", "sqs:SendMessage"},
        "ReconciliationScheduleRole": {"lambda:InvokeFunction", "sqs:SendMessage"},
        "AnswersRole": logs | READING | {"dynamodb:UpdateItem", "sqs:SendMessage"},
        "SenderRole": logs
        | READING
        | {"dynamodb:UpdateItem", "secretsmanager:GetSecretValue"}
        | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"},
    }


def test_secrets_have_their_readers(template: Template) -> None:
    """The webhook alone reads the webhook secret; the reconciler and the sender alone read the Partner API's."""
    readers: dict[str, set[str]] = {}
    for role, statement in template.statements():
        if "secretsmanager:GetSecretValue" in _list(statement["Action"]):
            [secret] = references(statement["Resource"])
            readers.setdefault(secret, set()).add(role)
    assert readers == {"WebhookSecret": {"WebhookRole"}, "PartnerApiSecret": {"ReconcilerRole", "SenderRole"}}


def test_reconciler_writes_only_its_own_rows(template: Template) -> None:
    """The reconciler may write only its own rows."""
    writing = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    statements = [statement for role, statement in template.statements() if role == "ReconcilerRole"]
    budget = {"Fn::GetAtt": ["RequestBudgetTable", "Arn"]}
    [writes] = [
        statement
        for statement in statements
        if writing & {*_list(statement["Action"])} and statement["Resource"] != budget
    ]
    assert writes["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [keys.RECONCILIATION]}}


def test_roles_write_their_own_rows(template: Template) -> None:
    """The consumer alone puts and updates any row; the others write what is theirs, or update an order's answers."""
    table = {"Fn::GetAtt": ["OrdersTable", "Arn"]}
    writes = {}
    for role, statement in template.statements():
        actions = {*_list(statement["Action"])} - READING - STREAM_READING
        if table in _list(statement["Resource"]) and actions:
            assert role not in writes
            writes[role] = actions, statement.get("Condition")
    answers = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{keys.order_partition('')}*"]}}
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [keys.RECONCILIATION]}}
    both = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
    assert writes == {
        "ConsumerRole": (both, None),
        "ReconcilerRole": (both, own),
        "AnswersRole": ({"dynamodb:UpdateItem"}, answers),
        "SenderRole": ({"dynamodb:UpdateItem"}, answers),
    }


def test_references_exist(template: Template) -> None:
    """Every function, role, alarm and schedule refers to something that exists."""
    known = template.resources.keys() | template.parameters.keys()
    for name, resource in template.resources.items():
        if resource["Type"].startswith(("AWS::Lambda::", "AWS::IAM::", "AWS::CloudWatch::", "AWS::Scheduler::")):
            assert references(resource["Properties"]) <= known, name


# Metrics of AWS's own: the namespace, the metric, and the dimensions under which AWS emits it.
AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"): "AWS::SQS::Queue",
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"): "AWS::SQS::Queue",
    ("AWS/ApiGateway", "5xx", "ApiId"): "AWS::ApiGatewayV2::Api",
    ("AWS/ApiGateway", "4xx", "ApiId"): "AWS::ApiGatewayV2::Api",
    ("AWS/ApiGateway", "Count", "ApiId"): "AWS::ApiGatewayV2::Api",
    ("AWS/DynamoDB", "ThrottledRequests", "TableName", "Operation"): "AWS::DynamoDB::Table",
    ("AWS/Lambda", "Duration", "FunctionName"): "AWS::Lambda::Function",
    ("AWS/Lambda", "Errors", "FunctionName"): "AWS::Lambda::Function",
    ("AWS/Lambda", "Invocations", "FunctionName"): "AWS::Lambda::Function",
    ("AWS/Lambda", "IteratorAge", "FunctionName"): "AWS::Lambda::Function",
}
TABLE_OPERATIONS = {"UpdateItem", "PutItem", "GetItem", "Query"}
ACTIONS = ["AlarmActions", "OKActions"]


def is_emitted(template: Template, namespace: str, metric: str, dimensions: dict[str, Any]) -> bool:
    """Whether AWS, of a resource of the stack, or a function emits such a metric. Of a function it searches the code
    for the name. That the metrics of alarms are emitted is shown in tests/integration, by each alarm's cause."""
    target, *rest = dimensions.values()
    if namespace != "PartnerOrders":
        [resource] = references(target)
        kind = AWS_METRICS.get((namespace, metric, *dimensions))
        return template.resources[resource]["Type"] == kind and {*rest} <= TABLE_OPERATIONS
    # Powertools adds the dimension. The names are where the function, or what it calls, counts.
    name = target["Fn::Sub"].removeprefix("${AWS::StackName}-")
    function = template.properties(f"{name.capitalize()}Function")
    if function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] != target:
        return False
    package = Path(TEMPLATE).parent / "layers" / "partner_orders" / "partner_orders"
    sources = [path for path in package.rglob("*.py") if path.name != "handler.py" or path.parent.name == name]
    named = re.compile(rf'"{metric}"|\b{metric}=')
    is_named = any(named.search(path.read_text(encoding="utf-8")) for path in sources)
    return [*dimensions] == ["service"] and is_named


def test_alarmed_metrics_are_emitted(template: Template) -> None:
    """Every alarm watches a metric that AWS or a function of the stack emits."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) >= 12
    for name, alarm in alarms.items():
        for metric in metrics(alarm).values():
            assert is_emitted(template, metric.namespace, metric.name, metric.dimensions), name
        # Only where silence is the fault is silence an alarm.
        is_of_silence = alarm["ComparisonOperator"] == "LessThanThreshold"
        assert alarm["TreatMissingData"] == ("breaching" if is_of_silence else "notBreaching"), name


def test_alarm_of_events_watches_the_consumer(template: Template) -> None:
    """The consumer counts the events that it rejects, so the alarm watches the consumer's metric."""
    consumer = template.properties("ConsumerFunction")["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    watched = [*metrics(template.properties("RejectedAlarm")).values()]
    assert [(metric.name, metric.dimensions) for metric in watched] == [("Rejected", {"service": consumer})]


def test_missing_data_cannot_mislead_an_alarm(template: Template) -> None:
    """An alarm on DynamoDB, on silence, or on several metrics takes missing data for zeros."""
    # DynamoDB's alarms keep their state where data is missing; the others are judged by older periods.
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        watched = metrics(alarm)
        is_of_silence = alarm["ComparisonOperator"] == "LessThanThreshold"
        if is_of_silence or len(watched) > 1 or any(metric.namespace == "AWS/DynamoDB" for metric in watched.values()):
            unfilled = re.sub(r"FILL\((\w+), 0\)", "", expression(alarm))
            assert expression(alarm), name
            assert not {*re.findall(r"\w+", unfilled)} & watched.keys(), name


def test_alarm_math_is_valid(template: Template) -> None:
    """An alarm's expression uses each of its metrics, returns one series, and looks at no more than a day."""
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        periods = {metric.period for metric in metrics(alarm).values()}
        assert len(periods) == 1, name
        assert periods.pop() * alarm["EvaluationPeriods"] <= DAY, name
        if "Metrics" in alarm:
            assert sum(query.get("ReturnData", True) for query in alarm["Metrics"]) == 1, name
            assert metrics(alarm).keys() <= {*re.findall(r"\w+", expression(alarm))}, name


def test_documents_count_alarms_and_metrics(template: Template) -> None:
    """What the alarms cost is documented with their number, and that of the metrics that are paid for."""
    alarms = template.of_type("AWS::CloudWatch::Alarm").values()
    text = (TEMPLATE.parent / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert f"| {len(alarms)} alarms on {sum(len(metrics(alarm)) for alarm in alarms)} metrics |" in text


def test_number_parameters_have_bounds(template: Template) -> None:
    """Every parameter that is a number has a least and a greatest value, or names the values that it can have."""
    for name, parameter in template.parameters.items():
        if parameter["Type"] == "Number":
            assert "AllowedValues" in parameter or parameter["MinValue"] < parameter["MaxValue"], name
    # The code holds to the same bound, for a stack that was given more.
    for name in ("OrderRetentionDays", "RejectedRetentionDays"):
        assert template.parameters[name]["MaxValue"] == LONGEST_RETENTION_DAYS, name


def test_schedule_is_on_by_default(template: Template) -> None:
    """The reconciler runs every five minutes unless somebody switches its schedule off."""
    assert template.conditions["HasSchedule"] == {"Fn::Equals": [{"Ref": "ReconciliationState"}, "ENABLED"]}
    assert template.parameters["ReconciliationState"]["Default"] == "ENABLED"
    assert template.parameters["ReconciliationSchedule"]["Default"] == "rate(5 minutes)"


def test_log_level_never_drops_metrics(template: Template) -> None:
    """No log level makes Lambda drop the log lines that are metrics."""
    # They name no level, so Lambda takes them for INFO.
    assert template.conditions["HasDebugLogs"] == {"Fn::Equals": [{"Ref": "LogLevel"}, "DEBUG"]}
    for name in FUNCTIONS:
        properties = template.properties(name)
        assert properties["LoggingConfig"]["ApplicationLogLevel"] == {"Fn::If": ["HasDebugLogs", "DEBUG", "INFO"]}, name
        assert properties["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}, name


def test_stacks_do_not_share_metrics(template: Template) -> None:
    """Two stacks in one account share no metric and no dashboard."""
    for name in FUNCTIONS:
        service = template.properties(name)["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        assert references(service) == set()
        assert "${AWS::StackName}" in service["Fn::Sub"], name
    # Dashboards are of an account, not of a region.
    dashboard = template.properties("Dashboard")["DashboardName"]["Fn::Sub"]
    assert {"${AWS::StackName}", "${AWS::Region}"} <= {*re.findall(r"\$\{[^}]+}", dashboard)}


def test_alarms_notify_email_and_topic(template: Template) -> None:
    """Every alarm notifies the given address and topic when it fires and when it ends."""
    nothing = {"Ref": "AWS::NoValue"}
    told = [
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, nothing]},
        {"Fn::If": ["HasTopic", {"Ref": "AlarmTopicArn"}, nothing]},
    ]
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        assert [alarm[actions] for actions in ACTIONS] == [told, told], name


def test_unstorable_message_fires_an_alarm(template: Template) -> None:
    """An alarm fires for messages that cannot be stored, although SQS's age metric leaves them out."""
    # SQS's metric leaves out what was received three times, and each try of such a message counts as failed.
    alarm = template.properties("OrderEventsFailingAlarm")
    assert alarm["Period"] >= backoff_seconds(80, 1.0)
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= HOUR


@pytest.mark.parametrize("name", ["StoresNotReconciledAlarm", "StoresSilentAlarm", "UnsteadyOrdersAlarm"])
def test_longest_runs_report_often_enough(template: Template, name: str) -> None:
    """Runs of the longest duration still report often enough for the alarms on reports."""
    alarm = template.properties(name)
    minutes = int(re.findall(r"rate\((\d+) minutes\)", template.parameters["ReconciliationSchedule"]["Default"])[0])
    apart = template.properties("ReconcilerFunction")["Timeout"] + minutes * 60
    reports = alarm["Period"] * alarm["EvaluationPeriods"] / apart
    assert reports >= alarm["DatapointsToAlarm"] > 1


def test_alarm_has_its_own_runbook(template: Template) -> None:
    """Every alarm names its own runbook, which tells when the alarm is over."""
    named = set()
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        [path] = re.findall(r"Runbook: (docs/runbooks/[a-z0-9-]+\.md)$", alarm["AlarmDescription"])
        text = (Path(TEMPLATE).parent / path).read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n"), path
        assert "\n## How to know that it is over\n" in text, path
        named.add(path)
    assert len(named) == len(template.of_type("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("with_options", [True, False])
def test_dashboard_shows_existing_metrics(template: Template, with_options: bool) -> None:
    """The dashboard shows metrics that are emitted and alarms that exist."""
    text, options = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    for name, option in options.items():
        _, chosen, otherwise = option["Fn::If"]
        text = text.replace(f"${{{name}}}", chosen["Fn::Sub"] if with_options else otherwise)
    assert references({"Fn::Sub": text}) <= template.resources.keys()
    widgets = json.loads(text)["widgets"]
    shown = {name.removesuffix(".Arn}").removeprefix("${") for name in widgets[0]["properties"]["alarms"]}
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert shown == {name for name in alarms if with_options or "Condition" not in template.resources[name]}
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
            assert is_emitted(template, namespace, name, dict(zip(pairs[::2], values, strict=True))), metric


def test_publisher_is_retried_until_success(template: Template) -> None:
    """The publisher is retried until it succeeds, and gets only orders and rejected events."""
    mapping = template.properties("PublisherFunctionOrdersTable")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    [pattern] = [json.loads(entry["Pattern"]) for entry in mapping["FilterCriteria"]["Filters"]]
    # A row that expires is a REMOVE.
    rows = {"Keys": {"sk": {"S": [keys.ORDER, keys.REJECTED, keys.ANSWERS]}}}
    assert pattern == {"eventName": ["INSERT", "MODIFY"], "dynamodb": rows}
    assert references(mapping["DestinationConfig"]) == {"PublisherDeadLetters"}
    app = fresh_handler("publisher")
    assert longest_call_seconds(app.AWS_CALLS) < template.properties("PublisherFunction")["Timeout"] / 2


def test_personal_data_is_published_on_request_only(template: Template) -> None:
    """The publisher puts personal data on the bus only where the parameter says so, which it does not by default."""
    assert template.parameters["PublishPersonalData"]["Default"] == "false"
    variables = template.properties("PublisherFunction")["Environment"]["Variables"]
    assert variables["PUBLISH_PERSONAL_DATA"] == {"Ref": "PublishPersonalData"}


def test_no_publisher_without_change_events(template: Template) -> None:
    """Without change events nothing refers to the publisher's resources."""
    for name, resource in template.resources.items():
        if resource.get("Condition") not in {"HasChangeEvents", "HasGradualPublisher"}:
            made_only_then = {
                other for other, it in template.resources.items() if it.get("Condition") == "HasChangeEvents"
            }
            assert not references(without_change_events(resource["Properties"])) & made_only_then, name


def without_change_events(node: Any) -> Any:
    """A part of the template as it is then."""
    if isinstance(node, dict):
        if node.keys() == {"Fn::If"} and node["Fn::If"][0] == "HasChangeEvents":
            return without_change_events(node["Fn::If"][2])
        return {key: without_change_events(value) for key, value in node.items()}
    return [without_change_events(item) for item in node] if isinstance(node, list) else node


def test_failed_schedule_becomes_dead_letter(template: Template) -> None:
    """A schedule that cannot start the reconciler leaves a dead-letter message within an hour."""
    schedule = template.properties("ReconcilerFunctionSchedule")
    retry = schedule["Target"]["RetryPolicy"]
    assert retry["MaximumRetryAttempts"] <= 2
    assert retry["MaximumEventAgeInSeconds"] <= HOUR
    assert references(schedule["Target"]["DeadLetterConfig"]) == {"ReconciliationDeadLetters"}


def test_sweep_is_not_made_up_for(template: Template) -> None:
    """A sweep that cannot start is left to the next one, a minute later."""
    schedule = template.properties("SenderFunctionSweep")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_next_run_follows_a_crash(template: Template) -> None:
    """After a crash of the reconciler, its lease expires before the next run."""
    # Its lease runs out before the tick after; a living one keeps its lease for as long as it may run.
    minutes = int(re.findall(r"rate\((\d+) minutes\)", template.parameters["ReconciliationSchedule"]["Default"])[0])
    longest = lease.DURATION.total_seconds()
    assert longest < minutes * 60
    assert template.properties("ReconcilerFunction")["Timeout"] > run_state.LAST_START_SECONDS + longest


def test_template_has_no_yaml_aliases() -> None:
    """The template uses no YAML alias, which CloudFormation rejects."""
    # CloudFormation refuses aliases; `sam deploy` would hide that, the console would not.
    aliases = re.findall(r"(?m)(?:^|[\s:\[,])([&*][A-Za-z][\w-]*)", TEMPLATE.read_text(encoding="utf-8"))
    assert aliases == []


# -- the catalogue beside it -------------------------------------------------------------------------------------------


def test_catalogue_alone_has_the_budget(template: Template) -> None:
    """The request budget exists with answers, with a catalogue beside the stack, or with both, and else not."""
    either = {"Fn::Or": [{"Condition": "HasAnswers"}, {"Fn::Equals": [{"Ref": "Catalogue"}, "ENABLED"]}]}
    assert template.conditions["HasRequestBudget"] == either
    assert {name for name, it in template.resources.items() if it.get("Condition") == "HasRequestBudget"} == {
        "RequestBudgetTable"
    }
    assert template.parameters["Catalogue"]["Default"] == "DISABLED"


def test_consumer_forwards_to_one_queue(template: Template) -> None:
    """The consumer may send to no queue, unless a catalogue's is named: then to that one alone."""
    [named] = [
        statement
        for policy in template.properties("ConsumerRole")["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "sqs:SendMessage" in str(statement)
    ]
    condition, allowed, otherwise = named["Fn::If"]
    assert (condition, otherwise) == ("HasCatalogueCallbacks", {"Ref": "AWS::NoValue"})
    assert allowed["Action"] == ["sqs:SendMessage", "sqs:GetQueueUrl"]
    assert allowed["Resource"] == {"Ref": "CatalogueCallbacksQueueArn"}
    given = template.properties("ConsumerFunction")["Environment"]["Variables"]["CATALOGUE_CALLBACKS_QUEUE_ARN"]
    assert given == {"Ref": "CatalogueCallbacksQueueArn"}
    assert template.parameters["CatalogueCallbacksQueueArn"]["Default"] == ""


def test_variables_are_wired_by_name(template: Template) -> None:
    """Each variable holds the parameter or the resource that it is named after: no function works on another queue, or
    by another limit."""
    others: dict[tuple[str, str], Any] = {
        ("PublisherFunction", "EVENT_BUS_NAME"): {"Ref": "OrderChangesBus"},
        ("ReconcilerFunction", "REQUEST_BUDGET_TABLE_NAME"): {
            "Fn::If": ["HasRequestBudget", {"Ref": "RequestBudgetTable"}, ""]
        },
    }
    for function, properties in template.of_type("AWS::Lambda::Function").items():
        for name, value in properties["Environment"]["Variables"].items():
            if not name.startswith("POWERTOOLS_"):
                assert value == others.get((function, name), template.named_after(name)), f"{function}: {name}"


def test_only_the_budget_is_paid_for(template: Template) -> None:
    """Without the catalogue the stack has no resource more, and the reconciler keeps to itself as before."""
    of_the_catalogue = {"HasRequestBudget", "HasCatalogueCallbacks"}
    for name, resource in template.resources.items():
        if resource.get("Condition") in of_the_catalogue:
            continue
        conditions = set(re.findall(r'"Fn::If": \["(\w+)"', json.dumps(resource)))
        assert name in {"ReconcilerFunction", "ReconcilerRole", "ConsumerRole"} or not conditions & of_the_catalogue
    variables = template.properties("ReconcilerFunction")["Environment"]["Variables"]
    assert variables["REQUEST_BUDGET_TABLE_NAME"] == {"Fn::If": ["HasRequestBudget", {"Ref": "RequestBudgetTable"}, ""]}
