"""Bodies that are refused, and bodies that only look as if they should be."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from partner_orders.clock import now
from partner_orders.exact_json import parse, write
from partner_orders.order_events.message import (
    MAX_BODY_BYTES,
    OrderEventMessage,
    UnreadableMessageError,
    correlation_id_of,
)
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import CatalogueCallbackError, OrderEvent, RejectedError, parse_event
from partner_orders.orders.history import Sale, sale
from partner_orders.orders.model import DeliveryAddress
from partner_orders.orders.packed_body import pack, unpack
from partner_orders.orders.reading import known_fields
from tests.support.orders import as_bytes, order


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"order_id":"1","status":"X","n":NaN}', "NaN"),
        (b'{"order_id":"1","status":"X","n":-Infinity}', "infinity"),
        (b'{"order_id":"1","status":"X","status":"Y"}', "duplicate key"),
        (b'{"order_id":"1","status":"X","status":"X"}', "duplicate key"),
        (b'{"order_id":"1","status":"X","a":' + b"[" * 65 + b"]" * 65 + b"}", "64 levels"),
        (b'{"order_id":"1","status":"X","a":[1,{},' + b"[" * 65 + b"]" * 65 + b"]}", "64 levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "64 levels"),
        (b"[" * 200_000, "64 levels"),
        (b'{"order_id":"1","status":"X","n":' + b"7" * 5_000 + b"}", "100 digits"),
        (b'{"order_id":"1","status":"X","n":' + b"7" * 101 + b"}", "100 digits"),
        (b'{"order_id":"1","status":"X","n":0.' + b"7" * 1_000 + b"}", "100 digits"),
        (b'{"order_id":"1","status":"X","n":1e101}', "exponent"),
        (b'{"order_id":"1","status":"X","n":1e-101}', "exponent"),
        (b'{"order_id":"1","status":"X","n":1e999999999}', "exponent"),
        (b'{"order_id":"1","status":"X","n":1e-999999999}', "exponent"),
        (b'{"order_id":"1"', "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_ambiguous_json_is_malformed(body: bytes, problem: str) -> None:
    """JSON without one bounded meaning is rejected as malformed."""
    with pytest.raises(RejectedError) as refusal:
        parse_event(body)
    assert refusal.value.reason == "malformed_json"
    assert problem in refusal.value.problems[0]


@pytest.mark.parametrize("field", ["order_id", "status"])
def test_required_field_that_is_not_there(field: str) -> None:
    """An object that lacks one of both fields is no order, whatever else it has."""
    with pytest.raises(RejectedError) as refusal:
        parse_event(as_bytes({name: value for name, value in order().items() if name != field}))
    assert (refusal.value.reason, refusal.value.problems) == ("not_an_order", [f"{field}: Field required"])


@pytest.mark.parametrize("job", [{}, {"job_id": "j1"}])
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"order_id": ""}, "order_id: String should have at least 1 character"),
        ({"order_id": " \t"}, "order_id: String should have at least 1 character"),
        ({"order_id": "9" * 201}, "order_id: String should have at most 200 characters"),
        ({"order_id": None}, "order_id: Field required"),
        ({"order_id": ["a"]}, "order_id: Input should be a valid string"),
        ({"status": "  "}, "status: String should have at least 1 character"),
        ({"status": True}, "status: Input should be a valid string"),
        ({"status": None}, "status: Field required"),
    ],
)
def test_order_id_and_status_decide(fields: dict[str, Any], problem: str, job: dict[str, Any]) -> None:
    """Without a readable order_id and status there is no order, and the problem says why; a job_id beside them does
    not make it a callback of the catalogue."""
    with pytest.raises((RejectedError, CatalogueCallbackError)) as refusal:
        parse_event(as_bytes(order(**fields, **job)))
    assert isinstance(refusal.value, RejectedError)
    assert (refusal.value.reason, refusal.value.problems) == ("not_an_order", [problem])


ODD_PARTS: list[tuple[dict[str, Any], str]] = [
    ({"items": "none"}, "items"),
    ({"items": [0] * 80_000}, "items"),
    ({"items": [{}] * 80_000}, "items"),
    ({"items": [{"barcode": [None] * 50_000}]}, "items.barcode"),
    ({"items": [{"promotion": [{}] * 9_990}] * 8}, "items.promotion"),
    ({"items": [{"pricing": {"unit_price": True}}]}, "items.pricing.unit_price"),
    ({"items": [{"pricing": {"weight": ""}}]}, "items.pricing.weight"),
    ({"payment": {"sub_total": "a lot"}}, "payment.sub_total"),
    ({"payment": {"sub_total": "NaN"}}, "payment.sub_total"),
    ({"payment": {"discounts": -250}}, "payment.discounts"),
    ({"payment": {"additional_fees": "none"}}, "payment.additional_fees"),
    ({"customer": []}, "customer"),
    ({"customer": {"delivery_address": "Calle Los Aromos 118"}}, "customer.delivery_address"),
    ({"customer": {"delivery_address": {"latitude": "***"}}}, "customer.delivery_address.latitude"),
    ({"cancellation": []}, "cancellation"),
    ({"client": "the store"}, "client"),
    ({"client": {"store_id": "9" * 201}}, "client.store_id"),
    ({"isPreorder": "perhaps"}, "isPreorder"),
    ({"sys": {"updated_at": "yesterday"}}, "sys.updated_at"),
    ({"sys": {"updated_at": 1773475964107}}, "sys.updated_at"),
    ({"order_code": "\ud800"}, "order_code"),
    ({"comment": {"text": "ring twice"}}, "comment"),
]


@pytest.mark.parametrize(("fields", "problem"), ODD_PARTS)
def test_odd_part_counts_as_absent(fields: dict[str, Any], problem: str) -> None:
    """A part of a wrong type never costs the order: its path is a problem, and the body stays as it came."""
    body = json.dumps(order(**fields)).encode()
    event = parse_event(body)
    assert (event.problems, event.body) == ((problem,), body)


def test_all_parts_odd_is_still_an_order() -> None:
    """An order whose optional parts are all of wrong types is stored with each path."""
    required = {name: order()[name] for name in ("order_id", "status")}
    optional = known_fields().keys() - required.keys()
    event = parse_event(as_bytes(required | {name: [[True]] for name in optional}))
    assert {*event.problems} == optional
    assert (event.order.items, event.order.payment, event.occurred_at) == ((), None, None)


def test_odd_parts_tell_events_apart() -> None:
    """A part that cannot be read enters the digest as the JSON that came."""
    digests = {parse_event(as_bytes(order(comment=comment))).digest for comment in ({"a": 1}, {"a": 2}, {"a": 2.0})}
    assert len(digests) == 2


UUID = "0f1c2d3e-4a5b-4c6d-8e7f-90a1b2c3d4e5"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"items": [{"barcode": "869"}]}, {"items": [{"barcode": ["869"]}]}),
        ({"client": {"store_id": 149439}}, {"client": {"store_id": "149439"}}),
        ({"isPreorder": "false"}, {"isPreorder": False}),
        ({"isPreorder": 1}, {"isPreorder": True}),
        ({"items": [{"status": "in_cart"}]}, {"items": [{"status": "IN_CART"}]}),
        ({"order_id": "807C225F-AC6D-445D-A074-EA960C892CA7"}, {"order_id": "807c225f-ac6d-445d-a074-ea960c892ca7"}),
        ({"order_id": UUID[:18] + UUID[18:].upper()}, {"order_id": UUID}),
        ({"client": {"store_id": UUID.upper()}}, {"client": {"store_id": UUID}}),
        ({"client": {"chain_id": UUID.upper()}}, {"client": {"chain_id": UUID}}),
        ({"status": "CANCELED"}, {"status": "CANCELLED"}),
        ({"status": "canceled"}, {"status": "CANCELLED"}),
        ({"status": "READY FOR PICKUP"}, {"status": "ready_for_pickup"}),
        ({"payment": {"sub_total": "690.00"}}, {"payment": {"sub_total": 690}}),
        ({"promised_for": "2026-10-14T11:00:00+03:00[Europe/Istanbul]"}, {"promised_for": "2026-10-14T08:00:00Z"}),
    ],
)
def test_spellings_of_one_event(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The digest reads what the model reads, so two spellings of one order are one event."""
    first, second = (parse_event(as_bytes(order(**fields))) for fields in (one, other))
    assert (first.digest, first.order) == (second.digest, second.order)
    assert changed_fields(parse(as_bytes(order(**one))), parse(as_bytes(order(**other)))) == []


