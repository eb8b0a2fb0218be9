"""What a callback, or the platform when it is asked, makes of a job (rule W4)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from partner_orders.catalogue.job import Job, JobState
from partner_orders.catalogue.jobs import JobPlace
from partner_orders.catalogue.product import Values
from partner_orders.catalogue.store_state import StoreStates
from partner_orders.platform.catalogue import PlatformJob
from partner_orders.results.callback import Callback
from partner_orders.results.settling import Settling, UnknownJobError
from tests.support.pusher_world import PusherWorld, new_world
from tests.support.sender_world import KilledError

LINK, OTHER_LINK = "/v2/files/1", "/v2/files/2"


@dataclass
class Platform:
    """What the platform shows of a job, and the files by their links."""

    shown: PlatformJob | None = None
    files: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def job(self, job_id: str) -> PlatformJob | None:
        self.asked.append(job_id)
        return self.shown

    def download(self, url: str) -> Iterator[bytes]:
        yield f"sku,state,errors\n{self.files[url]}".encode()


class OneJob:
    """A job of three products that the platform took, and nothing is known of."""

    def __init__(self) -> None:
        self.world: PusherWorld = new_world()
        [store_id] = self.world.stores
        self.skus = self.world.skus[store_id][:3]
        for sku in self.skus:
            self.world.say(store_id, sku, Values(price=Decimal(2)))
        self.world.run()
        [self.job_id] = self.world.catalogue.jobs
        [number] = self.world.unfinished(store_id)
        self.place = JobPlace(store_id, number)
        self.platform = Platform()
        self.settling = Settling(self.world.tables.jobs, self.world.outcomes, self.platform, self.platform.download)

    @property
    def job(self) -> Job:
        found = self.world.tables.jobs.get(self.place)
        assert found is not None
        return found

    def outcomes(self) -> dict[str, int]:
        """How many lines have which outcome, since the last look, and whether the job failed."""
        counts = dict(self.world.outcomes.counts)
        self.world.outcomes.counts.clear()
        return counts

    def is_unfinished(self) -> bool:
        return bool(self.world.unfinished(self.place.store_id))


@pytest.fixture
def one() -> OneJob:
    return OneJob()


def test_result_of_refused_lines_alone(one: OneJob) -> None:
    """What a result leaves out was processed where it lists refused lines only, and the job was no failure."""
    one.platform.files[LINK] = f"{one.skus[1]},FAILED,a bad price\n"
    assert one.settling.take(Callback(one.job_id, "COMPLETED", LINK))
    assert one.outcomes() == {"LinesProcessed": 2, "LinesRefused": 1}
    assert (one.job.state, one.job.job_id, one.is_unfinished()) == (JobState.SETTLED, one.job_id, False)
    assert one.job.notes == {one.skus[1]: "refused: a bad price"}
    assert one.platform.asked == []


def test_result_of_a_failed_job(one: OneJob) -> None:
    """Of a job that the platform gave up, only what its result lists has an outcome."""
    one.platform.files[LINK] = f"{one.skus[0]},SUCCESS,\n"
    assert one.settling.take(Callback(one.job_id, "FAILED", LINK))
    assert one.outcomes() == {"LinesProcessed": 1, "LinesUnknown": 2, "JobsFailed": 1}
    assert (one.job.state, one.is_unfinished()) == (JobState.SETTLED, False)


def test_lines_of_others_in_a_result(one: OneJob) -> None:
    """A line of a product that was not in the job says nothing: neither of that product, nor of the job's own lines."""
    other = one.world.skus[one.place.store_id][4]
    one.platform.files[LINK] = f"{one.skus[1]},FAILED,a bad price\n{other},SUCCESS,\n"
    assert one.settling.take(Callback(one.job_id, "COMPLETED", LINK))
    assert one.outcomes() == {"LinesProcessed": 2, "LinesRefused": 1}
    assert one.world.product(one.place.store_id, other).confirmed.price is None


