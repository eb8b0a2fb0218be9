"""The client of promotions: bodies as they are, bounded results, and a failure for each thing to do."""

import json
from typing import Any

import pytest

from partner_orders.platform.calls import CallRefusedError, EffectUnknownError, NotAllowedError, ThrottledError
from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.promotions import JobAnswer, JobReading, PlatformPromotions
from partner_orders.promotions.job_result import MOST_KEPT, JobResult
from tests.support.canned_platform import CannedSession, Reply, client_of

PATH = "https://partner-api.example.com/v2/chains/chain/promotion"


def promotions_of(*replies: Reply) -> tuple[PlatformPromotions, CannedSession]:
    session = CannedSession(*replies)
    return PlatformPromotions(client_of(session), "chain"), session


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ({"job_id": "j1", "job_status": "QUEUED"}, JobAnswer("j1", "QUEUED")),
        ({"job_id": 48100001}, JobAnswer("48100001", "")),
        ({"status": "completed"}, JobAnswer("", "COMPLETED")),
        ({"job_status": "Duplicate"}, JobAnswer("", "DUPLICATE")),
    ],
)
def test_a_body_goes_as_it_is(answer: dict[str, Any], taken: JobAnswer) -> None:
    """A body is sent byte for byte; a response without a job counts where it says how the job ended."""
    platform, session = promotions_of(Reply(202, answer))
    assert platform.put(b'{"a": 1.50}') == taken
    [asked] = session.asked
    assert (asked["method"], asked["url"], asked["data"]) == ("PUT", PATH, b'{"a": 1.50}')


@pytest.mark.parametrize("reply", [Reply(204), Reply(200, {}), Reply(202, {"job_status": "QUEUED"}), Reply(200, b"ok")])
def test_a_bare_2xx_is_no_outcome(reply: Reply) -> None:
    """A response without a job and without an end leaves the effect unknown."""
    platform, _ = promotions_of(reply)
    with pytest.raises(EffectUnknownError):
        platform.put(b"{}")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(400, {"code": "BAD_REQUEST", "message": "no"}), CallRefusedError),
        (Reply(500, {}), EffectUnknownError),
        (Reply(429, {}), ThrottledError),
        (Reply(403, {}), NotAllowedError),
        (Reply(404, {}), PartnerApiError),
    ],
)
def test_failures_of_a_put(reply: Reply, error: type[PartnerApiError]) -> None:
    """Each failure has the class that says what to do."""
    platform, _ = promotions_of(reply)
    with pytest.raises(PartnerApiError) as raised:
        platform.put(b"{}")
    assert type(raised.value) is error


RESULT = {
    "invalid_vendors": ["zzzz"],
    "missing_skus": {"q7zk": ["A", 7]},
    "invalid_discounted_skus": {"q7zk": ["B"], "r2mm": []},
}


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        ({"job_status": "QUEUED"}, JobReading("QUEUED", JobResult())),
        ({"job_status": "in progress", "result": None}, JobReading("IN_PROGRESS", JobResult())),
        (
            {"job_id": "j", "status": "COMPLETED", "result": RESULT},
            JobReading("COMPLETED", JobResult(("zzzz",), (("q7zk", "A"), ("q7zk", "7")), (("q7zk", "B"),), 4)),
        ),
        (
            {"status": "COMPLETED", "result": {"missing_skus": ["A"], "invalid_vendors": {"a": 1}, "more": [[]]}},
            JobReading("COMPLETED", JobResult((), (("", "A"),), (), 1)),
        ),
        ({"status": "COMPLETED", "result": "fine"}, JobReading("COMPLETED", JobResult())),
    ],
)
def test_a_job_is_read(answer: dict[str, Any], reading: JobReading) -> None:
    """A job's status may be any word; lists of another form cost nothing."""
    platform, session = promotions_of(Reply(200, answer))
    assert platform.job("a/b") == reading
    assert session.asked[0]["url"] == f"{PATH}/jobs/a%2Fb"


@pytest.mark.slow
def test_long_lists_are_bounded() -> None:
    """Of a list with very many entries the first are kept, and all are counted."""
    many = {"s0": [f"SKU-{number}" for number in range(150_000)]}
    body = json.dumps({"job_status": "COMPLETED", "result": {"missing_skus": many}}).encode()
    platform, _ = promotions_of(Reply(200, body))
    reading = platform.job("j")
    assert reading is not None
    assert (len(reading.result.missing_skus), reading.result.count) == (MOST_KEPT, 150_000)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'{"job_status": ', b"no", b'{"job_status": 5.5}'])
def test_a_job_that_cannot_be_read(body: bytes) -> None:
    """What is no job raises an error that may pass."""
    platform, _ = promotions_of(Reply(200, body))
    with pytest.raises(PartnerApiError) as raised:
        platform.job("j")
    assert raised.value.failure is Failure.NOT_JSON


def test_a_job_that_is_not_shown() -> None:
    """A job that the platform does not show is none, and no failure."""
    platform, _ = promotions_of(Reply(404, {}))
    assert platform.job("j") is None
