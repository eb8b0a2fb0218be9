"""The lines that an answer means, as they are sent and compared."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from partner_orders.answers.answer import AnswerProblemsError
from partner_orders.answers.cart import (
    CartLine,
    answered_cart,
    cart_digest,
    cart_of,
    named_lines,
    same_lines,
    sent_lines,
)
from partner_orders.orders.event import parse_event
from tests.support.answers import lines, read
from tests.support.orders import as_bytes, order

if TYPE_CHECKING:
    from partner_orders.exact_json import Json


def cart(items: list[dict[str, Any]] | None = None) -> tuple[CartLine, ...]:
    return cart_of(parse_event(as_bytes(order(items=lines() if items is None else items))).order.items)


def answered(*changes: dict[str, Any], items: list[dict[str, Any]] | None = None, **content: Any) -> list[Any]:
    """The lines that an answer means: id or SKU, status, and what it replaces."""
    result = answered_cart(cart(items), read(lines=[*changes] or None, **content))
    return [(line.id or line.sku, line.status, line.replaced_id) for line in result]


def refused(*changes: dict[str, Any], items: list[dict[str, Any]] | None = None, **content: Any) -> dict[str, str]:
    with pytest.raises(AnswerProblemsError) as error:
        answered_cart(cart(items), read(lines=[*changes] or None, **content))
    return {problem.path: problem.text for problem in error.value.problems}


def test_lines_are_in_cart_unless_said() -> None:
    """Lines that an answer does not mention were found as ordered."""
    assert answered() == [(f"ln-{number}", "IN_CART", None) for number in range(1, 6)]


def test_replacement_is_two_lines() -> None:
    """A replaced line stays, and what replaces it follows as new lines that name it, by the piece or by weight."""
    new = [{"sku": "KW-221", "quantity": 2, "unit_price": 1.5}, {"sku": "KW-222", "weight": 0.2, "unit_price": 9}]
    new[1]["name"] = "Dates"
    replaced, by_piece, by_weight = answered_cart(cart(), read(lines=[{"id": "ln-2", "replaced_by": new}]))[1:4]
    assert replaced == replace(cart()[1], status="REPLACED")
    named: dict[str, Any] = {"status": "IN_CART", "replaced_id": "ln-2"}
    assert by_piece == CartLine(
        id=None, sku="KW-221", pricing_type="UNIT", quantity=Decimal(2), unit_price=Decimal("1.5"), **named
    )
    assert by_weight == CartLine(
        id=None, sku="KW-222", pricing_type="KG", quantity=Decimal(1), weight=Decimal("0.2"), unit_price=Decimal(9),
        name="Dates", **named,
    )  # fmt: skip


def test_addition_comes_last() -> None:
    """An addition is a new line of its own status."""
    assert answered(added=[{"sku": "BAG", "quantity": 1, "unit_price": 0}])[5:] == [("BAG", "ADDITION", None)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ({"kind": "cancel", "reason": "CLOSED"}, "NOT_FOUND"),
        ({"kind": "accept", "ready_at": "2026-10-14T09:30:00Z"}, "NOT_PROCESSED"),
    ],
)
def test_whole_cart_has_one_status(kind: dict[str, Any], status: str) -> None:
    """Of a cancelled order nothing is found, and of an accepted one nothing is processed yet."""
    items = lines()
    items[0]["status"] = "IN_CART"
    assert {line[1] for line in answered(items=items, **kind)} == {status}


def test_what_was_left_out_stays_so() -> None:
    """Lines that an earlier update left out, and additions, stay as they are unless the answer says otherwise."""
    items = lines()
    for item, status in zip(items, ["NOT_FOUND", "REPLACED", "IN_CART", "ADDITION", "NOT_PROCESSED"], strict=True):
        item["status"] = status
    assert [line[1] for line in answered(items=items)] == ["NOT_FOUND", "REPLACED", "IN_CART", "ADDITION", "IN_CART"]
    found = {"id": "ln-1", "quantity": 2}, {"id": "ln-4", "quantity": 1}
    assert [line[1] for line in answered(*found, items=items)][:4] == ["IN_CART", "REPLACED", "IN_CART", "ADDITION"]
    assert "replaced already" in refused({"id": "ln-2", "quantity": 1}, items=items)["lines[0]"]


@pytest.mark.parametrize(("weight", "fits"), [(0.6, True), (1.0, True), (0.5999, False), (1.0001, False)])
def test_weight_lies_within_its_bounds(weight: float, fits: bool) -> None:
    """A weight may be at each bound of its line, and not beyond."""
    if fits:
        answered({"id": "ln-3", "weight": weight})
    else:
        assert refused({"id": "ln-3", "weight": weight}) == {"lines[0].weight": "should be from 0.6 to 1 kg"}


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"min_quantity": 2, "max_quantity": 0}, "should be at least 2 kg"),
        ({"min_quantity": 0, "max_quantity": 0.5}, "should be at most 0.5 kg"),
        ({"min_quantity": None, "max_quantity": None}, None),
        ({"min_quantity": 0, "max_quantity": 0}, None),
    ],
)
def test_bounds_of_zero_are_none(bounds: dict[str, Any], text: str | None) -> None:
    """A bound that is missing or 0 bounds nothing."""
    items = lines()
    items[2]["pricing"] |= bounds
    if text is None:
        answered({"id": "ln-3", "weight": 1.5}, items=items)
    else:
        assert refused({"id": "ln-3", "weight": 1.5}, items=items) == {"lines[0].weight": text}


def test_ready_line_has_its_weight() -> None:
    """A ready order has every weighed line weighed; an update may leave that for later."""
    items = lines()
    items[2]["pricing"]["weight"] = 0
    assert "weight is needed" in refused(items=items)["line ln-3"]
    assert "weight is needed" in refused({"id": "ln-3", "quantity": 1}, items=items)["lines[0].weight"]
    assert len(answered(items=items, kind="update")) == 5


def test_line_without_id_cannot_be_replaced() -> None:
    """A replacement has to name the line that it replaces."""
    items = lines()
    del items[1]["_id"]
    new = [{"sku": "KW-221", "quantity": 1, "unit_price": 1}]
    assert "no id" in refused({"sku": "KW-220", "replaced_by": new}, items=items)["lines[0]"]


def test_sent_line_is_what_the_platform_takes() -> None:
    """A line is sent with its id, SKU, status and amounts; a weighed one with at least a piece."""
    items = lines()
    items[2]["pricing"]["quantity"] = 0
    weighed = cart(items)[2].to_json()
    assert weighed == {
        "_id": "ln-3",
        "sku": "KW-900",
        "status": "NOT_PROCESSED",
        "name": "kw-900",
        "pricing": {"pricing_type": "KG", "quantity": 1, "weight": Decimal("0.8"), "unit_price": Decimal("1.2")},
    }
    assert cart()[0].to_json()["pricing"] == {
        "pricing_type": "UNIT",
        "quantity": 2,
        "weight": 0,
        "unit_price": Decimal("3.4"),
    }


def test_half_a_gram_makes_no_difference() -> None:
    """Weights that differ by half a gram are the same; those that differ by more are not."""
    wanted = [CartLine("a", "A", "IN_CART", "KG", weight=Decimal("0.842"))]
    for weight, is_same in (("0.8425", True), ("0.8415", True), ("0.8426", False), ("0.8414", False)):
        assert same_lines(wanted, [replace(wanted[0], weight=Decimal(weight))]) is is_same


def test_close_weights_find_their_pairs() -> None:
    """Of several new lines of one product, each finds its own, whatever the order in which they are shown."""
    wanted = [CartLine(None, "A", "ADDITION", "KG", weight=Decimal(text)) for text in ("1.0004", "1.0000")]
    shown = [CartLine("x", "A", "ADDITION", "KG", weight=Decimal(text)) for text in ("1.0004", "1.0008")]
    assert same_lines(wanted, shown)
    assert same_lines(wanted, shown[::-1])


def test_ordered_lines_find_their_pairs_first() -> None:
    """A new line that is like an ordered one takes its own place, not the ordered line's."""
    new, ordered = CartLine(None, "A", "ADDITION", "KG", weight=Decimal(1)), CartLine("a", "A", "ADDITION", "KG")
    shown = [replace(ordered, weight=Decimal(1)), replace(new, id="x")]
    assert same_lines([new, shown[0]], shown)
    assert same_lines([new, shown[0]], shown[::-1])


