"""The chain of `make run`: its files are ones that the loader takes, and it knows what it said."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.list_file import BadLine, read_lines
from partner_orders.catalogue.product import LineError, Values, product_and_values
from partner_orders.pusher.urgent_message import UrgentRefusedError, urgent_change
from tests.support.fixed_clock import NOW
from tools.local.chain import UNKNOWN_SKU, WRONG_FACTOR, Article, Chain, File


@pytest.fixture
def chain() -> Chain:
    return Chain(
        "s1", [Article(f"s1-{number:03d}", Decimal(number + 1), number % 9 > 0) for number in range(100)], lambda: NOW
    )


def lines_of(file: File) -> Iterator[tuple[int, str, Values | None]]:
    """The number, the product and the values of each line; no values for a bad one."""
    for line in read_lines(iter([file.content]), file.key):
        assert not isinstance(line, BadLine)
        try:
            values = product_and_values(line.columns)[1]
        except LineError:
            yield line.number, line.columns["sku"], None
        else:
            yield line.number, line.columns["sku"], values


def test_list_has_the_bad_lines_it_tells_of(chain: Chain) -> None:
    """The bad lines of a list are those of which the chain knows, and name products of no good line."""
    file = chain.whole_list()
    found = [*lines_of(file)]
    assert tuple(number for number, _, values in found if values is None) == file.bad
    assert {sku: values for _, sku, values in found if values} == chain.said
    assert not {sku for _, sku, values in found if values is None} & chain.said.keys()
    assert (len(chain.said), file.good, UNKNOWN_SKU in chain.said) == (97, 97, True)


def test_changes_are_remembered(chain: Chain) -> None:
    """What a file of changes says is what the chain remembers, but for wrong prices."""
    chain.whole_list()
    before = dict(chain.said)
    file = chain.changes(1, 12, off=3, wrong_prices=2)
    found = {sku: values for _, sku, values in lines_of(file) if values}
    assert (file.good, len(file.bad), len(chain.held)) == (14, 1, 2)
    for sku, values in found.items():
        if sku in chain.held:
            assert (values, chain.said[sku]) == (Values(price=chain.held[sku]), before[sku])
            assert chain.held[sku] == (before[sku].price or 0) * WRONG_FACTOR
        else:
            assert {**before[sku].said, **values.said} == chain.said[sku].said
    assert sum(values.active is False for values in found.values()) == 3


def test_moved_price_is_not_held(chain: Chain) -> None:
    """A price that moves does so by a step that no guard holds."""
    chain.whole_list()
    before = dict(chain.said)
    chain.changes(1, 90)
    prices = [(before[sku].price, after.price) for sku, after in chain.said.items()]
    steps = [abs(after / price - 1) for price, after in prices if price and after]
    assert 0 < max(steps) < Decimal("0.35")


def test_messages_are_taken(chain: Chain) -> None:
    """Urgent messages say what the chain remembers; the bad one cannot be taken."""
    chain.whole_list()
    sku, text = chain.change_now(is_price=True)
    change = urgent_change(text, NOW, NOW)
    assert (change.store_id, change.product.sku, change.values) == ("s1", sku, chain.said[sku])
    off = urgent_change(chain.off_now(sku), NOW, NOW)
    assert (off.values, chain.said[sku].active) == (Values(active=False), False)
    mistake = urgent_change(chain.mistake_now(), NOW, NOW)
    assert {mistake.product.sku: mistake.values.price} == chain.held
    with pytest.raises(UrgentRefusedError):
        urgent_change(chain.bad_message(), NOW, NOW)
    assert (chain.messages, chain.bad_messages, chain.rows) == (4, 1, 97 + 4 + 4)


def test_same_morning_each_time() -> None:
    """The same store and seed say the same."""

    def told() -> Any:
        chain = Chain("s1", [Article(f"a{number}", Decimal(3), True) for number in range(30)], lambda: NOW, seed=3)
        chain.whole_list()
        return chain.changes(1, 5), chain.change_now(is_price=False), chain.said

    assert told() == told()
