"""The jobs of every store in the table: written before the call, and kept for results that come late."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update
from partner_orders.catalogue import keys
from partner_orders.catalogue.job import MAX_NOTE, Job, JobState, attributes_of, job_of, packed_notes
from partner_orders.catalogue.rows import catalogue_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=7)


class JobPlace(NamedTuple):
    """Where a job stands: its store, and its number there; or, for the job of a product that went alone, the platform's
    id: such a job is in no store's list of unfinished ones."""

    store_id: str
    number: int
    alone: str = ""

    @property
    def key(self) -> Key:
        return keys.job_of_the_platform(self.alone) if self.alone else keys.job(self.store_id, self.number)


class JobsTable:
    """Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def write(self, store_id: str, job: Job) -> None:
        """Write a job, before it is sent."""
        self._table.put(keys.job(store_id, job.number), attributes_of(job) | {"expires_at": _expiry(job.sent_at)})

    def get(self, place: JobPlace) -> Job | None:
        row = self._table.get(place.key)
        return None if row is None else job_of(row, place.number)

    def find(self, job_id: str) -> JobPlace | None:
        """Where the job of this id of the platform stands; None if we know of none."""
        row = self._table.get(keys.job_of_the_platform(job_id))
        if row is None:
            return None
        return JobPlace(row["store_id"], row["number"], job_id if "lines" in row else "")

    def newest(self, store_id: str, most: int | None = None) -> Iterator[Job]:
        """The jobs of a store that are kept, the newest first, page by page; at most so many."""
        rows = self._table.query(keys.jobs(store_id), newest_first=True, limit=most)
        return (job_of(row, int(row["sk"])) for row in rows)

    def submitted(self, store_id: str, number: int, sent_at: datetime, job_id: str) -> None:
        """Note the platform's id of a job, by which its result comes."""
        place = {"store_id": store_id, "number": number, "expires_at": _expiry(sent_at)}
        self._table.put(keys.job_of_the_platform(job_id), place)

    def submitted_alone(self, store_id: str, job: Job, job_id: str) -> None:
        """Note the job of a product that went alone, in one row."""
        content = attributes_of(job) | {"store_id": store_id, "number": job.number, "expires_at": _expiry(job.sent_at)}
        self._table.put(keys.job_of_the_platform(job_id), content)

    def ended(
        self,
        place: JobPlace,
        state: JobState,
        job_id: str | None = None,
        notes: Mapping[str, str] | None = None,
        failure: str = "",
    ) -> None:
        """Note the end of a job, and its id, where the platform gave it one. ``notes``: of each line that ended
        otherwise than processed, what became of it. ``failure``: why the platform took nothing of it."""
        update = Update().set("state", state.value)
        if job_id is not None:
            update.set("job_id", job_id)
        if notes:
            update.set("notes", packed_notes(notes))
        if failure:
            update.set("failure", failure[:MAX_NOTE])
        self._table.update(place.key, update)


def _expiry(sent_at: datetime) -> int:
    """Seconds since 1970 after which DynamoDB may delete the row."""
    return int((sent_at + KEPT).timestamp())
