"""Files that are sent, in the catalogue's table: each one's state, what was sent, the rows that are kept, and the
server."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Range
from partner_orders.aws.keys import Key
from partner_orders.aws.update import Update, absent, equals
from partner_orders.catalogue import keys
from partner_orders.catalogue.channel import FilePlace, Layout
from partner_orders.catalogue.rows import catalogue_table
from partner_orders.clock import from_text, to_text
from partner_orders.uploader.file_names import FileKind
from partner_orders.uploader.promotion_file import Group
from partner_orders.uploader.upload_state import ServerState, Submitted, Trouble, UploadState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# As long as the archive.
KEPT = timedelta(days=90)
_FILES = Range(prefix="FILE#")
_ROWS = Range(prefix="ROWS#")


@dataclass(frozen=True, slots=True)
class Sent:
    """One upload, as the history has it."""

    kind: FileKind
    name: str
    submitted: Submitted


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """Stores of which rows of promotions are kept, until they go. ``place``: where the file went last that had them.
    ``waiting``: the stores whose file is to go even if they are switched off, since a row is on or its end was not
    sent."""

    group: Group
    place: FilePlace
    waiting: tuple[str, ...]
    until: datetime

    @property
    def name(self) -> str:
        """The name under which the rows are kept."""
        told = json.dumps([self.group.stores, self.group.names])
        return sha256(told.encode()).hexdigest()[:32]


def rows_waiting(groups: Iterable[KeptGroup], now: datetime) -> dict[str, FilePlace]:
    """The stores whose promotion file goes even if they are switched off, with the place of its last one."""
    return {store_id: one.place for one in groups if one.until >= now for store_id in one.waiting}


class UploadsTable:
    """The uploader alone writes states; a person trusts the key. Every method raises botocore's errors."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = catalogue_table(client, table_name)

    # -- the server ----------------------------------------------------------------------------------------------------

    def server(self) -> ServerState:
        row = self._table.get(keys.sftp_server()) or {}
        return ServerState(
            row.get("host_key", ""),
            _time(row, "trusted_at"),
            row.get("trusted_by", ""),
            Trouble(row["trouble"]) if "trouble" in row else None,
            row.get("failures", 0),
            row.get("problem", ""),
            _time(row, "not_before"),
            _time(row, "failing_since"),
        )

    def trust(self, host_key: str, by: str, at: datetime) -> None:
        """Pin a key, in place of another one; it is tried at once."""
        update = Update().set("host_key", host_key).set("trusted_by", by).set("trusted_at", to_text(at))
        for name in ("trouble", "failures", "problem", "not_before", "failing_since"):
            update.remove(name)
        self._table.update(keys.sftp_server(), update)

    def note_server(self, state: ServerState) -> None:
        """How the last connection went. Where another key was trusted meanwhile, or the same anew, it says nothing any
        more."""
        found = {
            "trouble": None if state.trouble is None else state.trouble.value,
            "failures": state.failures or None,
            "problem": state.problem or None,
            "not_before": None if state.not_before is None else to_text(state.not_before),
            "failing_since": None if state.failing_since is None else to_text(state.failing_since),
        }
        is_as_read = (
            absent("trusted_at") if state.trusted_at is None else equals("trusted_at", to_text(state.trusted_at))
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.update(keys.sftp_server(), Update().set_all(found).only_if(is_as_read))

    # -- files ---------------------------------------------------------------------------------------------------------

    def all(self) -> dict[tuple[FileKind, str], UploadState]:
        """The state of each file that was ever due, by kind and name; consistent."""
        rows = self._table.query(keys.UPLOADS, _FILES, consistent=True)
        return {(state.kind, state.name): state for state in map(_state, rows)}

    def get(self, kind: FileKind, name: str) -> UploadState | None:
        row = self._table.get(keys.upload(kind, name))
        return None if row is None else _state(row)

    def write(self, state: UploadState) -> None:
        self._table.put(keys.upload(state.kind, state.name), _attributes(state))

    def kept_groups(self) -> list[KeptGroup]:
        """The stores of which rows of promotions are kept; consistent."""
        return [_kept_group(row) for row in self._table.query(keys.UPLOADS, _ROWS, consistent=True)]

    def keep_group(self, kept: KeptGroup) -> None:
        """Note it until a day after its rows go."""
        found = {
            "stores": [*kept.group.stores],
            "names": [*kept.group.names],
            "prefix": kept.place.prefix,
            "folder": kept.place.folder,
            "layout": kept.place.layout.value,
            "vendor_id": kept.place.vendor_id,
            "waiting": [*kept.waiting],
            "until": to_text(kept.until),
            "expires_at": int((kept.until + timedelta(days=1)).timestamp()),
        }
        self._table.put(keys.kept_rows(kept.name), found)

    def note_sent(self, state: UploadState) -> None:
        """Note in the history what was sent last."""
        if state.last is None:
            raise AssertionError("nothing was sent")
        key = Key(keys.uploaded(state.kind, state.name), to_text(state.last.at))
        expires_at = int((state.last.at + KEPT).timestamp())
        self._table.put(key, _submitted_attributes(state.last) | {"expires_at": expires_at})

    def history(self, kind: FileKind, name: str, most: int) -> Iterator[Sent]:
        """What was sent, the newest first."""
        rows = self._table.query(keys.uploaded(kind, name), newest_first=True, limit=most)
        return (Sent(kind, name, _submitted(row, from_text(row["sk"]))) for row in rows)


def _kept_group(row: Row) -> KeptGroup:
    return KeptGroup(
        Group(tuple(row["stores"]), tuple(row["names"])),
        FilePlace(row["prefix"], row["folder"], Layout(row["layout"]), row["vendor_id"]),
        tuple(row["waiting"]),
        from_text(row["until"]),
    )


def _attributes(state: UploadState) -> dict[str, Any]:
    found = {
        "due_since": to_text(state.due_since),
        "wanted": state.wanted,
        "failures": state.failures,
        "failing_since": None if state.failing_since is None else to_text(state.failing_since),
        "problem": state.problem,
        "not_before": None if state.not_before is None else to_text(state.not_before),
        "where": state.where,
        "leftover": [*state.leftover] or None,
    }
    if state.last is not None:
        found |= {"sent_at": to_text(state.last.at), **_submitted_attributes(state.last)}
    return {name: value for name, value in found.items() if value not in (None, "", 0)}


def _submitted_attributes(one: Submitted) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "rows": one.rows,
        "size": one.size,
        "parts": [*one.parts],
        "archive": [*one.archive],
        "is_atomic": one.is_atomic,
    }


def _state(row: Row) -> UploadState:
    kind, _, name = str(row["sk"]).removeprefix("FILE#").partition("#")
    sent_at = _time(row, "sent_at")
    return UploadState(
        FileKind(kind),
        name,
        from_text(row["due_since"]),
        None if sent_at is None else _submitted(row, sent_at),
        row.get("wanted", ""),
        row.get("failures", 0),
        _time(row, "failing_since"),
        row.get("problem", ""),
        _time(row, "not_before"),
        row.get("where", ""),
        tuple(row.get("leftover", ())),
    )


def _submitted(row: Row, at: datetime) -> Submitted:
    parts, archive = tuple(row["parts"]), tuple(row["archive"])
    return Submitted(
        at, row.get("digest", ""), row.get("rows", 0), row["size"], parts, archive, row.get("is_atomic", False)
    )


def _time(row: Row, name: str) -> datetime | None:
    return from_text(row[name]) if name in row else None
