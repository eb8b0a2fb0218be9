"""The reconciler against the simulated platform: what it finds, and what it does about each fault of the API."""

import io
from datetime import timedelta
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from partner_orders.orders.lifecycle import is_sent
from partner_orders.platform import http
from partner_orders.reconciler.backfill import InvalidRequestError
from tests.support.platform import BASE_URL, START, TOKEN, VirtualTime, lives
from tests.support.reconciler_faults import set_store
from tests.support.reconciler_world import FUNCTION_SECONDS, World
from tools.local.simulated_platform.lives import to_text
from tools.local.simulated_platform.partner_api import Response

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(), VirtualTime(AFTER))


# -- what it finds --------------------------------------------------------------------------------------------------


def test_orders_that_no_webhook_told_of_are_found_queued_and_stored(world: World) -> None:
    report = world.run()
    assert report.counts["missing"] == report.counts["enqueued"] == len(world.lives)
    assert report.counts["webhooks_missed"] == len(world.lives)
    assert report.failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


def test_orders_from_before_their_store_was_registered_are_made_whole_but_no_webhook_of_theirs_was_missed(
    dynamodb: Any,
) -> None:
    """A chain with history starts today: nobody sent webhooks of what was ordered before."""
    everything = lives()
    began = everything[4].created_at
    before = sum(life.created_at < began for life in everything)
    world = World(dynamodb, everything, VirtualTime(AFTER), registered_at=began)
    report = world.run()
    assert report.counts["missing"] == report.counts["enqueued"] == len(world.lives)
    assert report.counts["before_registration"] == before > 0
    assert report.counts["webhooks_missed"] == len(world.lives) - before > 0
    counted = report.to_json()
    assert sum(counts.get("before_registration", 0) for counts in counted["stores"].values()) == before
    assert counted["before_registration"] == before
    assert {repair.order_id for repair in report.repairs if repair.before_registration} == {
        life.order_id for life in everything if life.created_at < began
    }
    assert not any(repair.webhook_missed and repair.before_registration for repair in report.repairs)


def test_what_happens_to_an_older_order_after_its_store_was_registered_is_missed_if_no_webhook_came(
    dynamodb: Any,
) -> None:
    world = World(dynamodb, lives(), VirtualTime(AFTER), registered_at=AFTER)
    for life in world.lives:
        world.receive(life, step=0)
    report = world.run()
    assert report.counts["webhooks_missed"] == sum(is_sent(repair.status) for repair in report.repairs) > 0
    assert report.counts["before_registration"] == 0


def test_a_store_registered_by_its_first_webhook_has_the_orders_after_it_counted(dynamodb: Any) -> None:
    first, *rest = lives(stores=1)
    world = World(dynamodb, [first, *rest], VirtualTime(AFTER), registered_at=first.created_at + timedelta(seconds=3))
    world.receive(first)
    assert world.run().counts["webhooks_missed"] == len(rest)


def test_a_store_row_without_a_readable_time_of_registration_has_every_order_counted(world: World) -> None:
    for life in world.lives:
        set_store(world, life.shop.store_id, registered_at="once")
    assert world.run().counts["webhooks_missed"] == len(world.lives)


def test_a_repair_names_the_order_how_late_it_is_and_travels_with_its_cause(world: World) -> None:
    report = world.run()
    life = world.lives[0]
    (repair,) = [repair for repair in report.repairs if repair.order_id == life.order_id]
    assert (repair.store_id, repair.found, repair.status) == (life.shop.store_id, "missing", life.steps[-1].status)
    assert repair.late_seconds is not None
    assert abs(repair.late_seconds - (AFTER - life.steps[-1].at).total_seconds()) < 30
    assert {message.correlation_id for message in world.queue.messages} == {"run/missing"}
    assert {message.source for message in world.queue.messages} == {"reconciliation"}


def test_an_order_whose_later_events_were_missed_is_different_and_healed(world: World) -> None:
    for life in world.lives:
        world.receive(life, step=0)
    behind = [life for life in world.lives if len(life.steps) > 1]
    report = world.run()
    assert report.counts["different"] == len(behind)
    assert report.counts["missing"] == 0
    world.drain()
    assert world.not_in_sync() == []


