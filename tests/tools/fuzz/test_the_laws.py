"""The fuzzer's laws notice what they are there for."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.consumer.intake import Intake
from partner_orders.content_encoding import TooLargeError
from partner_orders.exact_json import MalformedJsonError, parse
from partner_orders.order_events import message
from partner_orders.orders.event import RejectedError
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.webhook_secret import SecretVersion, WebhookSecret
from partner_orders.webhook import endpoint as webhook
from tests.support.orders import as_bytes, order
from tools.fuzz import inputs, laws, page_target
from tools.fuzz.laws import Violation, bounded, logs_say_nothing, problems_quote_nothing
from tools.fuzz.page_target import PageTarget
from tools.fuzz.targets import FIELDS, ConsumerTarget, ParserTarget, WebhookTarget
from tools.local.simulated_platform.bad_orders import BAD_ORDERS

POSTED = bytes(len(inputs.WEBHOOK_CHOICES) + 1) + as_bytes(order())


def test_notices_foreign_words_in_logs() -> None:
    """A log line with anything but our own words breaks a law."""
    assert logs_say_nothing('{"level": "WARNING", "message": "rejected", "reasons": {"not_an_order": ["r1"]}}') == {}
    for line in ('{"reasons": {"not_an_order": ["Amna R."]}}', '{"reasons": {"Amna": []}}'):
        with pytest.raises(Violation):
            logs_say_nothing(line)
    for line in ('{"message": "Amna R."}', '{"message": "rejected", "body": {"name": ["Amna"]}}', "Traceback"):
        with pytest.raises(Violation):
            logs_say_nothing(line)


@pytest.mark.parametrize(
    "problem", ["customer: got 'Amna'", "customer.Amna: Field required", "not JSON (at character 7): Amna"]
)
def test_notices_quoting_problem(problem: str) -> None:
    """A problem that quotes the input breaks a law."""
    problems_quote_nothing(["customer.first_name: Input should be a valid string"], FIELDS)
    with pytest.raises(Violation):
        problems_quote_nothing([problem], FIELDS)


def test_notices_excessive_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that takes too much memory breaks a law."""
    peaks = iter([10 * 2**20, 90 * 2**20])
    monkeypatch.setattr(laws, "_peak", lambda: next(peaks))
    with pytest.raises(Violation, match="80 MiB"), bounded(60.0, 64):
        pass


def test_notices_endless_input() -> None:
    """An input that never ends breaks a law."""

    def spin() -> None:
        while True:
            pass

    with pytest.raises(Violation, match="processor time"), bounded(0.1, 64):
        spin()


def test_notices_request_without_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request accepted without the secret breaks a law."""
    monkeypatch.setattr(WebhookSecret, "admitted_by", lambda *_: SecretVersion.CURRENT)
    WebhookTarget()(POSTED)
    with pytest.raises(Violation, match="does not know the secret"):
        WebhookTarget()(bytes([5]) + POSTED[1:])


def test_notices_exception_of_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the webhook breaks a law."""

    def fail(_: object) -> bytes:
        raise KeyError("body")

    monkeypatch.setattr(webhook, "request_body", fail)
    with pytest.raises(Violation, match="from the handler"):
        WebhookTarget()(POSTED)


def test_notices_refused_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body within the limit that the webhook refuses breaks a law."""

    def refuse(_: object) -> bytes:
        raise TooLargeError

    monkeypatch.setattr(webhook, "request_body", refuse)
    with pytest.raises(Violation, match="413 to a body"):
        WebhookTarget()(POSTED)


@pytest.mark.parametrize(("body", "law"), [(b"{}", "another body"), (b"", "empty body")])
def test_notices_changed_body(monkeypatch: pytest.MonkeyPatch, body: bytes, law: str) -> None:
    """A body that the webhook changes, or takes for empty, breaks a law."""
    monkeypatch.setattr(webhook, "request_body", lambda _: body)
    with pytest.raises(Violation, match=law):
        WebhookTarget()(POSTED)


@pytest.mark.parametrize("form", ["packed", "packed and cut", "packed twice"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_webhook_is_tried_with_packed_bodies(form: str, encoding: str) -> None:
    """The fuzzer's inputs include packed bodies, whole and broken, and the webhook keeps the laws with them."""
    chosen = bytes([0, 0, 0, inputs._FORMS.index(form), inputs._ENCODINGS.index(encoding)])
    data = chosen + b"\0" + as_bytes(order())
    assert inputs.request(data)["headers"]["content-encoding"] == encoding
    WebhookTarget()(data)


