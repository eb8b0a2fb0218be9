"""The till that the documentation has a POS vendor copy."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from cfnlint.decode import cfn_yaml

from tools.local.picking import till_module

TILL = Path(__file__).parents[3] / "docs" / "examples" / "till"
ORDER_ID = "5b0d6c1e-77a4-4f2e-9a41-0d3c9b8e2f10"
LINE = {"_id": "ln-3", "pricing": {"pricing_type": "KG", "weight": 0.842}}
CHANGE = {"order_id": ORDER_ID, "store_id": "148020", "sequence": 3, "status": "RECEIVED", "order": {"items": [LINE]}}


@pytest.fixture
def example() -> Any:
    return till_module()


class Api:
    """A till's API that gives each answer one response, and keeps the answers."""

    def __init__(self, status: int, content: dict[str, Any]) -> None:
        self.answers: list[dict[str, Any]] = []
        self._response = requests.Response()
        self._response.status_code = status
        self._response._content = json.dumps(content).encode()

    def answer(self, _store_id: str, _order_id: str, said: dict[str, Any]) -> Any:
        self.answers.append(said)
        self._response.raise_for_status()
        return self._response.json()


def handled(example: Any, api: Any, *changes: dict[str, Any]) -> int:
    """How many of the changes are dealt with."""
    done: list[None] = []
    for change in changes:
        example.handle(api, change, lambda: done.append(None))
    return len(done)


def test_event_twice_gets_one_answer_id(example: Any) -> None:
    """An event that the queue delivers twice is answered with the same content under the same id."""
    api = Api(202, {"answer_id": "till-3", "status": "waiting"})
    assert handled(example, api, CHANGE, CHANGE) == 2
    lines = [{"id": "ln-3", "weight": 0.842}]
    assert api.answers == [{"answer_id": "till-3", "sequence": 3, "kind": "ready", "lines": lines}] * 2


def test_refused_answer_does_not_stop_the_till(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A 409 is shown with what the API said, and its event does not come again."""
    assert handled(example, Api(409, {"type": "order_finished"}), CHANGE) == 1
    assert "409" in (said := capsys.readouterr().out)
    assert "order_finished" in said


def test_forbidden_stops_the_till(example: Any) -> None:
    """A 403 is no order's fault: the till stops, and the order stays in the queue."""
    done: list[None] = []
    with pytest.raises(requests.HTTPError):
        example.handle(Api(403, {"message": "Forbidden"}), CHANGE, lambda: done.append(None))
    assert not done


def test_unsent_answer_comes_again(example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the API cannot be reached, the order stays in the queue, and the till says why."""
    said: list[str] = []
    monkeypatch.setattr(example, "tell", said.append)
    monkeypatch.setattr(example.time, "sleep", lambda _: None)
    till = example.Till("http://127.0.0.1:1", None)
    monkeypatch.setattr(till, "_send", lambda *_: (_ for _ in ()).throw(requests.ConnectionError("no such host")))
    assert handled(example, till, CHANGE) == 0
    assert ORDER_ID in said[0]
    assert "no such host" in said[0]


def test_order_left_out_is_answered(example: Any) -> None:
    """An order that is too large for its event is answered without its lines."""
    api = Api(202, {"answer_id": "till-3", "status": "waiting"})
    assert handled(example, api, {**CHANGE, "order": None}) == 1
    assert api.answers[0]["lines"] == []


def test_outcome_and_cancellation_are_told(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome of an answer and a cancelled order are shown, and answered by nothing."""
    api = Api(202, {})
    outcome = {"order_id": ORDER_ID, "answer_id": "till-3", "outcome": "refused", "reason": "order_changed"}
    assert handled(example, api, outcome, {**CHANGE, "status": "CANCELLED"}) == 2
    said = capsys.readouterr().out
    assert "till-3 is refused order_changed" in said
    assert "is CANCELLED" in said
    assert not api.answers


def test_missing_argument_is_explained(
    example: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call without the URLs ends with the usage."""
    monkeypatch.setattr("sys.argv", ["till.py"])
    with pytest.raises(SystemExit):
        example.main()
    assert "api_url, queue_url" in capsys.readouterr().err


def test_rule_brings_new_sequences() -> None:
    """The till's rule lets through the changes whose sequence a second answer needs, and the outcomes."""
    template: Any = cfn_yaml.load(str(TILL / "template.yaml"))
    pattern = template["Resources"]["TillRule"]["Properties"]["EventPattern"]
    assert pattern["detail-type"] == ["order.received", "order.updated", "order.cancelled", {"prefix": "order.answer_"}]
