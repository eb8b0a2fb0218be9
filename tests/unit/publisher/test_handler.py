"""The publisher's handler: which changes come again, what is logged and counted, and what its parts are made of."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.publisher.publish import Published
from tests.support.emitted_metrics import Emitted, emitted
from tests.support.handlers import with_noted_clients
from tests.support.logged import logged
from tools.fresh_handler import fresh_handler

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 45_500)
NUMBERS = count()
SETTINGS = {
    "ORDERS_TABLE_NAME": "the-table",
    "EVENT_BUS_NAME": "the-bus",
    "PUBLISHER_DEAD_LETTERS_URL": "the-dead-letters",
}

type Call = Callable[[Published], tuple[Any, Emitted, list[dict[str, Any]]]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a new handler with a batch. Returns its response, its metrics, and the lines of its log."""
    # A name of its own: a logger of an earlier test would write to what was the standard output then.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"publisher-{next(NUMBERS)}")

    def handle(published: Published) -> Any:
        def process(records: Sequence[dict[str, Any]], remaining_seconds: Callable[[], float]) -> Published:
            assert (records, remaining_seconds()) == ([{"a": "record"}], 45.5)
            return published

        app: Any = fresh_handler("publisher")
        app.publisher = lambda: SimpleNamespace(process=process)
        response = app.handler({"Records": [{"a": "record"}]}, CONTEXT)
        text = capsys.readouterr().out
        return response, emitted(text), logged(text)

    return handle


def test_published_batch_is_counted(call: Call) -> None:
    """A batch that is published is counted, and nothing is logged."""
    assert call(Published(Counter(Published=3))) == ({"batchItemFailures": []}, {"Published": [3.0]}, [])


def test_held_changes_come_again(call: Call) -> None:
    """Changes that are held come again, by their places in the stream, and the log says why and which."""
    held = Published(Counter(Published=1, Held=2), ["7", "9"], Counter(ThrottlingException=1), ["c7", "c9"])
    response, metrics, log = call(held)
    assert response == {"batchItemFailures": [{"itemIdentifier": "7"}, {"itemIdentifier": "9"}]}
    assert metrics == {"Published": [1.0], "Held": [2.0]}
    assert log == [
        {
            "level": "ERROR",
            "message": "not published",
            "faults": {"ThrottlingException": 1},
            "correlation_ids": ["c7", "c9"],
        }
    ]


@pytest.mark.parametrize(("setting", "is_whole"), [("false", False), ("true", True)])
def test_parts_have_their_settings(monkeypatch: pytest.MonkeyPatch, setting: str, is_whole: bool) -> None:
    """The publisher is made once, of its settings. Each call to AWS gives up after seconds, and is tried three times at
    most."""
    app, clients = with_noted_clients("publisher", SETTINGS | {"PUBLISH_PERSONAL_DATA": setting}, monkeypatch)
    publisher = app.publisher()
    assert app.publisher() is publisher
    table, bus, letters = publisher._orders._table, publisher._bus, publisher._dead_letters
    assert (table._client.service, table._name) == ("dynamodb", "the-table")
    assert (bus._client.service, bus._name) == ("events", "the-bus")
    assert (letters._client.service, letters._url) == ("sqs", "the-dead-letters")
    assert publisher._personal_data is is_whole
    for _, config in clients:
        options: Any = config
        assert (options.connect_timeout, options.read_timeout) == (1, 2)
        assert options.retries == {"total_max_attempts": 3, "mode": "standard"}
