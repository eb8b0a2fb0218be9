"""Credentials that are tried before they are used: one request, under the lease, within the platform's limit."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import Handover, PartnerApiClient
from partner_orders.platform.rate_limit import RateLimit
from partner_orders.reconciler.credentials_trial import NO_STORE, CredentialsTrial, Outcome, Verdict
from partner_orders.reconciler.lease import Lease
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders.stores.store import StoreSettings
from tests.support.orders import CHAIN_ID
from tests.support.orders_table import TABLE
from tests.support.platform import BASE_URL, START, TOKEN, PlatformSession, VirtualTime, lives
from tests.support.reconciler_faults import set_store
from tests.support.reconciler_world import World
from tools.fresh_handler import fresh_handler
from tools.local.simulated_platform.partner_api import Response

VERSIONS = {
    "good": json.dumps({"token": TOKEN}),
    "wrong": json.dumps({"token": "another"}),
    "client": json.dumps({"client_id": "client", "client_secret": "its-secret"}),
    "wrong client": json.dumps({"client_id": "client", "client_secret": "another"}),
    "malformed": "{}",
}


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(), VirtualTime(START + timedelta(hours=2)))


@pytest.fixture
def trial(world: World, dynamodb: Any) -> CredentialsTrial:
    def client_of(version_id: str) -> PartnerApiClient:
        secrets: Any = SimpleNamespace(get_secret_value=lambda VersionId, **_: {"SecretString": VERSIONS[VersionId]})  # noqa: N803
        session, time = PlatformSession(world.api, world.time), world.time
        limit = RateLimit(54, time.monotonic, time.sleep)
        credentials = PartnerApiCredentials(
            secrets, "arn", BASE_URL, session, limit, time.monotonic, version_id=version_id
        )
        return PartnerApiClient(BASE_URL, credentials, session, limit, time.now, time.sleep)

    return CredentialsTrial(client_of, world.stores, Lease(dynamodb, TABLE, world.time.now), CHAIN_ID, world.time.now)


@pytest.mark.parametrize(
    ("version", "verdict", "why", "requests"),
    [
        ("good", Verdict.ACCEPTED, "", 1),
        ("wrong", Verdict.REFUSED, "unauthorized", 1),
        ("client", Verdict.ACCEPTED, "", 2),
        ("wrong client", Verdict.REFUSED, "unauthorized", 1),
        ("malformed", Verdict.UNKNOWN, "credentials", 0),
        ("gone", Verdict.UNKNOWN, "credentials", 0),
    ],
)
def test_platform_judges_credentials(
    world: World, trial: CredentialsTrial, version: str, verdict: Verdict, why: str, requests: int
) -> None:
    """One request says whether credentials are accepted; a client's token is one more."""
    outcome = trial.run(version, lambda: 60.0)
    assert (outcome.verdict, outcome.why) == (verdict, why)
    assert len(world.api.requests) == requests


def test_trial_avoids_a_path_as_a_store_id(world: World, trial: CredentialsTrial) -> None:
    """A trial asks by another store where the first one's id is a path to elsewhere."""
    set_store(world, "..", name="elsewhere")
    outcome = trial.run("good", lambda: 60.0)
    assert (outcome.verdict, len(world.api.requests)) == (Verdict.ACCEPTED, 1)
    assert outcome.store_id not in {"", ".."}


def forbidden(world: World) -> None:
    world.api.faults = {"forbidden": 1}


def unknown_store(world: World) -> None:
    world.api.faults = {"not_found": 1}


def server_error(world: World) -> None:
    world.api.faults = {"server_error": 1}


def no_page(world: World) -> None:
    world.api.faults = {"html": 1}


def blocked(world: World) -> None:
    page = Response(403, {"Content-Type": "text/html"}, b"<html>Access denied</html>")
    world.api.handle = lambda *_: page  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("cause", "verdict", "why"),
    [
        (forbidden, Verdict.REFUSED, "forbidden"),
        (unknown_store, Verdict.ACCEPTED, ""),
        (server_error, Verdict.UNKNOWN, "server_error"),
        (no_page, Verdict.UNKNOWN, "not_json"),
        (blocked, Verdict.UNKNOWN, "blocked"),
    ],
)
def test_only_an_answer_about_them_judges(
    world: World, trial: CredentialsTrial, cause: Callable[[World], None], verdict: Verdict, why: str
) -> None:
    """A platform that fails or blocks the address says nothing of the credentials."""
    cause(world)
    outcome = trial.run("good", lambda: 60.0)
    assert outcome.verdict is verdict
    assert verdict is Verdict.ACCEPTED or outcome.why == why


def test_trial_waits_for_no_other_worker(world: World, trial: CredentialsTrial) -> None:
    """While another worker has the lease, or the platform wants no request yet, nothing is requested."""
    handover = world.lease.acquire()
    assert handover is not None
    assert trial.run("good", lambda: 60.0) == Outcome(Verdict.UNKNOWN, StopReason.LEASE_HELD)
    world.lease.release(Handover(not_before=world.time.now() + timedelta(minutes=5)))
    assert trial.run("good", lambda: 60.0) == Outcome(Verdict.UNKNOWN, StopReason.REQUESTED_LATER)
    assert world.api.requests == []
    world.time.sleep(301)
    assert trial.run("good", lambda: 60.0).verdict is Verdict.ACCEPTED


def test_trial_counts_against_the_limit(world: World, trial: CredentialsTrial, dynamodb: Any) -> None:
    """The trial's request counts for the next worker, and the last worker's for the trial."""
    world.run()
    made = len(world.api.requests)
    assert trial.run("good", lambda: 60.0).verdict is Verdict.ACCEPTED
    handed_over = Lease(dynamodb, TABLE, world.time.now).acquire()
    assert handed_over is not None
    assert handed_over.recent_requests == made + 1


def test_trial_needs_a_store(world: World, trial: CredentialsTrial) -> None:
    """Without a store that is not paused there is nothing to ask for, and the lease stays free."""
    for store in world.stores.all():
        world.stores.set(store.store_id, StoreSettings(is_paused=True))
    assert trial.run("good", lambda: 60.0) == Outcome(Verdict.UNKNOWN, NO_STORE)
    assert world.lease.acquire() is not None


@pytest.mark.filterwarnings("ignore:No application metrics to publish")  # Powertools warns of it
def test_function_answers_with_the_verdict(
    world: World, trial: CredentialsTrial, capsys: pytest.CaptureFixture[str]
) -> None:
    """The function tries a version, answers with the verdict, and emits no metric of the refused token."""
    app: Any = fresh_handler("reconciler")
    app.credentials_trial = lambda: trial
    context = SimpleNamespace(aws_request_id="r1", get_remaining_time_in_millis=lambda: 900_000)
    answer = app.handler({"try_credentials": "wrong"}, context)
    assert Outcome.from_json(answer).verdict is Verdict.REFUSED
    printed = capsys.readouterr().out
    assert "PartnerApiUnauthorized" not in printed
    assert "another" not in printed
    assert world.api.requests
