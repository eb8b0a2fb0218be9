"""For each alarm on a metric of the functions that send answers and the catalogue: what the function emits under its
cause makes it fire."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.answers.judgement import Outcome
from partner_orders.catalogue.files import FileRow, FileState, StoredFile
from partner_orders.catalogue.product import Values
from partner_orders.drift.differences import Finding
from partner_orders.drift.report import DriftReport
from partner_orders.loader.draining import Drained
from partner_orders.pusher.run import Run
from partner_orders.sender.turn import Sent
from partner_orders.sender.unanswered import Unanswered
from tests.support.emitted_metrics import Emitted, alarms_of, emitted, fired, repeated
from tests.support.fixed_clock import NOW
from tests.support.pusher_world import PusherWorld, new_world
from tests.support.template import CATALOGUE, Template, expanded
from tools.fresh_handler import fresh_handler, fresh_module

CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 120_000, aws_request_id="a")
NOTHING_TO_COUNT = pytest.mark.filterwarnings("ignore:No application metrics to publish")  # Powertools warns of it
OF_ANSWERS, OF_CATALOGUE = ("answers", "sender"), ("loader", "pusher", "urgent", "catalogue_webhook")

type Cause = Callable[[], None]


# -- the sender --------------------------------------------------------------------------------------------------------


def answered(outcome: Outcome) -> Cause:
    """An answer ends so."""

    def cause() -> None:
        app: Any = fresh_handler("sender")
        app.sender = lambda: SimpleNamespace(process=lambda *_: Sent([(outcome, 3.0)]))
        app.handler({"Records": [{"messageId": "m", "body": '{"order_id": "a"}'}]}, CONTEXT)

    return cause


def unanswered(orders: int) -> Cause:
    """So many orders wait for a store, at a minute at which they are counted."""

    def cause() -> None:
        app: Any = fresh_handler("sender")
        app.now = lambda: datetime(2026, 3, 14, 9, 35, tzinfo=UTC)
        app.sweep = lambda: SimpleNamespace(run=lambda: 0)
        app.unanswered = lambda: SimpleNamespace(count=lambda: Unanswered(orders, 40.0))
        app.handler({}, CONTEXT)

    return cause


# -- the loader --------------------------------------------------------------------------------------------------------


def loaded(*rows: FileRow, silent: int | None = None, report: DriftReport | None = None) -> Cause:
    """Files end so, so many stores have no new file, and a store is compared."""

    def drain(_: object, drained: Drained) -> None:
        drained.ended.extend(rows)

    def cause() -> None:
        app: Any = fresh_handler("loader")
        app.remove_left_folders = lambda: None
        worker = SimpleNamespace(
            silent_stores=SimpleNamespace(count_if_due=lambda: silent),
            draining=SimpleNamespace(run=drain),
            due_drift=SimpleNamespace(run=lambda _: [report] if report else [], faults=Counter()),
        )
        app.worker = lambda: worker
        app.handler({}, CONTEXT)

    return cause


def file(state: FileState, held_prices: int = 0) -> FileRow:
    return FileRow(StoredFile("q7zk", "lists/q7zk/a.csv", "v1", NOW), state, NOW, NOW, held_prices=held_prices)


def compared(different: int = 0, problem: str = "") -> DriftReport:
    return DriftReport("q7zk", NOW, NOW, Counter({Finding.DIFFERENT: different}), problem=problem)


# -- the pusher --------------------------------------------------------------------------------------------------------


def counting(**counts: int) -> Any:
    """A part that has counted, and does nothing more."""
    return SimpleNamespace(counts=Counter(counts), faults=Counter(), seconds_left=1.0)


def pushed(run: Run | None = None, **counts: Any) -> Cause:
    """A minute of the pusher that did so much, and whose parts have counted."""

    def cause() -> None:
        app: Any = fresh_handler("pusher")
        client = SimpleNamespace(begin=lambda *_: None, end=lambda: None)
        none = counting()
        made = SimpleNamespace(client=client, pusher=none, outcomes=counts.get("outcomes", none), refusals=none)
        beside = {"client": client, "events": none}
        worker = SimpleNamespace(
            minute=SimpleNamespace(run=lambda _: run or Run()),
            callbacks=counts.get("callbacks", none),
            parts=made,
            status=SimpleNamespace(statuses=counts.get("statuses", none), **beside),
            promotion=SimpleNamespace(promotions=counts.get("promotions", none), **beside),
        )
        app.worker = lambda: worker
        app.handler({}, CONTEXT)

    return cause


def waiting(minutes: int) -> Cause:
    """Something waits in a store for so long."""
    return pushed(run=Run(waiting={"q7zk": datetime.now(UTC) - timedelta(minutes=minutes, seconds=30)}))


def a_failing_job() -> None:
    """The platform fails a job of a store."""
    world: PusherWorld = new_world()
    world.catalogue.faults = {"job_fails": 1}
    for sku in world.skus["s0"][:2]:  # One alone is sent without a job.
        world.say("s0", sku, Values(price=Decimal("1.25")))
    for _ in range(8):
        world.pass_minute()
    pushed(outcomes=counting(JobsFailed=world.counts["JobsFailed"]))()


def a_held_urgent_price() -> None:
    app: Any = fresh_module("partner_orders.pusher.urgent_handler")
    none = counting()
    client = SimpleNamespace(begin=lambda *_: None)
    parts = SimpleNamespace(client=client, pusher=none, outcomes=none, refusals=none)
    app.worker = lambda: SimpleNamespace(urgent=counting(UrgentHeld=1), parts=parts)
    app.handler({"Records": []}, CONTEXT)


# By the function that emits.
CAUSES: dict[str, list[tuple[str, Cause]]] = {
    "sender": [
        ("AnswersRefusedAlarm", answered(Outcome.REFUSED)),
        ("AnswersUnclearAlarm", answered(Outcome.APPLIED_DIFFERENTLY)),
        ("AnswersUnclearAlarm", answered(Outcome.EXPIRED)),
        ("AnswersUnclearAlarm", answered(Outcome.UNKNOWN)),
        ("OrdersUnansweredAlarm", unanswered(2)),
    ],
    "loader": [
        ("FilesRefusedAlarm", loaded(file(FileState.REFUSED))),
        ("FilesHeldAlarm", loaded(file(FileState.HELD))),
        ("PricesHeldAlarm", loaded(file(FileState.LOADED, held_prices=1))),
        ("StoresWithoutFileAlarm", loaded(silent=1)),
        ("DriftLeftAlarm", loaded(report=compared(different=2))),
        ("DriftNotComparedAlarm", loaded(report=compared(problem="no export"))),
    ],
    "urgent": [
        ("PricesHeldAlarm", a_held_urgent_price),
    ],
    "pusher": [
        ("ChangesWaitingAlarm", waiting(120)),
        ("JobsFailedAlarm", a_failing_job),
        ("JobsGivenUpAlarm", pushed(outcomes=counting(JobsGivenUp=1))),
        ("ResultsRefusedAlarm", pushed(callbacks=counting(ResultsRefused=1))),
        ("CallbacksUnknownAlarm", pushed(callbacks=counting(CallbacksUnknown=20))),
        ("CatalogueRefusedAlarm", pushed(run=Run(Counter(PlatformRefusals=1)))),
        ("StatusRefusedAlarm", pushed(statuses=counting(StatusRefused=1))),
        ("StatusDiffersAlarm", pushed(statuses=counting(StatusDiffers=1))),
        ("StoresClosedAlarm", pushed(statuses=counting(StoresClosedByPlatform=1))),
        ("PromotionsRefusedAlarm", pushed(promotions=counting(PromotionsRefused=1))),
        ("PromotionsFailedAlarm", pushed(promotions=counting(PromotionsFailed=1))),
        ("PromotionsInPartAlarm", pushed(promotions=counting(PromotionsInPart=1))),
        ("PromotionsNotSentAlarm", pushed(promotions=counting(PromotionsNotSent=1))),
        ("PromotionsUnansweredAlarm", pushed(promotions=counting(PromotionsUnanswered=1))),
        ("PromotionEndsLateAlarm", pushed(promotions=counting(PromotionEndsLate=1))),
    ],
}
QUIET: list[Cause] = [
    answered(Outcome.APPLIED),
    unanswered(0),
    loaded(file(FileState.LOADED), silent=0, report=compared()),
    waiting(1),
]


def active(template: Template, found: Emitted) -> set[str]:
    """The alarms of the senders that this fires, emitted each minute."""
    ours = alarms_of(template, *OF_ANSWERS, *OF_CATALOGUE)
    return fired(template, repeated(found, every=1)) & ours


@NOTHING_TO_COUNT
@pytest.mark.parametrize(
    ("function", "alarm", "cause"), [(function, *cause) for function, causes in CAUSES.items() for cause in causes]
)
def test_cause_fires_its_alarm(
    template: Template, function: str, alarm: str, cause: Cause, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the function emits under a cause, time and again, makes its alarm fire, and none of another cause."""
    cause()
    found = emitted(capsys.readouterr().out)
    assert active(template, found) | active(expanded(CATALOGUE), found) == {alarm}
    assert alarm in alarms_of(template, function) | alarms_of(expanded(CATALOGUE), function)


@NOTHING_TO_COUNT
@pytest.mark.parametrize("cause", QUIET)
def test_usual_run_fires_no_alarm(template: Template, cause: Cause, capsys: pytest.CaptureFixture[str]) -> None:
    """What the functions emit when nothing is wrong makes no alarm fire."""
    cause()
    found = emitted(capsys.readouterr().out)
    assert found
    assert active(template, found) | active(expanded(CATALOGUE), found) == set()


def test_every_alarm_of_the_senders_is_caused(template: Template) -> None:
    """Every alarm on a metric of these functions has a cause here; the uploader's are in its own tests."""
    for function in (*OF_ANSWERS, *OF_CATALOGUE):
        watching = alarms_of(template, function) | alarms_of(expanded(CATALOGUE), function)
        assert {alarm for alarm, _ in CAUSES.get(function, [])} == watching, function
