"""What is sent as files: each file's state, and what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from partner_orders.catalogue.channel import Channel
from partner_orders.clock import now
from partner_orders.uploader.targets import Target, targets
from partner_orders.uploader.upload_state import ServerState, UploadState
from partner_orders.uploader.uploads_table import Sent, rows_waiting
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.uploads.server import Server, server_of, trusted_fingerprint

MOST = 100
STATE = "submitted"


@dataclass(frozen=True)
class FileView:
    """A file; ``state`` is None before the uploader saw it first."""

    target: Target
    state: UploadState | None

    def to_json(self) -> dict[str, Any]:
        one, state = self.target, self.state
        last = None if state is None else state.last
        return {
            "kind": one.kind.value,
            "name": one.name,
            "folder": one.folder,
            "stores": [*one.stores],
            "sent_at": None if last is None else last.at,
            "state": None if last is None else STATE,
            "rows": None if last is None else last.rows,
            "digest": None if last is None else last.digest or None,
            "is_atomic": None if last is None else last.is_atomic,
            "failures": 0 if state is None else state.failures,
            "problem": None if state is None else state.problem or None,
            "not_before": None if state is None else state.not_before,
        }


@dataclass(frozen=True)
class Overview:
    """``paused``: stores whose files are off for now."""

    server: Server
    state: ServerState
    fingerprint: str
    files: list[FileView]
    paused: list[str]

    def to_json(self) -> dict[str, Any]:
        state = self.state
        server = {
            "host": self.server.host,
            "port": self.server.port,
            "user": self.server.user,
            "fingerprint": self.fingerprint or None,
            "trusted_at": state.trusted_at,
            "trusted_by": state.trusted_by or None,
            "trouble": None if state.trouble is None else state.trouble.value,
            "problem": state.problem or None,
            "not_before": state.not_before,
        }
        return {"server": server, "files": [one.to_json() for one in self.files], "paused": self.paused}


def overview(catalogue: CatalogueStack) -> Overview:
    """The server and each file of it. Raises OperatorError without a server, and botocore's errors."""
    server, table = server_of(catalogue), catalogue.uploads
    settings, states = catalogue.tables.settings.all(), table.all()
    state = table.server()
    found = targets(settings, server.folders, rows_waiting(table.kept_groups(), now()))
    files = [FileView(one, states.get((one.kind, one.name))) for one in found]
    paused = sorted(one.store_id for one in settings.values() if one.channel is Channel.FILES and not one.is_sending)
    return Overview(server, state, trusted_fingerprint(state), files, paused)


def sent(catalogue: CatalogueStack, store_id: str | None) -> list[Sent]:
    """What was sent of a store, or of all, the newest first. Raises OperatorError without a server."""
    files = {(one.kind, one.name) for one in _files_of(catalogue, store_id)}
    if store_id is None:
        files |= {*catalogue.uploads.all()}
    found = [one for kind, name in sorted(files) for one in catalogue.uploads.history(kind, name, MOST)]
    return sorted(found, key=_by_time, reverse=True)[:MOST]


def _files_of(catalogue: CatalogueStack, store_id: str | None) -> list[Target]:
    """The files of a store, or of all, also of one whose files are paused or off."""
    folders = server_of(catalogue).folders
    placed = {
        name: replace(one, is_sending=True, is_promoting=True, channel=Channel.FILES)
        for name, one in catalogue.tables.settings.all().items()
        if one.place.prefix
    }
    return [one for one in targets(placed, folders) if store_id is None or store_id in one.stores]


def sent_json(found: Sequence[Sent]) -> list[dict[str, Any]]:
    return [
        {
            "sent_at": one.submitted.at,
            "state": STATE,
            "kind": one.kind.value,
            "name": one.name,
            "parts": [*one.submitted.parts],
            "rows": one.submitted.rows,
            "size": one.submitted.size,
            "digest": one.submitted.digest,
            "is_atomic": one.submitted.is_atomic,
            "archive": [*one.submitted.archive],
        }
        for one in found
    ]


def _by_time(one: Sent) -> datetime:
    return one.submitted.at