def test_names_and_prices_do_not_count() -> None:
    """The platform may normalise names and prices; what it shows is the same cart."""
    shown = [replace(line, name="other", unit_price=Decimal(9)) for line in cart()]
    assert same_lines(cart(), shown)
    assert cart_digest(cart()) == cart_digest(shown)


def test_lines_are_named_by_id_else_by_sku() -> None:
    """What names a line is its id, or its SKU where it has none."""
    items = lines()
    for item in items:
        del item["_id"]
    assert named_lines(cart(items)) == {"sku:KW-100": 1, "sku:KW-220": 1, "sku:KW-900": 1, "sku:KW-310": 2}


def test_order_without_lines_has_an_empty_cart() -> None:
    """An order without lines can be answered: nothing is sent of them."""
    assert cart_of(None) == ()
    assert answered_cart((), read()) == ()


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ([{"id": "ln-9", "not_found": True}], {"lines[0]": "the order has no such line"}),
        (
            [{"sku": "KW-310", "not_found": True}],
            {"lines[0]": "several lines have this SKU; name the line by its id"},
        ),
        (
            [{"id": "ln-1", "not_found": True}, {"sku": "KW-100", "quantity": 1}],
            {"lines[1]": "the line is named twice, in lines[0] too"},
        ),
        (
            [{"id": "ln-1", "quantity": 3}],
            {"lines[0].quantity": "2 were ordered; more of it is an addition"},
        ),
        ([{"id": "ln-1", "weight": 0.5}], {"lines[0].weight": "the line is sold by the piece"}),
    ],
)
def test_problems_say_what_to_change(changes: list[dict[str, Any]], problems: dict[str, str]) -> None:
    """Each problem names the line of the answer, and what is wrong with it."""
    assert refused(*changes) == problems


