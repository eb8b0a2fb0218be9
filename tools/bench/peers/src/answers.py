"""An answer as samples write it: event handler for the route, parameters for the token, and the platform called while
the till waits."""

import os
from http import HTTPStatus
from typing import Any

import requests
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
app = APIGatewayHttpResolver()
session = requests.Session()


@app.post("/stores/<store_id>/orders/<order_id>/answers")
def answer_order(store_id: str, order_id: str) -> tuple[dict[str, str], int]:
    token = parameters.get_secret(os.environ["PARTNER_API_SECRET_ARN"], transform="json", max_age=300)["token"]
    answer = session.put(
        f"{os.environ['PARTNER_API_BASE_URL']}/v2/chains/{os.environ['CHAIN_ID']}/orders/{order_id}",
        headers={"Authorization": f"Bearer {token}"},
        json={"order_id": order_id, "status": "READY_FOR_PICKUP"},
        timeout=30,
    )
    answer.raise_for_status()
    metrics.add_metric(name="OrderAnswered", unit=MetricUnit.Count, value=1)
    return {"message": "Answered"}, HTTPStatus.OK


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
