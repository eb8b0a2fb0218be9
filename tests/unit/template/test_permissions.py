"""What each role may do with each resource: nothing less, or a function fails once it needs it, and nothing more."""

from collections.abc import Iterator
from typing import Any

from tests.support.template import Template

# Each role may write to its log, trace and use a key of the chain's own as well: test_template_laws.py.
_ELSEWHERE = {"logs", "xray", "kms"}
ORDERS = {
    "WebhookRole": [
        "OrderEventsQueue: SendMessage",
        "WebhookSecret: GetSecretValue",
    ],
    "ConsumerRole": [
        "${OrdersTable.Arn}/index/by-time: BatchGetItem GetItem PutItem Query UpdateItem",
        "CatalogueCallbacksQueueArn: GetQueueUrl SendMessage",
        "OrderEventsQueue: ChangeMessageVisibility",
        "OrderEventsQueue: DeleteMessage GetQueueAttributes ReceiveMessage",
        "OrdersTable: BatchGetItem GetItem PutItem Query UpdateItem",
    ],
    "PublisherRole": [
        "*: ListStreams",
        "OrderChangesBus: PutEvents",
        "OrdersTable.StreamArn: DescribeStream GetRecords GetShardIterator",
        "OrdersTable: GetItem",
        "PublisherDeadLetters: SendMessage",
    ],
    "ReconcilerRole": [
        "${OrdersTable.Arn}/index/by-time: Query",
        "${OrdersTable.Arn}/index/open-orders: Query",
        "OrderEventsQueue: GetQueueAttributes SendMessage",
        "OrdersTable: BatchGetItem GetItem Query",
        "OrdersTable: PutItem UpdateItem of its own rows",
        "PartnerApiSecret: GetSecretValue",
        "RequestBudgetTable: GetItem UpdateItem",
    ],
    "ReconciliationScheduleRole": [
        "ReconcilerFunction: InvokeFunction",
        "ReconciliationDeadLetters: SendMessage",
    ],
    "AnswersCallerRole": [
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${AnswersApi}/*/*/stores/*: Invoke",
    ],
    "AnswersRole": [
        "AnswersQueue: SendMessage",
        "OrdersTable: BatchGetItem GetItem Query",
        "OrdersTable: UpdateItem of its own rows",
    ],
    "SenderRole": [
        "${OrdersTable.Arn}/index/open-orders: Query",
        "AnswersQueue: DeleteMessage GetQueueAttributes ReceiveMessage",
        "AnswersQueue: SendMessage",
        "OrderEventsQueue: SendMessage",
        "OrdersTable: BatchGetItem GetItem Query",
        "OrdersTable: UpdateItem of its own rows",
        "PartnerApiSecret: GetSecretValue",
        "RequestBudgetTable: GetItem UpdateItem",
    ],
    "SweepRole": [
        "SenderFunction: InvokeFunction",
    ],
    "GradualDeploymentRole": [
        "${ConsumerFunction.Arn}:live: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
        "${PublisherFunction.Arn}:live: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
        "${WebhookFunction.Arn}:live: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
        "*: DescribeAlarms",
        "ConsumerFunction: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
        "PublisherFunction: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
        "WebhookFunction: GetAlias GetProvisionedConcurrencyConfig UpdateAlias",
    ],
}
CATALOGUE_STACK = {
    "LoaderRole": [
        "${FilesBucket.Arn}/changes/*: GetObject GetObjectVersion",
        "${FilesBucket.Arn}/exports/*: GetObject",
        "${FilesBucket.Arn}/lists/*: GetObject GetObjectVersion",
        "${FilesBucket.Arn}/reports/*: PutObject",
        "CatalogueTable: BatchGetItem GetItem Query",
        "CatalogueTable: DeleteItem PutItem UpdateItem of its own rows",
        "FilesBucket: ListBucket",
        "FilesDeadLetters: SendMessage",
        "FilesQueue: ChangeMessageVisibility DeleteMessage ReceiveMessage",
    ],
    "CatalogueWebhookRole": [
        "CallbacksQueue: SendMessage",
        "WebhookSecretArn: GetSecretValue",
    ],
    "PusherRole": [
        "${FilesBucket.Arn}/exports/*: PutObject",
        "${FilesBucket.Arn}/promotions/*: GetObject",
        "CallbacksDeadLetters: SendMessage",
        "CallbacksQueue: ChangeMessageVisibility DeleteMessage ReceiveMessage",
        "CatalogueTable: BatchGetItem GetItem Query",
        "CatalogueTable: BatchWriteItem DeleteItem PutItem UpdateItem of its own rows",
        "OrderChangesBusArn: PutEvents",
        "PartnerApiSecretArn: GetSecretValue",
        "RequestBudgetTableArn: GetItem UpdateItem",
    ],
    "ScheduleRole": [
        "LoaderFunction: InvokeFunction",
        "PusherFunction: InvokeFunction",
        "UploaderFunction: InvokeFunction",
    ],
    "UrgentRole": [
        "${FilesBucket.Arn}/exports/*: GetObject",
        "CatalogueTable: BatchGetItem GetItem Query",
        "CatalogueTable: BatchWriteItem DeleteItem PutItem UpdateItem of its own rows",
        "OrderChangesBusArn: PutEvents",
        "PartnerApiSecretArn: GetSecretValue",
        "RequestBudgetTableArn: GetItem UpdateItem",
        "UrgentDeadLetters: SendMessage",
        "UrgentQueue: ChangeMessageVisibility",
        "UrgentQueue: DeleteMessage GetQueueAttributes ReceiveMessage",
    ],
    "UploaderRole": [
        "${FilesBucket.Arn}/promotion-rows/*: GetObject PutObject",
        "${FilesBucket.Arn}/promotions/*: GetObject",
        "${FilesBucket.Arn}/sent/*: PutObject",
        "CatalogueTable: BatchWriteItem DeleteItem PutItem UpdateItem of its own rows",
        "CatalogueTable: GetItem Query",
        "FilesBucket: ListBucket",
        "SftpSecret: GetSecretValue",
    ],
}


def place_of(resource: Any) -> str:
    """What a statement is about, as short as it can be told."""
    match resource:
        case str():
            return resource
        case {"Fn::If": [_, there, _]}:
            return place_of(there)
        case {"Fn::GetAtt": [name, "Arn" | "Id"]}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
    [text] = resource.values()
    return str(text)


def permissions(template: Template) -> dict[str, list[str]]:
    """What each role may do, by its logical id: a line for each statement and resource."""

    def lines(statement: dict[str, Any]) -> Iterator[str]:
        given, resources = statement["Action"], statement["Resource"]
        actions = [action.split(":") for action in ([given] if isinstance(given, str) else given)]
        if _ELSEWHERE & {service for service, _ in actions}:
            return
        named = " ".join(sorted(action for _, action in actions))
        for resource in resources if isinstance(resources, list) else [resources]:
            yield f"{place_of(resource)}: {named}{' of its own rows' if 'Condition' in statement else ''}"

    found: dict[str, list[str]] = {}
    for role, statement in template.statements():
        found.setdefault(role, []).extend(lines(statement))
    return {role: sorted(of_role) for role, of_role in found.items() if of_role}


def test_orders_have_what_they_need(template: Template) -> None:
    """Each role of the orders' stack may do exactly this with each resource."""
    assert permissions(template) == ORDERS


def test_catalogue_has_what_it_needs(catalogue: Template) -> None:
    """Each role of the catalogue's stack may do exactly this with each resource."""
    assert permissions(catalogue) == CATALOGUE_STACK
