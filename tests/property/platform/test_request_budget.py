"""Laws of the one request budget: what workers that share it may send, whatever becomes of them."""

from typing import Any

from botocore.exceptions import ReadTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from partner_orders.platform.request_budget import COUNTS, Share, ceiling
from tests.support.request_budget import Sent, Service, Worker, most_at_once

SHARES = st.sampled_from(Share)
LIMITS = st.integers(1, 14)
# What happens, to which of the workers, and after how many seconds.
EVENTS = ["request", "request", "request", "slow", "crash", "freeze", "calendar", "hand back", "lost", "contention"]
STEP = st.tuples(
    st.sampled_from(EVENTS), st.integers(0, 5), st.sampled_from([0.0, 0.0, 0.3, 1.0, 4.0, 9.5, 30.0, 58.5, 60.5])
)


def _stored(**changed: Any) -> dict[str, Any]:
    entry = {"id": {"S": "1"}, "share": {"S": "ANSWERS"}, "permits": {"N": "1"}}
    return {"M": entry | {"counts_until": {"S": "2026-10-14T10:01:00Z"}} | changed}


DAMAGE: Any = st.one_of(
    st.just({}),
    st.just({"blocks": {"L": []}}),
    st.just({"schema_version": {"N": "2"}, "blocks": {"L": []}}),
    st.sampled_from([{"S": "x"}, {"M": {}}, {"NULL": True}, {"N": "0"}, {"N": "-50"}, {"N": "0.5"}]).map(
        lambda permits: {"schema_version": {"N": "1"}, "blocks": {"L": [_stored(permits=permits)]}}
    ),
    st.sampled_from(["2126-10-14T10:00:00Z", "soon", ""]).map(
        lambda until: {"schema_version": {"N": "1"}, "blocks": {"L": [_stored(counts_until={"S": until})]}}
    ),
    st.just({"schema_version": {"N": "1"}, "version": {"S": "x"}, "blocks": {"L": [_stored(share={"S": "NOBODY"})]}}),
)


class Chain:
    """Six workers of all shares, whose requests are noted."""

    def __init__(self, limit: int, block_size: int) -> None:
        self.service = Service()
        self.limit, self.block_size = limit, block_size
        self.workers = [self.worker(Share(number % 4)) for number in range(6)]
        self.sent: list[Sent] = []

    def worker(self, share: Share) -> Worker:
        return Worker(self.service, share, self.limit, self.block_size)

    def request(self, worker: Worker, seconds: float) -> None:
        try:
            if sent := worker.request(seconds):
                self.sent.append(sent)
        except ReadTimeoutError:
            assert self.service.loses_responses

    def play(self, event: str, number: int) -> None:
        worker, service = self.workers[number], self.service
        match event:
            case "slow":
                self.request(worker, 43.0)
            case "crash":  # on the way: what it sent reaches the platform up to the longest time later
                if worker.limit.wait(0.0):
                    self.sent.append(Sent(worker.share, service.seconds, service.seconds + 60.0))
                self.workers[number] = self.worker(worker.share)
            case "freeze":
                worker.frozen += 300.0
                service.seconds += 300.0
            case "calendar":
                worker.set_calendar(-86_400.0 if worker.calendar_offset else 3_600.0)
            case "hand back":
                worker.limit.hand_back()
            case "lost":
                service.loses_responses, service.latency = True, 2.0
                self.request(worker, 0.2)
                service.loses_responses, service.latency = False, 0.0
            case "contention":
                other = self.workers[(number + 1) % 6]
                service.meanwhile = lambda: self.request(other, 3.0)
                self.request(worker, 0.2)
            case _:
                self.request(worker, 0.2)


