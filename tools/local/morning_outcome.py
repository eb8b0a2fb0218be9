"""What became of each product that a chain changed: compared with the shop that customers see, the rows and what is
held. Each product counts once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.to_send import difference, to_send
from tools.local.chain import UNKNOWN_SKU, Article, Chain

SHOWN, PROCESSED, REFUSED, HELD, LOST = "shown", "processed", "refused", "held", "lost"
MOST_LINES = 20  # of what is wrong

# What customers see of a product, as the platform's controls tell it: price (text), active and cap.
type Shown = Mapping[str, Any]


@dataclass
class CatalogueFigures:
    """``rows``: lines of files and messages. ``changed``: products whose values the chain changed. ``outcomes``: how
    each of them ended. ``drift``: the products that the platform's last export shows otherwise than the chain wants
    them; None where nothing was compared. ``wrong``: what is not as it should be, a line each."""

    rows: int = 0
    changed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    drift: int | None = None
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The result for programs."""
        names = {SHOWN: "shown", PROCESSED: "processed", REFUSED: "refused", HELD: "held", LOST: "lost"}
        counts = " ".join(f"{name}={self.outcomes[kind]}" for kind, name in names.items())
        drift = "unknown" if self.drift is None else self.drift
        return f"catalogue: rows={self.rows} changed={self.changed} {counts} drift={drift}"

    def problems(self) -> list[str]:
        """What is wrong, in a bounded number of lines; also counts that do not add up."""
        wrong = [*self.wrong]
        if self.changed != (total := self.outcomes.total()):
            parts = " + ".join(f"{kind} {self.outcomes[kind]}" for kind in (SHOWN, PROCESSED, REFUSED, HELD, LOST))
            wrong.insert(0, f"the counts do not add up: changed {self.changed} is {parts}, which is {total}")
        more = len(wrong) - MOST_LINES
        return wrong if more <= 0 else [*wrong[:MOST_LINES], f"and {more:,} more"]


@dataclass(frozen=True)
class End:
    """What is there when the morning is over. ``shop``: what customers see, by SKU. ``rows``: ours. ``held``: the
    prices that a guard holds."""

    shop: Mapping[str, Shown]
    rows: Mapping[str, Desired]
    held: Mapping[str, Decimal]


def compared(chain: Chain, end: End) -> CatalogueFigures:
    """Compare every product of the store with what the chain said of it."""
    figures = CatalogueFigures(chain.rows, len(chain.said))
    before = {article.sku: article for article in chain.articles}
    for sku in sorted({*chain.said, *before, *end.rows, *end.held}):
        if sku not in chain.said:
            fault = _of_untouched(before.get(sku), sku, end)
            figures.wrong += [f"product {sku}: {fault}"] if fault else []
            continue
        kind, fault = _outcome(chain, sku, before.get(sku), end)
        figures.outcomes[kind] += 1
        figures.wrong += [f"product {sku}: {fault}"] if fault else []
    return figures


def _outcome(chain: Chain, sku: str, before: Article | None, end: End) -> tuple[str, str]:
    """How a product ended, and what is wrong with it."""
    said, row = chain.said[sku], end.rows.get(sku)
    if row is None:
        return LOST, "it has no row"
    if row.values != said:
        return LOST, f"its row says {row.values.said}, the chain said {said.said}"
    if row.sku == UNKNOWN_SKU:
        return (REFUSED, "") if row.refusal else (LOST, "the platform does not have it, and nothing says so")
    if row.refusal:
        return LOST, f"the platform refused it: {row.refusal}"
    if (left := difference(row, to_send(row))).are_said:
        return LOST, f"{left.said} still waits"
    if fault := _differs(said, end.shop.get(sku)):
        return LOST, fault
    if sku in chain.held or sku in end.held:
        price, expected = end.held.get(sku), chain.held.get(sku)
        return (HELD, "") if price == expected else (LOST, f"the price {price} is held, should be {expected}")
    return (SHOWN if before is None or _could_be_seen(before, said) else PROCESSED), ""


def _could_be_seen(before: Article, said: Values) -> bool:
    """Whether the shop can show that the change arrived: nothing tells the quantity, and what it showed before proves
    nothing."""
    return said.price != before.price or _is_for_sale(said) != before.active


def _is_for_sale(said: Values) -> bool:
    return said.active is not False and said.quantity != 0


def _differs(said: Values, shown: Shown | None) -> str:
    """How the shop differs from what the chain said; empty if it does not."""
    if shown is None:
        return "the shop does not have it"
    wanted = {"price": said.price, "active": _is_for_sale(said)} | ({} if said.cap is None else {"cap": said.cap})
    there = {"price": Decimal(shown["price"]), "active": shown["active"], "cap": shown["cap"]}
    faults = [f"{name} {there[name]}, should be {value}" for name, value in wanted.items() if there[name] != value]
    return f"the shop shows {' and '.join(faults)}" if faults else ""


def _of_untouched(before: Article | None, sku: str, end: End) -> str:
    """What is wrong with a product that no accepted line names."""
    if sku in end.rows or sku in end.held or before is None:
        return "it has a row, and no good line names it"
    shown = end.shop.get(sku)
    if shown is None or (Decimal(shown["price"]), shown["active"]) != (before.price, before.active):
        return "the shop changed it, and no good line names it"
    return ""
