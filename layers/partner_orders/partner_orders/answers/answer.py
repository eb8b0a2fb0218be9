"""What the chain says of an order: ready, update, accept or cancel, as a difference from the order that it saw."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    READY = "ready"
    UPDATE = "update"
    ACCEPT = "accept"
    CANCEL = "cancel"

    @property
    def ends_the_picking(self) -> bool:
        """Whether nothing may be said of the order after it. Of these, an order has one open answer at most."""
        return self in {Kind.READY, Kind.CANCEL}


class CancelReason(StrEnum):
    """The platform takes no other (docs/platform.md 8.1)."""

    CLOSED = "CLOSED"
    ITEM_UNAVAILABLE = "ITEM_UNAVAILABLE"
    TOO_BUSY = "TOO_BUSY"


@dataclass(frozen=True)
class Problem:
    """What is wrong with an answer, by its path such as ``lines[2].weight``; the text quotes nothing."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class AnswerProblemsError(ValueError):
    """An answer that cannot be taken, with everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class NewLine:
    """A product that was not ordered: as a replacement, or in addition. The price is in decimal major units, for a
    piece or a kilogram. ``quantity`` is in pieces; a product sold by weight has a ``weight`` in kilograms, too."""

    sku: str
    quantity: int
    unit_price: Decimal
    weight: Decimal | None = None
    name: str | None = None


@dataclass(frozen=True)
class LineChange:
    """What differs in one ordered line, which is named by its ``_id`` or its SKU: fewer pieces, a weight in kilograms,
    nothing found, or other products in its place."""

    id: str | None = None
    sku: str | None = None
    quantity: int | None = None
    weight: Decimal | None = None
    not_found: bool = False
    replaced_by: tuple[NewLine, ...] = ()


@dataclass(frozen=True)
class Answer:
    """``sequence`` is that of the order as the picker saw it: lines that no change names are as they were then.
    ``ready_at`` (UTC) is when an accepted order will be ready."""

    answer_id: str
    sequence: int
    kind: Kind
    lines: tuple[LineChange, ...] = ()
    added: tuple[NewLine, ...] = ()
    ready_at: datetime | None = None
    reason: CancelReason | None = None

    @property
    def has_new_lines(self) -> bool:
        """Whether sending it twice could add products twice."""
        return bool(self.added) or any(change.replaced_by for change in self.lines)
