"""The sender's handler: which messages come again, what is logged and counted, and what its clients are made of."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.sender.handler import SenderSettings
from partner_orders.sender.turn import Sent
from partner_orders.sender.unanswered import Unanswered
from tests.support.emitted_metrics import Emitted, emitted
from tests.support.handlers import Clients, settings_named, with_noted_clients
from tests.support.logged import logged
from tools.fresh_handler import fresh_handler

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 45_500, aws_request_id="a")
NUMBERS = count()

type Outcomes = dict[str, Sent | Exception]
type Call = Callable[..., tuple[Any, Emitted, list[dict[str, Any]]]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a new handler. Returns its response, its metrics, and the lines of its log."""
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"sender-{next(NUMBERS)}")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")

    def handle(event: dict[str, Any], sent: Outcomes | None = None, minute: int = 0) -> Any:
        def process(order_id: str, remaining_seconds: Callable[[], float]) -> Sent:
            assert remaining_seconds() == 45.5
            outcome = (sent or {})[order_id]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        app: Any = fresh_handler("sender")
        app.sender = lambda: SimpleNamespace(process=process)
        app.sweep = lambda: SimpleNamespace(run=lambda: 3)
        app.unanswered = lambda: SimpleNamespace(count=lambda: Unanswered(2, 40.5))
        app.now = lambda: datetime(2026, 10, 14, 9, minute, tzinfo=UTC)
        response = app.handler(event, CONTEXT)
        text = capsys.readouterr().out
        return response, emitted(text), logged(text)

    return handle


def records(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


def wake_up(order_id: str) -> str:
    return json.dumps({"schema_version": 1, "order_id": order_id})


@pytest.mark.parametrize(
    ("outcome", "metric", "is_unclear"),
    [
        (Outcome.APPLIED, "AnswersApplied", False),
        (Outcome.APPLIED_DIFFERENTLY, "AnswersAppliedDifferently", True),
        (Outcome.REFUSED, "AnswersRefused", False),
        (Outcome.OVERTAKEN, "AnswersOvertaken", False),
        (Outcome.EXPIRED, "AnswersExpired", True),
        (Outcome.UNKNOWN, "AnswersUnknown", True),
    ],
)
def test_outcome_is_counted(call: Call, outcome: Outcome, metric: str, is_unclear: bool) -> None:
    """Each outcome has a metric, and a line of the log; those that a person should see have one in common, too."""
    response, metrics, log = call(records(wake_up("a")), {"a": Sent([(outcome, 3.5)])})
    assert response == {"batchItemFailures": []}
    assert metrics == {metric: [1.0], "AnswerSeconds": [3.5]} | ({"AnswersUnclear": [1.0]} if is_unclear else {})
    assert log == [{"level": "INFO", "message": "answered", "order_id": "a", "outcome": outcome.value}]


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_failed_message_comes_again(call: Call) -> None:
    """What fails comes again, and what is no wake-up does not; neither keeps the sender from the other messages."""
    sent: Outcomes = {"a": RuntimeError("a secret"), "b": Sent(failures=["rate_limited", "claim_lost"]), "c": Sent()}
    response, metrics, log = call(records("nothing", wake_up("a"), wake_up("b"), wake_up("c")), sent)
    assert (response, metrics) == ({"batchItemFailures": [{"itemIdentifier": "m1"}]}, {})
    assert log == [
        {"level": "ERROR", "message": "not a wake-up", "message_id": "m0"},
        {"level": "ERROR", "message": "failed, to come again", "order_id": "a", "fault": "RuntimeError"},
        {
            "level": "WARNING",
            "message": "not answered yet",
            "order_id": "b",
            "failures": ["rate_limited", "claim_lost"],
        },
    ]


@pytest.mark.parametrize(("minute", "is_measured"), [(0, True), (1, False), (4, False), (6, False), (35, True)])
def test_sweep_is_counted(call: Call, minute: int, is_measured: bool) -> None:
    """Each minute the sweep counts what it woke, and every fifth one which orders wait for their store."""
    unanswered = {"OrdersUnanswered": [2.0], "OldestUnansweredMinutes": [40.5]}
    response, metrics, log = call({}, minute=minute)
    assert (response, log) == (None, [])
    assert metrics == {"AnswersWoken": [3.0]} | (unanswered if is_measured else {})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Clients]:
    """A new handler with its settings, and the clients that it makes."""
    url = "https://foodpanda.example.com/"
    environment = settings_named(SenderSettings, partner_api_base_url=url, brand="auto")
    return with_noted_clients("sender", environment, monkeypatch)


def test_clients_give_up_in_time(made: tuple[Any, Clients]) -> None:
    """Each call to AWS gives up after seconds, and is tried three times at most."""
    app, clients = made
    app.sender()
    app.sweep()
    app.unanswered()
    assert {service for service, _ in clients} == {"dynamodb", "sqs", "secretsmanager"}
    for _, config in clients:
        options: Any = config
        assert (options.connect_timeout, options.read_timeout) == (1, 3)
        assert options.retries == {"total_max_attempts": 3, "mode": "standard"}


def test_parts_have_their_settings(made: tuple[Any, Clients]) -> None:
    """Each part is made once, of the settings that are its own."""
    app, _ = made
    sender, sweep, unanswered = app.sender(), app.sweep(), app.unanswered()
    assert (app.sender(), app.sweep(), app.unanswered()) == (sender, sweep, unanswered)
    assert (sender._brand.name, sender._wake_ups._url) == ("foodpanda", "the-answers_queue_url")
    assert sender._order_events._url == "the-order_events_queue_url"
    assert sender._answers._table._name == sweep._answers._table._name == "the-orders_table_name"
    assert sweep._wake_ups._url == "the-answers_queue_url"
    # A permit that is not used at once is lost to others.
    assert sender._exchange._limit._block_size == 1
    assert sender._exchange._credentials._base_url == "https://foodpanda.example.com"
    assert unanswered._within == timedelta(hours=1)
