"""The stores of the chain: a row for each, registered by the first event it is seen in, and an alias row for each of
the chain's own codes (docs/platform.md 1). All in one partition, so that one query lists them.

A row follows the platform's clock, whatever the order in which events arrive. A store that an event says nothing new of
costs no write. Each environment remembers what it has read and heard, and reads a store again after a minute: another
environment may have written it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.aws.update import Condition, Update, absent, equals
from partner_orders.clock import INSTANT, Clock, from_text, to_text
from partner_orders.orders.model import Client
from partner_orders.orders.queries import OrderQueries
from partner_orders.stores.directory import MERGED_INTO, StoreDirectory, is_provisional
from partner_orders.stores.facts import (
    CODE,
    Facts,
    Holding,
    Told,
    attributes_of,
    facts_in,
    holding_in,
    merged,
    set_facts,
    told_by,
    values_of,
)
from partner_orders.stores.store import InvalidStoreError, Store, StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEMA_VERSION = 1
# What was read of a store is taken for its present state for so long.
FRESH = timedelta(minutes=1)
# So many of a store's newest orders are looked at before a value that it has is replaced.
NEWEST_ORDERS = 10
MAX_WRITES = 12
# What an operator sets of a store.
_SETTINGS = (
    *("currency", "time_zone", "trading_hours"),
    *("is_paused", "paused_at", "paused_by", "paused_reason", "is_answering"),
)


class ContendedStoreError(RuntimeError):
    """Concurrent writes of the same store won every time; try again later."""


class StoresTable:
    """Registers stores of our chain, and keeps them as the platform last said they are."""

    def __init__(self, client: "DynamoDBClient", table_name: str, chain_id: str, clock: Clock) -> None:
        self._table = Table(client, table_name)
        self._orders = OrderQueries(self._table)
        self._chain_id = chain_id.lower()
        self._clock = clock
        self._lock = Lock()  # Of what is remembered; never held during a request.
        self._facts: dict[str, Facts] = {}
        self._holdings: dict[str, Holding] = {}
        self._read_at: dict[tuple[str | None, str | None], datetime] = {}

    # -- what events tell -------------------------------------------------------------------------------------------

    def is_foreign(self, store: Client) -> bool:
        """Whether the store says that it belongs to another chain than ours."""
        return bool(store.chain_id) and str(store.chain_id).lower() != self._chain_id

    def register(self, store: Client, occurred_at: datetime | None = None) -> None:
        """Merge what an event of this clock (the platform's) says of its store. A store of another chain, or without an
        id, is not registered. An event that knows the chain's own code only is of the store that has the code; as long
        as none is known, the code stands for the platform's id.

        Raises botocore's errors, and ContendedStoreError. What an operator has set of a store is never touched.
        """
        told = told_by(store, occurred_at)
        if told is None or self.is_foreign(store) or self._is_known(told):
            return
        for _ in range(MAX_WRITES):
            with suppress(ConditionFailedError):
                self._merge(told)
                return
        raise ContendedStoreError("concurrent writes of a store won every time")

    def _is_known(self, told: Told) -> bool:
        """Whether the table has what an event says, as far as we know; then its clock is remembered."""
        with self._lock:
            read_at = self._read_at.get((told.store_id, told.code))
            if read_at is None or self._clock() - read_at >= FRESH:
                return False
            holding = self._holdings.get(told.code or "", Holding())
            store_id = told.store_id or holding.store_id or told.code or ""
            facts = self._facts.get(store_id, {})
            wanted = merged(facts, told.facts)
            claimed = holding.merged(_claim(told, wanted) or Holding())
            if values_of(wanted) != values_of(facts) or claimed.store_ids != holding.store_ids:
                return False
            self._facts[store_id] = wanted
            if told.code:
                self._holdings[told.code] = claimed
            return True

    def _merge(self, told: Told) -> None:
        """Raises ConditionFailedError when another write came between."""
        code, holding = told.code, Holding()
        if told.store_id:
            facts = self._write_facts(told.store_id, told)
            if code:
                holding = self._hold(code, _claim(told, facts))
        elif code:
            holding = self._hold(code, None)
            self._write_facts(holding.store_id or code, told, is_provisional=not holding.store_ids)
            if not holding.store_ids:
                # An event with both ids may have come between: whoever is second sees the other one.
                holding = self._hold(code, None)
        if code and holding.store_id and holding.store_id != code:
            self._take_over(code, holding.store_id)
        with self._lock:
            self._read_at[told.store_id, told.code] = self._clock()

    def _write_facts(self, store_id: str, told: Told, is_provisional: bool = False) -> Facts:
        """Merge what was told into a store's row; what the row says then."""
        row = self._table.get(keys.store(store_id))
        present = facts_in(row)
        facts = merged(present, self._remembered(store_id), told.facts)
        if _replaces(values_of(present), values_of(facts)):
            facts = merged(facts, *(event.facts for event in self._newest(store_id)))
        if present[CODE].value not in {"", facts[CODE].value}:
            self._release(present[CODE].value, store_id)
        is_named = row is not None and told.store_id == store_id and ("is_provisional" in row or MERGED_INTO in row)
        if row is None or is_named or values_of(facts) != values_of(present):
            update = self._registering().set("store_id", store_id)
            set_facts(update, facts)
            if is_provisional and row is None:
                update.set("is_provisional", True)
            elif is_named:
                update.remove("is_provisional").remove(MERGED_INTO)
            self._table.update(keys.store(store_id), update.only_if(_as_read(row)))
        self._remember(store_id, facts)
        return facts

    def _release(self, code: str, store_id: str) -> None:
        """Have a code that a store no longer says it has lead to the store that still says so, if there is one."""
        row = self._table.get(keys.alias(code))
        if store_id not in holding_in(row).store_ids:
            return
        rows = self._table.query(keys.STORES)
        left = StoreDirectory(row for row in rows if row["sk"] != keys.STORE + store_id).holding_of(code)
        if left.store_ids:
            self._write_alias(code, left, _as_read(row))
            with self._lock:
                self._holdings[code] = left

    def _hold(self, code: str, claim: Holding | None) -> Holding:
        """Note that a store claims a code, if it is the latest that does; which store has it then."""
        row = self._table.get(keys.alias(code))
        present = holding_in(row)
        with self._lock:
            remembered = self._holdings.get(code, Holding())
        # How lately it was said is remembered; another store in the table is another environment's doing.
        known = present.merged(remembered) if remembered.store_ids == present.store_ids else present
        holding = known.merged(claim or Holding())
        if present.store_ids and holding.store_ids != present.store_ids:
            for event in (event for store_id in present.store_ids for event in self._newest(store_id)):
                if event.code == code:
                    holding = holding.merged(_claim(event, event.facts) or Holding())
        if claim and claim.store_ids != holding.store_ids and not self._still_say(holding.store_ids, code):
            holding = claim
        # A claim that loses is in a row all the same: then the alias has to say how lately the other one was made.
        is_contested = claim is not None and claim.store_ids != present.store_ids and holding != present
        if holding.store_ids != present.store_ids or is_contested:
            self._write_alias(code, holding, _as_read(row))
        with self._lock:
            self._holdings[code] = holding
        return holding

    def _still_say(self, store_ids: Iterable[str], code: str) -> bool:
        """Whether one of these stores has a code by its own row; one that had it last may have moved on."""
        return any(facts_in(self._table.get(keys.store(store_id)))[CODE].value == code for store_id in store_ids)

    def _newest(self, store_id: str) -> Iterator[Told]:
        """What the store's newest orders tell of it: a value that did not change was not written again, so its row does
        not know how lately it was said."""
        for event in self._orders.newest_events(store_id, NEWEST_ORDERS):
            told = None if self.is_foreign(event.order.client) else told_by(event.order.client, event.occurred_at)
            if told is not None and told.store_id == store_id:
                yield told

    def _take_over(self, code: str, store_id: str) -> None:
        """Have a store take over the row that stood for it while only its code was known. Its orders stay where they
        are listed. Raises ConditionFailedError."""
        provisional = self._table.get(keys.store(code))
        if provisional is None or not is_provisional(provisional):
            return
        row = self._table.get(keys.store(store_id))
        facts = merged(facts_in(row), facts_in(provisional))
        since = [known["registered_at"] for known in (row, provisional) if known and "registered_at" in known]
        update = Update().set("schema_version", SCHEMA_VERSION).set("store_id", store_id).increment("version")
        update.set("registered_at", min(since, default=to_text(self._clock())))
        set_facts(update, facts)
        for name in _SETTINGS:
            if name in provisional:
                update.default(name, provisional[name])
        self._table.update(keys.store(store_id), update.only_if(_as_read(row)))
        merging = Update().set(MERGED_INTO, store_id).remove("is_provisional").increment("version")
        self._table.update(keys.store(code), merging.only_if(_as_read(provisional)))
        self._remember(store_id, facts)

    def _remembered(self, store_id: str) -> Facts:
        with self._lock:
            return self._facts.get(store_id, {})

    def _remember(self, store_id: str, facts: Facts) -> None:
        with self._lock:
            self._facts[store_id] = merged(self._facts.get(store_id, {}), facts)

    def _registering(self) -> Update:
        update = Update().set("schema_version", SCHEMA_VERSION).default("registered_at", to_text(self._clock()))
        return update.increment("version")

    def _write_alias(self, code: str, holding: Holding, condition: Condition | None = None) -> None:
        update = Update().set("schema_version", SCHEMA_VERSION).increment("version").set_all(attributes_of(holding))
        self._table.update(keys.alias(code), update.only_if(condition))

    # -- what an operator does -------------------------------------------------------------------------------------

    def check(self, name: str, settings: StoreSettings) -> str:
        """Whether ``set`` takes these; gives the store_id that it would write. Raises InvalidStoreError and botocore's
        errors."""
        return self._checked(name, settings).store_id

    def _checked(self, name: str, settings: StoreSettings) -> "_Target":
        settings.check()
        directory, code = self.directory(), settings.external_partner_config_id
        known = directory.named(name)
        store_id = known.store_id if known else name
        # The platform may give a code to another store, in an event: an operator who does has most likely mistyped.
        holders = directory.claimants_of(code) if code else ()
        if holders and store_id not in holders:
            raise InvalidStoreError(f"{code} is the code of {', '.join(holders)} already")
        said_at = [directory.holding_of(code).said_at if code else "", directory.code_said_at(store_id)]
        return _Target(store_id, known is None, _after(max(said_at), self._clock()))

    def set(self, name: str, settings: StoreSettings) -> str:
        """Write an operator's settings of a store, named by either of its ids; gives its store_id. One that is not
        registered yet is, by this name. Raises InvalidStoreError, for the code of another store too, and botocore's
        errors."""
        (store_id, is_new, said_at), code = self._checked(name, settings), settings.external_partner_config_id
        update = self._registering().set("store_id", store_id)
        for setting in fields(settings):
            value = getattr(settings, setting.name)
            if value == "":
                update.remove(setting.name)
            elif value is not None:
                update.set(setting.name, value)
        if is_new and not code:
            # By whichever of the two ids: an event will tell.
            update.set("is_provisional", True)
        if code is not None:
            # From then on only what the platform says later changes it.
            update.set(f"{CODE}_said_at", said_at)
        self._table.update(keys.store(store_id), update)
        if code and code != store_id:
            self._write_alias(code, Holding(said_at, (store_id,)))
            with suppress(ConditionFailedError):  # The store's next event does it.
                self._take_over(code, store_id)
        return store_id

    def remove(self, store: Store) -> None:
        """Take back that a store is registered, with what was set of it. An event of it registers it again. A code that
        another store has too names that one from then on. Raises botocore's errors."""
        rows = list(self._table.query(keys.STORES))
        own = [keys.STORE + store.store_id] + [row["sk"] for row in rows if row.get(MERGED_INTO) == store.store_id]
        others = StoreDirectory(row for row in rows if row["sk"] not in own)
        # An alias without a store would name nothing; a store without an alias can be removed again.
        for row in rows:
            if row["sk"].startswith(keys.ALIAS) and store.store_id in holding_in(row).store_ids:
                code = row["sk"].removeprefix(keys.ALIAS)
                left = others.holding_of(code)
                if left.store_ids:
                    self._write_alias(code, left)
                else:
                    self._table.delete(keys.alias(code))
        for sort_key in own:
            self._table.delete(keys.Key(keys.STORES, sort_key))

    # -- reading -----------------------------------------------------------------------------------------------------

    def directory(self) -> StoreDirectory:
        """Every registered store, by either of its ids."""
        return StoreDirectory(self._table.query(keys.STORES))

    def all(self) -> list[Store]:
        """Every registered store, by store_id."""
        return self.directory().stores

    def find(self, name: str) -> Store | None:
        """A store by either of its ids. Raises AmbiguousCodeError for a code that several stores have now."""
        return self.directory().named(name)


class _Target(NamedTuple):
    """The store_id that an operator's settings go to, whether it would be new, and the time to write with its code."""

    store_id: str
    is_new: bool
    said_at: str


def _after(said_at: str, now: datetime) -> str:
    """Now, or right after what was said last: an operator comes after all that was said so far."""
    return max(to_text(now), to_text(from_text(said_at) + INSTANT) if said_at else "")


def _claim(told: Told, facts: Facts) -> Holding | None:
    """That a store has a code, as an event says that names both. None where the ``facts`` of the store, which have said
    something else since, contradict it."""
    if told.store_id and told.code and told.store_id != told.code and facts[CODE].value == told.code:
        return Holding(told.said_at, (told.store_id,))
    return None


def _replaces(present: dict[str, str], wanted: dict[str, str]) -> bool:
    """Whether a value that is there would change."""
    return any(value and wanted[name] != value for name, value in present.items())


def _as_read(row: Row | None) -> Condition:
    if row is None:
        return absent("pk")
    return equals("version", row["version"]) if "version" in row else absent("version")