def test_only_states_that_the_platform_promises_to_send_count_as_missed_webhooks(world: World) -> None:
    for life in world.lives:
        for number, step in enumerate(life.steps):
            if step.by_webhook:
                world.receive(life, number)
    report = world.run()
    assert report.counts["different"] > 0
    assert report.counts["webhooks_missed"] == 0
    assert not any(is_sent(repair.status) for repair in report.repairs)


def test_a_second_pass_over_what_is_in_step_queues_nothing(world: World) -> None:
    world.run()
    world.drain()
    again = world.backfill()
    assert again["in_step"] == again["orders_checked"] == len(world.lives)
    assert again["enqueued"] == 0


def test_what_was_in_step_is_not_read_again_but_by_each_days_sweep(dynamodb: Any) -> None:
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=45)))
    world.run()
    world.drain()
    reads, in_step = [], []
    for pause in (10, 10, 86_400):
        world.time.sleep(pause)
        before = world.orders.read_orders
        in_step.append(world.run().counts["in_step"])
        reads.append(world.orders.read_orders - before)
    assert in_step[0] == in_step[1] > 0
    assert reads == [in_step[0], 0, len(world.lives)]


def test_more_orders_than_a_worker_remembers_are_in_step_all_the_same(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partner_orders.reconciler.comparison.MAX_REMEMBERED", 2)
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=45)))
    world.run()
    world.drain()
    for _ in range(3):
        world.time.sleep(10)
        report = world.run()
        assert report.counts["in_step"] > 2
        assert report.counts["enqueued"] == 0


def test_an_order_of_the_platform_that_we_cannot_understand_is_queued_once_and_kept(world: World) -> None:
    for step in world.lives[0].steps:
        step.body["payment"] = "no object"
    assert world.run().counts["not_understood"] == 1
    world.drain()
    assert world.backfill()["not_understood"] == 0


def test_an_order_older_than_our_retention_is_not_queued(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.orders, "is_expired", lambda event: event.order_id == world.lives[0].order_id)
    assert world.run().counts["enqueued"] == len(world.lives) - 1


def test_an_open_order_that_the_platform_no_longer_shows_is_named_and_left_alone(world: World) -> None:
    gone = world.lives[3]
    world.receive(gone, step=0)
    world.api.show([life for life in world.lives if life is not gone])
    report = world.run()
    assert report.not_shown == [gone.order_id]
    assert all(gone.order_id not in message.to_text() for message in world.queue.messages)


def test_a_paused_store_is_left_alone(world: World) -> None:
    paused = world.lives[0].shop.store_id
    world.dynamodb.update_item(
        TableName="orders",
        Key={"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{paused}"}},
        UpdateExpression="SET is_paused = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    assert world.run().counts["missing"] == sum(life.shop.store_id != paused for life in world.lives)


# -- what the platform may answer -------------------------------------------------------------------------------------

PASSING = ["unauthorized", "too_many", "server_error", "html", "truncated", "hang"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_tried_again_and_nothing_is_missed(world: World, fault: str) -> None:
    world.api.faults = {fault: 1}
    report = world.run()
    assert report.failed_stores == {}
    assert report.api_errors.total() == 1
    assert report.counts["missing"] == len(world.lives)


class Dripping(io.BytesIO):
    """A body of which a byte arrives every five seconds."""

    def __init__(self, body: bytes, time: VirtualTime) -> None:
        super().__init__(body)
        self._time = time

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._time.sleep(5.0 * len(found))
        return found

    def read1(self, _: int | None = -1, /) -> bytes:
        self._time.sleep(5.0)
        return super().read1(1)


@pytest.mark.parametrize("seconds", [FUNCTION_SECONDS, 60.0])
def test_a_page_that_drips_is_given_up_in_time_and_read_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    (session,) = world.sessions
    plain = session.request

    def dripping(*arguments: Any, **options: Any) -> requests.Response:
        answer = plain(*arguments, **options)
        answer.raw = HTTPResponse(Dripping(answer.raw.data, world.time), preload_content=False)
        return answer

    begun = world.time.seconds
    with monkeypatch.context() as patched:
        patched.setattr(session, "request", dripping)
        report = world.run(seconds)
    assert world.time.seconds - begun < seconds
    assert {*report.failed_stores.values()} == {"no_answer:ReadTimeout"}
    assert report.api_errors["no_answer"] > 0
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)


