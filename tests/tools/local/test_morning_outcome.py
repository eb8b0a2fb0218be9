"""The end of the morning of `make run`: each product counts once, and what is wrong with it is named."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.desired import Desired
from partner_orders.catalogue.product import Values
from tests.support.fixed_clock import NOW
from tools.local.chain import UNKNOWN_SKU, Article, Chain
from tools.local.morning_outcome import (
    HELD,
    LOST,
    MOST_LINES,
    PROCESSED,
    REFUSED,
    SHOWN,
    CatalogueFigures,
    End,
    compared,
)

SAID = {
    "SHOWN": Values(Decimal("2.5"), True, 7),
    "STOCK": Values(Decimal(3), True, 9, 4),
    "OFF": Values(Decimal(4), False, 9),
    "HELD": Values(Decimal(5), True, 3),
    UNKNOWN_SKU: Values(Decimal("1.95"), True, 6),
}
SHOP: dict[str, Any] = {
    "SHOWN": {"price": "2.5", "active": True, "cap": None},
    "STOCK": {"price": "3", "active": True, "cap": 4},
    "OFF": {"price": "4", "active": False, "cap": None},
    "HELD": {"price": "5", "active": True, "cap": None},
    "OTHER": {"price": "6", "active": True, "cap": None},
}
BEFORE = [
    Article("SHOWN", Decimal(2), True), Article("STOCK", Decimal(3), True), Article("OFF", Decimal(4), True),
    Article("HELD", Decimal(6), True), Article("OTHER", Decimal(6), True),
]  # fmt: skip
SENT = {sku: replace(values, quantity=0 if values.active is False else values.quantity) for sku, values in SAID.items()}
ROWS = {sku: Desired(sku, values, confirmed=SENT[sku]) for sku, values in SAID.items() if sku != UNKNOWN_SKU} | {
    UNKNOWN_SKU: Desired(UNKNOWN_SKU, SAID[UNKNOWN_SKU], refused=SAID[UNKNOWN_SKU], refusal="not found")
}
END = End(SHOP, ROWS, {"HELD": Decimal(50)})


def chain_of_test() -> Chain:
    return Chain("s1", BEFORE, lambda: NOW, said=dict(SAID), held={"HELD": Decimal(50)}, messages=7)


def test_each_product_counts_once() -> None:
    """Products count as shown, processed, refused or held, and add up to those that changed."""
    figures = compared(chain_of_test(), END)
    assert figures.problems() == []
    assert figures.line() == "catalogue: rows=7 changed=5 shown=2 processed=1 refused=1 held=1 lost=0 drift=unknown"


def test_each_kind_has_its_own_word() -> None:
    """No figure of the line stands under the word of another."""
    outcomes = Counter({SHOWN: 1, PROCESSED: 2, REFUSED: 3, HELD: 4, LOST: 5})
    line = CatalogueFigures(16, 15, outcomes, drift=6).line()
    assert line == "catalogue: rows=16 changed=15 shown=1 processed=2 refused=3 held=4 lost=5 drift=6"


def with_row(sku: str, **changes: Any) -> End:
    return replace(END, rows={**ROWS, sku: replace(ROWS[sku], **changes)})


def with_shop(sku: str, **changes: Any) -> End:
    return replace(END, shop={**SHOP, sku: {**SHOP[sku], **changes}})


@pytest.mark.parametrize(
    ("end", "sku", "told"),
    [
        (replace(END, rows={sku: row for sku, row in ROWS.items() if sku != "OFF"}), "OFF", "it has no row"),
        (with_row("OFF", values=SAID["HELD"]), "OFF", "its row says"),
        (with_row("STOCK", confirmed=Values(Decimal(3), True, 8, 4)), "STOCK", "still waits"),
        (with_row("SHOWN", refused=Values(Decimal(2)), refusal="no"), "SHOWN", "the platform refused it: no"),
        (with_row(UNKNOWN_SKU, refusal=""), UNKNOWN_SKU, "nothing says so"),
        (with_shop("SHOWN", price="2.4"), "SHOWN", "the shop shows price 2.4, should be 2.5"),
        (with_shop("OFF", active=True), "OFF", "the shop shows active True, should be False"),
        (with_shop("STOCK", cap=5), "STOCK", "the shop shows cap 5, should be 4"),
        (replace(END, shop={sku: one for sku, one in SHOP.items() if sku != "STOCK"}), "STOCK", "does not have it"),
        (replace(END, held={}), "HELD", "the price None is held, should be 50"),
        (replace(END, held={**END.held, "SHOWN": Decimal(9)}), "SHOWN", "the price 9 is held, should be None"),
    ],
)
def test_lost_product_is_named(end: End, sku: str, told: str) -> None:
    """A product without its outcome counts as lost, and its line says why."""
    figures = compared(chain_of_test(), end)
    assert (figures.outcomes[LOST], figures.outcomes.total()) == (1, 5)
    [line] = figures.problems()
    assert line.startswith(f"product {sku}: ")
    assert told in line


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (with_shop("OTHER", price="9"), "product OTHER: the shop changed it"),
        (with_shop("OTHER", active=False), "product OTHER: the shop changed it"),
        (replace(END, shop={sku: one for sku, one in SHOP.items() if sku != "OTHER"}), "product OTHER: the shop"),
        (replace(END, rows={**ROWS, "OTHER": Desired("OTHER")}), "product OTHER: it has a row"),
        (replace(END, held={**END.held, "OTHER": Decimal(1)}), "product OTHER: it has a row"),
    ],
)
def test_untouched_product_stays(end: End, told: str) -> None:
    """A product that no accepted line names is not counted, and must not change."""
    figures = compared(chain_of_test(), end)
    assert (figures.outcomes[LOST], figures.outcomes.total()) == (0, 5)
    [line] = figures.problems()
    assert line.startswith(told)


def test_wrong_sum_is_named() -> None:
    """Counts that do not add up are named."""
    figures = compared(chain_of_test(), END)
    figures.changed += 1
    assert figures.problems() == [
        "the counts do not add up: changed 6 is shown 2 + processed 1 + refused 1 + held 1 + lost 0, which is 5"
    ]


def test_lines_are_bounded() -> None:
    """However much is wrong, few lines say so."""
    lines = CatalogueFigures(wrong=[f"line {number}" for number in range(3 * MOST_LINES)]).problems()
    assert (len(lines), lines[-1]) == (MOST_LINES + 1, f"and {2 * MOST_LINES} more")
