"""The stores of the chain: a row for each, registered by the first event it is seen in, and an alias row for the
chain's own id of it (contract 1). All in one partition, so that one query lists them."""

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from partner_orders.clock import Clock, from_text, to_text
from partner_orders.orders.model import Client
from partner_orders.stores.trading_hours import BadTradingHoursError, TradingHours

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
PARTITION = "STORES"
# Of a name that no store has; a row has a size.
MAX_CHARACTERS = 200


@dataclass(frozen=True)
class Store:
    """``store_id`` is the platform's id, ``external_partner_config_id`` the chain's own. What follows the country is
    what an operator has set, since no payload has it; a paused store is not reconciled. ``registered_at`` is when its
    first event, or an operator, made it known."""

    store_id: str
    external_partner_config_id: str | None = None
    name: str | None = None
    country_code: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    is_paused: bool = False
    registered_at: datetime | None = None


class InvalidStoreError(ValueError):
    """Says which setting of a store is not one, and how it should look."""


@dataclass(frozen=True)
class StoreSettings:
    """What an operator sets of a store: None leaves a setting as it is, an empty text removes it."""

    currency: str | None = None
    time_zone: str | None = None
    trading_hours: str | None = None
    external_partner_config_id: str | None = None
    is_paused: bool | None = None

    def check(self) -> None:
        """Raises InvalidStoreError."""
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise InvalidStoreError("the currency should be three capital letters, such as PKR")
        try:
            TradingHours.from_text(self.trading_hours or "", self.time_zone or "UTC")
        except BadTradingHoursError as error:
            raise InvalidStoreError(str(error)) from None


