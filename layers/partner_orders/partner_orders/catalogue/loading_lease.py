"""One loader of a store's files at a time. A loader that lost its lease notices, and its notes are rejected."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from partner_orders.aws.dynamodb import ConditionFailedError
from partner_orders.aws.update import Update, absent, any_of, equals, less
from partner_orders.catalogue import keys
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Renewed while a file is worked on, so a crash keeps a store busy no longer than this.
DURATION = timedelta(minutes=3)
# In place of a lease's token, where nothing is written.
NO_TOKEN = 0


class LeaseLostError(Exception):
    """Another loader has the store; this one stops."""


class StoreIsLoadingError(Exception):
    """Another loader has the store, until then at least."""

    def __init__(self, until: datetime) -> None:
        super().__init__("another loader has the store")
        self.until = until


class LoadingLeases:
    """The leases stand in the rows of the stores' states, so that what a file did to a store is noted only under the
    newest. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def acquire(self, store_id: str, now: datetime) -> int:
        """Become the store's loader: the fencing token, which grows with every lease. Raises StoreIsLoadingError."""
        update = Update().set("loading_until", milliseconds(now + DURATION)).increment("loading_token")
        update.only_if(any_of(absent("loading_until"), less("loading_until", milliseconds(now))))
        try:
            row = self._table.update(keys.state(store_id), update, returned="ALL_NEW", row_on_failure=True)
        except ConditionFailedError as error:
            raise StoreIsLoadingError(instant((error.row or {})["loading_until"])) from None
        return int(row["loading_token"])

    def renew(self, store_id: str, token: int, now: datetime) -> None:
        """Raises LeaseLostError."""
        update = Update().set("loading_until", milliseconds(now + DURATION))
        try:
            self._table.update(keys.state(store_id), update.only_if(equals("loading_token", token)))
        except ConditionFailedError:
            raise LeaseLostError from None

    def release(self, store_id: str, token: int) -> None:
        """Let the next loader begin at once. A loader that lost the store changes nothing."""
        try:
            self._table.update(
                keys.state(store_id), Update().remove("loading_until").only_if(equals("loading_token", token))
            )
        except ConditionFailedError:
            return
