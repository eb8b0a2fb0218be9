"""Events that tell of stores, and the rows that come of them."""

from datetime import timedelta
from typing import Any

from partner_orders.aws.attribute_values import from_attributes, to_attributes
from partner_orders.clock import to_text
from partner_orders.orders.model import Client
from partner_orders.stores.table import StoresTable
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE


def stores_table(dynamodb: Any, time: Any = clock) -> StoresTable:
    """The stores, as an environment that has just started knows them."""
    return StoresTable(dynamodb, TABLE, CHAIN_ID, time)


def say(
    stores: StoresTable, minute: int | None, store_id: str | None = "q7xk", code: str | None = None, **fields: Any
) -> None:
    """Register what an event of this minute from NOW on says of its store."""
    ids = {"chain_id": CHAIN_ID, "store_id": store_id, "external_partner_config_id": code}
    stores.register(Client.model_validate(ids | fields), None if minute is None else NOW + timedelta(minutes=minute))


def after(minutes: int) -> str:
    """The time so many minutes from NOW, as rows have it."""
    return to_text(NOW + timedelta(minutes=minutes))


def rows(dynamodb: Any) -> dict[str, dict[str, Any]]:
    """The rows of stores by sort key, without their keys."""
    found = [from_attributes(item) for item in dynamodb.scan(TableName=TABLE)["Items"]]
    named = {row.pop("sk"): row for row in found if row["pk"] == "STORES"}
    return {name: {key: value for key, value in row.items() if key != "pk"} for name, row in named.items()}


def put(dynamodb: Any, sort_key: str, **attributes: Any) -> None:
    """Write a row of stores as somebody would by hand."""
    dynamodb.put_item(TableName=TABLE, Item=to_attributes({"pk": "STORES", "sk": sort_key} | attributes))
