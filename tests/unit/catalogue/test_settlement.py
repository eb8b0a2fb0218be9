"""What becomes of a product when an outcome is known, also where other calls were under way."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from partner_orders.catalogue.desired import Desired, PriceInForce
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import PRICE_WINDOW, Call, Outcome, settled, submitted_price
from partner_orders.catalogue.to_send import difference, is_waiting, to_send
from tests.support.fixed_clock import NOW

MINUTE = timedelta(minutes=1)
OLD, NEW = Decimal(2), Decimal(3)
ROW = settled(Desired("A"), Values(OLD, True, 5), Outcome.PROCESSED, NOW)
LATER = NOW + MINUTE


def test_words_of_outcomes() -> None:
    """The notes of a job have these words, so they stay."""
    assert [*Outcome] == ["processed", "refused", "unknown"]


def test_processed_values_are_confirmed() -> None:
    """What was processed is confirmed, a refusal of it is over, and the price before it was in force until now."""
    refused = replace(ROW, refused=Values(price=NEW), refusal="locked")
    row = settled(refused, Values(price=NEW), Outcome.PROCESSED, LATER)
    assert row.confirmed == Values(NEW, True, 5)
    assert (row.refused, row.refusal) == (Values(), "")
    assert row.past_prices == (PriceInForce(OLD, LATER),)
    assert row.settled_at == LATER


def test_other_refusals_stay() -> None:
    """A refusal of another field stays with its words, which are cut."""
    row = settled(ROW, Values(price=NEW, quantity=9), Outcome.REFUSED, LATER, "x" * 400)
    assert (row.refused, row.refusal) == (Values(NEW, None, 9), "x" * 300)
    assert row.confirmed == ROW.confirmed
    assert settled(ROW, Values(price=NEW), Outcome.REFUSED, LATER).refusal == ""
    row = settled(row, Values(quantity=9), Outcome.PROCESSED, LATER)
    assert (row.refused, row.refusal) == (Values(price=NEW), "x" * 300)


@pytest.mark.parametrize(("name", "value"), [("price", NEW), ("active", False), ("quantity", 9), ("cap", 7)])
def test_refused_product_takes_other_values(name: str, value: Any) -> None:
    """A refused product waits, with the platform's words, until the chain says another value of a field."""
    row = Desired("A", values=Values(OLD, True, 5, 6))
    refused = settled(row, to_send(row), Outcome.REFUSED, NOW, "locked")
    assert (is_waiting(refused), refused.refusal) == (False, "locked")
    changed = replace(refused, values=replace(row.values, **{name: value}))
    assert getattr(difference(changed, to_send(changed)), name) == value


def test_unchanged_product_is_not_written() -> None:
    """The same values again are no news, unless other calls were under way with them."""
    sent = Values(active=True, quantity=5)
    assert settled(ROW, sent, Outcome.PROCESSED, LATER) is ROW
    assert settled(ROW, sent, Outcome.PROCESSED, LATER, call=Call(NOW)) is ROW
    noted = settled(ROW, sent, Outcome.PROCESSED, LATER, call=Call(NOW, are_others_under_way=True))
    assert noted == replace(ROW, settled_at=LATER)


def test_unknown_outcome() -> None:
    """What was sent is no longer known, and the price before it still counts as one in force."""
    row = settled(ROW, Values(price=NEW), Outcome.UNKNOWN, LATER)
    assert row.confirmed == Values(None, True, 5)
    assert (row.past_prices, row.settled_at) == ((PriceInForce(OLD, LATER),), LATER)
    assert settled(row, Values(price=OLD), Outcome.UNKNOWN, LATER + MINUTE) is row


def test_calls_that_were_under_way_together() -> None:
    """What both calls agree on is confirmed; where they differ, nobody knows, and either price may be in force."""
    call = Call(sent_at=NOW - MINUTE)
    row = settled(ROW, Values(NEW, True, 5), Outcome.PROCESSED, LATER, call=call)
    assert row.confirmed == Values(None, True, 5)
    assert row.past_prices == (PriceInForce(OLD, LATER), PriceInForce(NEW, LATER))
    row = settled(ROW, Values(OLD, False), Outcome.PROCESSED, LATER, call=call)
    assert row.confirmed == Values(OLD, None, 5)
    assert row.past_prices == ()
    # A call that was sent once the other had its outcome was not under way with it.
    assert settled(ROW, Values(price=NEW), Outcome.PROCESSED, LATER, call=Call(NOW)).confirmed.price == NEW


def test_past_prices_of_a_day() -> None:
    """Prices count for a day, the last one for as long as no other takes its place; of many the ends and the newest
    stay."""
    row = settled(ROW, Values(price=NEW), Outcome.PROCESSED, LATER)
    over = LATER + PRICE_WINDOW
    assert settled(row, Values(quantity=1), Outcome.PROCESSED, over).past_prices == (PriceInForce(OLD, LATER),)
    assert settled(row, Values(price=OLD), Outcome.PROCESSED, over).past_prices == (PriceInForce(NEW, over),)
    both = replace(row, past_prices=(PriceInForce(Decimal(9), LATER), *row.past_prices))
    assert settled(both, Values(quantity=1), Outcome.PROCESSED, over).past_prices == row.past_prices
    just = over - timedelta(seconds=1)
    assert settled(row, Values(price=Decimal(4)), Outcome.PROCESSED, just).past_prices == (
        PriceInForce(OLD, LATER),
        PriceInForce(NEW, just),
    )
    for number in (30, *range(10, 20), 1):
        row = settled(row, Values(price=Decimal(number)), Outcome.PROCESSED, LATER)
    assert [past.price for past in row.past_prices] == [OLD, Decimal(30), *map(Decimal, range(14, 20))]


def test_price_of_a_file() -> None:
    """A price that a file replaces was in force; the same price, or none, changes nothing."""
    after = replace(ROW, values=Values(price=NEW))
    assert submitted_price(ROW, after, LATER).past_prices == (PriceInForce(OLD, LATER),)
    for same in (replace(ROW, values=Values(price=OLD)), replace(ROW, values=Values())):
        assert submitted_price(ROW, same, LATER) is same
