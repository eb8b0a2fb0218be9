"""The reconciler against the simulated platform: what it finds, and what it does about each fault of the API."""

import json
from datetime import timedelta
from typing import Any

import pytest

from local.simulated_platform.lives import Life, to_text
from local.simulated_platform.partner_api import PartnerApi as SimulatedPartnerApi
from partner_orders import partner_api
from partner_orders.credentials import PartnerApiCredentials
from partner_orders.event import understand
from partner_orders.intake import Intake
from partner_orders.message import OrderEventMessage
from partner_orders.order_events_queue import OrderEventsQueue
from partner_orders.orders_table import OrdersTable
from partner_orders.partner_api import PartnerApi
from partner_orders.rate_limit import RateLimit
from partner_orders.reconciliation import InvalidRequestError, Reconciler, Report, Request
from partner_orders.rejected_table import RejectedTable
from partner_orders.stores_table import StoresTable
from tests.integration.conftest import RETENTION
from tests.integration.platform import BASE_URL, START, TOKEN, PlatformSession, VirtualTime, lives, truth
from tests.integration.test_intake import process
from tests.orders import CHAIN_ID

WINDOW = {"from": (START - timedelta(hours=1)).isoformat(), "to": (START + timedelta(hours=3)).isoformat()}
FOREVER = 10_000.0


class World:
    """The platform with its orders, our table with its stores, and the reconciler between them."""

    def __init__(
        self, dynamodb: Any, sqs: Any, queue_url: str, intake: Intake, secret: str = json.dumps({"token": TOKEN})
    ) -> None:
        self.time = VirtualTime()
        self.lives = lives()
        self.api = SimulatedPartnerApi(CHAIN_ID, TOKEN, rate_limit=60, clients={"client": "its-secret"})
        self.api.show(self.lives)
        self.session = PlatformSession(self.api, self.time)
        self.secret = secret
        self.orders = OrdersTable(dynamodb, "orders", RETENTION, self.time.now)
        self.stores = StoresTable(dynamodb, "orders", CHAIN_ID, self.time.now)
        rejected = RejectedTable(dynamodb, "orders", RETENTION, self.time.now)
        self._sqs, self._queue_url, self._intake = sqs, queue_url, intake
        credentials = PartnerApiCredentials(self, "arn", BASE_URL, self.session, self.time.monotonic)  # type: ignore[arg-type]
        limit = RateLimit(60, self.time.monotonic, self.time.sleep)
        self.reconciler = Reconciler(
            PartnerApi(BASE_URL, CHAIN_ID, credentials, self.session, limit, self.time.sleep),
            self.orders,
            self.stores,
            rejected,
            OrderEventsQueue(sqs, queue_url),
            self.time.now,
        )
        for life in self.lives:
            self.stores.register(understand(to_text(life.steps[0].body).encode()).order.client)

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self.secret}

    def reconcile(self, remaining_seconds: float = FOREVER, **request: Any) -> Report:
        asked = Request.from_event({**WINDOW, **request}, self.time.now())
        deadline = self.time.seconds + remaining_seconds
        return self.reconciler.run(asked, "correlation", lambda: deadline - self.time.seconds)

    def store(self, life: Life, step: int = -1) -> None:
        """As if the webhook had received it."""
        process(self._intake, to_text(life.steps[step].body).encode())

    def drain(self) -> list[bytes]:
        """What is on the queue, given to the consumer."""
        bodies: list[bytes] = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(OrderEventMessage.from_text(message["Body"]).body)
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        for body in bodies:
            process(self._intake, body)
        return bodies

    def is_in_step(self, life: Life) -> bool:
        shown = understand(json.dumps(truth(self.api, life, self.time.now())).encode())
        return shown.digest in self.orders.known_digests([life.order_id]).get(life.order_id, ())


@pytest.fixture
def world(dynamodb: Any, sqs: Any, queue_url: str, intake: Intake) -> World:
    return World(dynamodb, sqs, queue_url, intake)


