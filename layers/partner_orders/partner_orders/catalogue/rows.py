"""The catalogue's table: every row says the version of its form."""

from typing import TYPE_CHECKING

from partner_orders.aws.dynamodb import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1


def catalogue_table(client: "DynamoDBClient", table_name: str) -> Table:
    return Table(client, table_name, schema_version=SCHEMA_VERSION)
