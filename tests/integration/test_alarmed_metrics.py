"""For each alarm on a metric of the reconciler: its cause makes the function emit what makes the alarm fire."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from partner_orders.platform.http import Handover
from partner_orders.reconciler.table import ReconciliationTable
from tests.support.emitted_metrics import Emitted, alarms_of, emitted, fired, repeated, sums
from tests.support.platform import START, VirtualTime, lives
from tests.support.reconciler_faults import between, edited, set_store
from tests.support.reconciler_world import World
from tests.support.template import Template
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)
NOTHING_TO_COUNT = pytest.mark.filterwarnings("ignore:No application metrics to publish")  # Powertools warns of it


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(orders=12), VirtualTime(AFTER))


type Cause = Callable[[World], None]


def webhooks_that_never_came(_: World) -> None:
    """The table is empty, the platform has orders."""


def a_store_closed_on_the_platform(world: World) -> None:
    set_store(world, "closed-store", name="closed")


def too_many_requests(world: World) -> None:
    world.api.faults = {"too_many": 1}


def a_blocked_address(world: World) -> None:
    page = Response(403, {"Content-Type": "text/html"}, b"<html>Access denied</html>")
    world.api.handle = lambda *_: page  # type: ignore[method-assign]


def a_refused_token(world: World) -> None:
    world.secret = json.dumps({"token": "another"})


def a_refused_client(world: World) -> None:
    world.secret = json.dumps({"client_id": "client", "client_secret": "another"})


def a_silent_store(world: World) -> None:
    store_id = world.lives[0].shop.store_id
    set_store(world, store_id, time_zone="UTC", trading_hours="mon-sun 00:00-00:00")


def an_order_that_differs_at_each_look(world: World) -> None:
    life, *others = world.lives
    world.api.show([replace(life, steps=life.steps[:1]), *others])
    between(
        world,
        lambda _, answer: edited(
            answer, orders=[each | {"comment": str(world.time.seconds)} for each in json.loads(answer.body)["orders"]]
        ),
    )
    for _ in range(4):  # The first is the daily check, which does not wait.
        world.run()
        world.drain()
        world.time.sleep(300)


def an_order_that_no_window_can_show(world: World) -> None:
    order_id = world.lives[0].order_id.encode()
    between(world, lambda _, answer: Response(500, {}, b"{}") if order_id in answer.body else answer)
    for _ in range(3):  # It is narrowed down in several visits.
        world.run()
        world.drain()
        world.time.sleep(300)


def no_run_at_all(world: World) -> None:
    world.lease.acquire()
    world.new_worker()


CAUSES: list[tuple[str, Cause]] = [
    ("WebhooksMissedAlarm", webhooks_that_never_came),
    ("WebhooksMissedShareAlarm", webhooks_that_never_came),
    ("StoresNotReconciledAlarm", a_store_closed_on_the_platform),
    ("PartnerApiBlockedAlarm", too_many_requests),
    ("PartnerApiBlockedAlarm", a_blocked_address),
    ("PartnerApiRefusedAlarm", a_refused_token),
    ("PartnerApiRefusedAlarm", a_refused_client),
    ("StoresSilentAlarm", a_silent_store),
    ("ReconciliationNotRunAlarm", no_run_at_all),
    ("UnsteadyOrdersAlarm", an_order_that_differs_at_each_look),
    ("MinutesLeftOutAlarm", an_order_that_no_window_can_show),
]


@NOTHING_TO_COUNT
@pytest.mark.parametrize(("alarm", "cause"), CAUSES)
def test_cause_fires_its_alarm(
    template: Template, world: World, alarm: str, cause: Cause, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the reconciler emits under a cause, run after run, makes its alarm fire."""
    cause(world)
    assert alarm in fired(template, repeated(measured(world, capsys)))


def test_run_in_sync_fires_no_alarm(template: Template, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What the reconciler emits when all is in sync, run after run, makes no alarm fire."""
    for _ in range(2):
        world.run()
        world.drain()
        world.time.sleep(300)
    found = measured(world, capsys)
    assert found["StoresChecked"] > [0.0]
    assert fired(template, repeated(found)) == set()


def measured(world: World, capsys: pytest.CaptureFixture[str]) -> Emitted:
    """What the function itself emits for a run."""
    app: Any = fresh_handler("reconciler")
    app.reconciler = lambda: world.worker
    app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    return emitted(capsys.readouterr().out)


@NOTHING_TO_COUNT
def test_idle_run_emits_no_silent_stores(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without the lease emits no metric of silent stores; the next real run does."""
    a_silent_store(world)
    assert world.lease.acquire()
    world.new_worker()
    assert "StoresSilent" not in measured(world, capsys)
    world.time.sleep(200)  # The lease has run out.
    assert measured(world, capsys)["StoresSilent"] > [0.0]


def throttled(*_: Any) -> None:
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "PutItem")


def test_failed_run_is_counted_and_logged(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends with an error counts and logs what it found, then fails the invocation."""
    monkeypatch.setattr(ReconciliationTable, "move", lambda *_: throttled() if world.queue.messages else None)
    app: Any = fresh_handler("reconciler")
    logged: list[dict[str, Any]] = []
    app.reconciler = lambda: world.worker
    app.logger = SimpleNamespace(info=lambda _, report: logged.append(report))
    with pytest.raises(ClientError):
        app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    counted = sums(capsys.readouterr().out)
    assert counted["WebhooksMissed"] == counted["FoundMissing"] == len(world.queue.messages) > 0
    assert [report["stopped"] for report in logged] == ["error:ClientError"]


def test_early_error_emits_no_silent_stores(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that fails before it checked anything emits no metric of silent stores."""
    a_silent_store(world)
    monkeypatch.setattr(world.orders, "has_open", throttled)
    app: Any = fresh_handler("reconciler")
    app.reconciler = lambda: world.worker
    with pytest.raises(ClientError):
        app.handler({}, SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000))
    counted = sums(capsys.readouterr().out)
    assert "StoresChecked" in counted
    assert "StoresSilent" not in counted


@NOTHING_TO_COUNT
def test_no_run_counts_while_told_to_wait(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """While the platform wants no requests, no run is counted."""
    world.lease.acquire()
    world.lease.release(Handover(recent_requests=0, not_before=world.time.now() + timedelta(hours=2)))
    assert "StoresChecked" not in measured(world, capsys)


def test_every_reconciler_alarm_is_caused(template: Template) -> None:
    """Every alarm on a metric of the reconciler has a cause here."""
    assert {alarm for alarm, _ in CAUSES} == alarms_of(template, "reconciler")