@pytest.mark.parametrize(
    ("value", "spellings"),
    [
        (True, ["true", "True", "TRUE", " true ", "yes", "on", "t", "y", "1", 1, 1.0]),
        (False, ["false", "False", "FALSE", " false\n", "no", "off", "f", "n", "0", 0, 0.0]),
        (690, ["690", " 690 ", "690.00", "6.9e2", "+690", 690.0]),
        (-0.5, ["-0.5", "-.50", " -5e-1", -0.50]),
        (["869"], ["869", 869]),
    ],
)
def test_every_spelling_is_one_event(value: Any, spellings: list[Any]) -> None:
    """A flag or a number may come as text, and a barcode without its list, in whatever way it is written."""

    def event(said: Any) -> OrderEvent:
        match value:
            case bool():
                fields: dict[str, Any] = {"isPreorder": said}
            case list():
                fields = {"items": [{"barcode": said}]}
            case _:
                fields = {"payment": {"discount": said}}
        return parse_event(as_bytes(order(**fields)))

    expected = event(value)
    for spelling in spellings:
        other = event(spelling)
        assert (other.digest, other.order, other.problems) == (expected.digest, expected.order, ())


def test_event_does_not_depend_on_its_text() -> None:
    """Two copies of one body are equal events, and their repr leaves the text out."""
    body = as_bytes(order())
    event, spaced = parse_event(body), parse_event(b" " + body)
    assert (event, event.body, spaced.body) == (spaced, body, b" " + body)
    assert "body=" not in repr(event)