def test_notices_exception_of_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of the parser breaks a law."""

    def fail(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("partner_orders.orders.event.parse", fail)
    with pytest.raises(Violation, match="RecursionError"):
        ParserTarget()(b"\0{}")


def test_notices_order_lost_to_an_optional_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is rejected for anything but its id and status breaks a law."""

    def reject(*_: object) -> Any:
        raise RejectedError("not_an_order", ["customer: Input should be a valid dictionary"])

    monkeypatch.setattr("partner_orders.orders.event.event_from", reject)
    target = ParserTarget()
    target(b'\0{"order_id":[],"status":"RECEIVED"}')
    with pytest.raises(Violation, match="optional part"):
        target(b'\0{"order_id":"1","status":"RECEIVED","customer":"none"}')


def test_notices_page_refused_for_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is refused for a broken order, though its structure is whole, breaks a law."""

    def refuse(_: bytes) -> Any:
        raise PartnerApiError(Failure.NOT_JSON)

    monkeypatch.setattr(page_target, "read_page", refuse)
    target = PageTarget()
    target(b"\0\0\0<html>")
    with pytest.raises(Violation, match="refused for one order"):
        target(bytes([1, 0, 0]) + as_bytes(order()))


@pytest.mark.parametrize(
    ("read", "named"),
    [(lambda orders: orders[1:], "are read"), (lambda orders: [{}, *orders[1:]], "than by itself")],
    ids=["lost", "changed"],
)
def test_notices_lost_neighbour(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[list[Any]], list[Any]], named: str
) -> None:
    """A page of which an order is lost or changed breaks a law."""
    plain = page_target.read_page
    monkeypatch.setattr(page_target, "read_page", lambda content: read(plain(content)))
    with pytest.raises(Violation, match=named):
        PageTarget()(bytes([0, 1, 0]) + as_bytes(order()))


def test_notices_decoy_taken_for_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of which another list is read than JSON has breaks a law."""
    monkeypatch.setattr(page_target, "read_page", lambda _: ["OPEN"])
    with pytest.raises(Violation, match="other orders"):
        PageTarget()(b'\7\0\0{"filters":{"orders":["OPEN"]},"orders":[1]}')


def test_page_holds_broken_order_among_others() -> None:
    """An input becomes a page with the order in the middle broken, and its neighbours whole."""
    for kind in range(1, 1 + len(BAD_ORDERS)):
        page = inputs.page(bytes([kind, 1, 0]) + as_bytes(order()))
        assert page.is_whole
        first, broken, last = page.orders
        assert page.content.count(broken) == 1
        assert json.loads(first)["order_id"] == "n-1"
        assert json.loads(last)["order_id"] == "n-2"
        with pytest.raises(MalformedJsonError):
            parse(broken)


def test_notices_endless_redelivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that would be redelivered for ever breaks a law."""

    def fail(*_: object) -> Any:
        raise OverflowError

    monkeypatch.setattr(message.OrderEventMessage, "from_text", fail)
    target = ConsumerTarget()
    try:
        with pytest.raises(Violation):
            target(b"\0\0{}")
    finally:
        target.close()


def test_notices_lost_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that is acknowledged and not stored breaks a law."""

    def forget(*_: Any) -> Any:
        return {"Rejected": 1}

    monkeypatch.setattr(Intake, "_reject", forget)
    target = ConsumerTarget()
    try:
        with pytest.raises(Violation, match="not kept"):
            target(b"\0\0[]")
    finally:
        target.close()


def test_few_bytes_make_a_large_body() -> None:
    """A few bytes of input make a large and deep body."""
    body = inputs.stretched(b'\x12{"a":\x1f[\x1f\x1f')
    assert len(body) == message.MAX_BODY_BYTES
    assert inputs.stretched(b"\0" + as_bytes(order())) == as_bytes(order())


def test_batch_is_cut_into_messages() -> None:
    """An input is cut into messages of ours, of others, and changed ones."""
    ours, others, changed = inputs.batch(b'\0\0{}\x1e\1\0anything\x1e\2\0{"source":"x"}')
    assert message.OrderEventMessage.from_text(ours).body == b"{}"
    assert others == "anything"
    assert json.loads(changed)["source"] == "x"