class StoresTable:
    """Registers stores of our chain. Remembers what it has registered, so that a known store costs nothing."""

    def __init__(self, client: "DynamoDBClient", table_name: str, chain_id: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._chain_id = chain_id.lower()
        self._clock = clock
        self._registered: set[tuple[str | None, ...]] = set()

    def is_foreign(self, store: Client) -> bool:
        """Whether the store says that it belongs to another chain than ours."""
        return bool(store.chain_id) and str(store.chain_id).lower() != self._chain_id

    def register(self, store: Client) -> None:
        """Register the store of an event, once. A store of another chain, or without an id, is not registered.

        Raises botocore's errors. What an operator has set of a store is never touched.
        """
        if self.is_foreign(store):
            return
        alias, store_id = store.external_partner_config_id, store.store_id or store.external_partner_config_id
        identity = (store_id, alias, store.name, store.country_code)
        if not store_id or identity in self._registered:
            return
        # What this event does not say of the store stays as it was.
        given = {
            "store_id": store_id,
            "name": store.name,
            "country_code": store.country_code,
            "external_partner_config_id": alias,
        }
        text = {name: _storable(value) for name, value in given.items() if value}
        self._client.update_item(
            TableName=self._table,
            Key=_key("STORE", store_id),
            UpdateExpression="SET schema_version = :schema_version,"
            " registered_at = if_not_exists(registered_at, :now), " + ", ".join(f"#{name} = :{name}" for name in text),
            ExpressionAttributeNames={f"#{name}": name for name in text},
            ExpressionAttributeValues={
                **{f":{name}": {"S": value} for name, value in text.items()},
                ":schema_version": {"N": str(SCHEMA_VERSION)},
                ":now": {"S": to_text(self._clock())},
            },
        )
        if alias:
            self._put_alias(alias, store_id)
        self._registered.add(identity)

    def _put_alias(self, alias: str, store_id: str) -> None:
        if alias != store_id:
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key("ALIAS", alias),
                    "store_id": {"S": store_id},
                    "schema_version": {"N": str(SCHEMA_VERSION)},
                },
            )

    def check(self, name: str, settings: StoreSettings) -> str:
        """Whether ``set`` takes these; gives the store_id that it would write. Raises InvalidStoreError and botocore's
        errors."""
        settings.check()
        known = self.find(name)
        store_id, code = known.store_id if known else name, settings.external_partner_config_id
        # The platform may give a code to another store, in an event: an operator who does has most likely mistyped.
        holder = self.find(code) if code else None
        if holder and holder.store_id != store_id and holder.external_partner_config_id == code:
            raise InvalidStoreError(f"{code} is the code of {holder.store_id} already")
        return store_id

    def set(self, name: str, settings: StoreSettings) -> str:
        """Write an operator's settings of a store, named by either of its ids; gives its store_id. One that is not
        registered yet is, by this name. Raises InvalidStoreError, for the code of another store too, and botocore's
        errors."""
        store_id = self.check(name, settings)
        sets: dict[str, Any] = {"schema_version": {"N": str(SCHEMA_VERSION)}, "store_id": {"S": store_id}}
        removes: list[str] = []
        for setting in fields(settings):
            value = getattr(settings, setting.name)
            if isinstance(value, bool):
                sets[setting.name] = {"BOOL": value}
            elif value:
                sets[setting.name] = {"S": value}
            elif value is not None:
                removes.append(f"#{setting.name}")
        expression = "SET registered_at = if_not_exists(registered_at, :now), " + ", ".join(
            f"#{name} = :{name}" for name in sets
        )
        self._client.update_item(
            TableName=self._table,
            Key=_key("STORE", store_id),
            UpdateExpression=expression + (" REMOVE " + ", ".join(removes) if removes else ""),
            ExpressionAttributeNames={f"#{name}": name for name in [*sets, *(name[1:] for name in removes)]},
            ExpressionAttributeValues={f":{name}": value for name, value in sets.items()}
            | {":now": {"S": to_text(self._clock())}},
        )
        if settings.external_partner_config_id:
            self._put_alias(settings.external_partner_config_id, store_id)
        return store_id

    def remove(self, store: Store) -> None:
        """Take back that a store is registered, with what was set of it. An event of it registers it again, by the next
        consumer that starts. A code that another store has too names that one from then on. Raises botocore's errors.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :stores AND begins_with(sk, :alias)",
            FilterExpression="store_id = :store_id",
            ExpressionAttributeValues={
                ":stores": {"S": PARTITION},
                ":alias": {"S": "ALIAS#"},
                ":store_id": {"S": store.store_id},
            },
        )
        others = {
            other.external_partner_config_id: other.store_id for other in self.all() if other.store_id != store.store_id
        }
        # An alias without a store would name nothing; a store without an alias can be removed again.
        for item in [item for page in pages for item in page["Items"]]:
            alias = item["sk"]["S"].removeprefix("ALIAS#")
            if alias in others:
                self._put_alias(alias, others[alias])
            else:
                self._client.delete_item(TableName=self._table, Key=_key("ALIAS", alias))
        self._client.delete_item(TableName=self._table, Key=_key("STORE", store.store_id))

    def all(self) -> list[Store]:
        """Every registered store, by store_id."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :stores AND begins_with(sk, :store)",
            ExpressionAttributeValues={":stores": {"S": PARTITION}, ":store": {"S": "STORE#"}},
        )
        return [_store(item) for page in pages for item in page["Items"]]

    def find(self, store_id: str) -> Store | None:
        """A store by either of its ids."""
        for kind in ("STORE", "ALIAS"):
            item = self._client.get_item(TableName=self._table, Key=_key(kind, store_id)).get("Item")
            if item is not None and kind == "STORE":
                return _store(item)
            if item is not None:
                return self.find(item["store_id"]["S"])
        return None


def _storable(text: str) -> str:
    """Of bounded length, and with ``?`` for half a surrogate, which is no text to DynamoDB."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _key(kind: str, store_id: str) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": f"{kind}#{store_id}"}}


def _store(item: dict[str, Any]) -> Store:
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    return Store(
        store_id=text.get("store_id") or item["sk"]["S"].removeprefix("STORE#"),
        external_partner_config_id=text.get("external_partner_config_id"),
        name=text.get("name"),
        country_code=text.get("country_code"),
        currency=text.get("currency"),
        time_zone=text.get("time_zone"),
        trading_hours=text.get("trading_hours"),
        is_paused=item.get("is_paused", {}).get("BOOL", False) or text.get("is_paused", "").lower() == "true",
        registered_at=_instant(text.get("registered_at", "")),
    )


def _instant(text: str) -> datetime | None:
    """None for what is no time: somebody wrote it by hand."""
    try:
        return from_text(text)
    except ValueError:
        return None
