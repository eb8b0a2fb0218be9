"""Releasing and dropping what a guard holds, by a person with a reason (rule W9).

Each step can be repeated after a crash. What is released goes through ``merged`` with the version that it had, so it
never wins over a value that was said later.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from partner_orders.aws.dynamodb import ConditionFailedError
from partner_orders.catalogue.desired import Desired, merged
from partner_orders.catalogue.files import (
    AlreadyDecidedError,
    Decision,
    FileRow,
    StoredFile,
    key_and_version,
    short_name,
)
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.tables import Tables
from partner_orders.catalogue.to_send import NO_MARGINS, Margins, is_waiting
from partner_orders.clock import Clock


class LineEffect(StrEnum):
    """TAKEN: the held value is what the product should be now. OVERTAKEN: a newer value was said, and stays."""

    TAKEN = "taken"
    OVERTAKEN = "overtaken"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class DecidedLine:
    """A product of a decision: the values before it, the values that were held, and what becomes of these."""

    sku: str
    before: Values
    held: Values
    effect: LineEffect


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A held file, for a person to decide. ``row``: what it would do, as it was measured when it was held; None once
    that is forgotten. ``is_superseded``: a newer whole list was loaded, so that it would change nothing."""

    held: Held
    file: StoredFile
    row: FileRow | None
    is_superseded: bool

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return (self.row.reasons if self.row else ()) or (self.held.reason,)


class NothingHeldError(Exception):
    """Nothing is held by this name: it was decided, or superseded by a newer list."""

    def __init__(self) -> None:
        super().__init__("nothing is held by this name; it was decided already, or a newer list superseded it")


class Decisions:
    """``tell_loader`` puts a message on the files queue: the key and the version of a released file. ``margins`` are
    those of a store. Every method raises botocore's errors, NothingHeldError, and AlreadyDecidedError where somebody
    decided otherwise."""

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        tell_loader: Callable[[StoredFile], None],
        margins: Callable[[str], Margins] = lambda _: NO_MARGINS,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._tell_loader = tell_loader
        self._margins = margins

    # -- lines ---------------------------------------------------------------------------------------------------------

    def release_lines(
        self,
        store_id: str,
        name: str,
        by: str,
        why: str,
        skus: Collection[str] | None = None,
        is_dry_run: bool = False,
    ) -> list[DecidedLine]:
        """Let held values through: all that is held by this name, or those of some products."""
        held = self._held(store_id, name, skus, Decision.RELEASED, is_dry_run)
        list_versions = self._tables.states.get(store_id).list_versions_for(short_name(held.source))
        rows = self._tables.products.many(store_id, held.lines)
        lines = []
        for sku, values in sorted(held.lines.items()):
            before = rows.get(sku, Desired(sku))
            after = merged(before, values, held.version_of(sku), list_versions)
            lines.append(DecidedLine(sku, before.values, values, _effect(after, values)))
        if is_dry_run:
            return lines
        self._tables.decisions.note(store_id, held, Decision.RELEASED, by, why, self._clock())
        released = [self._release(store_id, rows.get(line.sku), line, held, list_versions) for line in lines]
        margins = self._margins(store_id)
        waiting = [row.sku for row, _ in released if is_waiting(row, margins)]
        self._tables.changes.add(store_id, waiting, self._clock())
        self._tables.held.remove(store_id, held)
        return [line for _, line in released]

    def _release(
        self, store_id: str, known: Desired | None, line: DecidedLine, held: Held, list_versions: dict[str, datetime]
    ) -> tuple[Desired, DecidedLine]:
        before, after = self._tables.products.change(
            store_id, line.sku, lambda row: merged(row, line.held, held.version_of(line.sku), list_versions), known
        )
        return after, replace(line, before=before.values, effect=_effect(after, line.held))

    def drop_lines(
        self,
        store_id: str,
        name: str,
        by: str,
        why: str,
        skus: Collection[str] | None = None,
        is_dry_run: bool = False,
    ) -> list[DecidedLine]:
        """Forget held values: all that is held by this name, or those of some products."""
        held = self._held(store_id, name, skus, Decision.DROPPED, is_dry_run)
        rows = self._tables.products.many(store_id, held.lines)
        if not is_dry_run:
            self._tables.decisions.note(store_id, held, Decision.DROPPED, by, why, self._clock())
            self._tables.held.remove(store_id, held)
        return [
            DecidedLine(sku, rows.get(sku, Desired(sku)).values, values, LineEffect.DROPPED)
            for sku, values in sorted(held.lines.items())
        ]

    # -- files ---------------------------------------------------------------------------------------------------------

    def held_file(self, store_id: str, name: str) -> HeldFile:
        """A held file, with what it would do."""
        held = self._tables.held.get(store_id, name)
        if held is None or held.stored_at is None:
            raise NothingHeldError
        key, version_id = key_and_version(held.source)
        file = StoredFile(store_id, key, version_id, held.stored_at)
        row = self._tables.files.get(file)
        list_versions = self._tables.states.get(store_id).list_versions
        return HeldFile(held, file, row, row is not None and row.is_superseded(list_versions))

    def release_file(self, store_id: str, name: str, by: str, why: str, is_dry_run: bool = False) -> HeldFile:
        """Have the loader load a held file without its file's guards; those of its lines stay."""
        found = self.held_file(store_id, name)
        if not is_dry_run:
            self._decide_file(found, Decision.RELEASED, by, why)
            self._tell_loader(found.file)
            self._tables.held.remove(store_id, found.held)
        return found

    def drop_file(self, store_id: str, name: str, by: str, why: str, is_dry_run: bool = False) -> HeldFile:
        """Never load a held file."""
        found = self.held_file(store_id, name)
        if not is_dry_run:
            self._decide_file(found, Decision.DROPPED, by, why)
            self._tables.files.drop(found.file, self._clock())
            self._tables.held.remove(store_id, found.held)
        return found

    def _decide_file(self, found: HeldFile, decision: Decision, by: str, why: str) -> None:
        store_id, now = found.file.store_id, self._clock()
        self._claim(store_id, found.held, decision)
        self._tables.decisions.note(store_id, found.held, decision, by, why, now)
        self._tables.files.decide(found.file, decision, by, now)

    def _held(
        self, store_id: str, name: str, skus: Collection[str] | None, decision: Decision, is_dry_run: bool
    ) -> Held:
        """The lines that are held by a name, or those of some products; they are then nobody else's to decide."""
        held = self._tables.held.get(store_id, name)
        if held is None or held.is_file:
            raise NothingHeldError
        if skus is not None:
            held = self._of_products(store_id, held, skus, is_dry_run)
        if not is_dry_run:
            self._claim(store_id, held, decision)
        return held

    def _of_products(self, store_id: str, held: Held, skus: Collection[str], is_dry_run: bool) -> Held:
        if not held.lines.keys() & set(skus):
            raise NothingHeldError
        if is_dry_run:
            return replace(held, lines={sku: values for sku, values in held.lines.items() if sku in skus})
        try:
            return self._tables.held.split(store_id, held, skus)
        except ConditionFailedError:
            raise AlreadyDecidedError("somebody decided on these products meanwhile; look again") from None

    def _claim(self, store_id: str, held: Held, decision: Decision) -> None:
        try:
            self._tables.held.decide(store_id, held, decision.value)
        except ConditionFailedError:
            raise AlreadyDecidedError("somebody decided otherwise meanwhile; look again") from None


def _effect(after: Desired, held: Values) -> LineEffect:
    is_taken = all(getattr(after.values, name) == value for name, value in held.said.items())
    return LineEffect.TAKEN if is_taken else LineEffect.OVERTAKEN
