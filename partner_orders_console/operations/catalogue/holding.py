"""What guards hold of a store: shown with what it would do, then released or dropped by a person."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from partner_orders.catalogue.decisions import DecidedLine, Decisions, HeldFile, NothingHeldError
from partner_orders.catalogue.files import AlreadyDecidedError, StoredFile, key_and_version
from partner_orders.catalogue.guards import Reason
from partner_orders.catalogue.held import Held
from partner_orders.catalogue.product import Values
from partner_orders.clock import now
from partner_orders.loader.file_event import release_message
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.catalogue.access import margins_of
from partner_orders_console.operations.catalogue.switching import reason_given
from partner_orders_console.operations.catalogue_stack import CatalogueStack
from partner_orders_console.operations.errors import NotFoundError, OperatorError
from partner_orders_console.operations.words import counted

REASONS = {
    Reason.PRICE_STEP: "the price changes too much within a day",
    Reason.SWITCHED_OFF: "it takes too many products off sale",
    Reason.SHORT_LIST: "it is much shorter than the last list",
    Reason.OTHER_STORE: "most of its products are not the store's",
}


@dataclass(frozen=True)
class HeldLine:
    """A held price: ``confirmed`` is the one that the platform has."""

    store_id: str
    held: Held
    sku: str
    values: Values
    confirmed: Values

    def to_json(self) -> dict[str, Any]:
        facts = {"store_id": self.store_id, "sku": self.sku, "reason": self.held.reason.value}
        return facts | {
            "held": self.values.said,
            "confirmed": self.confirmed.said,
            "version": self.held.version,
            "file": key_and_version(self.held.source)[0],
            "decision": self.held.decision or None,
        }


@dataclass(frozen=True)
class HeldOfStore:
    """What is held of a store."""

    store_id: str
    lines: list[HeldLine]
    files: list[HeldFile]

    def to_json(self) -> dict[str, Any]:
        return {
            "store_id": self.store_id,
            "prices": [line.to_json() for line in self.lines],
            "files": [held_file_json(file) for file in self.files],
        }


@dataclass(frozen=True)
class Choice:
    """Which held things of a store: prices of products, all prices, or a file by its name."""

    skus: Sequence[str] = ()
    all_prices: bool = False
    file: str | None = None

    def check(self) -> None:
        """Raises OperatorError unless it is one of the three."""
        if [bool(self.skus), self.all_prices, self.file is not None].count(True) != 1:
            raise OperatorError("which of what is held?", "Name products by SKU, or use --all-prices, or --file NAME.")


@dataclass(frozen=True)
class Decision:
    """What was decided, or would be."""

    lines: list[DecidedLine]
    files: list[HeldFile]

    def to_json(self) -> dict[str, Any]:
        lines = [
            {"sku": one.sku, "before": one.before.said, "held": one.held.said, "effect": one.effect.value}
            for one in self.lines
        ]
        return {"prices": lines, "files": [held_file_json(file) for file in self.files]}


def held_file_json(file: HeldFile) -> dict[str, Any]:
    row = file.row
    return {
        "file": file.file.key,
        "version_id": file.file.version_id,
        "stored_at": file.file.stored_at,
        "reasons": [reason.value for reason in file.reasons],
        "changed": row.changed if row else None,
        "switched_off": row.switched_off if row else None,
        "held_prices": row.held_prices if row else None,
        "is_superseded": file.is_superseded,
    }


# -- reading -----------------------------------------------------------------------------------------------------------


def held_of(catalogue: CatalogueStack, store_id: str) -> HeldOfStore:
    """What is held of a store, the oldest version first. Raises botocore's errors."""
    found = [*catalogue.tables.held.of_store(store_id)]
    skus = {sku for held in found for sku in held.lines}
    rows = catalogue.tables.products.many(store_id, skus) if skus else {}
    lines = [
        HeldLine(store_id, held, sku, values, rows[sku].confirmed if sku in rows else Values())
        for held in found
        for sku, values in held.lines.items()
    ]
    decisions = _decisions(catalogue)
    return HeldOfStore(store_id, lines, [decisions.held_file(store_id, held.name) for held in found if held.is_file])