EVERYWHERE = {"unauthorized": "unauthorized", "too_many": "rate_limited"}
OF_A_STORE = {
    "forbidden": "forbidden",
    "not_found": "not_found",
    "server_error": "server_error:500",
    "html": "not_json",
    "truncated": "not_json",
    "hang": "no_answer:ReadTimeout",
}


@pytest.mark.parametrize(("fault", "kind"), OF_A_STORE.items())
def test_a_fault_that_lasts_is_reported_by_store_and_healed_the_next_time(world: World, fault: str, kind: str) -> None:
    world.api.faults = {fault: 1_000}
    report = world.run()
    assert report.failed_stores == {life.shop.store_id: kind for life in world.lives}
    world.api.faults = {}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(("fault", "kind"), EVERYWHERE.items())
def test_what_would_fail_everywhere_ends_the_run_and_is_healed_the_next_time(
    world: World, fault: str, kind: str
) -> None:
    world.api.faults = {fault: 1_000}
    report = world.run()
    assert report.stopped == kind
    assert len(report.failed_stores) == 1
    assert len(world.api.requests) <= http.TRIES
    world.api.faults = {}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)


@pytest.mark.parametrize("fault", OF_A_STORE)
def test_a_store_that_fails_does_not_hold_back_the_others(world: World, fault: str) -> None:
    # As often as the first store tries, its second id included.
    world.api.faults = {fault: {"forbidden": 1, "not_found": 2}.get(fault, http.TRIES)}
    report = world.run()
    (failed,) = report.failed_stores
    assert report.counts["missing"] == sum(life.shop.store_id != failed for life in world.lives)


def test_a_queue_that_refuses_fails_the_store_and_its_window_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "send_all", refuse)
        assert set(world.run().failed_stores.values()) == {"ConnectionError"}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)


def test_retry_after_is_honoured(world: World) -> None:
    world.api.faults = {"too_many": 1}
    world.run()
    first, second = world.api.requests[:2]
    assert second - first >= timedelta(seconds=60)


def test_the_token_goes_to_the_configured_host_alone_and_not_along_a_redirect(world: World) -> None:
    world.run()
    (session,) = world.sessions
    assert all(asked.url.startswith(f"{BASE_URL}/v2/") for asked in session.asked)
    assert all(asked.headers["authorization"] == f"Bearer {TOKEN}" for asked in session.asked)


# -- credentials ------------------------------------------------------------------------------------------------------


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
    report = world.run()
    assert says in report.stopped
    assert "client_secret" in report.stopped
    assert world.api.requests == []


