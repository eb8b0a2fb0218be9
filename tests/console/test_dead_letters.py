"""``dead-letters show`` and ``purge``: what a message holds, and an end of all of them."""

import json
from collections.abc import Callable

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import republished_number
from partner_orders.answers.wake_ups import WakeUps, order_id_in
from partner_orders.aws import keys
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.publisher.change_event import answer_ended
from partner_orders.publisher.publish import PublisherDeadLetters
from partner_orders_console.operations.stack import DeployedStack
from tests.support.accepted_answers import ORDER_ID, STORE_ID, accept, end
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

type Run = Callable[..., Ran]


@pytest.fixture
def three(stack: DeployedStack) -> DeployedStack:
    """Three dead-letter messages of order events; one body cannot be parsed."""
    for body in (as_bytes(order(order_id="one")), as_bytes(order(order_id="two")), b'{"phone_number": "+92300123441'):
        text = OrderEventMessage(WEBHOOK, NOW, "request-7", body).to_text()
        stack.client("sqs").send_message(QueueUrl=stack.output("OrderEventsDeadLettersUrl"), MessageBody=text)
    return stack


@pytest.mark.privacy
def test_show_prints_no_personal_data(run: Run, three: DeployedStack) -> None:
    """A message's order is shown without the customer, and an unparsable body not at all."""
    ran = run("dead-letters", "show", "order-events")
    assert (ran.status, "Amna" in ran.out, "123441" in ran.out, "sub_total" in ran.out) == (0, False, False, True)
    assert "3 messages" in ran.err
    assert "null stands for a text that cannot be parsed; --show-personal-data prints it." in ran.err
    every = run("dead-letters", "show", "order-events", "--show-personal-data")
    assert ("Amna" in every.out, "null stands" in every.err) == (True, False)


@pytest.mark.privacy
def test_changes_are_shown_without_customers(run: Run, three: DeployedStack) -> None:
    """Where personal data is published, the publisher's messages hold it too; they are shown without."""
    body = {"order": order(), "status": "RECEIVED"}
    message = {"pk": "ORDER#one", "fault": "AccessDenied", "detail": json.dumps(body), "customer": "Amna"}
    three.client("sqs").send_message(QueueUrl=three.output("PublisherDeadLettersUrl"), MessageBody=json.dumps(message))
    ran = run("dead-letters", "show", "publisher")
    assert ("Amna" in ran.out, "sub_total" in ran.out, "AccessDenied" in ran.out) == (False, True, True)
    assert run("dead-letters", "show", "publisher", "--show-personal-data").out.count("Amna") > 1


def test_failed_call_shows_its_error(run: Run, three: DeployedStack) -> None:
    """A call of the schedule says why it failed, which EventBridge Scheduler puts into an attribute."""
    three.outputs["ReconciliationDeadLettersUrl"] = three.output("PublisherDeadLettersUrl")
    why = {"ERROR_CODE": {"DataType": "String", "StringValue": "ResourceNotFoundException"}}
    three.client("sqs").send_message(
        QueueUrl=three.output("PublisherDeadLettersUrl"), MessageBody="{}", MessageAttributes=why
    )
    ran = run("dead-letters", "show", "reconciliation")
    assert "a call of the schedule: ResourceNotFoundException" in ran.out


def test_show_leaves_the_messages(run: Run, three: DeployedStack) -> None:
    """Messages that were shown are still there for everybody."""
    assert len(run("dead-letters", "show", "order-events", "--limit", "2", "--json").json) == 2
    assert "3 messages would be" in run("dead-letters", "redrive", "order-events", "--preview").err


def test_purge_names_the_number_and_asks(run: Run, three: DeployedStack) -> None:
    """``purge`` deletes nothing without ``--yes``, and everything with it."""
    assert run("dead-letters", "purge", "order-events").status == 3
    assert run("dead-letters", "list", "--json").json[0]["messages"] == 3
    assert run("dead-letters", "purge", "order-events", "--yes").status == 0
    assert run("dead-letters", "list", "--json").json[0]["messages"] == 0


def test_programs_learn_what_was_done(run: Run, three: DeployedStack) -> None:
    """``redrive`` and ``purge`` tell programs what they brought back, left and deleted."""
    redriven = run("dead-letters", "redrive", "order-events", "--filter", "one", "--json").json
    assert [letter["about"] for letter in redriven["brought_back"]] == ["webhook one request-7"]
    assert (redriven["left"], redriven["came_meanwhile"]) == ([], 0)
    assert run("dead-letters", "purge", "order-events", "--yes", "--json").json == {
        "queue": "order-events",
        "messages": 2,
    }


def test_queue_without_a_publisher(run: Run, three: DeployedStack) -> None:
    """A queue that the stack does not have is an error with a way out."""
    del three.outputs["PublisherDeadLettersUrl"]
    ran = run("dead-letters", "show", "publisher")
    assert (ran.status, "no output PublisherDeadLettersUrl" in ran.err) == (1, True)


def test_failed_redrive_loses_nothing(run: Run, three: DeployedStack) -> None:
    """A message is deleted only once it is on its queue again."""
    three.client("sqs").delete_queue(QueueUrl=three.output("OrderEventsQueueUrl"))
    assert run("dead-letters", "redrive", "order-events").status != 0
    assert "3 messages" in run("dead-letters", "show", "order-events").err


def test_wake_ups_are_brought_back(run: Run, stack: DeployedStack) -> None:
    """A wake-up goes back onto the sender's queue, and a message that is none stays."""
    sqs = stack.client("sqs")
    for name in ("AnswersQueueUrl", "AnswersDeadLettersUrl"):
        stack.outputs[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    WakeUps(sqs, stack.outputs["AnswersDeadLettersUrl"]).send("one")
    sqs.send_message(QueueUrl=stack.outputs["AnswersDeadLettersUrl"], MessageBody="no wake-up")
    about = next(it["about"] for it in run("dead-letters", "list", "--json").json if it["queue"] == "answers")
    assert about == ["not one of our messages", "one"]
    assert "1 message would be" in run("dead-letters", "redrive", "answers", "--preview").err
    redriven = run("dead-letters", "redrive", "answers", "--json")
    assert redriven.status == 1
    assert [len(redriven.json[name]) for name in ("brought_back", "left")] == [1, 1]
    [message] = sqs.receive_message(QueueUrl=stack.outputs["AnswersQueueUrl"])["Messages"]
    assert order_id_in(message["Body"]) == "one"


def test_refused_outcome_is_published_again(run: Run, stack: DeployedStack) -> None:
    """Of an answer's outcome that the bus refused, the outcome is published again, not the order."""
    end(stack.answers, stored := accept(stack.answers, "till-1"), Outcome.APPLIED)
    ended = stack.answers.get(ORDER_ID).answers[0].ending
    assert ended is not None
    queue = PublisherDeadLetters(stack.client("sqs"), stack.output("PublisherDeadLettersUrl"))
    queue.keep(f"ORDER#{ORDER_ID}", "MalformedDetail", answer_ended(ORDER_ID, STORE_ID, stored, ended))
    assert run("dead-letters", "redrive", "publisher").status == 0
    row = stack.table.get(keys.answers(ORDER_ID))
    assert row is not None
    assert republished_number(row) == 1