def test_order_never_changes() -> None:
    """What was read of an event stays as it was read."""
    event = parse_event(as_bytes(order()))
    with pytest.raises(ValidationError):
        event.order.status = "DELIVERED"  # type: ignore[misc]


def test_order_may_have_a_job_id() -> None:
    """Only a body without an order_id can be a callback of the catalogue."""
    assert parse_event(as_bytes(order(job_id="j1"))).order_id == order()["order_id"]


def test_twenty_problems_are_kept() -> None:
    """Of more problems the first twenty are kept, in the order of their paths."""
    address: dict[str, Any] = {name: [] for name in DeliveryAddress.model_fields}
    customer = {"first_name": [], "last_name": [], "phone_number": [], "tax_id": [], "delivery_address": address}
    event = parse_event(as_bytes(order(customer=customer)))
    assert event.problems == (
        *sorted(f"customer.delivery_address.{name}" for name in address),
        *("customer.first_name", "customer.last_name", "customer.phone_number"),
    )


def test_problems_quote_no_value() -> None:
    """Neither a rejection nor the problems of an event repeat anything of the body."""

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoilt(item) for name, item in value.items()}
        return {"marked-4711": ["marked-4711"]}

    body = order()
    for field in ("order_id", "status"):
        with pytest.raises(RejectedError) as refusal:
            parse_event(as_bytes(body | {field: spoilt(body[field])}))
        assert "marked-4711" not in str(refusal.value)
    for field in ("client", "customer", "payment", "sys", "comment", "isPreorder", "promised_for"):
        event = parse_event(as_bytes(body | {field: spoilt(body[field])}))
        assert event.problems
        assert "marked-4711" not in str(event.problems)


@pytest.mark.parametrize(
    "fields",
    [
        {"client": None, "customer": None, "sys": None, "items": None, "payment": None},
        {"cancellation": "TOO_BUSY"},
        {"items": [{"barcode": "8961008201234"}, {"barcode": [8961008201234]}, {"barcode": 12}]},
        {"payment": {"sub_total": "690.00", "order_total": 1, "vouchers": [{"any": "thing"}]}},
        {"payment": {"sub_total": 690, "order_total": "690.00", "discount": "0", "delivery_fee": "15"}},
        {"items": [{"pricing": {"quantity": "2", "unit_price": "1.50", "total_price": "3", "weight": "0.25"}}]},
        {"client": {"store_id": 149439}},
        {"sys": {"created_at": "2026-10-14T08:12:44", "updated_at": ""}},
        {"status": " ready_for_pickup "},
    ],
)
def test_known_shapes_are_parsed(fields: dict[str, Any]) -> None:
    """Every shape that the platform is known to use is parsed."""
    assert parse_event(as_bytes(order(**fields))).order_id == order()["order_id"]


