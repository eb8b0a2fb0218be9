"""What a chain says of one store in a morning: a whole list, files of changes, urgent messages, and its mistakes.

It remembers what it said of each product, so that the end can be compared without asking the code that is tried.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from partner_orders.catalogue.product import Values
from partner_orders.clock import to_text
from tools.local.simulated_platform.catalogue_records import plain

# A product that the platform does not have.
UNKNOWN_SKU = "NEW-IN-ERP-1"
# Whole pieces above every sales buffer of the platform.
PIECES = (4, 40)
LIST_HEADER, CHANGES_HEADER = "sku,price,active,quantity", "sku,price,active,quantity,cap,version"
# Mistakes of an ERP, as they follow a SKU: the report of the file names the line.
BAD_CELLS = ('"3,50",true,5', "0,true,5", "2.10,true,3.4", "2.10,yes,5")
WRONG_FACTOR = 10  # a decimal sign that slipped


class Article(NamedTuple):
    """A product as the platform has it before the morning. ``price`` is in major units."""

    sku: str
    price: Decimal
    active: bool


class File(NamedTuple):
    """A file for the bucket; ``bad`` are the numbers of its bad lines, ``good`` how many good ones it has."""

    key: str
    content: bytes
    good: int
    bad: tuple[int, ...]


@dataclass
class Chain:
    """``articles`` are the platform's. ``said``: the newest accepted values by SKU. ``held``: prices that a guard has
    to hold, by SKU. ``messages``, ``bad_messages``: how many were sent, and how many of them cannot be taken."""

    store_id: str
    articles: list[Article]
    clock: Callable[[], datetime]
    seed: int = 0
    said: dict[str, Values] = field(default_factory=dict)
    held: dict[str, Decimal] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    messages: int = 0
    bad_messages: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(f"chain/{self.store_id}/{self.seed}")
        # The products of bad lines are named in no good one, so they stay as they are.
        self._spoilt = self.articles[: len(BAD_CELLS)]
        self._listed = self.articles[len(BAD_CELLS) :]

    @property
    def rows(self) -> int:
        """The lines of files and the messages, good and bad."""
        return self.messages + sum(file.good + len(file.bad) for file in self.files)

    def whole_list(self) -> File:
        """Every product: of three in ten only the stock is new to the platform, of the others the price, too."""
        lines = {
            article.sku: Values(self._first_price(article, number), True, self._pieces())
            for number, article in enumerate(self._listed)
        }
        lines[UNKNOWN_SKU] = Values(Decimal("1.95"), True, 6)
        self._remember(lines)
        name = f"lists/{self.store_id}/assortment-{self.clock():%Y%m%dT%H%M%SZ}.csv"
        bad = [f"{article.sku},{cells}" for article, cells in zip(self._spoilt, BAD_CELLS, strict=True)]
        return self._file(name, LIST_HEADER, [_line(sku, values) for sku, values in lines.items()], bad)

    def changes(self, number: int, count: int, off: int = 0, wrong_prices: int = 0) -> File:
        """A file of changes of ``count`` products: prices, stock, or a cap; ``off`` of them go off sale; with so many
        wrong prices beside them, and a bad line."""
        picked = self._picked(count + wrong_prices)
        version = to_text(self.clock())
        lines = {article.sku: self._change(article, place) for place, article in enumerate(picked[:count])}
        lines |= {article.sku: Values(active=False, quantity=0) for article in picked[:off]}
        self._remember(lines)
        written = [f"{_line(sku, values, cap=True)},{version}" for sku, values in lines.items()]
        for article in picked[count:]:
            price = self._mistake(article.sku)
            written.append(f"{article.sku},{plain(price)},,,,{version}")
        bad = [f"{picked[0].sku},1.20,true,a dozen,,{version}"]
        return self._file(f"changes/{self.store_id}/till-{number}.csv", CHANGES_HEADER, written, bad)

    # -- urgent messages -----------------------------------------------------------------------------------------------

    def off_now(self, sku: str) -> str:
        """The message that a product goes off sale, now."""
        return self._message(sku, Values(active=False))

    def change_now(self, is_price: bool) -> tuple[str, str]:
        """A product whose price or stock changes now: its SKU and the message."""
        [article] = self._picked(1)
        return article.sku, self._message(article.sku, self._change(article, 0 if is_price else 1))

    def mistake_now(self) -> str:
        """The message of a wrong price."""
        [article] = self._picked(1)
        return self._text(article.sku, {"price": plain(self._mistake(article.sku))})

    def bad_message(self) -> str:
        """A message that can never be taken."""
        self.bad_messages += 1
        return self._text(self._listed[0].sku, {"price": "3,50"})

    # -- in general ----------------------------------------------------------------------------------------------------

    def _first_price(self, article: Article, number: int) -> Decimal:
        """Products that are on sale at the platform already keep their price, three of ten."""
        if article.active and number % 10 < 3:
            return article.price
        return self._moved(article.price)

    def _moved(self, price: Decimal) -> Decimal:
        """Another price, too near to be held."""
        moved = round(price * Decimal(self._chance.choice(("0.95", "1.04", "1.06"))), 2)
        return moved if moved != price else price + Decimal("0.01")

    def _change(self, article: Article, place: int) -> Values:
        price = self.said[article.sku].price or article.price
        match place % 3:
            case 0:
                return Values(self._moved(price), True, self._pieces())
            case 1:
                return Values(active=True, quantity=self._pieces())
            case _:
                return Values(active=True, quantity=self._pieces(), cap=self._chance.randint(2, 9))

    def _mistake(self, sku: str) -> Decimal:
        self.held[sku] = (self.said[sku].price or Decimal(1)) * WRONG_FACTOR
        return self.held[sku]

    def _picked(self, count: int) -> list[Article]:
        """Products of which no wrong price is held: what is said of them has to arrive."""
        return self._chance.sample([article for article in self._listed if article.sku not in self.held], count)

    def _pieces(self) -> int:
        return self._chance.randint(*PIECES)

    def _remember(self, lines: Mapping[str, Values]) -> None:
        for sku, values in lines.items():
            self.said[sku] = replace(self.said.get(sku, Values()), **values.said)

    def _file(self, key: str, header: str, lines: list[str], bad: Iterable[str]) -> File:
        """Bad lines stand among the good ones."""
        numbers: list[int] = []
        for text in bad:
            place = self._chance.randrange(len(lines) + 1)
            lines.insert(place, text)
            numbers = [number + (number >= place) for number in numbers] + [place]
        content = "\n".join([header, *lines, ""]).encode()
        # The header is the first line of a file.
        file = File(key, content, len(lines) - len(numbers), tuple(sorted(number + 2 for number in numbers)))
        self.files.append(file)
        return file

    def _message(self, sku: str, values: Values) -> str:
        self._remember({sku: values})
        said: dict[str, Any] = {name: str(value).lower() for name, value in values.said.items()}
        return self._text(sku, said)

    def _text(self, sku: str, said: dict[str, Any]) -> str:
        self.messages += 1
        return json.dumps({"store_id": self.store_id, "sku": sku, **said, "version": to_text(self.clock())})


def _line(sku: str, values: Values, cap: bool = False) -> str:
    cells = (
        "" if values.price is None else plain(values.price),
        "" if values.active is None else str(values.active).lower(),
        "" if values.quantity is None else str(values.quantity),
        *(("" if values.cap is None else str(values.cap),) if cap else ()),
    )
    return ",".join((sku, *cells))
