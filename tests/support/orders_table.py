"""The orders table as the template makes it, and the requests that a client makes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.support.aws import simulated_aws
from tests.support.template import TEMPLATE, table_of_the_template

TABLE = "orders"
RETENTION = timedelta(days=400)
MAX_EXPRESSION = 4_096


class Calls:
    """Counts the requests that a client makes, by operation."""

    def __init__(self, client: Any) -> None:
        self.made: list[str] = []
        client.meta.events.register("before-send.*.*", self._note)

    def _note(self, event_name: str, **_: Any) -> None:
        self.made.append(event_name.rsplit(".", maxsplit=1)[-1])


def dynamodb_with_table(url: str | None = None) -> Any:
    """A DynamoDB client, once the orders table is made; of the DynamoDB Local at ``url``, or of the simulated AWS."""
    client = boto3.client("dynamodb", endpoint_url=url)
    client.meta.events.register("before-call.dynamodb", _bound_expressions)
    client.create_table(TableName=TABLE, **table_of_the_template(TEMPLATE))
    return client


@contextmanager
def dynamodb_at(url: str | None = None) -> Iterator[Any]:
    """A DynamoDB client, with the orders table until the context ends: moto's, or of the DynamoDB Local at ``url``."""
    with nullcontext() if url else simulated_aws():
        client = dynamodb_with_table(url)
        yield client
        client.delete_table(TableName=TABLE)


def _bound_expressions(model: Any, params: Any, **_: Any) -> None:
    """A limit of DynamoDB's that moto does not have."""
    for name, value in json.loads(params["body"]).items():
        if name.endswith("Expression") and len(value) > MAX_EXPRESSION:
            error: Any = {"Code": "ValidationException", "Message": f"Invalid {name}: Expression size has exceeded"}
            raise ClientError({"Error": error}, model.name)