@pytest.mark.parametrize(
    "nothing", ["0001-01-01T00:00:00+05:00", "1970-01-01T05:00:00", "2009-12-31T23:59:59Z", "2126-01-01T00:00:00Z", " "]
)
def test_impossible_time_is_no_clock(nothing: str) -> None:
    """A time that no order can have is no clock, and no problem either."""
    event = parse_event(as_bytes(order(sys={"created_at": nothing, "updated_at": nothing})))
    assert (event.order.sys.created_at, event.occurred_at, event.problems) == (None, None, ())


def test_change_long_after_creation_is_no_clock() -> None:
    """More than 60 days after its creation the platform changes no order, so such a time is a slip."""
    created = "2026-10-14T08:12:44Z"
    late = parse_event(as_bytes(order(sys={"created_at": created, "updated_at": "2027-10-14T08:12:44Z"})))
    assert late.occurred_at == late.order.sys.created_at


def test_status_case_does_not_matter() -> None:
    """A status is parsed in any case."""
    assert parse_event(as_bytes(order(status="Cancelled"))).status == "CANCELLED"


def test_catalogue_callback_is_recognized() -> None:
    """A catalogue callback is told apart from an order."""
    with pytest.raises(CatalogueCallbackError):
        parse_event(b'{"job_id": 5, "platform_vendor_id": "q7xk", "status": "COMPLETED"}')


def test_numbers_are_written_as_read() -> None:
    """Numbers are written exactly as they were read."""
    text = '{"a":10.0,"b":10,"c":1E+2,"d":-0.10,"e":12345678901234567890123456789012345678901.5,"f":[true,null,""]}'
    assert write(parse(text.encode())) == text


def test_changed_fields_hide_unknown_names() -> None:
    """Changed fields are named without values, and unknown names are hidden."""
    one, other = order(), order(status="DISPATCHED", surprise={"amna": 1})
    other["items"][0]["status"] = "IN_CART"
    other["sys"] |= {"webhook_status": "SENT"}
    assert changed_fields(parse(as_bytes(one)), parse(as_bytes(other))) == ["(unknown)", "items.status", "status"]


@pytest.mark.parametrize(
    ("status", "said", "history", "expected"),
    [
        ("RECEIVED", None, [], (Sale.NOT_YET_KNOWN, False)),
        ("HANDED_TO_DRONE", None, ["DISPATCHED"], (Sale.NOT_YET_KNOWN, False)),
        *((status, None, [], (Sale.YES, False)) for status in ("DISPATCHED", "PICKED_UP", "DELIVERED")),
        ("CANCELLED", True, [], (Sale.YES, False)),
        ("CANCELLED", False, ["DISPATCHED"], (Sale.NO, False)),
        *(("CANCELLED", None, [status], (Sale.YES, True)) for status in ("DISPATCHED", "PICKED_UP", "DELIVERED")),
        *(("CANCELLED", None, [status], (Sale.NO, True)) for status in ("RECEIVED", "ACCEPTED", "READY_FOR_PICKUP")),
    ],
)
def test_sale_by_snapshot_then_history(
    status: str, said: bool | None, history: list[str], expected: tuple[Sale, bool]
) -> None:
    """The snapshot decides a sale; history decides only if a cancellation does not say."""
    assert sale(status, said, history) == expected


def test_sale_is_not_known_before_the_order_leaves() -> None:
    """In a status before the order leaves the store, or in one of another name, the sale is not known."""
    before = ("", "RECEIVED", "ACCEPTED", "UPDATE_CART", "READY_FOR_PICKUP", "ACCEPTED_BY_DRONE")
    assert {sale(status, said, []) for status in before for said in (None, True, False)} == {
        (Sale.NOT_YET_KNOWN, False)
    }


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)), as_bytes(order()), "🧺".encode() * 1000])
def test_packed_body_unpacks_exactly(body: bytes) -> None:
    """A packed body unpacks byte for byte."""
    assert unpack(pack(body)) == body


