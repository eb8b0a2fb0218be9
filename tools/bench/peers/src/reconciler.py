"""A scheduled poll as AWS's samples write it: parameters for the token, requests for the API, parser for the answer,
one read of the table for each order, and the queue for what is missing or different."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import requests
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.typing import LambdaContext
from boto3.dynamodb.conditions import Key
from order import Order

WINDOW = timedelta(minutes=20)

logger = Logger()
metrics = Metrics()
sqs = boto3.client("sqs")
table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE_NAME"])
session = requests.Session()


def reconcile(store_id: str, token: str) -> int:
    now = datetime.now(UTC)
    answer = session.get(
        f"{os.environ['PARTNER_API_BASE_URL']}/v2/chains/{os.environ['CHAIN_ID']}/vendors/{store_id}/orders",
        params={
            "start_time": (now - WINDOW).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "page": 1,
            "page_size": 500,
        },
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    answer.raise_for_status()
    found = 0
    for content in answer.json()["orders"]:
        order = parse(event=content, model=Order)
        stored = table.get_item(Key={"pk": f"ORDER#{order.order_id}", "sk": "ORDER"}).get("Item")
        if stored is None or stored["status"] != order.status:
            sqs.send_message(QueueUrl=os.environ["ORDER_EVENTS_QUEUE_URL"], MessageBody=order.model_dump_json())
            found += 1
    return found


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    token = parameters.get_secret(os.environ["PARTNER_API_SECRET_ARN"], transform="json")["token"]
    stores = table.query(KeyConditionExpression=Key("pk").eq("STORES") & Key("sk").begins_with("STORE#"))["Items"]
    found = sum(reconcile(store["store_id"], token) for store in stores)
    metrics.add_metric(name="FoundByReconciliation", unit=MetricUnit.Count, value=found)
    return {"stores": len(stores), "found": found}