def test_problems_of_weighed_and_replaced_lines() -> None:
    """A weight that is needed, a line without an id and a line that is replaced already are named."""
    items = lines()
    items[2]["pricing"]["weight"] = 0
    needed = "it is sold by weight, so its weight is needed"
    assert refused(items=items) == {"line ln-3": needed}
    assert refused({"id": "ln-3", "quantity": 1}, items=items) == {"lines[0].weight": needed}
    items = lines()
    items[0]["status"] = "REPLACED"
    del items[1]["_id"]
    new = [{"sku": "KW-221", "quantity": 1, "unit_price": 1}]
    assert refused({"id": "ln-1", "quantity": 1}, {"sku": "KW-220", "replaced_by": new}, items=items) == {
        "lines[0]": "the line is replaced already",
        "lines[1]": "the line has no id, so nothing can replace it",
    }


def test_weighed_line_keeps_what_is_not_said() -> None:
    """An answer with a new weight keeps the pieces, and one with pieces keeps the weight."""
    picked = answered_cart(cart(), read(lines=[{"id": "ln-3", "weight": 0.7}]))[2]
    assert (picked.weight, picked.quantity) == (Decimal("0.7"), cart()[2].quantity)
    picked = answered_cart(cart(), read(lines=[{"id": "ln-3", "quantity": 4}]))[2]
    assert (picked.weight, picked.quantity) == (cart()[2].weight, Decimal(4))
    picked = answered_cart(cart(), read(lines=[{"id": "ln-1", "quantity": 1}]))[0]
    assert (picked.weight, picked.quantity) == (cart()[0].weight, Decimal(1))


def test_what_was_sent_is_read_back() -> None:
    """The lines that were sent are read with all that tells them apart; anything else has none."""
    new = [{"sku": "KW-222", "weight": 0.2, "unit_price": 1}]
    wanted = answered_cart(cart(), read(lines=[{"id": "ln-2", "replaced_by": new}]))
    sent = sent_lines([line.to_json() for line in wanted])
    assert [(line.id, line.sku, line.status, line.replaced_id, line.pricing_type) for line in sent] == [
        (line.id, line.sku, line.status, line.replaced_id, line.pricing_type) for line in wanted
    ]
    assert same_lines(wanted, sent)
    others: list[Json] = [None, "text", {"sku": "KW-100"}, [{"sku": "KW-100", "status": 1, "pricing": {}}]]
    assert [sent_lines(other) for other in others] == [(), (), (), ()]
    odd: Json = [{"_id": 1, "sku": 2, "status": "IN_CART", "pricing": {"pricing_type": "UNIT", "weight": "3"}}]
    assert sent_lines(odd) == (CartLine(None, None, "IN_CART"),)


