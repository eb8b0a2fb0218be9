"""A store is registered by the first event of it whose writes succeed, whatever failed before."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partner_orders.orders.event import parse_event
from partner_orders.stores.table import StoresTable
from tests.support.examples import examples
from tests.support.fixed_clock import clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import TABLE

CLIENT = parse_event(as_bytes(order())).order.client


class Failing:
    """DynamoDB, of whose writes some fail."""

    def __init__(self, dynamodb: Any, fails: Iterator[bool]) -> None:
        self._dynamodb = dynamodb
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._dynamodb, name)

        def may_fail(*names: Any, **arguments: Any) -> Any:
            if name in {"update_item", "put_item"} and next(self._fails, False):
                raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, name)
            return call(*names, **arguments)

        return may_fail


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), max_size=8))
def test_store_is_found_once_writes_succeed(dynamodb: Any, fails: list[bool]) -> None:
    """A store is found by both its ids once its writes have succeeded."""
    for kind, name in (("STORE", CLIENT.store_id), ("ALIAS", CLIENT.external_partner_config_id)):
        dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "STORES"}, "sk": {"S": f"{kind}#{name}"}})
    stores = StoresTable(Failing(dynamodb, iter(fails)), TABLE, CHAIN_ID, clock)  # type: ignore[arg-type]
    for _ in range(len(fails) + 1):
        with suppress(ClientError):
            stores.register(CLIENT)
    for name in (CLIENT.store_id, CLIENT.external_partner_config_id):
        assert name is not None
        found = stores.find(name)
        assert found is not None
        assert found.store_id == CLIENT.store_id
