"""The consumer as Powertools teaches it: batch with a parser model, each record made idempotent by a table, and
``put_item``.

The newest arrival wins, whatever its age. With KEEP_HISTORY each event is put into a row of its own, too.
"""

import json
import os
from decimal import Decimal
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
from aws_lambda_powertools.utilities.parser.types import Json
from aws_lambda_powertools.utilities.typing import LambdaContext
from order import Order

OPEN_STATUSES = {"RECEIVED", "READY_FOR_PICKUP"}

logger = Logger()
metrics = Metrics()
table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE_NAME"])
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE_NAME"])
# The platform sends no event id: an order in one status at one time is one event.
config = IdempotencyConfig(event_key_jmespath="[order_id, status, sys.updated_at]", expires_after_seconds=14 * 86_400)


class OrderSqsRecord(SqsRecordModel):
    body: Json[Order]


processor = BatchProcessor(event_type=EventType.SQS, model=OrderSqsRecord)


@idempotent_function(data_keyword_argument="order", config=config, persistence_store=persistence)
def store(order: Order) -> dict[str, str]:
    content = json.loads(order.model_dump_json(), parse_float=Decimal)
    key = f"ORDER#{order.order_id}"
    indexed = {
        "listed_under": f"STORE#{order.client.store_id}",
        "listed_at": order.sys.created_at,
        "store_order_code": f"{order.client.store_id}#{order.order_code}",
    }
    if order.status in OPEN_STATUSES:
        indexed["open"] = "OPEN"
    table.put_item(Item={**content, **indexed, "pk": key, "sk": "ORDER"})
    if os.environ.get("KEEP_HISTORY"):
        # Under a key that no index knows.
        row = {"pk": key, "sk": f"EVENT#{order.sys.updated_at}#{order.status}", "order": content}
        table.put_item(Item=row)
    return {"order_id": order.order_id}


def record_handler(record: OrderSqsRecord) -> dict[str, str]:
    stored = store(order=record.body)
    metrics.add_metric(name="OrderStored", unit=MetricUnit.Count, value=1)
    return stored


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    config.register_lambda_context(context)
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
