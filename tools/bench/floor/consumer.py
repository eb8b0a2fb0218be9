"""The floor of the consumer: its AWS calls, made with bare boto3 one after another, and nothing else."""

import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")
registered: list[str] = []


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    table = os.environ["ORDERS_TABLE_NAME"]
    for record in event["Records"]:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"ORDER#{record['messageId']}"}, "sk": {"S": "ORDER"}},
            UpdateExpression="SET body = :body",
            ConditionExpression="attribute_not_exists(body)",
            ExpressionAttributeValues={":body": {"B": record["body"].encode()}},
            ReturnValues="UPDATED_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        if not registered:
            # Who has the store's code, the store, and whether a row stood for it so far.
            for sort_key in ("ALIAS#1", "STORE#1"):
                row = {"pk": {"S": "STORES"}, "sk": {"S": sort_key}}
                dynamodb.get_item(TableName=table, Key=row)
                dynamodb.update_item(
                    TableName=table,
                    Key=row,
                    UpdateExpression="SET store_id = :id",
                    ExpressionAttributeValues={":id": {"S": "1"}},
                )
            dynamodb.get_item(TableName=table, Key={"pk": {"S": "STORES"}, "sk": {"S": "STORE#code"}})
            registered.append("1")
    return {"batchItemFailures": []}
