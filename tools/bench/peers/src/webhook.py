"""The webhook as Powertools teaches it: event handler for the route, parameters for the secret, parser for the body."""

import hmac
import os
from http import HTTPStatus
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, UnauthorizedError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parser import ValidationError, parse
from aws_lambda_powertools.utilities.typing import LambdaContext
from order import Order

logger = Logger()
metrics = Metrics()
app = APIGatewayHttpResolver()
sqs = boto3.client("sqs")


@app.post("/order-events")
def receive_order_event() -> tuple[dict[str, str], int]:
    secret = parameters.get_secret(os.environ["WEBHOOK_SECRET_ARN"], max_age=300)
    presented = app.current_event.headers.get("authorization", "")
    if not hmac.compare_digest(presented.encode(), secret.encode()):
        raise UnauthorizedError("Unauthorized")
    try:
        order = parse(event=app.current_event.json_body, model=Order)
    except ValidationError as error:
        raise BadRequestError("The body is not an order") from error
    sqs.send_message(QueueUrl=os.environ["ORDER_EVENTS_QUEUE_URL"], MessageBody=order.model_dump_json())
    metrics.add_metric(name="OrderEventReceived", unit=MetricUnit.Count, value=1)
    return {"message": "Accepted"}, HTTPStatus.OK


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
