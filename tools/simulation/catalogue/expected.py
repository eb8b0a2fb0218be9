"""What a store has to be in the end: told from what was said, by the documented rules alone (ADR 23).

The newest version of each field wins, and of one version the smaller value. What a guard held, a person dropped or
nobody could read counts for nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from itertools import groupby
from typing import Any, NamedTuple

from partner_orders.catalogue.product import FIELDS, Values
from partner_orders.catalogue.to_send import Margins
from tools.simulation.catalogue.chain import Kind, Line, Saying

type Value = Decimal | bool | int


class Candidate(NamedTuple):
    version: datetime
    value: Value

    @property
    def rank(self) -> tuple[datetime, Decimal]:
        """The greatest wins: the newest, and of one version the smaller value."""
        return self.version, -Decimal(self.value)


class Heard(Enum):
    """Whether a value counts. PERHAPS: it came several times, and met guards and people that said otherwise."""

    YES = auto()
    NO = auto()
    PERHAPS = auto()


class Spoken(NamedTuple):
    """A line that counts: of which saying, and in which version."""

    saying: Saying
    version: datetime
    line: Line


@dataclass
class Product:
    """What was said of each field of a product; what may count or not; and the versions below which an older value may
    have lost: those of whole lists that state the field, and not of this product."""

    said: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    perhaps: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    floors: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def possible(self, name: str) -> set[Value | None]:
        """The values that a field may have in the end; None: nothing was said."""
        candidates, others = self.said.get(name, []), self.perhaps.get(name, [])
        if not candidates:
            return {None, *(one.value for one in others)}
        newest = max(candidates, key=lambda candidate: candidate.rank)
        floor = max(self.floors.get(name, []), default=None)
        if floor is None or newest.version > floor:
            return {newest.value, *(one.value for one in others if one.rank > newest.rank)}
        return {one.value for one in (*candidates, *others)}

    def possible_values(self) -> Iterator[Values]:
        """All that the product may be."""
        found: list[dict[str, Any]] = [{}]
        for name in FIELDS:
            found = [{**one, name: value} for one in found for value in self.possible(name)]
        return (Values(**one) for one in found)


def lines_that_count(saying: Saying) -> list[Spoken]:
    """The good lines of a saying, without those that contradict others of their product and version."""
    spoken = [Spoken(saying, line.version or saying.version, line) for line in saying.lines if not line.bad]

    def product(one: Spoken) -> tuple[str, datetime]:
        return one.line.sku, one.version

    found = []
    for _, some in groupby(sorted(spoken, key=product), key=product):
        same = [*some]
        if all(one.line.values == same[0].line.values for one in same):
            found.append(same[0])
    return found


def is_overshadowed(one: Spoken, name: str) -> bool:
    """Whether a newer line of the same saying states a field of the same product. The older one then counts for
    nothing, whatever becomes of the newer one."""
    return any(
        other.line.sku == one.line.sku and other.version > one.version and name in other.line.values.said
        for other in lines_that_count(one.saying)
    )


def products_of(
    taken: Iterable[Saying], heard: Callable[[Spoken, str], Heard], switches_absent_off: bool
) -> dict[str, Product]:
    """The products of a store, by SKU. ``taken``: what was loaded. ``heard``: whether a field of a line counts, so that
    no guard holds it, and nobody dropped it."""
    products: dict[str, Product] = defaultdict(Product)
    sayings = [*taken]
    for saying in sayings:
        for one in lines_that_count(saying):
            for name, value in one.line.values.said.items():
                product = products[one.line.sku]
                match heard(one, name):
                    case Heard.YES:
                        product.said[name].append(Candidate(one.version, value))
                    case Heard.PERHAPS:
                        product.perhaps[name].append(Candidate(one.version, value))
    for saying in sayings:
        if saying.kind is Kind.LIST:
            _add_what_is_left_out(saying, products, heard, switches_absent_off)
    return products


def _add_what_is_left_out(
    saying: Saying,
    products: dict[str, Product],
    heard: Callable[[Spoken, str], Heard],
    switches_absent_off: bool,
) -> None:
    """A whole list raises the version of what it does not say, and takes products off sale that it leaves out."""
    spoken, named = lines_that_count(saying), {line.sku for line in saying.lines}
    version = saying.version
    is_covered = all(one.version == version for one in spoken)
    fields = {name for one in spoken for name in one.line.values.said}
    said = {(one.line.sku, name) for one in spoken for name in one.line.values.said if heard(one, name) is Heard.YES}
    for sku, product in products.items():
        is_switched_off = switches_absent_off and sku not in named
        if is_switched_off:
            product.said["active"].append(Candidate(version, False))
        for name in fields if is_covered else ():
            if (sku, name) not in said and not (is_switched_off and name == "active"):
                product.floors[name].append(version)


def shown_as(values: Values, margins: Margins, sku: str) -> tuple[Decimal | None, bool | None, int | None]:
    """Price, whether it is for sale, and cap, as customers see a product; None where nothing was sent of it."""
    safety_stock, most = margins.of(sku)
    active = values.active
    if values.quantity is not None:
        active = active is not False and values.quantity > safety_stock
    caps = [cap for cap in (values.cap, most) if cap is not None]
    return values.price, active, min(caps, default=None)
