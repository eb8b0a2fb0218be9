"""A promotion as a document says it, before anything is checked: texts, each with its place."""

from dataclasses import dataclass, field
from typing import NamedTuple

from partner_orders_console.operations.errors import OperatorError

MOST_PROMOTIONS = 200  # in a document
MOST_PROBLEMS = 1_000  # that are collected; nobody reads more


class Said(NamedTuple):
    """A text and its place in the document: a path such as ``discount[0].sku[2]``, or ``line 7, sku``."""

    text: str
    place: str


class Problem(NamedTuple):
    """What is wrong at a place, and what to do."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


@dataclass(frozen=True, slots=True)
class DraftDiscount:
    skus: tuple[Said, ...]
    subtype: Said
    value: Said
    max_quantity: Said
    active: Said


@dataclass(frozen=True, slots=True)
class Draft:
    """What is not said is an empty text. ``place`` is that of the promotion as a whole."""

    place: str
    vendors: tuple[Said, ...]
    kind: Said
    active: Said
    reason: Said
    names: dict[str, Said]
    starts: Said
    ends: Said
    buy: Said
    get: Said
    limits: dict[str, Said] = field(default_factory=dict)
    discounts: tuple[DraftDiscount, ...] = ()


class Drafts(NamedTuple):
    """The promotions of a document, and what could not be read of it."""

    drafts: list[Draft]
    problems: list[Problem]


class DocumentError(OperatorError):
    """A document that holds no promotions at all."""
