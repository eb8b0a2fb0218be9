"""``answers``: which answers there are, what has become of them, and sending one."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from partner_orders.answers.answer import CancelReason, Kind
from partner_orders.answers.judgement import Outcome
from partner_orders.stores.store import StoreSettings
from partner_orders_console.operations import answers as operations
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import API_URL, BAG, CALLER, ORDER_ID, STORE_ID, AnswersApi, accept, end
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import order

type Run = Callable[..., Ran]
type StoreOrder = Callable[..., None]

DAY = "2026-10-14"
READY = {"answer_id": "till-1", "sequence": 1, "kind": "ready"}


@pytest.fixture
def api(stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch) -> AnswersApi:
    """A stack with answers, an order, and its store switched on."""
    stack.outputs["AnswersApiUrl"] = API_URL
    store_order(order())
    stack.stores.set(STORE_ID, StoreSettings(is_answering=True))
    made = AnswersApi(stack.dynamodb)
    monkeypatch.setattr(requests, "request", made)
    return made


@pytest.fixture
def three(stack: DeployedStack, api: AnswersApi, store_order: StoreOrder) -> None:
    """Two answers that ended and one that is open, to two orders."""
    store_order(order(order_id="two"))
    end(stack.answers, accept(stack.answers, "till-1"), Outcome.REFUSED, "order_changed", ("line 1: gone",))
    end(stack.answers, accept(stack.answers, "till-2"), Outcome.APPLIED)
    accept(stack.answers, "till-3", "two", kind=Kind.CANCEL, reason=CancelReason.TOO_BUSY)


def file(folder: Path, content: Any) -> str:
    path = folder / "answer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def ids(ran: Ran) -> list[str]:
    return [answer["answer_id"] for answer in ran.json]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--day", DAY), ["till-1", "till-2", "till-3"]),
        (("--day", DAY, "--store", STORE_ID), ["till-1", "till-2", "till-3"]),
        (("--open",), ["till-3"]),
        (("--order", ORDER_ID), ["till-1", "till-2"]),
        (("--order", ORDER_ID, "--outcome", "refused"), ["till-1"]),
        (("--order", ORDER_ID, "--open"), []),
        (("--day", "2026-10-01"), []),
    ],
)
def test_list_shows_what_was_asked_for(run: Run, options: tuple[str, ...], found: list[str]) -> None:
    """The list has the answers of a day, an order, a store or an outcome, or those that are open."""
    assert sorted(ids(run("answers", "list", *options, "--json"))) == found


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("hours", "count"), [(0, 3), (24, 3), (48, 0)])
def test_list_covers_two_days(run: Run, monkeypatch: pytest.MonkeyPatch, hours: int, count: int) -> None:
    """Without a day the list has the orders of today and yesterday, since an answer may take hours."""
    monkeypatch.setattr(operations, "now", lambda: NOW + timedelta(hours=hours))
    assert len(run("answers", "list", "--json").json) == count


@pytest.mark.usefixtures("three")
def test_list_is_a_table(run: Run) -> None:
    """For a person the list is a table, and says why an answer was not applied."""
    ran = run("answers", "list", "--day", DAY)
    assert (ran.status, "3 answers" in ran.err) == (0, True)
    assert all(text in ran.out for text in ("till-1", "refused", "order_changed", "till-3", "waiting"))


def test_unknown_outcome_names_the_known_ones(run: Run) -> None:
    """An outcome that does not exist is an error that names those that do."""
    ran = run("answers", "list", "--outcome", "lost")
    assert (ran.status, "applied_differently" in ran.err) == (1, True)


@pytest.mark.usefixtures("three")
def test_show_has_every_fact(run: Run) -> None:
    """``show`` has what an answer says, who sent it, and what is wrong; of one answer or of all."""
    ran = run("answers", "show", ORDER_ID)
    assert all(text in ran.out for text in ("till-1", "till-2", CALLER, "line 1: gone", "request-7"))
    assert run("answers", "show", ORDER_ID, "till-2", "--json").json["status"] == "applied"
    assert run("answers", "show", ORDER_ID, "till-2", "--json").json["correlation_id"] == "request-7"
    missing = run("answers", "show", ORDER_ID, "till-9")
    assert (missing.status, "has no answer till-9" in missing.err) == (1, True)


def test_send_is_signed_and_shown(run: Run, api: AnswersApi, folder: Path) -> None:
    """``send`` signs the request for execute-api and shows what the platform will get."""
    ran = run("answers", "send", ORDER_ID, file(folder, READY), "--yes")
    assert ran.status == 0, ran.err
    [(url, headers)] = api.sent
    assert url == f"{API_URL}/stores/{STORE_ID}/orders/{ORDER_ID}/answers"
    assert "/execute-api/aws4_request" in headers["Authorization"]
    assert ("till-1 is accepted" in ran.err, "READY_FOR_PICKUP" in ran.out) == (True, True)
    again = run("answers", "send", ORDER_ID, file(folder, READY), "--yes")
    assert (again.status, "till-1 is known already" in again.err) == (0, True)


def test_send_asks_first(run: Run, api: AnswersApi, folder: Path) -> None:
    """Without --yes and a terminal nothing is sent, and the content was shown."""
    ran = run("answers", "send", ORDER_ID, file(folder, READY))
    assert (ran.status, api.sent, '"answer_id":"till-1"' in ran.err) == (3, [], True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (READY | {"sequence": 9}, "lines may have changed"),
        (READY | {"lines": [{"sku": "none", "not_found": True}]}, "lines[0]"),
        (READY | {"kind": "accept"}, "ready_at"),
        ("{", "is not JSON"),
        ("[]", "is not an answer"),
    ],
)
def test_refused_answer_says_why(run: Run, api: AnswersApi, folder: Path, content: Any, text: str) -> None:
    """An answer that is not taken is an error with each problem, and nothing is stored."""
    ran = run("answers", "send", ORDER_ID, file(folder, content), "--yes")
    assert (ran.status, text in ran.err) == (1, True), ran.err
    assert ids(run("answers", "show", ORDER_ID, "--json")) == []


@pytest.mark.parametrize(("outcome", "status"), [(Outcome.APPLIED, 0), (Outcome.OVERTAKEN, 1)])
def test_wait_follows_to_the_outcome(
    run: Run,
    stack: DeployedStack,
    api: AnswersApi,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    status: int,
) -> None:
    """With --wait the exit status says whether the answer was applied."""

    def end_meanwhile(_: float) -> None:
        end(stack.answers, stack.answers.get(ORDER_ID).answers[0], outcome)

    monkeypatch.setattr("time.sleep", end_meanwhile)
    ran = run("answers", "send", ORDER_ID, file(folder, READY), "--yes", "--wait", "--json")
    assert (ran.status, ran.json["status"]) == (status, outcome.value)


def test_retry_sends_the_same_content(run: Run, stack: DeployedStack, api: AnswersApi, store_order: StoreOrder) -> None:
    """``retry`` sends an ended answer's content under a new id, for the order's present sequence."""
    end(stack.answers, accept(stack.answers, "till-1", added=(BAG,)), Outcome.EXPIRED)
    changed = order(13)
    changed["payment"]["order_total"] = 1
    store_order(changed)
    ran = run("answers", "retry", ORDER_ID, "till-1", "--yes", "--json")
    assert ran.status == 0, ran.err
    first, second = run("answers", "show", ORDER_ID, "--json").json
    assert (second["answer_id"], second["sequence"]) == ("till-1.again-2", 2)
    assert (second["added"], second["kind"]) == (first["added"], "ready")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("name", "text"), [("till-2", "was applied"), ("till-3", "has no answer")])
def test_retry_needs_an_ended_answer(run: Run, name: str, text: str) -> None:
    """An answer that was applied is not sent again, nor one that does not exist."""
    ran = run("answers", "retry", ORDER_ID, name, "--yes")
    assert (ran.status, text in ran.err) == (1, True)


@pytest.mark.usefixtures("three")
def test_retry_leaves_an_open_answer_alone(run: Run) -> None:
    """An answer that waits is repeated by the sender, not by hand."""
    ran = run("answers", "retry", "two", "till-3", "--yes")
    assert (ran.status, "waits for its outcome" in ran.err) == (1, True)


def test_stack_without_answers_says_so(run: Run, stack: DeployedStack, api: AnswersApi, folder: Path) -> None:
    """Where answers are off, the commands say so and how to switch them on."""
    del stack.outputs["AnswersApiUrl"]
    for arguments in (
        ("answers", "list"),
        ("answers", "send", ORDER_ID, file(folder, READY), "--yes"),
        ("dead-letters", "redrive", "answers"),
    ):
        ran = run(*arguments)
        assert "nswers are off" in ran.err
        assert "Answers=ENABLED" in ran.err
    assert api.sent == []


def test_local_stack_is_called_by_host(stack: DeployedStack, api: AnswersApi) -> None:
    """On a laptop the emulator is called, with the API's name in the signed host."""
    local = DeployedStack("local", "eu-central-1", stack.session, endpoint_url="http://127.0.0.1:4566")
    local.__dict__["outputs"] = stack.outputs
    assert operations._address(local) == ("http://127.0.0.1:4566", {"Host": "a1b2c3.execute-api.localhost"})


