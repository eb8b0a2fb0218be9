"""The stores of the chain: a row for each, registered by the first event it is seen in, and an alias row for the
chain's own code of it (docs/platform.md 1). All in one partition, so that one query lists them."""

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Range, Table
from partner_orders.aws.update import Update
from partner_orders.clock import Clock, from_text, to_text
from partner_orders.orders.history import store_of
from partner_orders.orders.model import Client
from partner_orders.stores.store import InvalidStoreError, Store, StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
# Of a name that no store has; a row has a size.
MAX_CHARACTERS = 200


class StoresTable:
    """Registers stores of our chain. Remembers what it has registered, so that a known store costs nothing."""

    def __init__(self, client: "DynamoDBClient", table_name: str, chain_id: str, clock: Clock) -> None:
        self._table = Table(client, table_name)
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
        code, store_id = store.external_partner_config_id, store_of(store)
        identity = (store_id, code, store.name, store.country_code)
        if not store_id or identity in self._registered:
            return
        # What this event does not say of the store stays as it was.
        said = {
            "store_id": store_id,
            "name": store.name,
            "country_code": store.country_code,
            "external_partner_config_id": code,
        }
        update = self._registering()
        for name, value in said.items():
            if value:
                update.set(name, _storable(value))
        self._table.update(keys.store(store_id), update)
        if code:
            self._put_alias(code, store_id)
        self._registered.add(identity)

    def _registering(self) -> Update:
        return Update().set("schema_version", SCHEMA_VERSION).default("registered_at", to_text(self._clock()))

    def _put_alias(self, code: str, store_id: str) -> None:
        if code != store_id:
            self._table.put(keys.alias(code), {"store_id": store_id, "schema_version": SCHEMA_VERSION})

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
        update = self._registering().set("store_id", store_id)
        for setting in fields(settings):
            value = getattr(settings, setting.name)
            if value == "":
                update.remove(setting.name)
            elif value is not None:
                update.set(setting.name, value)
        self._table.update(keys.store(store_id), update)
        if settings.external_partner_config_id:
            self._put_alias(settings.external_partner_config_id, store_id)
        return store_id

    def remove(self, store: Store) -> None:
        """Take back that a store is registered, with what was set of it. An event of it registers it again, by the next
        consumer that starts. A code that another store has too names that one from then on. Raises botocore's errors.
        """
        aliases = self._table.query(keys.STORES, Range(prefix=keys.ALIAS))
        codes = [row["sk"].removeprefix(keys.ALIAS) for row in aliases if row.get("store_id") == store.store_id]
        others = {
            other.external_partner_config_id: other.store_id for other in self.all() if other.store_id != store.store_id
        }
        # An alias without a store would name nothing; a store without an alias can be removed again.
        for code in codes:
            if code in others:
                self._put_alias(code, others[code])
            else:
                self._table.delete(keys.alias(code))
        self._table.delete(keys.store(store.store_id))

    def all(self) -> list[Store]:
        """Every registered store, by store_id."""
        return [_store(row) for row in self._table.query(keys.STORES, Range(prefix=keys.STORE))]

    def find(self, store_id: str) -> Store | None:
        """A store by either of its ids."""
        row = self._table.get(keys.store(store_id), consistent=False)
        if row is not None:
            return _store(row)
        alias = self._table.get(keys.alias(store_id), consistent=False)
        return self.find(alias["store_id"]) if alias is not None else None


def _storable(text: str) -> str:
    """Of bounded length, and with ``?`` for half a surrogate, which is no text to DynamoDB."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _store(row: Row) -> Store:
    text = {name: value for name, value in row.items() if isinstance(value, str)}
    return Store(
        store_id=text.get("store_id") or row["sk"].removeprefix(keys.STORE),
        external_partner_config_id=text.get("external_partner_config_id"),
        name=text.get("name"),
        country_code=text.get("country_code"),
        currency=text.get("currency"),
        time_zone=text.get("time_zone"),
        trading_hours=text.get("trading_hours"),
        is_paused=row.get("is_paused") is True or text.get("is_paused", "").lower() == "true",
        registered_at=_instant(text.get("registered_at", "")),
    )


def _instant(text: str) -> datetime | None:
    """None for what is no time: somebody wrote it by hand."""
    try:
        return from_text(text)
    except ValueError:
        return None
