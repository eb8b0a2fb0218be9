"""``watch``: what changes in the table, a line each."""

from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.orders.event import Arrival
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import BAG, ORDER_ID, accept, end
from tests.support.console import Ran, on_moto
from tests.support.fixed_clock import NOW
from tests.support.orders import order

pytestmark = on_moto

type Run = Callable[..., Ran]

PERSONAL = ("Amna", "+92300123441", "Khayaban-e-Saadi", "No plastic bags", "cst_5f81b3")


@pytest.fixture
def watched(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Watch while something is written, until Ctrl-C."""

    def watch(*options: str, write: Callable[[], Any] = lambda: None) -> Ran:
        pauses = iter((write, None))

        def sleep(_: float) -> None:
            if not (step := next(pauses)):
                raise KeyboardInterrupt
            step()

        monkeypatch.setattr("time.sleep", sleep)
        return run("watch", *options)

    return watch


def test_watch_ends_at_ctrl_c(watched: Callable[..., Ran]) -> None:
    """Ctrl-C ends the watch with 130 and without a traceback."""
    ran = watched()
    assert (ran.status, ran.out) == (130, "")
    assert "Ctrl-C ends it" in ran.err
    assert "Traceback" not in ran.err


def test_watch_shows_orders_without_people(watched: Callable[..., Ran], store_order: Callable[..., None]) -> None:
    """An order is a line with its id, status, store and source, and nothing of its customer."""
    ran = watched(write=lambda: store_order(order()))
    line = ran.out.splitlines()[-1]
    assert "?" not in ran.out
    assert all(part in line for part in (order()["order_id"], "RECEIVED", "q7xk", "by webhook"))
    assert not [text for text in PERSONAL if text in ran.out]


def test_watch_shows_rejected_events(watched: Callable[..., Ran], stack: DeployedStack) -> None:
    """A rejected event is a line with its digest and reason, and nothing of its body."""
    body = b'{"first_name": "Amna"'
    ran = watched(
        "--json", write=lambda: stack.rejected.keep(body, Arrival("webhook", NOW), "malformed_json", ["Amna"])
    )
    assert stack.rejected.newest()[0].digest in ran.json["change"]
    assert "malformed_json" in ran.json["change"]
    assert "Amna" not in ran.out


def test_watch_shows_answers(watched: Callable[..., Ran], stack: DeployedStack) -> None:
    """An accepted answer is a line, its outcome is another, and the steps between are none."""

    def answer() -> None:
        end(stack.answers, accept(stack.answers, "till-1", added=(BAG,)), Outcome.REFUSED, "order_changed")

    lines = watched(write=answer).out.splitlines()
    assert [line[line.index("answered") :] for line in lines] == [
        f"answered    {ORDER_ID}  till-1 (ready) accepted",
        f"answered    {ORDER_ID}  till-1 (ready) refused, order_changed",
    ]


def test_watch_needs_the_stream(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the table's stream the error says how to turn it on."""
    monkeypatch.setattr(stack.dynamodb, "describe_table", lambda **_: {"Table": {}})
    ran = run("watch")
    assert (ran.status, ran.out) == (1, "")
    assert "ChangeEvents=ENABLED" in ran.err
