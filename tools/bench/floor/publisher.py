"""The floor of the publisher: its AWS call, made with bare boto3, and nothing else."""

import json
import os
from typing import Any

import boto3

events = boto3.client("events")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    entries: Any = [
        {
            "EventBusName": os.environ["EVENT_BUS_NAME"],
            "Source": "partner-orders",
            "DetailType": "floor",
            "Detail": json.dumps(record["dynamodb"]["Keys"]),
        }
        for record in event["Records"]
    ]
    events.put_events(Entries=entries)
    return {"batchItemFailures": []}
