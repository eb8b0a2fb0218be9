"""The exports that were asked for, and the last one of each store, in the catalogue's table."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import Range
from partner_orders.aws.update import Update
from partner_orders.catalogue import keys
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.exports.schedule import ExportNote

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=7)
MAX_PROBLEM = 300  # characters


class AskedExport(NamedTuple):
    """An export of a store that was asked for at a time."""

    store_id: str
    asked_at: datetime


class ExportsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def all(self) -> dict[str, ExportNote]:
        """What is known of the exports of all stores."""
        rows = self._table.query(keys.STORES, Range(prefix=keys.EXPORT))
        return {note.store_id: note for note in map(_note, rows)}

    def get(self, store_id: str) -> ExportNote:
        row = self._table.get(keys.export(store_id))
        return ExportNote(store_id) if row is None else _note(row)

    def find(self, job_id: str) -> AskedExport | None:
        """The export that the platform's id stands for; None if it is none of ours."""
        row = self._table.get(keys.export_of_the_platform(job_id))
        return None if row is None else AskedExport(row["store_id"], instant(row["asked_at"]))

    def asking(self, asked: AskedExport) -> None:
        """Note that an export is about to be asked for."""
        update = Update().set("asked_at", milliseconds(asked.asked_at)).set("is_open", True)
        self._table.update(keys.export(asked.store_id), update.remove("job_id").remove("looked_at").remove("problem"))

    def not_asked(self, before: ExportNote) -> None:
        """Note that nothing was asked for after all: it is as it was before."""
        update = Update().set("is_open", before.is_open)
        for name, at in (("asked_at", before.asked_at), ("looked_at", before.looked_at)):
            update = update.remove(name) if at is None else update.set(name, milliseconds(at))
        for name, text in (("job_id", before.job_id), ("problem", before.problem)):
            update = update.set(name, text) if text else update.remove(name)
        self._table.update(keys.export(before.store_id), update)

    def asked(self, asked: AskedExport, job_id: str) -> None:
        """Note the platform's id of an export."""
        expires_at = int((asked.asked_at + KEPT).timestamp())
        attributes = {"store_id": asked.store_id, "asked_at": milliseconds(asked.asked_at), "expires_at": expires_at}
        self._table.put(keys.export_of_the_platform(job_id), attributes)
        self._table.update(keys.export(asked.store_id), Update().set("job_id", job_id))

    def looked(self, store_id: str, at: datetime) -> None:
        self._table.update(keys.export(store_id), Update().set("looked_at", milliseconds(at)))

    def failed(self, store_id: str, problem: str) -> None:
        """Note why the export that was asked for last does not come."""
        update = Update().set("is_open", False).set("problem", problem[:MAX_PROBLEM])
        self._table.update(keys.export(store_id), update)

    def came(self, asked: AskedExport, products: int, at: datetime, is_last: bool) -> None:
        """Note the file that lies in the bucket now. ``is_last``: whether it is the export that was asked for last."""
        update = Update().set("came_at", milliseconds(at)).set("products", products)
        update = update.set("shown_at", milliseconds(asked.asked_at))
        if is_last:
            update = update.set("is_open", False).remove("problem")
        self._table.update(keys.export(asked.store_id), update)


def _note(row: Row) -> ExportNote:
    def at(name: str) -> datetime | None:
        return instant(row[name]) if name in row else None

    return ExportNote(
        row["sk"].removeprefix(keys.EXPORT),
        at("asked_at"),
        row.get("job_id"),
        row.get("is_open", False),
        at("looked_at"),
        row.get("problem", ""),
        at("came_at"),
        at("shown_at"),
        row.get("products", 0),
    )
