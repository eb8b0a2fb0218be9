"""The consumer's handler: which messages come again, what is logged and counted, and what its parts are made of."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.consumer.intake import Delivery, Outcome
from tests.support.emitted_metrics import Emitted, emitted
from tests.support.fixed_clock import NOW
from tests.support.handlers import Clients, with_noted_clients
from tests.support.logged import logged
from tools.fresh_handler import fresh_handler

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 45_500)
NUMBERS = count()
TEXTS = [json.dumps({"correlation_id": f"c{number}"}) for number in range(4)]
SETTINGS = {
    "ORDERS_TABLE_NAME": "the-table",
    "ORDER_EVENTS_QUEUE_URL": "the-queue",
    "CHAIN_ID": "the-chain",
    "ORDER_RETENTION_DAYS": "400",
    "REJECTED_RETENTION_DAYS": "90",
}

type Call = Callable[[Outcome], tuple[Any, Emitted, list[dict[str, Any]], list[dict[str, int]]]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a new handler with four messages, the last of which came eight times already. Returns its response, its
    metrics, the lines of its log, and which messages it had delayed."""
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"consumer-{next(NUMBERS)}")

    def handle(outcome: Outcome) -> Any:
        def process(deliveries: Sequence[Delivery], remaining_seconds: Callable[[], float]) -> Outcome:
            assert remaining_seconds() == 45.5
            assert deliveries == [Delivery(f"m{n}", text, (1, 1, 1, 9)[n]) for n, text in enumerate(TEXTS)]
            return outcome

        delayed: list[dict[str, int]] = []
        app: Any = fresh_handler("consumer")
        app.intake = lambda: SimpleNamespace(process=process)
        app.visibility = lambda: SimpleNamespace(put_off=delayed.append)
        records = [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"h{number}",
                "body": text,
                "attributes": {"ApproximateReceiveCount": "9" if number == 3 else "1"},
            }
            for number, text in enumerate(TEXTS)
        ]
        response = app.handler({"Records": records}, CONTEXT)
        text = capsys.readouterr().out
        return response, emitted(text), logged(text), delayed

    return handle


def test_stored_batch_is_counted(call: Call) -> None:
    """A batch that is stored is counted, each count that is not 0 and each event's seconds; nothing is logged."""
    stored = Outcome({}, Counter(Stored=4, Duplicate=0), lag_seconds=[0.5, 2.0], age_seconds=[1.5])
    metrics = {"Stored": [4.0], "Lag": [0.5, 2.0], "Age": [1.5]}
    assert call(stored) == ({"batchItemFailures": []}, metrics, [], [])


def test_failed_messages_come_again(call: Call) -> None:
    """Messages that failed are counted, logged by their correlation ids, delayed by how often they came, and come
    again; rejected ones are logged alone."""
    failed = dict.fromkeys(("m3", "m1"), "ThrottlingException") | {"m2": "OutOfTime"}
    response, metrics, log, delayed = call(Outcome(failed, Counter(Rejected=1), [("m0", "not_an_order")]))
    assert response == {"batchItemFailures": [{"itemIdentifier": name} for name in ("m3", "m1", "m2")]}
    assert metrics == {"Rejected": [1.0], "Failed": [3.0]}
    assert log == [
        {"level": "WARNING", "message": "rejected", "reasons": {"not_an_order": ["c0"]}},
        {
            "level": "ERROR",
            "message": "failed, to come again",
            "faults": {"OutOfTime": ["c2"], "ThrottlingException": ["c1", "c3"]},
        },
    ]
    assert delayed == [{"h1": 1, "h2": 1, "h3": 9}]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Clients]:
    """A new handler with its settings, and the clients that it makes."""
    return with_noted_clients("consumer", SETTINGS, monkeypatch)


def test_clients_give_up_in_time(made: tuple[Any, Clients]) -> None:
    """Each call to AWS gives up after seconds, and is tried three times at most; each writer has a connection."""
    app, clients = made
    app.visibility()
    app.catalogue_callbacks()
    writers = app.intake()._executor._max_workers
    assert [service for service, _ in clients] == ["sqs", "sqs", "dynamodb"]
    for _, config in clients:
        options: Any = config
        assert (options.connect_timeout, options.read_timeout) == (1, 2)
        assert options.retries == {"total_max_attempts": 3, "mode": "standard"}
        assert options.max_pool_connections == writers


def test_parts_have_their_settings(made: tuple[Any, Clients], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is made once, of the settings that are its own."""
    app, _ = made
    monkeypatch.setenv("CATALOGUE_CALLBACKS_QUEUE_ARN", "the-arn")
    intake, visibility, callbacks = app.intake(), app.visibility(), app.catalogue_callbacks()
    assert (app.intake(), app.visibility(), app.catalogue_callbacks()) == (intake, visibility, callbacks)
    for table in (intake._orders, intake._stores, intake._rejected):
        assert (table._table._name, table._table._client.service) == ("the-table", "dynamodb")
    assert (intake._orders._retention, intake._rejected._retention) == (timedelta(days=400), timedelta(days=90))
    assert intake._stores._chain_id == "the-chain"
    for clock in (intake._clock, intake._stores._clock, intake._rejected._clock):
        assert clock() > NOW
    assert (visibility._client.service, visibility._url, visibility._share) == ("sqs", "the-queue", random.random)
    assert (callbacks._client.service, callbacks._arn) == ("sqs", "the-arn")


@pytest.mark.parametrize(("arn", "sent"), [("", []), ("the-arn", ["a callback"])])
def test_callbacks_are_forwarded_if_told(
    made: tuple[Any, Clients], monkeypatch: pytest.MonkeyPatch, arn: str, sent: list[str]
) -> None:
    """Callbacks of catalogue jobs are forwarded where a queue for them is set, and nowhere else."""
    app, _ = made
    monkeypatch.setenv("CATALOGUE_CALLBACKS_QUEUE_ARN", arn)
    forwarded: list[str] = []
    app.catalogue_callbacks = lambda: SimpleNamespace(send=forwarded.append)
    app.intake()._forward("a callback")
    assert forwarded == sent
