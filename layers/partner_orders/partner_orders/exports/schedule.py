"""When the export of a store is asked for: each store at its own time of the period, one store after the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

# An export that does not come is looked for by its job, and does not hold up other stores any longer.
LOOK_AFTER = timedelta(minutes=10)
# An export that did not come, or could not be read, is asked for again.
TRY_AGAIN_AFTER = timedelta(hours=3)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ExportNote:
    """What is known of a store's exports. ``asked_at``, ``job_id``: the last one that was asked for, and the platform's
    id of it, None while it is unknown. ``is_open``: whether it is still waited for. ``looked_at``: when its job was
    last asked for. ``problem``: why it did not come. ``came_at``, ``products``: when the file in the bucket came, and
    how many products it has. ``shown_at``: when that file was asked for."""

    store_id: str
    asked_at: datetime | None = None
    job_id: str | None = None
    is_open: bool = False
    looked_at: datetime | None = None
    problem: str = ""
    came_at: datetime | None = None
    shown_at: datetime | None = None
    products: int = 0

    def holds_others_up(self, now: datetime) -> bool:
        return self.is_open and _passed(self.asked_at, now) < LOOK_AFTER

    def is_to_look_for(self, now: datetime) -> bool:
        looked_at = self.looked_at or self.asked_at
        is_expected = self.is_open and _passed(self.asked_at, now) < TRY_AGAIN_AFTER
        return is_expected and self.job_id is not None and _passed(looked_at, now) >= LOOK_AFTER

    def is_due(self, every: timedelta, now: datetime) -> bool:
        """Whether an export is to be asked for. The first one of a store is due at once."""
        if _passed(self.asked_at, now) < min(every, TRY_AGAIN_AFTER):
            return False
        return self.shown_at is None or not _slot(self.store_id, every, now) <= self.shown_at <= now


def next_due(
    notes: Mapping[str, ExportNote], store_ids: Iterable[str], every: timedelta, now: datetime
) -> ExportNote | None:
    """The store whose export is to be asked for now: of those that are due, the one that has waited longest."""
    if any(note.holds_others_up(now) for note in notes.values()):
        return None
    of_all = (notes.get(store_id) or ExportNote(store_id) for store_id in dict.fromkeys(store_ids))
    due = [note for note in of_all if note.is_due(every, now)]
    return min(due, key=lambda note: (note.asked_at or _BEGINNING, note.store_id), default=None)


def _passed(since: datetime | None, now: datetime) -> timedelta:
    """The time since then; endless for never, and for a time that a wrong clock wrote, which is still to come."""
    return timedelta.max if since is None or since > now else now - since


def _slot(store_id: str, every: timedelta, now: datetime) -> datetime:
    """The last time at which a store's export was due. Those of all stores are spread over the period."""
    first = _BEGINNING + timedelta(seconds=crc32(store_id.encode()) % int(every.total_seconds()))
    return first + (now - first) // every * every
