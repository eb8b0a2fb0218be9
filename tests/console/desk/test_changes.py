"""What the desk changes: asked about first, done once, and said; and nothing at all where it may not."""

from collections.abc import Callable

import pytest

from partner_orders.orders.event import Arrival
from partner_orders_console.desk.actions import ACTIONS
from partner_orders_console.operations.stack import DeployedStack
from tests.support.desk import Browser
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.sampling import every

type Open = Callable[..., Browser]
BODY = b'{"status": "RECEIVED"}'


@pytest.fixture
def changing(open_desk: Open) -> Browser:
    """A browser in a desk that may change things."""
    return open_desk(allows_changes=True)


@pytest.fixture
def digest(stack: DeployedStack) -> str:
    """Of a rejected event."""
    stack.rejected.keep(BODY, Arrival("webhook", NOW), "not_an_order", ["order_id: Field required"])
    return stack.rejected.newest()[0].digest


@pytest.mark.parametrize("action", every(4, ACTIONS))
def test_read_only_desk_changes_nothing(browser: Browser, digest: str, action: str) -> None:
    """A desk that was not started for it refuses each change, asked or not, and shows no button for one."""
    for fields in ({"step": "ask"}, {}):
        answer = browser.post(f"/changes/{action}", digest=digest, **fields)
        assert (answer.status_code, "--allow-changes" in answer.text) == (403, True)
    assert browser.get(f"/changes/{action}").status_code == 403
    assert "<form method" not in browser.get(f"/trouble/rejected/{digest}").text


def test_question_does_nothing(changing: Browser, stack: DeployedStack, digest: str) -> None:
    """Being asked changes nothing, by a form or by an address."""
    assert changing.post("/changes/discard-rejected", step="ask", digest=digest).status_code == 200
    assert changing.get(f"/changes/discard-rejected?digest={digest}").status_code == 200
    assert stack.rejected.count() == 1


def test_rejected_event_is_replayed(changing: Browser, stack: DeployedStack, digest: str) -> None:
    """A replayed event is on the queue again, and its page tells what became of it."""
    said = changing.change("replay-rejected", digest=digest)
    assert f"replay rejected event {digest[:16]} (not an order, no order named)?" in said.lower()
    assert "1 event is on the queue again." in said
    [message] = stack.client("sqs").receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"]
    assert digest in message["Body"]


def test_useless_replay_is_foretold(changing: Browser, digest: str) -> None:
    """An event that still cannot be parsed is not said to leave the list, neither before nor after its replay."""
    assert "It still cannot be parsed: the field order_id is missing." in changing.text(f"/trouble/rejected/{digest}")
    said = changing.change("replay-rejected", digest=digest)
    assert "It still cannot be parsed: the field order_id is missing." in said
    assert "Replaying helps only after an update" in said
    assert "finished, 1 event will be rejected again" in said
    assert "See the event now" in said


def test_replay_counts_what_can_be_parsed(changing: Browser, stack: DeployedStack, digest: str) -> None:
    """Of several events it is said how many can be parsed by now."""
    stack.rejected.keep(as_bytes(order(12)), Arrival("webhook", NOW), "not_an_order", ["payment: unknown then"])
    said = changing.change("replay-rejected", reason="not_an_order")
    assert "replay 2 rejected events (not an order)?" in said.lower()
    assert "1 of them can be parsed now." in said
    assert "1 would be rejected again, the first because the field order_id is missing." in said
    assert digest[:16] in said


def test_deleted_event_is_named(changing: Browser, stack: DeployedStack) -> None:
    """The question names the event with its order and store, and says what is lost; the record repeats the name."""
    body = order(12)
    del body["status"]
    stack.rejected.keep(as_bytes(body), Arrival("webhook", NOW), "not_an_order", ["status: Field required"])
    name = f"{stack.rejected.newest()[0].digest[:16]} (not an order, order 0417 of store q7xk)"
    said = changing.change("discard-rejected", digest=stack.rejected.newest()[0].digest)
    assert f"delete rejected event {name} for good?" in said.lower()
    assert "it can never be replayed" in said
    assert name in changing.text("/changes")
    assert "Amna" not in said


def test_rejected_events_are_discarded(changing: Browser, stack: DeployedStack, digest: str) -> None:
    """All events of a reason are deleted, after a question that says it cannot be undone."""
    said = changing.change("discard-rejected", reason="not_an_order")
    assert "This cannot be undone." in said
    assert "1 rejected event is deleted." in said
    assert stack.rejected.count() == 0
    assert "no rejected events were chosen" in changing.change("discard-rejected", reason="not_an_order")


def test_store_is_paused_and_resumed(changing: Browser, stack: DeployedStack, store_order: Callable[..., None]) -> None:
    """A pause records who, when and why, and ends."""
    store_order(order(12))
    assert "Store q7xk is paused." in changing.change("pause-store", store="q7xk", reason="closed until May")
    [store] = stack.stores.all()
    assert (store.is_paused, store.paused_reason) == (True, "closed until May")
    assert "closed until May" in changing.text("/stores/q7xk")
    assert "Store q7xk is reconciled again." in changing.change("resume-store", store="q7xk")
    assert not stack.stores.all()[0].is_paused


def test_store_settings_change(changing: Browser, stack: DeployedStack, store_order: Callable[..., None]) -> None:
    """Only what differs changes; what is no setting is refused with how it should look."""
    store_order(order(12))
    fields = {"store": "q7xk", "currency": "PKR", "time_zone": "Asia/Karachi", "trading_hours": "", "answers": "yes"}
    said = changing.change("set-store", **fields)
    assert "currency: PKR" in said
    assert "trading hours" not in said
    [store] = stack.stores.all()
    assert (store.currency, store.time_zone, store.is_answering) == ("PKR", "Asia/Karachi", True)
    assert "nothing of store q7xk would change" in changing.change("set-store", **fields)
    assert "should look like" in changing.change("set-store", **(fields | {"trading_hours": "always"}))


def test_dead_letters_are_brought_back(changing: Browser, stack: DeployedStack) -> None:
    """What is in a dead-letter queue goes back, after a look at what it is."""
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=stack.output("OrderEventsDeadLettersUrl"), MessageBody="not ours")
    assert "1 message" in changing.text("/trouble/letters/order-events")
    assert "1 message is brought back." in changing.change("redrive", queue="order-events")
    assert sqs.receive_message(QueueUrl=stack.output("OrderEventsQueueUrl"))["Messages"][0]["Body"] == "not ours"


def test_failed_change_says_why(changing: Browser) -> None:
    """A change that cannot be made is not asked about, and says what to do."""
    assert "there is no store nobody" in changing.change("pause-store", store="nobody")
    assert "there is no such queue" in changing.change("redrive", queue="nothing")
    assert "no order" in changing.change("send-answer", order_id="nothing", content="{}")
    assert changing.post("/changes/nothing").status_code == 404
    assert changing.post("/changes/pause-store", store="x" * 300_000).status_code == 413


def test_way_back_stays_in_the_desk(changing: Browser) -> None:
    """A form cannot lead out of the desk."""
    for back in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answer = changing.post("/changes/pause-store", step="ask", store="nobody", back=back)
        assert "there is no store nobody" in answer.text
        assert "evil" not in answer.text
        assert "javascript" not in answer.text
