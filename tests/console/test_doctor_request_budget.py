"""``doctor`` within the chain's request budget."""

import json
import threading
from collections.abc import Iterator

import pytest

from partner_orders_console.operations.doctor.partner_api import partner_api
from partner_orders_console.operations.stack import DeployedStack
from tests.support.orders_table import TABLE
from tools.local.simulated_platform.server import Platform, serve

CLIENT = {"client-of-the-chain": "secret-of-the-client"}


@pytest.fixture
def platform(stack: DeployedStack) -> Iterator[Platform]:
    """The Partner API over HTTP, of a stack that has a request budget and a token."""
    made = Platform(stack.parameters["ChainId"], "static-token", 60, CLIENT)
    server = serve(made, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stack.parameters["PartnerApiBaseUrl"] = f"http://127.0.0.1:{server.server_port}"
    stack.parameters["RateLimitPerMinute"] = "60"
    stack.outputs["RequestBudgetTableName"] = TABLE
    has_credentials(stack, token="static-token")
    yield made
    server.shutdown()
    server.server_close()


def has_credentials(stack: DeployedStack, **content: str) -> None:
    arn = stack.output("PartnerApiSecretArn")
    stack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(content))


def permits(stack: DeployedStack) -> list[str]:
    key = {name: {"S": "REQUEST_BUDGET"} for name in ("pk", "sk")}
    row = stack.client("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
    return [block["M"]["permits"]["N"] for block in row["blocks"]["L"]] if row else []


def test_doctors_request_counts(stack: DeployedStack, platform: Platform) -> None:
    """Doctor's one request takes one permit of the budget, and leaves no other behind."""
    assert not [finding for finding in partner_api(stack) if finding.fault]
    assert len(platform.api.requests) == 1
    assert permits(stack) == ["1"]


@pytest.mark.parametrize(("per_minute", "requests"), [("60", 2), ("2", 1)])
def test_doctors_token_counts(stack: DeployedStack, platform: Platform, per_minute: str, requests: int) -> None:
    """A token that doctor has to get takes a permit as well. Both keep to the limit that the stack was given."""
    [(client_id, client_secret)] = CLIENT.items()
    has_credentials(stack, client_id=client_id, client_secret=client_secret)
    stack.parameters["RateLimitPerMinute"] = per_minute
    *_, found = partner_api(stack)
    assert (found.fault, "nothing left" in found.note) == ("", requests == 1)
    assert permits(stack) == ["1"] * requests


def test_spent_budget_is_no_fault(stack: DeployedStack, platform: Platform) -> None:
    """Where the budget has nothing left, doctor requests nothing, and says so."""
    stack.client("dynamodb").put_item(
        TableName=TABLE,
        Item={"pk": {"S": "REQUEST_BUDGET"}, "sk": {"S": "REQUEST_BUDGET"}, "blocks": {"S": "unreadable"}},
    )
    *_, found = partner_api(stack)
    assert (found.fault, "nothing left" in found.note) == ("", True)
    assert not platform.api.requests
