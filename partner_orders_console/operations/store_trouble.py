"""The stores that the reconciler cannot check: which they are, why, and since when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from partner_orders.clock import from_text
from partner_orders.platform.failures import Failure
from partner_orders.reconciler.windows import Position
from partner_orders_console.operations.words import words

_CREDENTIALS = "the platform refuses our credentials. Trouble shows them."
_ADVICE = {
    Failure.NOT_FOUND: "the platform does not know this store. Check its id with the platform, or pause it.",
    Failure.ANOTHER_STORE: "the platform sends another store's orders. Set the right code, or remove the store.",
    Failure.NOTHING_SHOWN: "the platform shows no orders of this store, though we have some. Check the partner portal.",
    Failure.FORBIDDEN: "our token does not cover this store. Ask the platform.",
    Failure.UNAUTHORIZED: _CREDENTIALS,
    Failure.CREDENTIALS: _CREDENTIALS,
    Failure.ENDS_THE_RUN: "the checks of this store never end. It is tried again by itself, at most a day later.",
}
_RUNBOOK = "the next check tries again. If it lasts, docs/runbooks/stores-not-reconciled.md says what to do."


@dataclass(frozen=True)
class StoreTrouble:
    """``failure`` is why, as the newest report says it; empty where no recent report does. ``since`` is up to when the
    store was checked before (UTC); None for one that never was. ``run`` is that report's time, empty without one."""

    failure: str
    since: datetime | None
    run: str = ""

    @property
    def what(self) -> str:
        """In a few words: ``not found``."""
        return words(self.failure) if self.failure else "could not be checked"

    @property
    def advice(self) -> str:
        """What that means, and what to do."""
        name = self.failure.partition(":")[0]
        return _ADVICE.get(Failure(name), _RUNBOOK) if name in Failure else _RUNBOOK


def store_troubles(positions: Mapping[str, Position], reports: Iterable[dict[str, Any]]) -> dict[str, StoreTrouble]:
    """The stores whose last check failed, by id, from their positions and the reports of recent runs, oldest first. A
    run by hand moves no position, so its report counts as well."""
    failed = {store_id: (why, report["started_at"]) for report in reports for store_id, why in _failed(report)}
    found = {}
    for store_id in failed.keys() | {one.store_id for one in positions.values() if _has_failed(one)}:
        position, (why, run) = positions.get(store_id, Position(store_id)), failed.get(store_id, ("", ""))
        checked = position.checked_until
        if _has_failed(position) or checked is None or checked < from_text(run):
            found[store_id] = StoreTrouble(why, checked, run)
    return found


def _failed(report: dict[str, Any]) -> Iterable[tuple[str, str]]:
    failed: dict[str, str] = report["failed_stores"]
    return failed.items()


def _has_failed(position: Position) -> bool:
    """Whether the last check did not reach the present."""
    checked, tried = position.checked_until, position.tried_at
    return position.ends_runs or (tried is not None and (checked is None or tried > checked))