LINE = CartLine("a", "A", "IN_CART", "KG", quantity=Decimal(1), weight=Decimal("0.5"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"sku": "B"},
        {"status": "NOT_FOUND"},
        {"replaced_id": "c"},
        {"quantity": Decimal(2)},
        {"weight": Decimal("0.6")},
        {"weight": None},
    ],
)
def test_digest_tells_states_apart(change: dict[str, Any]) -> None:
    """All that an answer can change of a line makes another digest; how a number is written does not."""
    assert cart_digest([replace(LINE, **change)]) != cart_digest([LINE])
    assert cart_digest([replace(LINE, weight=Decimal("0.50"))]) == cart_digest([LINE])


def test_digest_is_frozen() -> None:
    """The digest is stored while an answer is on its way, so an update of the stack may not change it."""
    assert cart_digest([LINE, replace(LINE, weight=None)]) == "f168da2ed1a2788869901f47cd94f774"


def test_digest_takes_any_text() -> None:
    """Half a surrogate pair, which JSON allows, does no harm; and the order of lines does not count."""
    odd = replace(LINE, sku="\ud800")
    assert cart_digest([odd, LINE]) == cart_digest([LINE, odd]) != cart_digest([odd])


def test_missing_amounts_are_zero() -> None:
    """A line that shows no amount has none of the product."""
    for kind in ("KG", "UNIT"):
        none, zero = replace(LINE, pricing_type=kind, quantity=None, weight=None), Decimal(0)
        assert same_lines([none], [replace(none, quantity=zero, weight=zero)])
        assert same_lines([replace(none, quantity=zero, weight=zero)], [none])
        assert not same_lines([none], [replace(none, quantity=Decimal(1), weight=Decimal(1))])
    assert replace(LINE, quantity=None, pricing_type="UNIT").to_json()["pricing"] == {
        "pricing_type": "UNIT",
        "quantity": 0,
        "weight": 0,
    }
    assert replace(LINE, quantity=Decimal(3)).to_json()["pricing"] == {
        "pricing_type": "KG",
        "quantity": 3,
        "weight": Decimal("0.5"),
    }


def test_line_of_an_order_is_read() -> None:
    """A line has its amounts and bounds, and as many pieces as were ordered or are there now."""
    pricing = {"pricing_type": " weight ", "quantity": 3, "weight": 1.2, "unit_price": 4, "min_quantity": 1}
    item: dict[str, Any] = {"_id": "ln-1", "sku": "KW-900", "name": "Rice", "status": "IN_CART", "replaced_id": "ln-0"}
    item |= {"pricing": pricing | {"max_quantity": 1.5}, "original_pricing": {"quantity": 2}}
    expected = CartLine(
        id="ln-1",
        sku="KW-900",
        status="IN_CART",
        pricing_type="WEIGHT",
        quantity=Decimal(3),
        weight=Decimal("1.2"),
        unit_price=Decimal(4),
        replaced_id="ln-0",
        name="Rice",
        ordered=Decimal(3),
        least=Decimal(1),
        most=Decimal("1.5"),
    )
    assert cart([item]) == (expected,)
    assert expected.is_weighed
    assert cart([item | {"original_pricing": {"quantity": 4}}]) == (replace(expected, ordered=Decimal(4)),)
    assert cart([{"_id": "ln-1", "pricing": {}}]) == (CartLine("ln-1", None, "NOT_PROCESSED"),)


def test_line_without_prices() -> None:
    """A line without its pricing is one of pieces, and is named as it is."""
    items = [{"_id": "ln-1", "sku": "KW-100", "replaced_id": "ln-0", "name": "Milk", "pricing": None}]
    assert cart(items) == (CartLine("ln-1", "KW-100", "NOT_PROCESSED", replaced_id="ln-0", name="Milk"),)
    assert cart([items[0] | {"status": "IN_CART"}])[0].status == "IN_CART"
