"""The template's laws: what the numbers, the targets and the rights in it must satisfy together."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.consumer.intake import HAND_BACK_SECONDS, LAST_START_SECONDS, backoff_seconds
from partner_orders.reconciler import lease, run_state
from tests.support.template import TEMPLATE, Template
from tools.fresh_handler import fresh_handler

HOUR = 3600
DAY = 24 * HOUR
FUNCTIONS = ("WebhookFunction", "ConsumerFunction", "PublisherFunction", "ReconcilerFunction")
A_KEY_OF_THE_CHAINS_OWN = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
# Actions for which AWS has no finer resource.
ANY_RESOURCE = {"dynamodb:ListStreams"}
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


def test_the_webhook_answers_before_the_platform_gives_up(template: Template) -> None:
    assert template.properties("WebhookFunction")["Timeout"] < PLATFORM_TIMEOUT_SECONDS


def test_the_webhooks_aws_calls_end_before_its_own_timeout_at_their_slowest(template: Template) -> None:
    app = fresh_handler("webhook")
    slowest = 2 * longest_call_seconds(app.SECRETS_MANAGER_CALLS) + longest_call_seconds(app.SQS_CALLS)
    assert slowest < template.properties("WebhookFunction")["Timeout"]


def test_one_post_route_leads_to_the_webhook_and_no_other_route_exists(template: Template) -> None:
    paths = template.properties("OrderEventsApi")["Body"]["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {"/order-events": {"post"}}


def test_the_api_is_throttled_and_keeps_access_logs_without_callers_or_headers(template: Template) -> None:
    stage = template.properties("OrderEventsApiApiGatewayDefaultStage")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    logged = set(re.findall(r"\$context\.([a-zA-Z.]+)", stage["AccessLogSettings"]["Format"]))
    assert "requestId" in logged
    assert not {name for name in logged if name.startswith(("identity", "authorizer"))}


# -- the queue --------------------------------------------------------------------------------------------------------


def test_a_message_stays_hidden_for_six_times_the_consumers_timeout(template: Template) -> None:
    queue, consumer = template.properties("OrderEventsQueue"), template.properties("ConsumerFunction")
    assert queue["VisibilityTimeout"] >= 6 * consumer["Timeout"]


def test_a_message_is_tried_for_at_least_six_hours_before_it_is_a_dead_letter(template: Template) -> None:
    queue = template.properties("OrderEventsQueue")
    attempts = queue["RedrivePolicy"]["maxReceiveCount"]
    # Each pause at its shortest: put off by the consumer, or, when that fails or it dies, by the queue.
    shortest = [min(backoff_seconds(attempt, 0.0), queue["VisibilityTimeout"]) for attempt in range(1, attempts)]
    assert sum(shortest) >= 6 * HOUR


def test_a_message_becomes_a_dead_letter_before_the_queue_forgets_it(template: Template) -> None:
    queue = template.properties("OrderEventsQueue")
    attempts = queue["RedrivePolicy"]["maxReceiveCount"]
    longest = sum(max(backoff_seconds(attempt, 1.0), queue["VisibilityTimeout"]) for attempt in range(1, attempts))
    assert longest < queue["MessageRetentionPeriod"] <= 4 * DAY


def test_dead_letters_are_kept_for_fourteen_days(template: Template) -> None:
    dead_letters = template.properties("OrderEventsDeadLetters")
    assert dead_letters["MessageRetentionPeriod"] == 14 * DAY
    target = template.properties("OrderEventsQueue")["RedrivePolicy"]["deadLetterTargetArn"]
    assert target == {"Fn::GetAtt": ["OrderEventsDeadLetters", "Arn"]}


def test_the_consumer_answers_with_what_failed_of_a_batch(template: Template) -> None:
    mapping = template.properties("ConsumerFunctionOrderEvents")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["OrderEventsQueue", "Arn"]}


def test_the_consumer_leaves_room_for_the_webhook_on_the_smallest_account(template: Template) -> None:
    mapping = template.properties("ConsumerFunctionOrderEvents")
    assert mapping["ScalingConfig"]["MaximumConcurrency"] == {"Ref": "ConsumerConcurrency"}
    consumers, reconcilers = template.parameters["ConsumerConcurrency"]["Default"], 1
    assert SMALLEST_ACCOUNT - consumers - reconcilers >= 3


def test_the_consumer_begins_nothing_that_could_outlast_its_timeout(template: Template) -> None:
    app = fresh_handler("consumer")
    assert longest_call_seconds(app.AWS_CALLS) <= LAST_START_SECONDS
    assert HAND_BACK_SECONDS < LAST_START_SECONDS < template.properties("ConsumerFunction")["Timeout"]


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_the_secrets_initial_contents_never_change(template: Template) -> None:
    # CloudFormation writes a changed initial content over what the operator has stored since.
    generated = template.properties("WebhookSecret")
    assert generated["GenerateSecretString"] == {"PasswordLength": 48, "ExcludePunctuation": True}
    assert "SecretString" not in generated
    assert template.properties("PartnerApiSecret")["SecretString"] == '{"token": "PASTE-THE-PARTNER-API-TOKEN-HERE"}'


@pytest.mark.parametrize("name", ["OrdersTable", "WebhookSecret", "PartnerApiSecret"])
def test_deleting_the_stack_deletes_neither_the_orders_nor_the_secrets(template: Template, name: str) -> None:
    assert template.resources[name]["DeletionPolicy"] == "Retain"
    assert template.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_table_is_on_demand_encrypted_recoverable_and_expires(template: Template) -> None:
    table = template.properties("OrdersTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_orders_are_kept_longer_than_the_platform_keeps_them(template: Template) -> None:
    assert template.parameters["OrderRetentionDays"]["MinValue"] >= 90


def test_every_index_holds_keys_only(template: Template) -> None:
    indexes = template.properties("OrdersTable")["GlobalSecondaryIndexes"]
    assert {index["Projection"]["ProjectionType"] for index in indexes} == {"KEYS_ONLY"}


def test_every_queue_is_encrypted_by_sqs_or_by_a_key_of_the_chains_own(template: Template) -> None:
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", False, True]}, name
        assert queue["KmsMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name


def test_with_a_key_of_the_chains_own_table_secrets_and_logs_use_it(template: Template) -> None:
    assert template.properties("OrdersTable")["SSESpecification"]["KMSMasterKeyId"] == A_KEY_OF_THE_CHAINS_OWN
    for kind in ("AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"):
        for name, properties in template.of_type(kind).items():
            assert properties["KmsKeyId"] == A_KEY_OF_THE_CHAINS_OWN, name


def test_every_log_group_forgets(template: Template) -> None:
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        assert "RetentionInDays" in group, name
    for name in FUNCTIONS:
        assert references(template.properties(name)["LoggingConfig"]["LogGroup"]) <= template.resources.keys()


def test_nothing_carries_a_fixed_name_that_a_second_stack_would_meet(template: Template) -> None:
    for name, resource in template.resources.items():
        for kind in ("TableName", "QueueName", "FunctionName", "RoleName", "LogGroupName", "TopicName", "AlarmName"):
            fixed = resource["Properties"].get(kind)
            assert not isinstance(fixed, str), f"{name}: {kind}"


# -- who may do what --------------------------------------------------------------------------------------------------


def test_each_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [template.properties(name)["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS]
    assert len(set(roles)) == len(FUNCTIONS)
    assert set(roles) <= template.of_type("AWS::IAM::Role").keys()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_statement_allows_any_action_and_none_any_resource_where_aws_has_a_finer_one(template: Template) -> None:
    for role, statement in template.statements():
        for entry in ("Action", "Resource"):
            values = _list(statement[entry])
            if entry == "Resource" and {*_list(statement["Action"])} <= ANY_RESOURCE:
                continue
            for value in values:
                text = value if isinstance(value, str) else next(iter(value.values()))
                assert "*" not in str(text), f"{role}: {statement}"


def test_each_function_may_do_exactly_what_is_written_here(template: Template) -> None:
    allowed: dict[str, set[str]] = {}
    for role, statement in template.statements():
        actions = statement["Action"]
        allowed.setdefault(role, set()).update([actions] if isinstance(actions, str) else actions)
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    with_a_key_of_the_chains_own = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert all(actions >= with_a_key_of_the_chains_own for actions in allowed.values())
    allowed = {role: actions - with_a_key_of_the_chains_own for role, actions in allowed.items()}
    assert allowed == {
        "WebhookRole": logs | {"secretsmanager:GetSecretValue", "sqs:SendMessage"},
        "ConsumerRole": logs
        | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
        | {"dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:GetItem"},
        "ReconcilerRole": logs
        | {"secretsmanager:GetSecretValue", "sqs:SendMessage", "sqs:GetQueueAttributes"}
        | {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"},
        "PublisherRole": logs
        | {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
        | {"dynamodb:GetItem", "events:PutEvents", "sqs:SendMessage"},
        "ReconciliationScheduleRole": {"lambda:InvokeFunction", "sqs:SendMessage"},
    }


def test_the_reconciler_may_write_no_rows_but_its_own(template: Template) -> None:
    writing = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    statements = [statement for role, statement in template.statements() if role == "ReconcilerRole"]
    [writes] = [statement for statement in statements if writing & {*_list(statement["Action"])}]
    assert writes["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [keys.RECONCILIATION]}}


def test_every_permission_policy_and_alarm_refers_to_something_that_exists(template: Template) -> None:
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
    ("AWS/Lambda", "IteratorAge", "FunctionName"): "AWS::Lambda::Function",
}
TABLE_OPERATIONS = {"UpdateItem", "PutItem", "GetItem", "Query"}
ACTIONS = ["AlarmActions", "OKActions"]


def is_emitted(template: Template, namespace: str, metric: str, dimensions: dict[str, Any]) -> bool:
    """Whether AWS, of a resource of the stack, or a function emits such a metric."""
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
    return [*dimensions] == ["service"] and any(named.search(path.read_text(encoding="utf-8")) for path in sources)


def test_every_alarm_watches_a_metric_that_aws_or_a_function_of_the_stack_emits(template: Template) -> None:
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) >= 12
    for name, alarm in alarms.items():
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        assert is_emitted(template, alarm["Namespace"], alarm["MetricName"], dimensions), name
        # Only where silence is the fault is silence an alarm.
        is_of_silence = alarm["ComparisonOperator"] == "LessThanThreshold"
        assert alarm["TreatMissingData"] == ("breaching" if is_of_silence else "notBreaching"), name


def test_no_log_level_makes_lambda_drop_the_lines_that_are_metrics(template: Template) -> None:
    # They name no level, so Lambda takes them for INFO.
    assert template.conditions["HasDebugLogs"] == {"Fn::Equals": [{"Ref": "LogLevel"}, "DEBUG"]}
    for name in FUNCTIONS:
        properties = template.properties(name)
        assert properties["LoggingConfig"]["ApplicationLogLevel"] == {"Fn::If": ["HasDebugLogs", "DEBUG", "INFO"]}, name
        assert properties["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}, name


def test_no_stack_counts_under_the_name_of_another_in_the_same_account(template: Template) -> None:
    for name in FUNCTIONS:
        service = template.properties(name)["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        assert references(service) == set()
        assert "${AWS::StackName}" in service["Fn::Sub"], name
    # Dashboards are of an account, not of a region.
    dashboard = template.properties("Dashboard")["DashboardName"]["Fn::Sub"]
    assert {"${AWS::StackName}", "${AWS::Region}"} <= {*re.findall(r"\$\{[^}]+}", dashboard)}


def test_every_alarm_tells_the_address_and_the_topic_that_were_given_when_it_begins_and_when_it_ends(
    template: Template,
) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    told = [
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, nothing]},
        {"Fn::If": ["HasTopic", {"Ref": "AlarmTopicArn"}, nothing]},
    ]
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        assert [alarm[actions] for actions in ACTIONS] == [told, told], name


def test_what_cannot_be_stored_alarms_though_the_age_of_the_oldest_message_leaves_it_out(template: Template) -> None:
    # SQS's metric leaves out what was received three times, and each try of such a message counts as failed.
    alarm = template.properties("OrderEventsFailingAlarm")
    assert alarm["Period"] >= backoff_seconds(80, 1.0)
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= HOUR


@pytest.mark.parametrize("name", ["StoresNotReconciledAlarm", "StoresSilentAlarm"])
def test_runs_as_long_as_they_may_be_are_often_enough_for_the_alarms_on_their_reports(
    template: Template, name: str
) -> None:
    alarm = template.properties(name)
    minutes = int(re.findall(r"rate\((\d+) minutes\)", template.parameters["ReconciliationSchedule"]["Default"])[0])
    apart = template.properties("ReconcilerFunction")["Timeout"] + minutes * 60
    reports = alarm["Period"] * alarm["EvaluationPeriods"] / apart
    assert reports >= alarm["DatapointsToAlarm"] > 1


def test_every_alarm_names_a_runbook_that_begins_with_it_and_tells_when_it_is_over(template: Template) -> None:
    named = set()
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        [path] = re.findall(r"Runbook: (docs/runbooks/[a-z0-9-]+\.md)$", alarm["AlarmDescription"])
        text = (Path(TEMPLATE).parent / path).read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n"), path
        assert "\n## How to know that it is over\n" in text, path
        named.add(path)
    assert len(named) == len(template.of_type("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("with_options", [True, False])
def test_the_dashboard_shows_metrics_that_are_emitted_and_alarms_that_exist(
    template: Template, with_options: bool
) -> None:
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


def test_the_publisher_is_called_until_it_succeeds_and_told_of_nothing_but_orders_and_rejected(
    template: Template,
) -> None:
    mapping = template.properties("PublisherFunctionOrdersTable")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    [pattern] = [json.loads(entry["Pattern"]) for entry in mapping["FilterCriteria"]["Filters"]]
    assert pattern == {"dynamodb": {"Keys": {"sk": {"S": [keys.ORDER, keys.REJECTED]}}}}
    assert references(mapping["DestinationConfig"]) == {"PublisherDeadLetters"}
    app = fresh_handler("publisher")
    assert longest_call_seconds(app.AWS_CALLS) < template.properties("PublisherFunction")["Timeout"] / 2


def test_without_change_events_nothing_of_the_publisher_is_made(template: Template) -> None:
    for name, resource in template.resources.items():
        if resource.get("Condition") != "HasChangeEvents":
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


def test_a_schedule_that_cannot_start_the_reconciler_leaves_a_dead_letter_soon(template: Template) -> None:
    [schedule] = template.of_type("AWS::Scheduler::Schedule").values()
    retry = schedule["Target"]["RetryPolicy"]
    assert retry["MaximumRetryAttempts"] <= 2
    assert retry["MaximumEventAgeInSeconds"] <= HOUR
    assert references(schedule["Target"]["DeadLetterConfig"]) == {"ReconciliationDeadLetters"}


def test_a_reconciler_that_dies_is_followed_by_the_next_tick(template: Template) -> None:
    # Its lease runs out before the tick after; a living one keeps its lease for as long as it may run.
    minutes = int(re.findall(r"rate\((\d+) minutes\)", template.parameters["ReconciliationSchedule"]["Default"])[0])
    longest = lease.DURATION.total_seconds()
    assert longest < minutes * 60
    assert template.properties("ReconcilerFunction")["Timeout"] > run_state.LAST_START_SECONDS + longest


def test_the_template_uses_only_the_yaml_that_cloudformation_reads() -> None:
    # CloudFormation refuses aliases; `sam deploy` would hide that, the console would not.
    aliases = re.findall(r"(?m)(?:^|[\s:\[,])([&*][A-Za-z][\w-]*)", TEMPLATE.read_text(encoding="utf-8"))
    assert aliases == []
