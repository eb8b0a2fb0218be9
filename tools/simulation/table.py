"""The orders table for a simulation: DynamoDB by moto in this process, or a DynamoDB Local at a URL, behind a real
boto3 client whose every call passes through the simulated world."""

import itertools
import os
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from moto import mock_aws

_INDEXES = {
    "by-time": ("listed_under", "listed_at"),
    "by-external-order-id": ("external_order_id", None),
    "by-order-code": ("store_order_code", "listed_at"),
    "open-orders": ("open", "listed_at"),
}

# Of tables: unique in the process, since several clients may share a DynamoDB Local.
_NUMBERS = itertools.count(1)

type Before = Callable[[str], None]
type After = Callable[[str, bytes, dict[str, Any]], None]
type Effect = Callable[[str, bytes], None]


class DynamoDB:
    """One client for as many worlds as follow one another; making one takes long."""

    def __init__(self, url: str | None = None) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "simulated")
        self._mock = None if url else mock_aws()
        if self._mock:
            self._mock.start()
        self.client = boto3.client(
            "dynamodb", region_name="eu-central-1", endpoint_url=url, config=Config(retries={"total_max_attempts": 1})
        )
        self._before: Before | None = None
        self._after: After | None = None
        self._effect: Effect | None = None
        self._is_looked_at = False
        self.client.meta.events.register("before-call.dynamodb", self._on_before)
        self.client.meta.events.register("after-call.dynamodb", self._on_after)

    def new_table(self) -> str:
        name = f"orders-{os.getpid()}-{next(_NUMBERS)}"
        keys = {key for pair in _INDEXES.values() for key in pair if key} | {"pk", "sk"}
        indexes: list[Any] = [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in ((hash_key, "HASH"), (range_key, "RANGE"))
                    if key
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, (hash_key, range_key) in _INDEXES.items()
        ]
        self.client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in sorted(keys)],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=indexes,
        )
        return name

    def drop_table(self, name: str) -> None:
        self.client.delete_table(TableName=name)

    def stand_between(self, before: Before | None, after: After | None, effect: Effect | None = None) -> None:
        """Call ``before`` with the name of a call ahead of its effect, and ``after`` with what was sent and answered;
        either may raise what the caller is to see. ``effect`` comes before anything else can happen after the effect,
        and ahead of ``after``."""
        self._before, self._after, self._effect = before, after, effect

    def look_at(self, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
        """An item as it stands, by a call that nothing stands between."""
        self._is_looked_at = True
        try:
            return self.client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        finally:
            self._is_looked_at = False

    def close(self) -> None:
        if self._mock:
            self._mock.stop()

    def _on_before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["sent"] = params["body"]
        if self._before and not self._is_looked_at:
            self._before(model.name)

    def _on_after(
        self, model: Any, http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        if http_response.status_code >= 300 or self._is_looked_at:
            return
        if self._effect:
            self._effect(model.name, context["sent"])
        if self._after:
            self._after(model.name, context["sent"], parsed)
