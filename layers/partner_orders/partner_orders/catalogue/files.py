"""The files that came for each store, and what became of each: one row a file, by its key and version in the bucket."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, absent, any_of, equals, less
from partner_orders.catalogue import keys
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.loading_lease import LeaseLostError
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.catalogue.stored import instant, milliseconds
from partner_orders.clock import from_text, to_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=90)


class FileState(StrEnum):
    """CHECKING: its lines are read. APPLYING: it passed the guards, and products are written. HELD: a guard holds it as
    a whole. REFUSED: it is no list that can be taken. DROPPED: a person decided so."""

    CHECKING = "checking"
    APPLYING = "applying"
    LOADED = "loaded"
    HELD = "held"
    REFUSED = "refused"
    DROPPED = "dropped"


class Decision(StrEnum):
    """What a person decided of something held; SUPERSEDED: nobody has to, since a newer list came."""

    RELEASED = "released"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the bucket: its key, S3's id of this version of it, and the time at which it was stored."""

    store_id: str
    key: str
    version_id: str
    stored_at: datetime

    @property
    def source(self) -> str:
        """How a file is named where one text has to do."""
        return source_of(self.key, self.version_id)

    @property
    def row_key(self) -> Key:
        return Key(keys.files(self.store_id), f"{to_text(self.stored_at)}#{self.version_id}#{self.key}")


def source_of(key: str, version_id: str) -> str:
    return f"{key}?versionId={version_id}"


def key_and_version(source: str) -> tuple[str, str]:
    """Inverse of source_of()."""
    key, _, version_id = source.rpartition("?versionId=")
    return key, version_id


def short_name(source: str) -> str:
    """A short name of a file, for rows that name many."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class FileRow:
    """What became of a file so far.

    ``size``: bytes. ``runs``: how often work on it began. ``done``: bytes that were read while it is checked, products
    that were compared while it is applied, as of ``noted_at``. ``good``, ``bad``: lines. ``changed``, ``held_prices``,
    ``switched_off``: products, as they were measured before anything was applied. ``reasons``: why it is held.
    ``problem``: why it was refused. ``fields``: those that its good lines state. ``version``: that of lines that state
    none. ``decided_by``, ``decision``: of a held file.
    """

    file: StoredFile
    state: FileState
    begun_at: datetime
    noted_at: datetime
    ended_at: datetime | None = None
    size: int = 0
    runs: int = 0
    done: int = 0
    good: int = 0
    bad: int = 0
    changed: int = 0
    held_prices: int = 0
    switched_off: int = 0
    version: datetime | None = None
    fields: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    problem: str = ""
    report_key: str = ""
    decision: Decision | None = None
    decided_by: str = ""

    @property
    def lines(self) -> int:
        return self.good + self.bad

    @property
    def is_released(self) -> bool:
        return self.decision is Decision.RELEASED

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to do for the loader; a held file that was released is loaded yet."""
        if self.state is FileState.HELD:
            return not self.is_released
        return self.state in {FileState.LOADED, FileState.REFUSED, FileState.DROPPED}

    def is_superseded(self, list_versions: Mapping[str, datetime]) -> bool:
        """Whether a newer whole list states all that this file states, so that it would change nothing."""
        version = self.version
        return (
            version is not None
            and bool(self.fields)
            and all(name in list_versions and list_versions[name] > version for name in self.fields)
        )


class AlreadyDecidedError(Exception):
    """Another decision was made of the same; the message says which."""


