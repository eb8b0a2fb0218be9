"""Bodies that are refused, and bodies that only look as if they should be."""

import json
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.exact_json import parse, write
from partner_orders.order_events.message import (
    MAX_BODY_BYTES,
    OrderEventMessage,
    UnreadableMessageError,
    correlation_id_of,
)
from partner_orders.orders.digest import changed_fields
from partner_orders.orders.event import CatalogueCallbackError, RejectedError, understand
from partner_orders.orders.history import Sale, sale
from partner_orders.orders.packed_body import pack, unpack
from tests.support.orders import as_bytes, order


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"order_id":"1","status":"X","n":NaN}', "NaN"),
        (b'{"order_id":"1","status":"X","n":-Infinity}', "infinity"),
        (b'{"order_id":"1","status":"X","status":"Y"}', "duplicate key"),
        (b'{"order_id":"1","status":"X","a":' + b"[" * 65 + b"]" * 65 + b"}", "64 levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "64 levels"),
        (b"[" * 200_000, "64 levels"),
        (b'{"order_id":"1","status":"X","n":' + b"7" * 5_000 + b"}", "100 digits"),
        (b'{"order_id":"1","status":"X","n":1e999999999}', "exponent"),
        (b'{"order_id":"1","status":"X","n":1e-999999999}', "exponent"),
        (b'{"order_id":"1"', "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_json_without_one_bounded_meaning_is_rejected_as_malformed(body: bytes, problem: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        understand(body)
    assert refusal.value.reason == "malformed_json"
    assert problem in refusal.value.problems[0]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"order_id": ""}, "order_id"),
        ({"order_id": None}, "order_id"),
        ({"order_id": "x" * 201}, "order_id"),
        ({"status": "  "}, "status"),
        ({"status": True}, "status"),
        ({"items": "none"}, "items"),
        ({"items": [{"pricing": {"unit_price": True}}]}, "items.0.pricing.unit_price"),
        ({"payment": {"sub_total": "a lot"}}, "payment.sub_total"),
        ({"payment": {"sub_total": "NaN"}}, "payment.sub_total"),
        ({"sys": {"updated_at": "yesterday"}}, "sys.updated_at"),
        ({"sys": {"updated_at": 1773475964107}}, "sys.updated_at"),
        ({"order_code": "\ud800"}, "order_code"),
    ],
)
def test_wrong_types_are_named_field_by_field(fields: dict[str, Any], problem: str) -> None:
    body = json.dumps(order(**fields)).encode()
    with pytest.raises(RejectedError) as refusal:
        understand(body)
    assert refusal.value.reason == "not_an_order"
    assert [text.split(":")[0] for text in refusal.value.problems] == [problem]


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([0] * 80_000, "items.0: Input should be a valid dictionary or instance of Item"),
        ([{}] * 80_000, "items: List should have at most 10000 items after validation, not 80000"),
        ([{"barcode": [None] * 50_000}], "items.0.barcode.0: Input should be a valid string"),
    ],
)
def test_a_list_is_refused_at_the_first_thing_wrong_with_it(items: list[Any], problem: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        understand(as_bytes(order(items=items)))
    assert refusal.value.problems == [problem]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"order_id": ""}, "order_id: String should have at least 1 character"),
        ({"order_id": " \t"}, "order_id: String should have at least 1 character"),
        ({"order_id": "9" * 201}, "order_id: String should have at most 200 characters"),
        ({"status": ""}, "status: String should have at least 1 character"),
        ({"order_code": "9" * 201}, "order_code: String should have at most 200 characters"),
        ({"client": {"store_id": "9" * 201}}, "client.store_id: String should have at most 200 characters"),
    ],
)
def test_an_identifier_of_the_wrong_length_is_told_in_characters(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(RejectedError) as refusal:
        understand(as_bytes(order(**fields)))
    assert refusal.value.problems == [problem]


def test_a_refusal_quotes_no_value_of_any_field() -> None:
    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoilt(item) for name, item in value.items()}
        return {"marked-4711": ["marked-4711"]}

    body = order()
    for field in (
        "client",
        "customer",
        "payment",
        "sys",
        "order_id",
        "status",
        "comment",
        "isPreorder",
        "promised_for",
    ):
        with pytest.raises(RejectedError) as refusal:
            understand(as_bytes(body | {field: spoilt(body[field])}))
        assert "marked-4711" not in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"client": None, "customer": None, "sys": None, "items": None, "payment": None},
        {"cancellation": "TOO_BUSY"},
        {"items": [{"barcode": "8961008201234"}, {"barcode": [8961008201234]}, {"barcode": 12}]},
        {"payment": {"sub_total": "690.00", "order_total": 1, "vouchers": [{"any": "thing"}]}},
        {"client": {"store_id": 149439}},
        {"sys": {"created_at": "2026-10-14T08:12:44", "updated_at": ""}},
        {"status": " ready_for_pickup "},
    ],
)
def test_every_shape_that_the_platform_was_seen_to_use_is_understood(fields: dict[str, Any]) -> None:
    assert understand(as_bytes(order(**fields))).order_id == order()["order_id"]