def test_packing_shrinks_a_body() -> None:
    """Packing an order's body at least halves it."""
    assert len(pack(as_bytes(order()))) < len(as_bytes(order())) / 2


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"", "not a packed body of a known dictionary"),
        (b"\x02abc", "not a packed body of a known dictionary"),
        (b"\x01\xff\xff\xff", "not a packed body of a known dictionary"),
        (b"\x01", "not a packed body: it is cut short"),
        (b"\x01\xab\xae\x05", "not a packed body: it is cut short"),
    ],
)
def test_foreign_bytes_do_not_unpack(packed: bytes, reason: str) -> None:
    """Bytes that were not packed are rejected with the reason."""
    with pytest.raises(ValueError, match=f"^{reason}$"):
        unpack(packed)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"schema_version":2,"source":"webhook","body":""}', "\ud800",
        '{"schema_version":1,"source":"webhook","received_at":"2026-01-01T00:00:00Z","correlation_id":"","body":"!"}',
        '{"schema_version":1,"source":"webhook","received_at":"2026-01-01T00:00:00Z","correlation_id":"","body":"eJw="}',
        '{"schema_version":1,"source":"webhook","received_at":"soon","correlation_id":"","body":""}',
        '{"schema_version":1,"source":"webhook","received_at":"0001-01-01T00:00:00+23:59","correlation_id":"","body":""}',
    ],
)  # fmt: skip
def test_foreign_message_is_rejected(text: str) -> None:
    """A message that is not ours is rejected as unreadable."""
    with pytest.raises(UnreadableMessageError):
        OrderEventMessage.from_text(text)


@pytest.mark.parametrize(
    "correlation_id",
    ["JKJaXmPLvHcESHA=", "0e9d3c1b-6a54-4d0f-8f3e-2b1c9a7d5e60/missing", "replay/b33164b16b0dcf27b67550fb1ca20d14"],
)
def test_our_correlation_ids_are_kept(correlation_id: str) -> None:
    """A correlation id of our form is read from a message of any version."""
    text = OrderEventMessage("webhook", now(), correlation_id, b"{}").to_text()
    assert OrderEventMessage.from_text(text).correlation_id == correlation_id
    assert correlation_id_of(text.replace('"schema_version":1', '"schema_version":2')) == correlation_id


@pytest.mark.parametrize("correlation_id", ["", "Amna R.", "a@example.com", "+923001234567", "a\n", "a" * 65, "\u0661"])
def test_other_correlation_ids_are_dropped(correlation_id: str) -> None:
    """A correlation id of any other form is dropped."""
    text = OrderEventMessage("webhook", now(), correlation_id, b"{}").to_text()
    assert OrderEventMessage.from_text(text).correlation_id == ""
    assert correlation_id_of(text) == ""


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "null", '{"correlation_id":7}', '{"correlation_id":["a"]}'])
def test_text_without_correlation_id(text: str) -> None:
    """A text without a valid correlation id gives an empty one."""
    assert correlation_id_of(text) == ""


def test_oversized_message_is_rejected() -> None:
    """A message that would inflate beyond the limit is rejected."""
    bomb = OrderEventMessage("webhook", now(), "", b"\0" * (MAX_BODY_BYTES + 1)).to_text()
    with pytest.raises(UnreadableMessageError):
        OrderEventMessage.from_text(bomb)


@pytest.mark.parametrize(
    ("body", "reason", "problem"),
    [
        (b"[]", "not_an_object", "the body should be a JSON object"),
        (b"7", "not_an_object", "the body should be a JSON object"),
        (b"{", "malformed_json", "not JSON (at character 1)"),
    ],
)
def test_rejection_says_why(body: bytes, reason: str, problem: str) -> None:
    """An operator reads the reason, and what should be there."""
    with pytest.raises(RejectedError) as refusal:
        parse_event(body)
    assert (refusal.value.reason, refusal.value.problems) == (reason, [problem])
    assert str(refusal.value) == f"{reason}: {problem}"


def test_rejection_names_all_problems() -> None:
    """Several problems are told together."""
    with pytest.raises(RejectedError) as refusal:
        parse_event(b'{"status":true}')
    assert str(refusal.value) == "not_an_order: order_id: Field required; status: Input should be a valid string"


def test_catalogue_callback_is_named() -> None:
    """A callback of the catalogue is no order event, and no rejected one."""
    with pytest.raises(CatalogueCallbackError, match=r"^a catalogue callback, not an order event$"):
        parse_event(b'{"job_id":"j1"}')