def one_store(world: World) -> str:
    return world.lives[0].shop.store_id


# -- what it finds -----------------------------------------------------------------------------------------------------


def test_orders_that_no_webhook_told_of_are_found_queued_and_stored(world: World) -> None:
    report = world.reconcile()
    assert report.counts["missing"] == report.counts["enqueued"] == len(world.lives)
    assert len(world.drain()) == len(world.lives)
    assert all(world.is_in_step(life) for life in world.lives)
    assert report.failed_stores == {}


def test_an_order_whose_later_events_were_missed_is_different_and_healed(world: World) -> None:
    life = next(life for life in world.lives if len(life.steps) > 1)
    world.store(life, step=0)
    report = world.reconcile()
    assert report.counts["different"] == 1
    world.drain()
    assert world.is_in_step(life)


def test_a_second_pass_over_what_is_in_step_queues_nothing(world: World) -> None:
    world.reconcile()
    world.drain()
    report = world.reconcile()
    assert report.counts["in_step"] == len(world.lives)
    assert report.counts["enqueued"] == 0
    assert world.drain() == []


def test_a_preview_counts_and_queues_nothing(world: World) -> None:
    report = world.reconcile(preview=True)
    assert report.counts["missing"] == len(world.lives)
    assert report.counts["enqueued"] == 0
    assert world.drain() == []


def test_only_the_stores_asked_for_are_read_by_either_of_their_ids(world: World) -> None:
    shop = world.lives[0].shop
    ours = [life for life in world.lives if life.shop == shop]
    assert world.reconcile(stores=[shop.store_id], preview=True).counts["orders_checked"] == len(ours)
    assert world.reconcile(stores=[shop.external_partner_config_id]).counts["orders_checked"] == len(ours)


def test_a_store_that_is_not_registered_is_named(world: World) -> None:
    assert world.reconcile(stores=["nowhere"]).failed_stores == {"nowhere": "not_registered"}


def test_an_order_of_the_platform_that_we_cannot_understand_is_queued_once_and_kept(world: World) -> None:
    for step in world.lives[0].steps:
        step.body["payment"] = "no object"
    assert world.reconcile().counts["not_understood"] == 1
    world.drain()
    assert world.reconcile().counts["not_understood"] == 0


def test_many_pages_are_read_to_the_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 2)
    assert world.reconcile().counts["missing"] == len(world.lives)
    world.drain()
    assert all(world.is_in_step(life) for life in world.lives)


# -- what the platform may answer --------------------------------------------------------------------------------------

PASSING = ["unauthorized", "too_many", "server_error", "html", "truncated", "hang"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_tried_again_and_nothing_is_missed(world: World, fault: str) -> None:
    world.api.faults = {fault: 1}
    report = world.reconcile()
    assert report.failed_stores == {}
    assert report.counts["missing"] == len(world.lives)


LASTING = {
    "unauthorized": "unauthorised",
    "forbidden": "forbidden",
    "not_found": "not_found",
    "too_many": "rate_limited",
    "server_error": "server_error_500",
    "html": "not_json",
    "truncated": "not_json",
    "hang": "no_answer:ReadTimeout",
}


@pytest.mark.parametrize(("fault", "kind"), LASTING.items())
def test_a_fault_that_lasts_is_reported_by_store_and_healed_the_next_time(world: World, fault: str, kind: str) -> None:
    world.api.faults = {fault: 1_000}
    report = world.reconcile()
    stores = {life.shop.store_id for life in world.lives}
    assert report.failed_stores == dict.fromkeys(stores, kind)
    world.api.faults = {}
    assert world.reconcile().counts["missing"] == len(world.lives)
    world.drain()
    assert all(world.is_in_step(life) for life in world.lives)


@pytest.mark.parametrize("fault", ["forbidden", "not_found", "server_error", "html", "truncated", "hang"])
def test_a_store_that_fails_does_not_hold_back_the_others(world: World, fault: str) -> None:
    # As often as the first store tries, its second id included.
    world.api.faults = {fault: {"forbidden": 1, "not_found": 2}.get(fault, partner_api.TRIES)}
    report = world.reconcile()
    assert len(report.failed_stores) == 1
    (failed,) = report.failed_stores
    assert report.counts["missing"] == sum(life.shop.store_id != failed for life in world.lives)


def test_a_page_that_comes_twice_is_noticed_and_the_window_read_again_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 2)
    world.api.faults = {"repeat_first_page": 1_000}
    report = world.reconcile()
    assert set(report.failed_stores.values()) == {"repeated_page"}
    world.api.faults = {}
    world.reconcile()
    world.drain()
    assert all(world.is_in_step(life) for life in world.lives)