@pytest.mark.parametrize(
    ("shown", "counts"),
    [
        (None, {}),
        (PlatformJob("IN_PROGRESS", LINK), {}),
        (PlatformJob("COMPLETED"), {}),
        (PlatformJob("COMPLETED", LINK), {"LinesProcessed": 3}),
        (PlatformJob("FAILED", LINK), {"LinesProcessed": 3, "JobsFailed": 1}),
        (PlatformJob("FAILED"), {"LinesUnknown": 3, "JobsFailed": 1}),
    ],
)
def test_job_that_is_asked_for(one: OneJob, shown: PlatformJob | None, counts: dict[str, int]) -> None:
    """A job has its outcomes as soon as the platform shows its end with a result, or that it gave the job up."""
    one.platform.shown = shown
    one.platform.files[LINK] = "".join(f"{sku},SUCCESS,\n" for sku in one.skus)
    assert one.settling.ask(one.place, one.job_id) is bool(counts)
    assert one.outcomes() == counts
    assert one.is_unfinished() is not bool(counts)
    assert one.job.state is (JobState.SETTLED if counts else JobState.OPEN)


def test_job_that_is_asked_for_and_gone(one: OneJob) -> None:
    """Of a job whose row is gone there is nothing to note."""
    one.platform.shown = PlatformJob("COMPLETED", LINK)
    assert not one.settling.ask(JobPlace(one.place.store_id, 99), one.job_id)
    assert one.outcomes() == {}


@pytest.mark.parametrize("status", ["QUEUED", "IN_PROGRESS", "a word of tomorrow"])
def test_callback_of_no_end(one: OneJob, status: str) -> None:
    """A callback of a job that goes on changes nothing, though it names a result."""
    one.platform.files[LINK] = "".join(f"{sku},SUCCESS,\n" for sku in one.skus)
    assert not one.settling.take(Callback(one.job_id, status, LINK))
    assert (one.outcomes(), one.job.state, one.is_unfinished()) == ({}, JobState.OPEN, True)


@pytest.mark.parametrize(
    ("shown", "counts"),
    [(None, {}), (PlatformJob("COMPLETED"), {}), (PlatformJob("COMPLETED", OTHER_LINK), {"LinesProcessed": 3})],
)
def test_callback_without_a_link(one: OneJob, shown: PlatformJob | None, counts: dict[str, int]) -> None:
    """The platform is asked where the result is. Without one, that the job was worked off is no outcome."""
    one.platform.shown = shown
    one.platform.files[OTHER_LINK] = "".join(f"{sku},SUCCESS,\n" for sku in one.skus)
    assert one.settling.take(Callback(one.job_id, "COMPLETED")) is bool(counts)
    assert (one.outcomes(), one.is_unfinished()) == (counts, not counts)
    assert one.platform.asked == [one.job_id]


def test_callback_of_a_job_that_nobody_knows(one: OneJob) -> None:
    """A job whose id is not known, and one whose row is gone, may be known in a while: the callback is not taken."""
    one.world.tables.jobs.submitted(one.place.store_id, 99, one.world.time.now(), "of a row that is gone")
    for job_id in ("nobody", "of a row that is gone"):
        with pytest.raises(UnknownJobError):
            one.settling.take(Callback(job_id, "COMPLETED", LINK))


def test_callback_after_a_crash(one: OneJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that has its outcomes, but counts as unfinished after a crash, no longer does once its callback comes
    again. Nothing is fetched for that."""
    one.platform.files[LINK] = "".join(f"{sku},SUCCESS,\n" for sku in one.skus)

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(StoreStates, "end_job", kill)
        with pytest.raises(KilledError):
            one.settling.take(Callback(one.job_id, "COMPLETED", LINK))
    assert (one.job.state, one.is_unfinished()) == (JobState.SETTLED, True)
    one.outcomes()
    one.platform.files.clear()
    assert one.settling.take(Callback(one.job_id, "COMPLETED", LINK))
    assert (one.outcomes(), one.is_unfinished()) == ({}, False)
