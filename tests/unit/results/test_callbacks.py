"""What becomes of a callback on its queue, by what goes wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.order_events.message import WEBHOOK, OrderEventMessage
from partner_orders.platform.failures import Failure, OutOfTimeError, PartnerApiError, PlatformUnavailableError
from partner_orders.platform.job_files import UrlRefusedError
from partner_orders.results.callback import Callback
from partner_orders.results.callbacks import PATIENCE, Callbacks
from partner_orders.results.callbacks_queue import Delivered
from partner_orders.results.settling import UnknownJobError
from tests.support.fixed_clock import NOW

SECOND = timedelta(seconds=1)


@dataclass
class Parts:
    """The queue, what settles, and what keeps, around the callbacks. ``fails``: what settling a job raises."""

    fails: dict[str, Exception] = field(default_factory=dict)
    exports: set[str] = field(default_factory=set)
    waiting: list[list[str]] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str, str]] = field(default_factory=list)
    now: datetime = NOW

    @property
    def callbacks(self) -> Callbacks:
        settling = cast("Any", Settles(self))
        return Callbacks(cast("Any", self), settling, cast("Any", Exports(self)), cast("Any", self), lambda: self.now)

    # -- the queue -----------------------------------------------------------------------------------------------------

    def post(self, *job_ids: str, age: timedelta = timedelta(0)) -> None:
        """Callbacks that came at one time, and are received together."""
        self.waiting.append([text_of(job_id, self.now - age) for job_id in job_ids])

    def receive(self) -> list[Delivered]:
        return [Delivered(text, text) for text in (self.waiting.pop(0) if self.waiting else [])]

    def done(self, message: Delivered) -> None:
        self.gone.append(job_id_of(message))

    def later(self, messages: list[Delivered]) -> None:
        self.left += map(job_id_of, messages)

    def dead_letter(self, message: Delivered, reason: str) -> None:
        self.dead.append((message.text, reason))

    # -- what is kept --------------------------------------------------------------------------------------------------

    def keep(self, callback: Callback, received_at: datetime, now: datetime, reason: str, detail: str = "") -> None:
        assert received_at <= now
        self.kept.append((callback.job_id, reason, detail))


@dataclass
class Settles:
    parts: Parts

    def take(self, callback: Callback) -> bool:
        self.parts.taken.append(callback.job_id)
        if error := self.parts.fails.get(callback.job_id):
            raise error
        return True


@dataclass
class Exports:
    parts: Parts

    def take(self, callback: Callback) -> bool:
        return callback.job_id in self.parts.exports


def text_of(job_id: str, received_at: datetime) -> str:
    body = f'{{"job_id": "{job_id}", "status": "COMPLETED"}}'.encode()
    return OrderEventMessage(WEBHOOK, received_at, f"c-{job_id}", body).to_text()


def job_id_of(message: Delivered) -> str:
    return OrderEventMessage.from_text(message.text).correlation_id.removeprefix("c-")


def always() -> bool:
    return True


def starts(times: int) -> Callable[[], bool]:
    """Whether something may be started: so many times."""
    left = [True] * times
    return lambda: bool(left and left.pop())


def test_callbacks_are_taken_until_none_is_left() -> None:
    """Each that settles is gone, and those that come with the next receipt are taken, too."""
    parts = Parts()
    parts.post("1", "2")
    parts.post("3")
    callbacks = parts.callbacks
    assert callbacks.drain(always)
    assert (parts.gone, parts.left, callbacks.counts, callbacks.faults) == (["1", "2", "3"], [], {}, {})


@pytest.mark.parametrize(
    ("error", "reason", "counted", "fault"),
    [
        (UnknownJobError("1"), "unknown_job", "CallbacksUnknown", {}),
        (UnreadableResultError("a damaged gzip"), "unreadable_result", "ResultsUnreadable", {}),
        (PartnerApiError(Failure.NOT_FOUND, "404"), "unreadable_result", "ResultsUnreadable", {"not_found": 1}),
    ],
)
def test_what_leads_to_nothing_is_kept(error: Exception, reason: str, counted: str, fault: dict[str, int]) -> None:
    """It comes again for five minutes, and is kept from then on, each time with the reason; the others are taken."""
    parts = Parts({"1": error})
    callbacks = parts.callbacks
    parts.post("1", "2", age=PATIENCE - SECOND)
    assert callbacks.drain(always)
    assert (parts.left, parts.gone, parts.kept, callbacks.faults) == (["1"], ["2"], [], fault)
    for times in (1, 2):
        parts.post("1", age=PATIENCE)
        assert callbacks.drain(always)
        assert (parts.left, callbacks.counts) == (["1"], {counted: times})
    detail = "" if isinstance(error, UnknownJobError) else str(error)
    assert (parts.kept, parts.gone) == ([("1", reason, detail)] * 2, ["2", "1", "1"])
    assert callbacks.faults == dict.fromkeys(fault, 3)


def test_callback_of_an_export_is_no_unknown_job() -> None:
    """What is about an export goes to the exports, however old it is."""
    parts = Parts({"1": UnknownJobError("1")}, exports={"1"})
    parts.post("1", age=2 * PATIENCE)
    assert parts.callbacks.drain(always)
    assert (parts.gone, parts.kept) == (["1"], [])


def test_refused_link_is_kept_at_once() -> None:
    """A link that nothing is fetched from leads to nothing, however often it comes."""
    parts = Parts({"1": UrlRefusedError("example.com", "not https")})
    parts.post("1", "2")
    callbacks = parts.callbacks
    assert callbacks.drain(always)
    assert [(job_id, reason) for job_id, reason, _ in parts.kept] == [("1", "url_refused")]
    assert "example.com" in parts.kept[0][2]
    assert (parts.gone, parts.left, callbacks.counts) == (["1", "2"], [], {"ResultsRefused": 1})


@pytest.mark.parametrize("age", [timedelta(0), 2 * PATIENCE])
def test_what_may_pass_comes_again(age: timedelta) -> None:
    """A platform that fails for a while, and a fault of AWS, are no reason to keep a callback: it comes again, counted,
    and holds up no other."""
    parts = Parts({"1": PartnerApiError(Failure.SERVER_ERROR, "503", 5.0), "2": RuntimeError("a fault")})
    parts.post("1", "2", "3", age=age)
    parts.post("1", "2", age=age)
    callbacks = parts.callbacks
    assert callbacks.drain(always)
    assert (parts.left, parts.gone, parts.kept) == (["1", "2", "1", "2"], ["3"], [])
    assert (callbacks.faults, callbacks.error) == ({"server_error": 2, "RuntimeError": 2}, None)


@pytest.mark.parametrize(
    ("error", "faults"),
    [(OutOfTimeError(), {}), (PlatformUnavailableError(Failure.UNAUTHORIZED), {"unauthorized": 1})],
)
def test_what_is_of_all_ends_the_work(error: Exception, faults: dict[str, int]) -> None:
    """With no time left, or credentials that are rejected, nothing more is asked of the platform in this run, and all
    that was received comes again. The next run begins anew."""
    parts = Parts({"2": error})
    parts.post("1", "2", "3", "4", age=2 * PATIENCE)
    parts.post("5")
    callbacks = parts.callbacks
    assert not callbacks.drain(always)
    assert (parts.taken, parts.gone, parts.left) == (["1", "2"], ["1"], ["2", "3", "4"])
    assert (callbacks.faults, parts.kept) == (faults, [])
    assert callbacks.error is (error if faults else None)
    assert callbacks.drain(always)
    assert (callbacks.error, parts.gone) == (None, ["1", "5"])


def test_end_of_the_time_leaves_the_rest() -> None:
    """What was received when no more may be started comes again; nothing more is received."""
    parts = Parts()
    parts.post("1", "2", "3")
    parts.post("4")
    assert parts.callbacks.drain(starts(2))
    assert (parts.taken, parts.gone, parts.left) == (["1"], ["1"], ["2", "3"])
    assert len(parts.waiting) == 1


@pytest.mark.parametrize("text", ["no message", OrderEventMessage(WEBHOOK, NOW, "c-1", b"no callback").to_text()])
def test_what_cannot_be_read_is_a_dead_letter(text: str) -> None:
    """A message that cannot be read, and a body that is no callback, are dead letters with the reason, each counted."""
    parts = Parts()
    parts.waiting.append([text, text_of("2", NOW), text])
    callbacks = parts.callbacks
    assert callbacks.drain(always)
    assert [dead for dead, reason in parts.dead if reason] == [text, text]
    assert (parts.gone, parts.left, callbacks.counts) == (["2"], [], {"CallbacksUnreadable": 2})