def test_a_redirect_is_not_followed_so_the_token_goes_to_the_platform_alone(world: World) -> None:
    world.reconcile()
    assert all(asked.url.startswith(BASE_URL) for asked in world.session.asked)
    assert all(asked.headers["authorization"] == f"Bearer {TOKEN}" for asked in world.session.asked)


def test_never_more_requests_than_the_limit_in_any_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partner_api, "PAGE_SIZE", 1)
    for _ in range(10):
        world.reconcile(preview=True)
    asked = world.api.requests
    assert len(asked) >= 120
    assert all(later - earlier > timedelta(seconds=59) for earlier, later in zip(asked, asked[60:], strict=False))


def test_out_of_time_leaves_the_rest_of_the_stores_and_says_so(world: World) -> None:
    report = world.reconcile(remaining_seconds=20.0)
    assert set(report.failed_stores.values()) == {"out_of_time"}
    assert world.session.asked == []


# -- credentials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ('{"token": "PASTE-THE-PARTNER-API-TOKEN-HERE"}', "still holds its placeholder"),
        ("a bare token", "is malformed"),
        ('{"token": ""}', "is malformed"),
        ('{"token": "two words"}', "is no header value"),
        ('{"client_id": "client"}', "is malformed"),
    ],
)
def test_a_secret_that_cannot_work_says_what_to_store_and_asks_the_platform_nothing(
    world: World, secret: str, says: str
) -> None:
    world.secret = secret
    report = world.reconcile()
    assert all(says in why and "client_secret" in why for why in report.failed_stores.values())
    assert world.session.asked == []


def test_an_oauth_client_gets_its_token_once_and_again_when_it_is_refused(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    world.reconcile()
    assert [asked.method for asked in world.session.asked].count("POST") == 1
    world.api.faults = {"unauthorized": 1}
    assert world.reconcile().failed_stores == {}
    assert [asked.method for asked in world.session.asked].count("POST") == 2


def test_a_client_that_the_platform_does_not_know_is_told_what_to_check(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "mistyped"}'
    report = world.reconcile()
    assert all("check client_id and client_secret" in why for why in report.failed_stores.values())
    assert "mistyped" not in str(report)


def test_a_token_replaced_after_a_refusal_is_read_at_once(world: World) -> None:
    world.api.token = "new-token"
    assert set(world.reconcile().failed_stores.values()) == {"unauthorised"}
    world.secret = '{"token": "new-token"}'
    assert world.reconcile().failed_stores == {}


# -- what it may be asked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"from": "yesterday"}, '"from" should be a time'),
        ({"to": 5}, '"to" should be a time'),
        ({"from": "2026-10-14T09:00:00Z", "to": "2026-10-14T08:00:00Z"}, "before"),
        ({"from": "2026-06-01T00:00:00Z"}, "60 days"),
        ({"stores": "q7xk"}, "a list of store ids"),
        ({"stores": [7]}, "a list of store ids"),
        ({"preview": "yes"}, "true or false"),
    ],
)
def test_a_request_that_cannot_be_meant_says_what_to_change(request_: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        Request.from_event(request_, VirtualTime().now())
