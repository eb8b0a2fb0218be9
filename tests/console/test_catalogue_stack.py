"""The catalogue's stack is found beside the orders stack, and its absence is no fault."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from partner_orders.catalogue.product import Values
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import Clients, DeployedStack
from tests.support.catalogue_table import catalogue_table

TABLE = "partner-orders-catalogue-CatalogueTable"
OUTPUTS = {
    "CatalogueTableName": TABLE,
    "CatalogueApiId": "a1b2",
    "CatalogueWebhookUrl": "https://a1b2.example.com/catalogue-callbacks",
}


class CloudFormation:
    """CloudFormation with one deployed stack, in place of moto's, which needs packages that nothing else here does."""

    def __init__(self, name: str) -> None:
        self.name = name

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if StackName != self.name:
            error: Any = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        parameters = [{"ParameterKey": "ChainId", "ParameterValue": "the chain"}]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs, "Parameters": parameters}]}


def orders_beside(name: str) -> DeployedStack:
    """An orders stack in an account that has a stack of that name."""
    clients = Clients()
    clients.get("cloudformation", False, lambda: CloudFormation(name))
    return DeployedStack("partner-orders", "eu-central-1", boto3.Session(), clients=clients)


def catalogue_of(orders: DeployedStack) -> CatalogueStack:
    found = CatalogueStack.of(orders)
    assert found is not None
    return found


def test_no_catalogue_stack() -> None:
    """An orders stack without a catalogue beside it has none, also if another stack has one."""
    assert CatalogueStack.of(orders_beside("partner-orders-staging-catalogue")) is None


def test_catalogue_stack_by_its_name() -> None:
    """The stack with the orders stack's name and -catalogue after it is found, with all that it tells."""
    orders = orders_beside("partner-orders-catalogue")
    found = catalogue_of(orders)
    assert (found.orders, found.name) == (orders, "partner-orders-catalogue")
    assert (found.parameters, found.outputs) == ({"ChainId": "the chain"}, OUTPUTS)
    assert (found.webhook_url, found.webhook_headers) == (OUTPUTS["CatalogueWebhookUrl"], {})


def test_missing_output_is_named() -> None:
    """An output that the stack does not have is named in a sentence."""
    found = catalogue_of(orders_beside("partner-orders-catalogue"))
    with pytest.raises(OperatorError, match="partner-orders-catalogue has no output FilesBucketName"):
        found.output("FilesBucketName")


def test_tables_of_the_stack() -> None:
    """The tables read and write the catalogue's own table."""
    with catalogue_table(TABLE) as dynamodb:
        found = catalogue_of(orders_beside("partner-orders-catalogue"))
        found.tables.products.change("148003", "4001", lambda product: replace(product, values=Values(active=True)))
        rows = dynamodb.scan(TableName=TABLE)["Items"]
        assert [row["sk"]["S"] for row in rows] == ["SKU#4001"]
        assert found.tables.products.many("148003", ["4001"])["4001"].values == Values(active=True)


def test_webhook_on_a_laptop() -> None:
    """On a laptop the webhook is at the emulator's address, under the API's host name."""
    found = catalogue_of(orders_beside("partner-orders-catalogue"))
    local = replace(found.deployed, endpoint_url="http://127.0.0.1:4566")
    on_laptop = replace(found, deployed=local)
    assert on_laptop.webhook_url == "http://127.0.0.1:4566/catalogue-callbacks"
    assert on_laptop.webhook_headers == {"Host": "a1b2.execute-api.localhost"}
