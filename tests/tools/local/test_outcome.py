"""After `make invoke`: what became of the event, and the command that shows more."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.local import outcome
from tools.local.invoke import FUNCTIONS
from tools.local.outcome import outcome_of

EVENTS = Path(__file__).parents[3] / "events"
SAMPLES = sorted(path for path in EVENTS.glob("*/*.json") if path.parent.name in FUNCTIONS)
OK = {
    **{function: {"statusCode": 200} for function in ("webhook", "catalogue_webhook")},
    **{function: {"batchItemFailures": []} for function in ("consumer", "publisher", "urgent")},
}


class Stored:
    """Tables in which everything is stored."""

    def order(self, order_id: str) -> str | None:
        return f"stored: order {order_id}"

    def rejected(self, digest: str) -> str | None:
        return f"rejected: {digest}"


class Empty:
    """Tables in which nothing is stored."""

    def order(self, _: str) -> str | None:
        return None

    def rejected(self, _: str) -> str | None:
        return None


def lines(file: str, response: object = None, tables: object = None) -> list[str]:
    folder = file.split("/", maxsplit=1)[0]
    payload = (EVENTS / f"{file}.json").read_text(encoding="utf-8")
    fake: Any = tables or Stored()
    return outcome_of(FUNCTIONS[folder], payload, response or OK.get(folder, {}), fake)


@pytest.mark.parametrize("file", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_sample_event_has_an_outcome(file: Path) -> None:
    """Each event for a function that `make invoke` calls ends with a sentence of what became of it."""
    refusal = {"statusCode": 413} if file.stem == "too_large" else None
    assert lines(f"{file.parent.name}/{file.stem}", refusal)


@pytest.mark.parametrize("folder", ["webhook", "consumer"])
def test_stored_order_can_be_shown(folder: str) -> None:
    """A stored order is named, with the command that shows it."""
    order_id = json.loads((EVENTS / "order.json").read_text(encoding="utf-8"))["order_id"]
    found = lines(f"{folder}/received")
    assert found == [f"stored: order {order_id}", f"  .venv/bin/partner-orders orders show {order_id}"]


def test_rejected_event_can_be_shown() -> None:
    """A rejected event is named, with the command that shows it; its neighbour is stored."""
    found = lines("consumer/malformed")
    assert found[0].startswith("rejected: ")
    assert found[1] == f"  .venv/bin/partner-orders rejected show {found[0].removeprefix('rejected: ')}"
    assert found[2].startswith("stored: ")
    assert lines("consumer/unreadable_message")[0].startswith("rejected: ")


def test_what_is_not_stored_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused request, a callback and a failure say that nothing was stored."""
    monkeypatch.setattr(outcome, "LONGEST_WAIT_SECONDS", 0.0)
    assert lines("webhook/no_secret", {"statusCode": 401}) == [
        "The webhook refused the request with 401. Nothing was enqueued."
    ]
    assert lines("webhook/empty") == ["The body is empty: counted, not enqueued."]
    assert lines("consumer/catalogue_callback") == ["It is a catalogue callback: counted, not stored."]
    assert "is not stored yet" in lines("webhook/received", tables=Empty())[0]
    assert "The function failed" in lines("consumer/received", {"batchItemFailures": [{"itemIdentifier": "1"}]})[0]


def test_catalogue_samples_say_where_to_look() -> None:
    """Loader, pusher and callbacks lead to the catalogue's state; an urgent change to its product, or to why it was
    refused."""
    for file in ("loader/schedule", "pusher/schedule", "catalogue_webhook/completed"):
        assert lines(file)[0].endswith("More: .venv/bin/partner-orders catalogue status")
    assert "refused the request with 401" in lines("catalogue_webhook/no_secret", {"statusCode": 401})[0]
    refused = "  .venv/bin/partner-orders dead-letters show urgent"
    assert lines("urgent/off")[1:] == ["  .venv/bin/partner-orders catalogue show 148020 KW-100", refused]
    assert lines("urgent/malformed")[1:] == [refused]