def test_an_oauth_client_gets_its_token_once_and_again_when_it_is_refused(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    world.run()
    (session,) = world.sessions
    assert [asked.method for asked in session.asked].count("POST") == 1
    world.api.faults = {"unauthorized": 1}
    world.time.sleep(300)
    assert world.run().failed_stores == {}
    assert [asked.method for asked in session.asked].count("POST") == 2


def test_an_access_token_is_renewed_before_it_ends(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    for _ in range(5):
        assert world.run().api_errors.total() == 0
        world.time.sleep(3_500)
    (session,) = world.sessions
    assert 2 <= [asked.method for asked in session.asked].count("POST") <= 5


def test_a_client_that_the_platform_does_not_know_is_told_what_to_check(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "mistyped"}'
    report = world.run()
    assert "check client_id and client_secret" in report.stopped
    assert "mistyped" not in str(report)


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limited"), (503, "server_error:503"), (403, "blocked")])
def test_a_token_endpoint_in_trouble_is_met_as_the_rest_of_the_platform_is(
    world: World, status: int, kind: str
) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    handle, left = world.api.handle, [1]

    def change(request: Any, now: Any) -> Response:
        answer = handle(request, now)
        if request.method == "POST" and left[0]:
            left[0] -= 1
            return Response(status, {**answer.headers, **wait, "Content-Type": "text/html"}, b"<html>")
        return answer

    world.api.handle, wait = change, {}  # type: ignore[method-assign]
    report = world.run()
    assert (report.stopped, report.failed_stores, report.api_errors[kind.partition(":")[0]]) == ("", {}, 1)
    left[0], wait = 100, {"Retry-After": "3600"}
    world.new_worker()
    world.time.sleep(300)
    asked = len(world.api.requests)
    assert world.run().stopped == kind
    world.time.sleep(300)
    assert world.run().stopped == "the_platform_wants_to_be_asked_later"
    assert len(world.api.requests) == asked + 1


def test_a_token_endpoint_that_does_not_answer_ends_the_run_and_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    (session,), post = world.sessions, []

    def silent(*_: Any, **__: Any) -> Any:
        post.append(1)
        raise requests.ReadTimeout("its-secret")

    with monkeypatch.context() as patched:
        patched.setattr(session, "post", silent)
        report = world.run()
    assert (report.stopped, len(post)) == ("no_answer:ReadTimeout", http.TRIES)
    world.time.sleep(300)
    assert world.run().failed_stores == {}


def test_a_token_replaced_after_a_refusal_is_read_at_once(world: World) -> None:
    world.api.token = "new-token"
    assert world.run().stopped == "unauthorized"
    world.secret = '{"token": "new-token"}'
    world.time.sleep(300)
    assert world.run().failed_stores == {}


def test_a_secret_that_was_changed_is_picked_up_within_minutes_without_a_refusal(world: World) -> None:
    world.run()
    world.secret = '{"token": "new-token"}'
    world.time.sleep(301)
    world.api.token = "new-token"
    assert world.run().api_errors.total() == 0


def test_no_token_or_secret_appears_in_a_report_a_row_or_an_error(world: World) -> None:
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    reports = [world.run()]
    for fault in (*PASSING, "forbidden", "not_found"):
        world.api.faults = {fault: 1_000}
        world.time.sleep(300)
        reports.append(world.run())
    rows = world.dynamodb.scan(TableName="orders")["Items"]
    said = str(reports) + str([report.to_json() for report in reports]) + str(rows)
    said += "".join(message.to_text() for message in world.queue.messages)
    assert "its-secret" not in said
    assert "access-" not in said


# -- what it may be asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"from": "yesterday"}, '"from" should be a time'),
        ({"to": 5}, '"to" should be a time'),
        ({"from": "2026-10-14T09:00:00Z", "to": "2026-10-14T08:00:00Z"}, "before"),
        ({"from": "2026-10-15T09:00:00Z"}, "not in the future"),
        ({"from": "2026-06-01T00:00:00Z"}, "60 days"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "ISO 8601"),
        ({"stores": "q7xk"}, "a list of store ids"),
        ({"stores": [7]}, "a list of store ids"),
        ({"stores": ["nowhere"]}, "not among the registered stores: nowhere"),
        ({"preview": "yes"}, "true or false"),
        ({"form": "2026-10-14T08:00:00Z"}, "form: not known"),
    ],
)
def test_a_request_that_cannot_be_meant_says_what_to_change(world: World, request_: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        world.worker.add_backfill(request_)
    assert world.table.backfills() == []


@pytest.mark.parametrize("request_", [{"preview": False}, {"preview": True}, {"stores": ["nowhere"]}])
def test_a_backfill_without_a_registered_store_says_how_one_is_registered(
    world: World, request_: dict[str, Any]
) -> None:
    for store in world.stores.all():
        world.stores.remove(store)
    with pytest.raises(InvalidRequestError, match=r"no store is registered yet.*partner-orders stores set.*import"):
        world.worker.add_backfill(request_)
    assert world.table.backfills() == []


def test_a_backfill_of_paused_stores_alone_says_that_they_are_to_be_named(world: World) -> None:
    for store in world.stores.all():
        set_store(world, store.store_id, is_paused="true")
    with pytest.raises(InvalidRequestError, match=r"every registered store is paused.*name"):
        world.worker.add_backfill({})
    assert world.table.backfills() == []


def test_what_a_webhook_brought_and_the_platform_shows_in_another_way_of_writing_is_in_step(world: World) -> None:
    for life in world.lives:
        world.orders.put(to_text(life.steps[-1].body).encode())
    report = world.run()
    masked = sum(life.masked for life in world.lives)
    assert report.counts["in_step"] == len(world.lives) - masked
    assert report.counts["different"] == masked
