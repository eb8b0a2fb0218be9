"""The floor of the answers API: its AWS calls, made with bare boto3 one after another, and nothing else."""

import json
import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    table = os.environ["ORDERS_TABLE_NAME"]
    order, store = (event["pathParameters"][name] for name in ("order_id", "store_id"))
    keys: Any = [
        {"pk": {"S": f"ORDER#{order}"}, "sk": {"S": "ORDER"}},
        {"pk": {"S": f"ORDER#{order}"}, "sk": {"S": "ANSWERS"}},
        {"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{store}"}},
    ]
    dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    dynamodb.update_item(
        TableName=table,
        Key=keys[1],
        UpdateExpression="SET content = :content",
        ConditionExpression="attribute_not_exists(content)",
        ExpressionAttributeValues={":content": {"S": event["body"]}},
    )
    sqs.send_message(QueueUrl=os.environ["ANSWERS_QUEUE_URL"], MessageBody=json.dumps({"order_id": order}))
    return {"statusCode": 202, "body": "{}"}
