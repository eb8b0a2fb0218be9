"""The handler of the answers API: what it counts and logs of a response, and what its clients are made of."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.answers.endpoint import Response
from partner_orders.answers.handler import AnswersSettings
from tests.support.emitted_metrics import Emitted, emitted
from tests.support.handlers import settings_named, with_noted_clients
from tools.fresh_handler import fresh_handler

NUMBERS = count()
EVENT = {"requestContext": {"requestId": "request-1"}}

type Call = Callable[[Response], tuple[dict[str, Any], Emitted, list[dict[str, Any]]]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a new handler whose endpoint gives a response. Returns what it hands on, its metrics, and its log."""
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"answers-{next(NUMBERS)}")

    def handle(response: Response) -> tuple[dict[str, Any], Emitted, list[dict[str, Any]]]:
        app: Any = fresh_handler("answers")
        app.endpoint = lambda: SimpleNamespace(respond=lambda event: response if event is EVENT else None)
        http = app.handler(EVENT, SimpleNamespace())
        text = capsys.readouterr().out
        lines = [line for line in map(json.loads, text.splitlines()) if "_aws" not in line]
        names = ("level", "message", "fault", "correlation_id")
        return http, emitted(text), [{name: line.get(name) for name in names} for line in lines]

    return handle


def test_response_is_counted(call: Call) -> None:
    """A response is handed on as HTTP and counted under its name; there is nothing to log of it."""
    response = Response(202, {"answer_id": "till-1"}, "AnswersAccepted")
    assert call(response) == (response.to_http(), {"AnswersAccepted": [1.0]}, [])


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_reading_is_not_counted(call: Call) -> None:
    """A response that only shows something is not counted."""
    response = Response(200, {"answers": []})
    assert call(response) == (response.to_http(), {}, [])


def test_fault_is_logged(call: Call) -> None:
    """A fault of ours is logged by its kind, with the id of the request."""
    response = Response(503, {"type": "unavailable"}, "AnswersUnavailable", "ClientError")
    line = {"level": "ERROR", "message": "unavailable", "fault": "ClientError", "correlation_id": "request-1"}
    assert call(response) == (response.to_http(), {"AnswersUnavailable": [1.0]}, [line])


def test_endpoint_has_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is made once, of its settings, and of clients that give up in time."""
    url = "https://foodpanda.example.com/"
    environment = settings_named(AnswersSettings, partner_api_base_url=url, brand="auto")
    app, made = with_noted_clients("answers", environment, monkeypatch)
    intake = app.endpoint()._intake
    assert app.endpoint()._intake is intake
    assert [service for service, _ in made] == ["dynamodb", "sqs"]
    for _, config in made:
        options: Any = config
        assert (options.connect_timeout, options.read_timeout) == (1, 2)
        assert options.retries == {"total_max_attempts": 3, "mode": "standard"}
    assert (intake._brand.name, intake._chain_id) == ("foodpanda", "the-chain_id")
    assert intake._reads._table._name == intake._answers._table._name == "the-orders_table_name"
    assert intake._answers._retention == timedelta(days=60)
    assert intake._wake_ups._url == "the-answers_queue_url"
