"""The fuzzer's laws notice what they are there for."""

import json
from typing import Any

import pytest

from partner_orders.consumer.intake import Intake
from partner_orders.order_events import message
from partner_orders.webhook import endpoint as webhook
from tests.support.orders import as_bytes, order
from tools.fuzz import inputs, laws
from tools.fuzz.laws import Violation, bounded, logs_say_nothing, problems_quote_nothing
from tools.fuzz.targets import FIELDS, ConsumerTarget, ParserTarget, WebhookTarget

POSTED = bytes(5) + as_bytes(order())


def test_a_log_line_that_holds_anything_but_our_own_words_is_noticed() -> None:
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
def test_a_problem_that_quotes_is_noticed(problem: str) -> None:
    problems_quote_nothing(["customer.first_name: Input should be a valid string"], FIELDS)
    with pytest.raises(Violation):
        problems_quote_nothing([problem], FIELDS)


def test_an_input_that_takes_more_memory_than_it_may_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([10 * 2**20, 90 * 2**20])
    monkeypatch.setattr(laws, "_peak", lambda: next(peaks))
    with pytest.raises(Violation, match="80 MiB"), bounded(60.0, 64):
        pass


def test_an_input_that_never_ends_is_noticed() -> None:
    def spin() -> None:
        while True:
            pass

    with pytest.raises(Violation, match="processor time"), bounded(0.1, 64):
        spin()


def test_a_stranger_who_gets_in_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_orders.platform.webhook_secret.WebhookSecret.admits", lambda *_: True)
    WebhookTarget()(POSTED)
    with pytest.raises(Violation, match="does not know the secret"):
        WebhookTarget()(bytes([5]) + POSTED[1:])


def test_an_exception_of_the_webhook_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> bytes:
        raise KeyError("body")

    monkeypatch.setattr(webhook, "_body", fail)
    with pytest.raises(Violation, match="from the handler"):
        WebhookTarget()(POSTED)


def test_an_order_that_is_refused_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> bytes:
        raise webhook._refused("The body is not JSON", "RefusedNotJson")

    monkeypatch.setattr(webhook, "_body", refuse)
    with pytest.raises(Violation, match="refused"):
        WebhookTarget()(POSTED)


def test_an_exception_of_the_parser_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("partner_orders.orders.event.parse", fail)
    with pytest.raises(Violation, match="RecursionError"):
        ParserTarget()(b"\0{}")


def test_a_message_that_would_come_again_and_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Any:
        raise OverflowError

    monkeypatch.setattr(message.OrderEventMessage, "from_text", fail)
    target = ConsumerTarget()
    try:
        with pytest.raises(Violation):
            target(b"\0\0{}")
    finally:
        target.close()


def test_an_event_that_is_acknowledged_and_not_kept_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(*_: Any) -> Any:
        return {"Rejected": 1}

    monkeypatch.setattr(Intake, "_reject", forget)
    target = ConsumerTarget()
    try:
        with pytest.raises(Violation, match="not kept"):
            target(b"\0\0[]")
    finally:
        target.close()


def test_few_bytes_make_a_large_and_deep_body() -> None:
    body = inputs.stretched(b'\x12{"a":\x1f[\x1f\x1f')
    assert len(body) == message.MAX_BODY_BYTES
    assert inputs.stretched(b"\0" + as_bytes(order())) == as_bytes(order())


def test_a_batch_is_cut_into_messages_of_ours_and_of_others() -> None:
    ours, others, changed = inputs.batch(b'\0\0{}\x1e\1\0anything\x1e\2\0{"source":"x"}')
    assert message.OrderEventMessage.from_text(ours).body == b"{}"
    assert others == "anything"
    assert json.loads(changed)["source"] == "x"
