"""The floor of the webhook: its AWS calls, made with bare boto3, and nothing else."""

import os
from typing import Any

import boto3

secretsmanager = boto3.client("secretsmanager")
sqs = boto3.client("sqs")
secrets: list[str] = []


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if not secrets:
        for stage in ("AWSCURRENT", "AWSPREVIOUS"):
            arn = os.environ["WEBHOOK_SECRET_ARN"]
            secrets.append(secretsmanager.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"])
    sqs.send_message(QueueUrl=os.environ["ORDER_EVENTS_QUEUE_URL"], MessageBody=event["body"], MessageGroupId="webhook")
    return {"statusCode": 200, "body": "{}"}