@pytest.mark.parametrize("nothing", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", " ", None])
def test_a_time_that_means_none_is_none(nothing: str | None) -> None:
    event = understand(as_bytes(order(sys={"created_at": nothing, "updated_at": nothing})))
    assert (event.order.sys.created_at, event.occurred_at) == (None, None)


def test_the_status_is_read_in_any_case() -> None:
    assert understand(as_bytes(order(status="Cancelled"))).status == "CANCELLED"


def test_a_catalogue_callback_is_told_from_an_order() -> None:
    with pytest.raises(CatalogueCallbackError):
        understand(b'{"job_id": 5, "platform_vendor_id": "q7xk", "status": "COMPLETED"}')


def test_numbers_are_written_as_they_were_read() -> None:
    text = '{"a":10.0,"b":10,"c":1E+2,"d":-0.10,"e":12345678901234567890123456789012345678901.5,"f":[true,null,""]}'
    assert write(parse(text.encode())) == text


def test_changed_fields_are_named_without_values_or_unknown_names() -> None:
    one, other = order(), order(status="DISPATCHED", surprise={"amna": 1})
    other["items"][0]["status"] = "IN_CART"
    other["sys"] |= {"webhook_status": "SENT"}
    assert changed_fields(parse(as_bytes(one)), parse(as_bytes(other))) == ["(unknown)", "items.status", "status"]


@pytest.mark.parametrize(
    ("status", "said", "history", "expected"),
    [
        ("RECEIVED", None, [], (Sale.NOT_YET_KNOWN, False)),
        ("HANDED_TO_DRONE", None, ["DISPATCHED"], (Sale.NOT_YET_KNOWN, False)),
        ("DISPATCHED", None, [], (Sale.YES, False)),
        ("CANCELLED", True, [], (Sale.YES, False)),
        ("CANCELLED", False, ["DISPATCHED"], (Sale.NO, False)),
        ("CANCELLED", None, ["DISPATCHED"], (Sale.YES, True)),
        ("CANCELLED", None, ["RECEIVED"], (Sale.NO, True)),
    ],
)
def test_a_sale_is_told_by_the_snapshot_and_by_history_only_where_a_cancellation_does_not_say(
    status: str, said: bool | None, history: list[str], expected: tuple[Sale, bool]
) -> None:
    assert sale(status, said, history) == expected


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)), as_bytes(order()), "🧺".encode() * 1000])
def test_a_packed_body_is_unpacked_byte_for_byte(body: bytes) -> None:
    assert unpack(pack(body)) == body


def test_a_body_shrinks_when_it_is_packed() -> None:
    assert len(pack(as_bytes(order()))) < len(as_bytes(order())) / 2


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x02abc", b"\x01\xff\xff\xff"])
def test_what_was_not_packed_is_not_unpacked(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed body"):
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
def test_a_message_that_is_not_ours_is_told_apart(text: str) -> None:
    with pytest.raises(UnreadableMessageError):
        OrderEventMessage.from_text(text)


@pytest.mark.parametrize(
    "correlation_id",
    ["JKJaXmPLvHcESHA=", "0e9d3c1b-6a54-4d0f-8f3e-2b1c9a7d5e60/missing", "replay/b33164b16b0dcf27b67550fb1ca20d14"],
)
def test_a_correlation_id_of_ours_is_known_by_its_form_in_any_message(correlation_id: str) -> None:
    text = OrderEventMessage("webhook", now(), correlation_id, b"{}").to_text()
    assert OrderEventMessage.from_text(text).correlation_id == correlation_id
    assert correlation_id_of(text.replace('"schema_version":1', '"schema_version":2')) == correlation_id


@pytest.mark.parametrize("correlation_id", ["", "Amna R.", "a@example.com", "+923001234567", "a\n", "a" * 65, "\u0661"])
def test_what_has_another_form_is_no_correlation_id(correlation_id: str) -> None:
    text = OrderEventMessage("webhook", now(), correlation_id, b"{}").to_text()
    assert OrderEventMessage.from_text(text).correlation_id == ""
    assert correlation_id_of(text) == ""


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "null", '{"correlation_id":7}', '{"correlation_id":["a"]}'])
def test_a_text_without_a_correlation_id_has_none(text: str) -> None:
    assert correlation_id_of(text) == ""


def test_a_message_that_would_inflate_beyond_the_limit_is_refused() -> None:
    bomb = OrderEventMessage("webhook", now(), "", b"\0" * (MAX_BODY_BYTES + 1)).to_text()
    with pytest.raises(UnreadableMessageError):
        OrderEventMessage.from_text(bomb)
