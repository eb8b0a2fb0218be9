"""The publisher as Powertools teaches it: batch over the table's stream, one event put on the bus for each record."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.shared.json_encoder import Encoder
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
events = boto3.client("events")
processor = BatchProcessor(event_type=EventType.DynamoDBStreams)
PERSONAL_DATA = {"customer", "comment"}


def record_handler(record: DynamoDBRecord) -> None:
    image = record.dynamodb.new_image if record.dynamodb else None
    if not image:
        return
    order = {name: value for name, value in image.items() if name not in PERSONAL_DATA}
    entry = {
        "EventBusName": os.environ["EVENT_BUS_NAME"],
        "Source": "partner-orders",
        "DetailType": "OrderChanged",
        "Detail": Encoder(default=repr).encode(order),
    }
    if events.put_events(Entries=[entry])["FailedEntryCount"]:
        raise RuntimeError("the bus refused the event")
    metrics.add_metric(name="Published", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
