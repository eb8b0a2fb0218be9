"""The canonical text of an order, which its digest is made of, and what the reading counts and says."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.exact_json import Json
from partner_orders.orders.fields import Kind
from partner_orders.orders.reading import Field, canonical_text, known_fields, read_order

ANY = Field("(unknown)", Kind.ANY)
UNKNOWN = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"b": [1, "x", None, True, False, {}, []], "a": {"d": 1, "c": Decimal("1.0")}},
         '{"a":{"c":1,"d":1},"b":[1,"x",null,true,false,{},[],]}'),
    ],
)  # fmt: skip
def test_text_of_what_we_do_not_know(value: Json, text: str) -> None:
    """Keys are sorted, and numbers are written by value. Digests are stored, so this text never changes."""
    assert canonical_text(value, ANY) == text


@given(UNKNOWN, UNKNOWN)
def test_texts_differ_as_values_do(one: Any, other: Any) -> None:
    """Two values of which nothing is known have the same text only if they are the same."""
    assert (canonical_text(one, ANY) == canonical_text(other, ANY)) is (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"order_id": "1", "status": "x", "comment": None, "new": None}, '{"new":null,"order_id":"1","status":"X"}'),
        ({"sys": {"webhook_status": "sent", "created_by": "b"}}, '{"sys":{"created_by":"b"}}'),
        ({"comment": "", "customer": {}, "sys": {"updated_at": " "}}, '{"comment":"","customer":{},"sys":{}}'),
        ({"items": [{"sku": 7, "barcode": "4"}, None]}, '{"items":[{"barcode":["4",],"sku":"7"},null,]}'),
        ({"client": {"store_id": 5, "new": [True]}}, '{"client":{"new":[true,],"store_id":"5"}}'),
        ({"accepted_for": " ", "promised_for": "2026-01-01T00:00:00Z"},
         '{"promised_for":"2026-01-01T00:00:00.000000+00:00"}'),
        ({"payment": {"additional_fees": {"b": 1, "a": "2.0"}}}, '{"payment":{"additional_fees":{"a":"2.0","b":1}}}'),
    ],
)  # fmt: skip
def test_text_of_an_order(order: dict[str, Json], text: str) -> None:
    """Null is as absent in the fields that we know, and volatile fields are left out."""
    assert read_order(order).canonical == text


@pytest.mark.parametrize(
    ("order", "problems"),
    [
        ({"customer": "Ali"}, {"customer": "Input should be a valid dictionary"}),
        ({"payment": {"discounts": {}}}, {"payment.discounts": "Input should be a valid list"}),
        ({"items": "none"}, {"items": "Input should be a valid list"}),
        ({"items": [{"barcode": [None]}]}, {"items.barcode": "Input should not be null"}),
        (
            {"payment": {"additional_fees": "none"}},
            {"payment.additional_fees": "Input should be a valid dictionary or list"},
        ),
        ({"items": [{}] * 10_001}, {"items": "List should have at most 10000 items, and all lists 20000"}),
        ({"items": [{"barcode": ["1"] * 9_999}, {"barcode": ["1"] * 9_999}]}, {}),
        (
            {"items": [{"barcode": ["1"] * 9_999}, {"barcode": ["1"] * 10_000}]},
            {"items.barcode": "List should have at most 10000 items, and all lists 20000"},
        ),
        ({"items": [{}] * 10_000}, {}),
    ],
)
def test_what_cannot_be_read(order: dict[str, Json], problems: dict[str, str]) -> None:
    """A part that cannot be read is named with what should be there, and enters the text as it came."""
    reading = read_order(order)
    assert reading.problems == problems
    if order == {"customer": "Ali"}:
        assert (reading.values, reading.canonical) == ({}, '{"customer":"Ali"}')


def test_what_is_said() -> None:
    """Values that say something are counted, and those of them that are personal; masked and empty ones are not."""
    order: dict[str, Json] = {
        "order_code": "*",
        "comment": "",
        "customer": {"first_name": "A*", "last_name": "Khan"},
        "items": [{"sku": "1", "instructions": "ring twice", "new": ["x", "", "*", None, True, 5]}],
    }
    reading = read_order(order)
    assert (reading.richness, reading.unmasked) == (6, 2)


def test_parts_of_parts_are_read() -> None:
    """The model gets the lines with their codes, without what is not there, and a part that is kept whole as it is."""
    lines: dict[str, Json] = {"items": [{"sku": 7, "barcode": "4", "name": None}, None, {"barcode": ["5", "6"]}]}
    assert read_order(lines).values == {"items": [{"sku": "7", "barcode": ["4"]}, {"barcode": ["5", "6"]}]}
    fees: dict[str, Json] = {"payment": {"additional_fees": {"fee": 5}}}
    assert read_order(fees).values == fees


def test_null_is_absent_in_every_known_field() -> None:
    """Null in any known field, also in place of an object or a list, is the same as leaving the field out."""
    objects = [Field("", fields=known_fields())]
    for described in objects:
        fields = described.fields or {}
        objects += (part for field in fields.values() for part in (field, field.element) if part and part.fields)
        assert canonical_text(dict.fromkeys(fields), described) == "{}", described.path
    assert {"client", "items", "items.pricing"} <= {described.path for described in objects}


@pytest.mark.parametrize(
    ("part", "one", "other"),
    [
        ("items", {"sku": "1"}, {"sku": "2"}),
        ("barcode", "1", "2"),
        ("promotion", {"name": "1"}, {"name": "2"}),
        ("discounts", {"value": 1}, {"value": 2}),
        ("vouchers", "1", "2"),
        ("new", 1, 2),
    ],
)
def test_every_entry_of_a_list_counts(part: str, one: Json, other: Json) -> None:
    """Lists that differ in one entry are different, however long they are and wherever the entry is."""

    def text(entries: list[Json]) -> str:
        order: dict[str, Json] = {part: entries}
        if part in ("barcode", "promotion"):
            order = {"items": [order]}
        if part in ("discounts", "vouchers"):
            order = {"payment": order}
        return read_order(order).canonical

    alike = [one] * 2_000
    longer = [[*alike[:place], other, *alike[place:]] for place in (0, 20, 1_000, 2_000)]
    assert len({text(entries) for entries in (alike, [*alike, one], *longer)}) == 6


def test_every_character_of_a_text_counts() -> None:
    """Texts of a known field that differ in case or white space only are different."""
    fields = [*known_fields().values()]
    for described in fields:
        fields += [*(described.fields or {}).values(), *([described.element] if described.element else [])]
    texts = [described for described in fields if described.kind is Kind.TEXT]
    assert {"comment", "customer.first_name", "items.name"} <= {described.path for described in texts}
    for described in texts:
        spellings = ("Ring", "ring", "RING", " Ring", "Ring ", "Ri ng", "Ring\n", "")
        assert len({canonical_text(text, described) for text in spellings}) == len(spellings), described.path
