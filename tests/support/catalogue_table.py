"""The catalogue's table in moto."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.aws import simulated_aws


@contextmanager
def catalogue_table(name: str) -> Iterator[Any]:
    """A client, and a table of this name."""
    with simulated_aws() as session:
        client = session.client("dynamodb")
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        )
        yield client
