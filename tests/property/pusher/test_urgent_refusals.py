"""A message that can never be taken is among the dead letters, or it comes again: it is never dropped."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from partner_orders.platform.failures import OutOfTimeError
from partner_orders.pusher import urgent_handler
from partner_orders.pusher.urgent_message import UrgentRefusedError

FAULTS: list[Exception | None] = [
    None,
    ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "SendMessage"),
    EndpointConnectionError(endpoint_url="https://sqs.example.com"),
]


class Queues:
    """SQS as far as it is asked here."""

    def __init__(self, fault: Exception | None, again: Exception | None) -> None:
        self.fault, self.again = fault, again
        self.sent: list[str] = []

    def send_message(self, **request: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(request["MessageBody"])

    def change_message_visibility(self, **_: Any) -> None:
        if self.again is not None:
            raise self.again


def taken(take: Any, queues: Queues, body: str, tries: int = 1) -> bool:
    """Whether the function is done with a message."""
    settings = SimpleNamespace(urgent_dead_letters_url="dead", urgent_queue_url="urgent")
    work: Any = SimpleNamespace(sqs=queues, settings=settings, urgent=SimpleNamespace(take=take))
    attributes = {"ApproximateReceiveCount": str(tries), "SentTimestamp": "1773480411000"}
    record = {"messageId": "m-17", "receiptHandle": "r", "body": body, "attributes": attributes}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(urgent_handler, "metrics", SimpleNamespace(add_metric=lambda *_: None))
        return urgent_handler._take(work, record)


@given(st.sampled_from(["no JSON", "{}", "[1]", '{"store_id": 7}']), st.sampled_from(FAULTS), st.sampled_from(FAULTS))
def test_refused_message_is_never_dropped(body: str, fault: Exception | None, again: Exception | None) -> None:
    """It is done with exactly where it is among the dead letters."""
    queues = Queues(fault, again)
    is_done = taken(None, queues, body)
    assert (is_done, queues.sent) == ((True, [body]) if fault is None else (False, []))


@pytest.mark.parametrize("tries", [1, 1_000])
@pytest.mark.parametrize("fault", [*FAULTS[1:], ValueError("a row that nobody can read")])
def test_message_comes_again_after_a_fault_of_ours(fault: Exception, tries: int) -> None:
    """A message that ends in a fault of ours stays on its queue, however often it was tried."""

    def fail(*_: Any, **__: Any) -> bool:
        raise fault

    queues = Queues(None, None)
    assert not taken(fail, queues, '{"store_id": "s1", "sku": "KW-100", "active": false}', tries)
    assert queues.sent == []


def refuse(*_: Any, **__: Any) -> bool:
    raise UrgentRefusedError("the store is not in the catalogue")


def time_out(*_: Any, **__: Any) -> bool:
    raise OutOfTimeError


def fail(*_: Any, **__: Any) -> bool:
    raise KeyError("a row that nobody can read")


@pytest.mark.privacy
@pytest.mark.parametrize("take", [refuse, time_out, fail])
def test_nothing_of_a_message_is_logged(take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log says which message was not taken and why, and nothing of what it holds."""
    logged = io.StringIO()
    monkeypatch.setattr(urgent_handler, "logger", Logger(service=f"logging-{take.__name__}", stream=logged))
    body = '{"store_id": "s1", "sku": "KW-100", "active": false, "asked_by": "Elif Demir, +90 532 000 00 00"}'
    assert taken(take, Queues(None, None), body) is (take is refuse)
    assert "m-17" in logged.getvalue()
    assert not any(word in logged.getvalue() for word in ("Elif", "532", "KW-100"))