class FilesTable:
    """Rows are written by the store's loader, under its fencing token. Methods that take one raise LeaseLostError
    where another loader has begun; every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    def get(self, file: StoredFile) -> FileRow | None:
        """The row of a file, consistent."""
        row = self._table.get(file.row_key)
        return None if row is None else _file_row(row)

    def of_store(self, store_id: str, most: int = 100) -> Iterator[FileRow]:
        """The files of a store, the last stored first; consistent."""
        rows = self._table.query(keys.files(store_id), newest_first=True, limit=most, consistent=True)
        return map(_file_row, rows)

    def begin(self, file: StoredFile, size: int, token: int, now: datetime) -> FileRow:
        """Note that work on a file begins. A file that was being applied goes on being so."""
        update = Update().default("state", FileState.CHECKING.value).default("begun_at", milliseconds(now))
        update.set_all(_identity(file)).set("size", size).set("token", token).set("noted_at", milliseconds(now))
        update.set("done", 0).increment("runs").set("expires_at", int((now + KEPT).timestamp()))
        update.only_if(any_of(absent("token"), less("token", token)))
        return self._write(file, update)

    def note(self, row: FileRow, token: int, done: int, now: datetime) -> None:
        """Note how far work on a file is."""
        self._write(row.file, _fenced(Update().set("done", done).set("noted_at", milliseconds(now)), token))

    def apply(self, row: FileRow, token: int) -> None:
        """Note that a file passed its guards, with what they measured; from here on it is applied to its end."""
        update = Update().set("state", FileState.APPLYING.value).set("done", 0)
        update.set_all({name: getattr(row, name) for name in ("changed", "held_prices", "switched_off")})
        self._write(row.file, _fenced(update, token))

    def end(self, ended: FileRow, token: int) -> None:
        """Note the end of a file."""
        self._write(ended.file, _fenced(_ending(ended), token))

    def refuse(self, ended: FileRow) -> None:
        """Note a file that was refused before anybody worked on it. One that has a row stays as it is."""
        row = _identity(ended.file) | {
            "begun_at": milliseconds(ended.begun_at),
            "noted_at": milliseconds(ended.noted_at),
            "size": ended.size,
            "expires_at": int((ended.begun_at + KEPT).timestamp()),
        }
        update = _ending(ended).set_all(row).only_if(absent("pk"))
        try:
            self._table.update(ended.file.row_key, update)
        except ConditionFailedError:
            return

    def decide(self, file: StoredFile, decision: Decision, by: str, now: datetime) -> None:
        """Note what a person decided of a held file; the loader loads one that is released. Raises AlreadyDecidedError
        where another decision was made."""
        update = Update().set("decision", decision.value).set("decided_by", by)
        update.default("state", FileState.HELD.value).default("begun_at", milliseconds(now))
        update.set_all(_identity(file)).set("noted_at", milliseconds(now))
        update.set("expires_at", int((now + KEPT).timestamp()))
        update.only_if(any_of(absent("decision"), equals("decision", decision.value)))
        try:
            self._table.update(file.row_key, update)
        except ConditionFailedError:
            raise AlreadyDecidedError("another decision on this file was made meanwhile") from None

    def drop(self, file: StoredFile, now: datetime) -> None:
        """Note that a held file that was decided to be dropped is never loaded."""
        update = Update().set("state", FileState.DROPPED.value).set("ended_at", milliseconds(now))
        self._table.update(file.row_key, update)

    def _write(self, file: StoredFile, update: Update) -> FileRow:
        try:
            return _file_row(self._table.update(file.row_key, update, returned="ALL_NEW"))
        except ConditionFailedError:
            raise LeaseLostError from None


def _fenced(update: Update, token: int) -> Update:
    return update.only_if(equals("token", token))


def _identity(file: StoredFile) -> dict[str, Any]:
    return {
        "store_id": file.store_id,
        "file_key": file.key,
        "version_id": file.version_id,
        "stored_at": to_text(file.stored_at),
    }


def _ending(ended: FileRow) -> Update:
    update = Update().set("state", ended.state.value).set("good", ended.good).set("bad", ended.bad)
    update.set("changed", ended.changed).set("held_prices", ended.held_prices).set("switched_off", ended.switched_off)
    update.set("reasons", [reason.value for reason in ended.reasons]).set("fields", [*ended.fields])
    update.set("problem", ended.problem).set("report_key", ended.report_key)
    if ended.version is not None:
        update.set("version", milliseconds(ended.version))
    return update.set("ended_at", milliseconds(ended.ended_at or ended.noted_at))


def _file_row(row: Row) -> FileRow:
    file = StoredFile(row["store_id"], row["file_key"], row["version_id"], from_text(row["stored_at"]))
    counts = ("size", "runs", "done", "good", "bad", "changed", "held_prices", "switched_off")
    return FileRow(
        file,
        FileState(row["state"]),
        instant(row["begun_at"]),
        instant(row["noted_at"]),
        _instant(row.get("ended_at")),
        **{name: row.get(name, 0) for name in counts},
        version=_instant(row.get("version")),
        fields=tuple(row.get("fields", ())),
        reasons=tuple(map(Reason, row.get("reasons", ()))),
        problem=row.get("problem", ""),
        report_key=row.get("report_key", ""),
        decision=Decision(row["decision"]) if "decision" in row else None,
        decided_by=row.get("decided_by", ""),
    )


def _instant(since_1970: int | None) -> datetime | None:
    return None if since_1970 is None else instant(since_1970)