@given(LIMITS, st.integers(1, 4), st.lists(STEP, min_size=20, max_size=60))
@example(6, 3, [("request", 0, 0.0), ("freeze", 0, 0.0), *[("request", number % 6, 0.0) for number in range(30)]])
@example(60, 1, [("request", number % 6, 0.0) for number in range(100)])
@example(6, 1, [("slow", 0, 0.0), ("hand back", 0, 0.0), ("request", 0, 22.0), *[("request", 0, 0.0)] * 6])
def test_never_over_the_limit(limit: int, block_size: int, steps: list[tuple[str, int, float]]) -> None:
    """In any 60 seconds, from a request's beginning to its response, each share and all below it keep to theirs."""
    chain = Chain(limit, block_size)
    for event, number, seconds in steps:
        chain.service.seconds += seconds
        chain.play(event, number)
    for share in Share:
        assert most_at_once(chain.sent, share) <= ceiling(share, limit) <= limit


@given(st.lists(st.tuples(SHARES, st.integers(1, 80)), max_size=12), SHARES, st.integers(1, 120))
def test_unused_shares_are_lent_upwards(asked: list[tuple[Share, int]], last: Share, limit: int) -> None:
    """A share gets all that is left below the ceilings of itself and of every more urgent share, and no more."""
    service, used = Service(), dict.fromkeys(Share, 0)
    for share, most in [*asked, (last, 200)]:
        used[share] += Worker(service, share, limit).requests(most)
    together = {share: sum(used[other] for other in Share if other >= share) for share in Share}
    assert all(together[share] <= ceiling(share, limit) for share in Share)
    assert any(together[share] == ceiling(share, limit) for share in Share if share <= last)


@given(st.lists(st.tuples(st.sampled_from(list(Share)[1:]), st.integers(1, 4)), max_size=40), st.integers(20, 90))
def test_lower_shares_starve_no_answers(asked: list[tuple[Share, int]], limit: int) -> None:
    """However much others ask for, answers find their own share, at once."""
    service = Service()
    for share, block_size in asked:
        Worker(service, share, limit, block_size).requests(60)
        service.seconds += 1.0
    own = ceiling(Share.ANSWERS, limit) - ceiling(Share.STORE_STATUS, limit)
    before = service.seconds
    assert Worker(service, Share.ANSWERS, limit).requests(own) == own > 0
    assert service.seconds == before


@given(SHARES, st.integers(1, 20), st.integers(0, 30), st.floats(0.0, 5.0))
def test_no_permit_is_needlessly_lost(share: Share, block_size: int, requests: int, seconds: float) -> None:
    """A worker that hands back leaves behind what it requested, for a minute from its response."""
    service = Service()
    worker = Worker(service, share, 60, block_size)
    used = sum(worker.request(seconds) is not None for _ in range(requests))
    ended = service.seconds
    worker.limit.hand_back()
    if seconds == 0.0:
        assert Worker(service, share, 60).requests(100) == ceiling(share, 60) - used
    service.seconds = ended + 64.0
    if seconds:
        assert Worker(service, share, 60).requests(100) == ceiling(share, 60)


@given(DAMAGE, SHARES)
def test_unreadable_row_grants_nothing(damage: dict[str, Any], share: Share) -> None:
    """Where it cannot be read what others were granted, nothing is until all of that is over; then all is as before."""
    service = Service()
    service.item = {"pk": {"S": "REQUEST_BUDGET"}, "sk": {"S": "REQUEST_BUDGET"}} | damage
    worker = Worker(service, share, 60)
    assert worker.request() is None
    service.seconds += COUNTS.total_seconds() - 2.0
    assert worker.request() is None
    service.seconds += 3.0
    assert worker.requests(100) == ceiling(share, 60)


@given(st.integers(1, 6000), SHARES)
def test_shares_are_a_staircase(limit: int, share: Share) -> None:
    """A less urgent share has no higher ceiling, none is over the limit, and each gets something."""
    ceilings = [ceiling(each, limit) for each in Share]
    assert ceilings == sorted(ceilings, reverse=True)
    assert 1 <= ceiling(share, limit) <= limit


def test_shares_are_those_that_were_decided() -> None:
    """Of 60 requests, answers get 56 at most, store status and all below it 36, the reconciler 32 and the catalogue 20,
    so that something is always left for what is more urgent; other limits are split alike (ADR 20)."""
    expected = {60: [56, 36, 32, 20], 30: [28, 18, 16, 10], 120: [112, 72, 64, 40]}
    assert {limit: [ceiling(share, limit) for share in Share] for limit in expected} == expected
