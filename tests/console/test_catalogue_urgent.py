"""``catalogue urgent``: each step is told, a refusal ends the wait, and what the off leaves open is said."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from partner_orders.catalogue.desired import merged
from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.settlement import Outcome, settled
from partner_orders.clock import now
from partner_orders.pusher.urgent_message import urgent_change
from partner_orders_console.operations.catalogue import urgent
from partner_orders_console.operations.dead_letters import DeadLetters
from tests.support.catalogue_stack import STORE, Catalogue
from tests.support.console import Ran

type Run = Callable[..., Ran]
type Step = Callable[[], None]
CALL = ("catalogue", "urgent", STORE, "A-1", "--off", "--yes")
OFF = Values(active=False)


class Followed:
    """A wait, during which steps are done one after the other; each look is some seconds after the last."""

    def __init__(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
        self.catalogue = catalogue
        self.steps: list[Step] = []
        self._monkeypatch = monkeypatch
        self._passed = timedelta()
        self._seconds = 1
        catalogue.fill()
        monkeypatch.setattr(urgent, "time", SimpleNamespace(sleep=self._sleep))

    def _sleep(self, _: float) -> None:
        self._passed += timedelta(seconds=self._seconds)
        if self.steps:
            self.steps.pop(0)()

    def do(self, *steps: Step, seconds: int = 1) -> None:
        self.steps, self._seconds = [*steps], seconds
        self._monkeypatch.setattr(urgent, "now", lambda: now() + self._passed)

    def change(self, change: Callable[..., object]) -> None:
        self.catalogue.tables.products.change(STORE, "A-1", change)  # type: ignore[arg-type]

    def take(self) -> None:
        """The urgent function notes the product as off, and sends it."""
        sqs, url = self.catalogue.stack.client("sqs"), self.catalogue.stack.output("UrgentQueueUrl")
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        said = urgent_change(message["Body"], now(), now() + timedelta(hours=1))
        self.change(partial(merged, said=said.values, version=said.version, list_versions={}))
        self.change(partial(settled, sent=OFF, outcome=Outcome.UNKNOWN, now=now()))

    def confirm(self) -> None:
        self.change(partial(settled, sent=OFF, outcome=Outcome.PROCESSED, now=now()))

    def refuse(self) -> None:
        self.change(partial(settled, sent=OFF, outcome=Outcome.REFUSED, now=now(), refusal="no such product"))

    def say_on(self) -> None:
        on = Values(active=True)
        self.change(partial(merged, said=on, version=now() + timedelta(minutes=5), list_versions={}))

    def send_job(self, failure: str = "") -> None:
        tables = self.catalogue.tables
        state = tables.states.claim(STORE, now())
        assert state is not None
        number = tables.states.begin_job(state, now()).last_job
        tables.jobs.write(STORE, Job(number, now(), {"A-1": OFF, "B-2": Values(price=Decimal(2))}))
        if failure:
            tables.jobs.ended(JobPlace(STORE, number), JobState.SETTLED, failure=failure)

    def fail_store(self) -> None:
        self.catalogue.tables.states.fail(STORE, now() + timedelta(hours=1))

    def dead_letter(self) -> None:
        sqs, stack = self.catalogue.stack.client("sqs"), self.catalogue.stack
        [message] = sqs.receive_message(QueueUrl=stack.output("UrgentQueueUrl"))["Messages"]
        reason = {"Reason": {"DataType": "String", "StringValue": "store_id: the store is not in the catalogue"}}
        url = stack.output("UrgentDeadLettersUrl")
        sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=reason)


@pytest.fixture
def followed(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Followed:
    return Followed(catalogue, monkeypatch)


def nothing() -> None:
    """A look that finds what the last one found."""


def test_steps_are_told(run: Run, followed: Followed) -> None:
    """Each step is a line with its seconds; after the off it is said what waits, and what would undo it."""
    followed.do(nothing, followed.take, nothing, followed.confirm)
    ran = run(*CALL)
    steps = ("queued: the urgent function takes it within seconds (0 s)", "taken and sent alone: waiting", "confirmed")
    assert ran.status == 0, ran.err
    assert [ran.err.index(step) for step in steps] == sorted(ran.err.index(step) for step in steps)
    assert "It counts as waiting until the store's next job, which carries quantity 0." in ran.err
    assert "A newer file or message that says otherwise puts it on sale again." in ran.err


def test_long_wait_is_told_again(run: Run, followed: Followed) -> None:
    """A step that takes its time is told again, and the job that carries the product is named."""
    followed.do(followed.take, nothing, followed.send_job, nothing, nothing, followed.confirm, seconds=10)
    ran = run(*CALL)
    assert ran.status == 0
    assert "it goes with the next job, within a minute (20 s)" in ran.err
    assert ran.err.count("sent in job 1: waiting for the platform's word") == 2, ran.err


@pytest.mark.parametrize(
    ("failure", "fails_store", "text"),
    [
        ("not taken: not_found:platform", False, "the account may not write its catalogue: ask the account manager"),
        ("not taken: unauthorized", False, "the platform rejects the credentials"),
        ("refused: no such vendor", True, "the platform refused the call: no such vendor. It goes again by itself"),
    ],
)
def test_failed_job_ends_the_wait(run: Run, followed: Followed, failure: str, fails_store: bool, text: str) -> None:
    """A job that the platform did not take ends the wait with the reason."""
    fail = followed.fail_store if fails_store else nothing
    followed.do(followed.take, fail, lambda: followed.send_job(failure))
    ran = run(*CALL)
    assert (ran.status, "it is not off sale: " in ran.err, text in ran.err) == (1, True, True), ran.err


def test_halved_job_does_not_end_the_wait(run: Run, followed: Followed) -> None:
    """A refused call whose parts follow at once is no end."""
    followed.do(followed.take, lambda: followed.send_job("refused: a bad line"), nothing, followed.confirm)
    assert run(*CALL).status == 0


def test_refused_product_ends_the_wait(run: Run, followed: Followed) -> None:
    """A product that the platform refuses ends the wait with its words."""
    followed.do(followed.take, followed.refuse)
    ran = run(*CALL, "--json")
    assert (ran.status, ran.json["is_off"]) == (1, False)
    assert ran.json["why_not"] == "the platform refused it: no such product"


def test_earlier_refusal_is_not_the_word(run: Run, followed: Followed) -> None:
    """What an earlier off came to does not end the wait before the platform had its time."""
    followed.refuse()
    followed.do(followed.take, nothing, followed.confirm)
    assert run(*CALL).status == 0


def test_newer_value_ends_the_wait(run: Run, followed: Followed) -> None:
    """A product that the chain's system wants on sale meanwhile ends the wait."""
    followed.do(followed.take, followed.say_on)
    ran = run(*CALL)
    assert (ran.status, "your system said something newer" in ran.err) == (1, True), ran.err


def test_refused_message_ends_the_wait(run: Run, followed: Followed) -> None:
    """A message that went to the dead letters ends the wait with the reason."""
    followed.do(followed.dead_letter, seconds=10)
    ran = run(*CALL)
    assert (ran.status, "the store is not in the catalogue" in ran.err, ran.out) == (1, True, ""), ran.err
    assert "dead-letters show urgent" in ran.err


def test_denied_letters_do_not_end_the_wait(run: Run, followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to read the dead letters the wait goes on, and says what it cannot see."""

    def deny(_: DeadLetters) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "ReceiveMessage")

    monkeypatch.setattr(DeadLetters, "some", deny)
    followed.do(nothing, nothing, followed.take, followed.confirm, seconds=10)
    ran = run(*CALL)
    assert (ran.status, ran.err.count("a refusal is not seen: AccessDenied")) == (0, 1), ran.err


def test_unconfirmed_off_ends_in_the_end(run: Run, followed: Followed) -> None:
    """An off that the platform does not confirm for ten minutes ends the wait, with where to look."""
    followed.do(followed.take, seconds=120)
    ran = run(*CALL)
    assert (ran.status, "the platform has not confirmed it yet" in ran.err) == (1, True)
    assert "logs urgent --errors" in ran.err
