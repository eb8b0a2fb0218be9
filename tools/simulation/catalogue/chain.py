"""What a chain says of its products in a story: whole lists, changes and urgent messages, each with its trouble."""

import csv
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import quote_plus

from partner_orders.catalogue.product import Values
from tools.simulation.catalogue.environment import chance_of
from tools.simulation.catalogue.platform import BAD_SKU, UNKNOWN_SKU

STORES = ("q7zk", "r2mm")
NOBODY = "nobody"  # a store that is not in the catalogue
OMITTED = "KW-105"  # the product that whole lists may leave out
PLAIN = ("KW-100", "KW-101", "KW-102", "KW-103", "KW-104", OMITTED)
SKUS = (*PLAIN, BAD_SKU, UNKNOWN_SKU)
PRICES = {sku: Decimal(200 + 75 * number) / 100 for number, sku in enumerate(SKUS)}
# Prices of one product that pass the guards together, and one that passes beside none of them.
USUAL, WILD = (Decimal("0.92"), Decimal(1), Decimal("1.05"), Decimal("1.1")), Decimal(10)
COLUMNS = ("sku", "price", "active", "quantity", "cap", "version")
BAD_CELLS = (
    ("price", "3,50"), ("price", "-1"), ("price", "0"), ("price", "1e9"), ("quantity", "3.4"), ("active", "perhaps"),
    ("version", "yesterday"), ("cap", "0"),
)  # fmt: skip
FIRST_AT = 1.0


class Kind(StrEnum):
    LIST = "lists"
    CHANGES = "changes"
    URGENT = "urgent"


class Fate(StrEnum):
    """What has to become of a file or message: its good lines are TAKEN, unless a guard holds them, or all of it is
    REFUSED and told."""

    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True)
class Line:
    """``version``: its own, None for the file's. ``bad``: the cell that spoils it, and what stands in it."""

    sku: str
    values: Values
    version: datetime | None = None
    bad: tuple[str, str] | None = None

    @property
    def cells(self) -> dict[str, str]:
        said = {name: _text(value) for name, value in self.values.said.items()}
        version = {} if self.version is None else {"version": self.version.isoformat().replace("+00:00", "Z")}
        return {"sku": self.sku} | said | version | (dict([self.bad]) if self.bad else {})


@dataclass(frozen=True)
class Saying:
    """``at``: seconds of the story. ``stated``: the version of lines that state none, where the file's name or the
    message says it; else it is ``given_at``, the time of storing or sending. ``shape``: csv or jsonl."""

    number: int
    at: float
    store_id: str
    kind: Kind
    lines: tuple[Line, ...]
    stated: datetime | None
    shape: str = "csv"
    fate: Fate = Fate.TAKEN
    header: str = ""
    given_at: datetime | None = None

    @property
    def version(self) -> datetime:
        version = self.stated or self.given_at
        if version is None:
            raise AssertionError("a saying has a version once it is stored or sent")
        return version

    @property
    def key(self) -> str:
        """The file's key. Without a time in its name, the next one takes its place."""
        stamp = f"{self.number:03d}-{self.stated:%Y%m%dT%H%M%SZ}" if self.stated else "stock"
        return f"{self.kind}/{self.store_id}/{stamp}.{self.shape}"

    @property
    def content(self) -> bytes:
        rows = [line.cells for line in self.lines]
        if self.shape == "jsonl":
            return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        text = io.StringIO()
        text.write(self.header)
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
        if not self.header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    @property
    def message(self) -> str:
        """The urgent message."""
        [line] = self.lines
        cells: dict[str, Any] = line.cells | {"store_id": self.store_id}
        return json.dumps(cells)


def first_list(store_id: str) -> Saying:
    """The list with which a store begins: every product, on sale."""
    lines = (Line(sku, Values(PRICES[sku], True, 10)) for sku in SKUS)
    return Saying(-1, FIRST_AT, store_id, Kind.LIST, tuple(lines), None)


