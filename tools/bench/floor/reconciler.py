"""The floor of the reconciler: the AWS calls of a tick that finds one store in step, made with bare boto3, and nothing
else; the Partner API is not asked."""

import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
secretsmanager = boto3.client("secretsmanager")
secrets: list[str] = []


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    table, queue = os.environ["ORDERS_TABLE_NAME"], os.environ["ORDER_EVENTS_QUEUE_URL"]
    partition: Any = {"S": "RECONCILIATION"}
    lease: Any = {"pk": partition, "sk": {"S": "LEASE"}}

    def update() -> None:
        dynamodb.update_item(
            TableName=table,
            Key=lease,
            UpdateExpression="SET fence = :fence",
            ExpressionAttributeValues={":fence": {"N": "1"}},
        )

    def query(prefix: str) -> None:
        dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": partition, ":sk": {"S": prefix}},
        )

    def note_position() -> None:
        dynamodb.put_item(TableName=table, Item={"pk": partition, "sk": {"S": "POSITION#1"}})

    update()
    for prefix in ("BACKFILL#", "POSITION#", "OPEN#", "STORE#", "ORDER#"):
        query(prefix)
    note_position()
    query("OPEN#1")
    sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    if not secrets:
        secrets.append(secretsmanager.get_secret_value(SecretId=os.environ["PARTNER_API_SECRET_ARN"])["SecretString"])
    sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    note_position()
    update()
    dynamodb.put_item(TableName=table, Item={"pk": partition, "sk": {"S": "REPORT"}})
    return {}
