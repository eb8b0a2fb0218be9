"""With gradual deployment the aliases are called, follow each change, and go again. MiniStack has no CodeDeploy."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from partner_orders.orders.table import OrdersTable
from tests.support.deployed import eventually
from tests.support.orders import as_bytes, order
from tools.local.emulator import emulator
from tools.local.stack import Stack, build, deploy, describe
from tools.local.up import PARAMETERS

pytestmark = pytest.mark.slow

NO_PLATFORM = "http://127.0.0.1:1"
SETTINGS = PARAMETERS | {"ReconciliationState": "DISABLED"}
GRADUAL = SETTINGS | {"GradualDeployment": "ENABLED"}


@pytest.fixture(scope="module")
def gradual() -> Iterator[Stack]:
    build()
    with emulator() as endpoint_url:
        outputs = deploy(endpoint_url, NO_PLATFORM, GRADUAL)
        # The secret still holds its placeholder, which no test of this file needs.
        yield describe(endpoint_url, NO_PLATFORM, outputs)


def updated(stack: Stack, parameters: dict[str, str]) -> Stack:
    return replace(stack, outputs=deploy(stack.endpoint_url, NO_PLATFORM, parameters))


def passes_an_order(stack: Stack) -> None:
    """An order goes from the API to the table."""
    orders = OrdersTable(stack.client("dynamodb"), stack.outputs["OrdersTableName"], timedelta(days=400))
    order_id = str(uuid4())
    headers = stack.webhook_headers | {"Authorization": stack.webhook_secret, "Content-Type": "application/json"}

    def posted() -> bool | None:
        # As the platform does: again, where a cold start takes too long on a busy machine.
        with suppress(requests.RequestException):
            body = as_bytes(order(order_id=order_id))
            answer = requests.post(stack.webhook_url, body, headers=headers, timeout=15)
            return True if answer.status_code == requests.codes.ok else None
        return None

    eventually(posted, seconds=90)
    eventually(lambda: orders.get(order_id), seconds=90)


def called(stack: Stack) -> set[str]:
    """What the API, the queue and the stream call: names of functions, with the alias where it is one."""
    api = stack.client("apigatewayv2")
    integrations = api.get_integrations(ApiId=stack.outputs["OrderEventsApiId"])["Items"]
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    arns = [it["IntegrationUri"] for it in integrations] + [mapping["FunctionArn"] for mapping in mappings]
    return {arn.partition(":function:")[2] for arn in arns}


def live(stack: Stack, function: str) -> dict[str, Any]:
    configuration: dict[str, Any] = stack.client("lambda").get_function_configuration(
        FunctionName=stack.outputs[f"{function}FunctionName"], Qualifier="live"
    )
    return configuration


def test_aliases_follow_every_deployment(gradual: Stack) -> None:
    """Orders pass through the aliases, a changed parameter reaches them, and without them orders pass too."""
    names = {gradual.outputs[f"{name}FunctionName"] for name in ("Webhook", "Consumer", "Publisher")}
    # The sender has none: an answer's row is the truth, and a failed call repeats nothing.
    sender = gradual.outputs["SenderFunctionName"]
    assert called(gradual) == {*(f"{name}:live" for name in names), sender}
    passes_an_order(gradual)
    first = live(gradual, "Consumer")
    assert first["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "INFO"

    # The code is the same. SAM's own aliases would stay where they are.
    stack = updated(gradual, GRADUAL | {"LogLevel": "ERROR"})
    second = live(stack, "Consumer")
    assert second["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "ERROR"
    assert second["Version"] != first["Version"]
    passes_an_order(stack)

    # A deployment that changes nothing of the functions publishes nothing.
    stack = updated(stack, GRADUAL | {"LogLevel": "ERROR", "LogRetentionDays": "7"})
    assert live(stack, "Consumer")["Version"] == second["Version"]

    # The version before is still there to go back to.
    client = stack.client("lambda")
    client.update_alias(
        FunctionName=stack.outputs["ConsumerFunctionName"], Name="live", FunctionVersion=first["Version"]
    )
    assert live(stack, "Consumer")["Environment"] == first["Environment"]
    passes_an_order(stack)

    # A parameter that is left out keeps its value.
    stack = updated(stack, SETTINGS | {"GradualDeployment": "DISABLED"})
    assert called(stack) == {*names, sender}
    passes_an_order(stack)