# -- deciding ----------------------------------------------------------------------------------------------------------


def release(
    catalogue: CatalogueStack, store_id: str, choice: Choice, reason: str, is_dry_run: bool = False
) -> Decision:
    """Let what is held through, and record who decided so, when and why. Raises OperatorError where nothing of the
    kind is held, or somebody was faster."""
    return _decide(catalogue, store_id, choice, reason, is_release=True, is_dry_run=is_dry_run)


def drop(catalogue: CatalogueStack, store_id: str, choice: Choice, reason: str, is_dry_run: bool = False) -> Decision:
    """Forget what is held, and record who decided so, when and why. Raises as ``release`` does."""
    return _decide(catalogue, store_id, choice, reason, is_release=False, is_dry_run=is_dry_run)


def _decide(
    catalogue: CatalogueStack, store_id: str, choice: Choice, reason: str, *, is_release: bool, is_dry_run: bool
) -> Decision:
    choice.check()
    why = reason_given(reason)
    decisions, by = _decisions(catalogue), "" if is_dry_run else caller(catalogue.orders)
    found = [*catalogue.tables.held.of_store(store_id)]
    try:
        if choice.file is not None:
            decide_file = decisions.release_file if is_release else decisions.drop_file
            held = _file_named(store_id, found, choice.file)
            return Decision([], [decide_file(store_id, held.name, by, why, is_dry_run)])
        decide_lines = decisions.release_lines if is_release else decisions.drop_lines
        lines: list[DecidedLine] = []
        for held, skus in _lines_of(store_id, found, choice):
            lines += decide_lines(store_id, held.name, by, why, skus, is_dry_run)
        return Decision(lines, [])
    except (NothingHeldError, AlreadyDecidedError) as error:
        raise OperatorError(str(error), "`partner-orders catalogue held` shows what is held now.") from None


def _lines_of(store_id: str, found: Sequence[Held], choice: Choice) -> Iterator[tuple[Held, Collection[str] | None]]:
    """The held prices that a choice means, and which products of each. Raises NotFoundError for a product of which
    none is held."""
    prices = [held for held in found if not held.is_file]
    if choice.all_prices:
        if not prices:
            raise NotFoundError(f"no price is held of the store {store_id}", "")
        yield from ((held, None) for held in prices)
        return
    unknown = [sku for sku in choice.skus if not any(sku in held.lines for held in prices)]
    if unknown:
        some = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise NotFoundError(
            f"no price is held of {counted(len(unknown), 'product')}: {some}",
            f"`partner-orders catalogue held --store {store_id}` shows what is held.",
        )
    for held in prices:
        if skus := [sku for sku in dict.fromkeys(choice.skus) if sku in held.lines]:
            yield held, skus


def _file_named(store_id: str, found: Sequence[Held], name: str) -> Held:
    """The held file of this name, or key. Raises NotFoundError and OperatorError."""
    files = [
        held
        for held in found
        if held.is_file and name in {held.source, (key := key_and_version(held.source)[0]), key.rpartition("/")[2]}
    ]
    if not files:
        raise NotFoundError(
            f"no file {name} is held of the store {store_id}",
            f"`partner-orders catalogue held --store {store_id}` shows what is held.",
        )
    if len(files) > 1:
        raise OperatorError(
            f"{len(files)} files of this name are held",
            f"Name one with its version: {', '.join(held.source for held in files[:3])}",
        )
    return files[0]


def _decisions(catalogue: CatalogueStack) -> Decisions:
    def tell_loader(file: StoredFile) -> None:
        message = release_message(file.store_id, file.key, file.version_id)
        catalogue.client("sqs").send_message(QueueUrl=catalogue.output("FilesQueueUrl"), MessageBody=message)

    return Decisions(catalogue.tables, now, tell_loader, lambda store_id: margins_of(catalogue, store_id))