def sayings(seed: int, numbers: range, start: datetime, begins: float, ends: float) -> Iterator[Saying]:
    """What is said between two times of the story. Each is as it would be without the others."""
    for number in numbers:
        chance = chance_of(seed, "saying", number)
        yield _saying(number, chance, start, chance.uniform(begins, ends))


def _saying(number: int, chance: random.Random, start: datetime, at: float) -> Saying:
    kind = chance.choices([*Kind], [3, 6, 6])[0]
    store_id = chance.choice(STORES) if chance.random() < 0.96 else NOBODY
    now = start + timedelta(seconds=int(at))
    stated = _version(chance, now) if chance.random() < 0.6 else None
    lines = tuple(_lines(kind, chance, now))
    fate = Fate.REFUSED if store_id == NOBODY else Fate.TAKEN
    if kind is Kind.URGENT:
        line = replace(lines[0], version=stated)
        if line.bad or fate is Fate.REFUSED:
            return Saying(number, at, store_id, kind, (line,), None, fate=Fate.REFUSED)
        return Saying(number, at, store_id, kind, (line,), stated)
    shape = chance.choice(["csv", "csv", "jsonl"])
    saying = Saying(number, at, store_id, kind, lines, stated, shape, fate)
    spoiled = chance.random()
    if spoiled < 0.04:
        return replace(saying, stated=now + timedelta(hours=9), fate=Fate.REFUSED)
    if spoiled < 0.08:
        return replace(saying, shape="csv", header="article;amount\r\n", fate=Fate.REFUSED)
    return replace(saying, fate=Fate.REFUSED) if all(line.bad for line in lines) else saying


def _version(chance: random.Random, now: datetime) -> datetime:
    """A version near a time: mostly older, now and then the same as others', and a little ahead."""
    if chance.random() < 0.3:
        return now.replace(second=0)
    return now + timedelta(seconds=int(chance.choice([0, -chance.uniform(0, 900), chance.uniform(0, 120)])))


def _lines(kind: Kind, chance: random.Random, now: datetime) -> Iterator[Line]:
    match kind:
        case Kind.LIST:
            left_out = {OMITTED} if chance.random() < 0.3 else set()
            skus = [sku for sku in SKUS if sku not in left_out]
        case Kind.CHANGES:
            skus = chance.sample(SKUS, chance.randrange(1, 5))
        case _:
            skus = [chance.choice(PLAIN)]
    states_versions = kind is not Kind.URGENT and chance.random() < 0.35
    chance.shuffle(skus)
    for sku in skus:
        yield (line := _line(sku, kind, chance, now, states_versions))
        if kind is Kind.CHANGES and chance.random() < 0.15:
            # The same product once more: the same, something else, or of another time.
            other = _line(sku, kind, chance, now, states_versions)
            yield chance.choice([line, other, replace(other, version=_version(chance, now))])


def _line(sku: str, kind: Kind, chance: random.Random, now: datetime, states_versions: bool) -> Line:
    price = round(PRICES[sku] * chance.choice(USUAL), 2) if chance.random() < 0.5 else None
    if sku in PLAIN and chance.random() < 0.08:
        price = PRICES[sku] * WILD
    quantity = chance.choice([0, 1, 2, 7, 25]) if chance.random() < 0.6 else None
    is_off = kind is Kind.URGENT and chance.random() < 0.5
    active = False if is_off else chance.choice([None, None, True, True, False])
    values = Values(price, active, quantity, chance.choice([None, None, 3, 12]))
    if not values.are_said or kind is Kind.LIST:
        values = replace(values, price=values.price or PRICES[sku], active=values.active is not False)
    version = _version(chance, now) if states_versions and chance.random() < 0.5 else None
    return Line(sku, values, version, chance.choice(BAD_CELLS) if chance.random() < 0.05 else None)


def notification(bucket: str, key: str, version_id: str) -> str:
    """How S3 tells of a file."""
    stored = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "versionId": version_id}}
    return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": stored}]})


def _text(value: Decimal | bool | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
