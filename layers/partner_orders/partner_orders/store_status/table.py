"""The status of each store in the catalogue's table, and its history."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.keys import Key
from partner_orders.aws.update import absent, any_of, equals, less
from partner_orders.catalogue import keys
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.clock import Clock
from partner_orders.store_status.record import Record
from partner_orders.store_status.status import StoreStatus, released, wished
from partner_orders.store_status.stored import attributes_of, record_attributes, record_of, status_of
from partner_orders.store_status.wish import Wish

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=400)
_MAX_WRITES = 8


class WrittenMeanwhileError(RuntimeError):
    """Another worker, or an operator, wrote the status since it was read."""


def _nobody(_store_id: str) -> None:
    """Nobody wants to know."""


class StatusesTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def all(self, tell_unreadable: Callable[[str], None] = _nobody) -> dict[str, StoreStatus]:
        """The status of every store that has one, by store; consistent. ``tell_unreadable`` is told of each store whose
        row cannot be read, which costs no other."""
        found = {}
        for row in self._table.query(keys.STORES, Range(prefix=keys.STATUS), consistent=True):
            try:
                status = status_of(row)
            except (AttributeError, LookupError, TypeError, ValueError):
                tell_unreadable(str(row["sk"]).removeprefix(keys.STATUS))
            else:
                found[status.store_id] = status
        return found

    def get(self, store_id: str) -> StoreStatus:
        row = self._table.get(keys.status(store_id))
        return StoreStatus(store_id) if row is None else status_of(row)

    def write(self, status: StoreStatus) -> StoreStatus:
        """Write a status over the version that it was read as; the status as it is then. Raises
        WrittenMeanwhileError."""
        as_read = equals("version", status.version) if status.version else absent("pk")
        attributes = attributes_of(status) | {"version": status.version + 1}
        try:
            self._table.put(keys.status(status.store_id), attributes, as_read)
        except ConditionFailedError:
            raise WrittenMeanwhileError from None
        return status_of({**attributes, "sk": keys.status(status.store_id).sk})

    def wish(self, wish_of: Callable[[int], Wish], store_id: str, clock: Clock) -> StoreStatus:
        """Write a new wish, whatever is written at the same time. ``wish_of`` gives it by its number."""
        for _ in range(_MAX_WRITES):
            status = self.get(store_id)
            number = 1 if status.wish is None else status.wish.number + 1
            try:
                written = self.write(wished(status, wish_of(number), clock()))
            except WrittenMeanwhileError:
                continue
            for record in written.untold:
                self.note(store_id, record)
            return written
        raise WrittenMeanwhileError

    def release(self, store_id: str, token: str) -> None:
        """Give back a claim, if it is still this one."""
        for _ in range(_MAX_WRITES):
            status = self.get(store_id)
            if status.claim != token:
                return
            try:
                self.write(released(status))
            except WrittenMeanwhileError:
                continue
            return

    # -- history -------------------------------------------------------------------------------------------------------

    def note(self, store_id: str, record: Record) -> None:
        """Write a record into a store's history, unless a newer copy of it is there."""
        expires_at = int((record.at + KEPT).timestamp())
        is_newer = any_of(absent("version"), less("version", record.version))
        try:
            attributes = record_attributes(record) | {"expires_at": expires_at}
            self._table.put(Key(keys.statuses(store_id), record.name), attributes, is_newer)
        except ConditionFailedError:
            return

    def history(self, store_id: str, most: int = 100) -> Iterator[Record]:
        """What a store's status was wished and shown to be, the last first; consistent."""
        rows = self._table.query(keys.statuses(store_id), newest_first=True, limit=most, consistent=True)
        return (_record(row) for row in rows)


def _record(row: Row) -> Record:
    return record_of(row["sk"], row)