@pytest.mark.usefixtures("three")
def test_order_shows_its_answers(run: Run) -> None:
    """An order's life has its answers, in place and for programs."""
    ran = run("orders", "show", ORDER_ID)
    lines = [line for line in ran.out.splitlines() if "answer till-" in line]
    assert ["ready accepted" in line or "ready refused" in line for line in lines[:2]] == [True, True]
    assert (len(lines), "order_changed; line 1: gone" in ran.out) == (4, True)
    assert ids(Ran(0, json.dumps(run("orders", "show", ORDER_ID, "--json").json["answers"]), "")) == [
        "till-1",
        "till-2",
    ]


def test_stores_list_tells_who_answers(run: Run, api: AnswersApi) -> None:
    """The list of stores and a store itself say whether its orders are answered."""
    assert "is_answering" in run("stores", "list").out
    assert run("stores", "list", "--json").json[0]["is_answering"] is True
    assert run("stores", "show", STORE_ID, "--json").json["store"]["is_answering"] is True


@pytest.mark.usefixtures("three")
def test_other_commands_pass_answers_over(run: Run) -> None:
    """Answers are no orders: lists of open orders and exports have each order once."""
    assert len(run("orders", "list", "--open", "--json").json) == len(
        {it["order_id"] for it in run("orders", "list", "--open", "--json").json}
    )
    exported = run("export", "--from", DAY, "--format", "jsonl").out.splitlines()
    assert sorted(json.loads(line)["order_id"] for line in exported) == sorted([ORDER_ID, "two"])
