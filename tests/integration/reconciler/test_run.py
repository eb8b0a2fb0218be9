"""The reconciler against the simulated platform: what it finds, and what it does about each fault of the API."""

import io
from datetime import timedelta
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from partner_orders.orders.event import parse_event
from partner_orders.orders.lifecycle import is_sent
from partner_orders.platform import http
from partner_orders.reconciler.backfill import InvalidRequestError
from tests.support.orders_table import TABLE
from tests.support.platform import BASE_URL, START, TOKEN, VirtualTime, lives
from tests.support.reconciler_faults import set_store
from tests.support.reconciler_world import FUNCTION_SECONDS, World
from tests.support.sampling import every
from tools.local.simulated_platform.lives import to_text
from tools.local.simulated_platform.partner_api import Response
from tools.simulation.simulated_secrets import SimulatedSecrets

AFTER = START + timedelta(hours=2)


@pytest.fixture
def world(dynamodb: Any) -> World:
    return World(dynamodb, lives(), VirtualTime(AFTER))


# -- what it finds --------------------------------------------------------------------------------------------------


def test_missed_orders_are_found_and_stored(world: World) -> None:
    """Orders whose webhooks were missed are found, enqueued and stored."""
    report = world.run()
    assert report.counts["missing"] == report.counts["enqueued"] == len(world.lives)
    assert report.counts["webhooks_missed"] == len(world.lives)
    assert report.failed_stores == {}
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("missed", [1, 2])
def test_few_missed_orders_are_found_and_stored(dynamodb: Any, missed: int) -> None:
    """A single order that was missed is found, enqueued and stored, and so are two."""
    world = World(dynamodb, lives()[:missed], VirtualTime(AFTER))
    report = world.run()
    assert report.counts["missing"] == report.counts["enqueued"] == missed
    world.drain()
    assert world.not_in_sync() == []


def test_older_orders_are_not_missed(dynamodb: Any) -> None:
    """A chain with history starts today: older orders are enqueued, but none counts as a missed webhook."""
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
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize("lacking", ["external_partner_config_id", "name", "country_code", "registered_at"])
def test_store_is_read_whatever_is_known_of_it(world: World, lacking: str) -> None:
    """Every known store is read, by whichever of its ids and with whatever else is not known of it."""
    for store in world.stores.all():
        key = {"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{store.store_id}"}}
        names = {"#lacking": lacking}
        world.dynamodb.update_item(
            TableName=TABLE, Key=key, UpdateExpression="REMOVE #lacking", ExpressionAttributeNames=names
        )
    world.run()
    world.drain()
    assert world.not_in_sync() == []


def test_new_event_of_an_old_order_is_missed(dynamodb: Any) -> None:
    """An event of an older order counts as missed if it came after the store's registration."""
    world = World(dynamodb, lives(), VirtualTime(AFTER), registered_at=AFTER)
    for life in world.lives:
        world.receive(life, step=0)
    report = world.run()
    assert report.counts["webhooks_missed"] == sum(is_sent(repair.status) for repair in report.repairs) > 0
    assert report.counts["before_registration"] == 0


def test_first_webhook_starts_the_count(dynamodb: Any) -> None:
    """A store registered by its first webhook has all later orders counted."""
    first, *rest = lives(stores=1)
    world = World(dynamodb, [first, *rest], VirtualTime(AFTER), registered_at=first.created_at + timedelta(seconds=3))
    world.receive(first)
    assert world.run().counts["webhooks_missed"] == len(rest)


def test_unreadable_registration_counts_all(world: World) -> None:
    """A store without a readable time of registration has every order counted."""
    for life in world.lives:
        set_store(world, life.shop.store_id, registered_at="once")
    assert world.run().counts["webhooks_missed"] == len(world.lives)


def test_repair_names_its_order_and_delay(world: World) -> None:
    """A repair names its order and how late it is, and its message carries the cause."""
    report = world.run()
    life = world.lives[0]
    (repair,) = [repair for repair in report.repairs if repair.order_id == life.order_id]
    assert (repair.store_id, repair.found, repair.status) == (life.shop.store_id, "missing", life.steps[-1].status)
    assert repair.late_seconds is not None
    assert abs(repair.late_seconds - (AFTER - life.steps[-1].at).total_seconds()) < 30
    assert {message.correlation_id for message in world.queue.messages} == {"run/missing"}
    assert {message.source for message in world.queue.messages} == {"reconciliation"}


def test_order_missing_events_is_different(world: World) -> None:
    """An order with missed later events is different and is healed."""
    for life in world.lives:
        world.receive(life, step=0)
    behind = [life for life in world.lives if len(life.steps) > 1]
    report = world.run()
    assert report.counts["different"] == len(behind)
    assert report.counts["missing"] == 0
    world.drain()
    assert world.not_in_sync() == []


def test_change_within_a_status_is_different(world: World) -> None:
    """An order whose content changed within its status is different and is healed."""
    for life in world.lives:
        world.orders.put(to_text(life.steps[-1].body | {"comment": "as it was before"}).encode())
    report = world.run()
    assert (report.counts["different"], report.counts["missing"]) == (len(world.lives), 0)
    world.drain()
    assert world.not_in_sync() == []


def test_thin_event_is_filled_in(dynamodb: Any) -> None:
    """An event of an id and a status alone is stored, and the look back of two hours brings the whole order, within
    half an hour, although the store was in sync when the event came."""
    old = [life for life in lives() if START + timedelta(minutes=30) < life.created_at < AFTER - timedelta(minutes=40)]
    world = World(dynamodb, old, VirtualTime(START + timedelta(minutes=29)))
    assert world.run().counts["missing"] == 0
    world.time.seconds += (AFTER - world.time.now()).total_seconds()
    world.api.show([])
    assert world.run().counts["missing"] == 0
    world.api.show(old)
    for life in world.lives:
        latest = life.steps[-1].body
        world.orders.put(to_text({name: latest[name] for name in ("order_id", "status")}).encode())
    for _ in range(7):
        world.run()
        world.drain()
        world.time.seconds += 300
    assert world.not_in_sync() == []
    snapshots = [stored.snapshot for life in world.lives if (stored := world.orders.get(life.order_id))]
    assert len(snapshots) == len(world.lives) > 0
    assert all(parse_event(snapshot.body or b"").order.items for snapshot in snapshots)


def test_only_promised_states_are_missed(world: World) -> None:
    """Only states that the platform promises to send count as missed webhooks."""
    for life in world.lives:
        for number, step in enumerate(life.steps):
            if step.by_webhook:
                world.receive(life, number)
    report = world.run()
    assert report.counts["different"] > 0
    assert report.counts["webhooks_missed"] == 0
    assert not any(is_sent(repair.status) for repair in report.repairs)


def test_second_pass_enqueues_nothing(world: World) -> None:
    """A second pass over orders in sync enqueues nothing."""
    world.run()
    world.drain()
    again = world.backfill()
    assert again["in_step"] == again["orders_checked"] == len(world.lives)
    assert again["enqueued"] == 0


def test_order_in_sync_is_read_again_daily(dynamodb: Any) -> None:
    """An order in sync is read again only by the daily check."""
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


def test_forgotten_orders_are_in_sync(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More orders than a worker remembers are still in sync."""
    monkeypatch.setattr("partner_orders.reconciler.comparison.MAX_REMEMBERED", 2)
    world = World(dynamodb, lives(), VirtualTime(START + timedelta(minutes=45)))
    world.run()
    world.drain()
    for _ in range(3):
        world.time.sleep(10)
        report = world.run()
        assert report.counts["in_step"] > 2
        assert report.counts["enqueued"] == 0


def test_unparsable_order_is_enqueued_once(world: World) -> None:
    """An order that cannot be parsed is enqueued once and stored with the rejected events."""
    for step in world.lives[0].steps:
        step.body["order_id"] = "x" * 201
    assert world.run().counts["not_understood"] == 1
    world.drain()
    assert world.backfill()["not_understood"] == 0


def test_equal_clocks_are_confirmed_once(world: World) -> None:
    """Where two states of an order have one clock, the one that GET shows is confirmed, once, and is no difference."""
    life = world.lives[0]
    shown = to_text(life.steps[-1].body).encode()
    other = to_text(life.steps[-1].body | {"comment": "said later, with the same clock, and more of it"}).encode()
    for body in (shown, other):
        world.orders.put(body)
    reports = []
    for _ in range(3):
        reports.append(world.run())
        world.drain()
    stored = world.orders.get(life.order_id)
    assert stored is not None
    assert stored.snapshot.body is not None
    assert parse_event(stored.snapshot.body).digest == parse_event(shown).digest
    assert [report.counts["confirmed"] for report in reports] == [1, 0, 0]
    assert all(repair.order_id != life.order_id for report in reports for repair in report.repairs)


def test_order_no_longer_shown_is_named(world: World) -> None:
    """An open order that the platform no longer shows is named and left alone."""
    gone = world.lives[3]
    world.receive(gone, step=0)
    world.api.show([life for life in world.lives if life is not gone])
    report = world.run()
    assert report.not_shown == [gone.order_id]
    assert all(gone.order_id not in message.to_text() for message in world.queue.messages)


def test_paused_store_is_left_alone(world: World) -> None:
    """A paused store is left alone."""
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
def test_transient_fault_is_retried(world: World, fault: str) -> None:
    """A transient fault is retried, and no order is missed."""
    world.api.faults = {fault: 1}
    report = world.run()
    assert report.failed_stores == {}
    assert report.api_errors.total() == 1
    assert report.counts["missing"] == len(world.lives)


class Dripping(io.BytesIO):
    """A body of which a byte arrives every five seconds, until the time that the session may take for a response."""

    def __init__(self, body: bytes, time: VirtualTime, seconds: float) -> None:
        super().__init__(body)
        self._time = time
        self._end = time.seconds + seconds

    def read1(self, _: int | None = -1, /) -> bytes:
        self._time.sleep(5.0)
        if self._time.seconds > self._end:
            raise TimeoutError
        return super().read1(1)


@pytest.mark.parametrize("seconds", [FUNCTION_SECONDS, 60.0])
def test_dripping_page_is_given_up_in_time(world: World, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A page that drips is given up before the deadline and read in the next run."""
    (session,) = world.sessions
    plain = session.request

    def dripping(*arguments: Any, **options: Any) -> requests.Response:
        answer = plain(*arguments, **options)
        _, seconds = options["timeout"]
        assert seconds <= 40.0
        answer.raw = HTTPResponse(Dripping(answer.raw.data, world.time, seconds), preload_content=False)
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


def test_report_is_kept_for_90_days(world: World) -> None:
    """A report expires 90 days after its run."""
    world.run()
    rows = world.dynamodb.scan(TableName=TABLE)["Items"]
    reports = [row for row in rows if row["sk"]["S"].startswith("REPORT#")]
    assert len(reports) == 1
    kept = int(reports[0]["expires_at"]["N"]) - world.time.now().timestamp()
    assert abs(kept - timedelta(days=90).total_seconds()) < 60


def test_age_of_the_token_is_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has how many days ago the credentials were stored."""
    stored = {"SecretString": world.secret, "CreatedDate": world.time.now() - timedelta(days=9, hours=1)}
    monkeypatch.setattr(SimulatedSecrets, "get_secret_value", lambda *_, **__: stored)
    assert world.run().token_age_days == 9


EVERYWHERE = {"unauthorized": "unauthorized", "too_many": "rate_limited"}
OF_A_STORE = {
    "forbidden": "forbidden",
    "not_found": "not_found",
    "server_error": "server_error:500",
    "html": "not_json",
    "truncated": "not_json",
    "hang": "no_answer:ReadTimeout",
}


@pytest.mark.parametrize(("fault", "kind"), every(2, OF_A_STORE.items(), first=1))
def test_lasting_fault_is_reported_by_store(world: World, fault: str, kind: str) -> None:
    """A lasting fault is reported for each store and healed once it is over."""
    world.api.faults = {fault: 1_000}
    report = world.run()
    assert report.failed_stores == {life.shop.store_id: kind for life in world.lives}
    world.api.faults = {}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)
    world.drain()
    assert world.not_in_sync() == []


@pytest.mark.parametrize(("fault", "kind"), EVERYWHERE.items())
def test_fault_of_all_stores_ends_the_run(world: World, fault: str, kind: str) -> None:
    """A fault that would affect every store ends the run and is healed by the next one."""
    world.api.faults = {fault: 1_000}
    report = world.run()
    assert report.stopped == kind
    assert len(report.failed_stores) == 1
    assert len(world.api.requests) <= http.TRIES
    world.api.faults = {}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)


@pytest.mark.parametrize("fault", every(2, OF_A_STORE))
def test_failed_store_blocks_no_other(world: World, fault: str) -> None:
    """A store that fails does not hold back the others."""
    # As often as the first store tries, its second id, or its newest minute, included.
    world.api.faults = {fault: {"forbidden": 1, "not_found": 2}.get(fault, 2 * http.TRIES)}
    report = world.run()
    (failed,) = report.failed_stores
    assert report.counts["missing"] == sum(life.shop.store_id != failed for life in world.lives)


def test_queue_failure_fails_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that fails makes the store fail, and its window is read again."""

    def refuse(_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "send_all", refuse)
        assert set(world.run().failed_stores.values()) == {"ConnectionError"}
    world.time.sleep(300)
    assert world.run().counts["missing"] == len(world.lives)


def test_retry_after_is_honoured(world: World) -> None:
    """The reconciler waits as long as Retry-After says."""
    world.api.faults = {"too_many": 1}
    world.run()
    first, second = world.api.requests[:2]
    assert second - first >= timedelta(seconds=60)


def test_token_goes_to_the_configured_host(world: World) -> None:
    """The token is sent to the configured host alone, and redirects are not followed."""
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
def test_unusable_secret_says_what_to_store(world: World, secret: str, says: str) -> None:
    """An unusable secret makes the run say what to store and request nothing."""
    world.secret = secret
    report = world.run()
    assert says in report.stopped
    assert "client_secret" in report.stopped
    assert world.api.requests == []


def test_oauth_token_is_requested_once(world: World) -> None:
    """An OAuth client requests its token once, and again when it is rejected."""
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    world.run()
    (session,) = world.sessions
    assert [asked.method for asked in session.asked].count("POST") == 1
    world.api.faults = {"unauthorized": 1}
    world.time.sleep(300)
    assert world.run().failed_stores == {}
    assert [asked.method for asked in session.asked].count("POST") == 2


def test_access_token_is_renewed_in_time(world: World) -> None:
    """An access token is renewed before it ends."""
    world.secret = '{"client_id": "client", "client_secret": "its-secret"}'
    for _ in range(5):
        assert world.run().api_errors.total() == 0
        world.time.sleep(3_500)
    (session,) = world.sessions
    assert 2 <= [asked.method for asked in session.asked].count("POST") <= 5


def test_unknown_client_says_what_to_check(world: World) -> None:
    """A client that the platform does not know makes the run say what to check, without the secret."""
    world.secret = '{"client_id": "client", "client_secret": "mistyped"}'
    report = world.run()
    assert "check client_id and client_secret" in report.stopped
    assert "mistyped" not in str(report)


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limited"), (503, "server_error:503"), (403, "blocked")])
def test_token_endpoint_faults_are_handled(world: World, status: int, kind: str) -> None:
    """Faults of the token endpoint are handled like those of the rest of the platform."""
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


def test_silent_token_endpoint_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token endpoint that does not respond ends the run and is asked again in the next one."""
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


def test_replaced_token_is_read_at_once(world: World) -> None:
    """A token replaced after a rejection is read at once."""
    world.api.token = "new-token"
    assert world.run().stopped == "unauthorized"
    world.secret = '{"token": "new-token"}'
    world.time.sleep(60)
    assert world.run().failed_stores == {}


def test_changed_secret_is_read_in_minutes(world: World) -> None:
    """A changed secret is read within minutes, without a rejected request."""
    world.run()
    world.secret = '{"token": "new-token"}'
    world.time.sleep(301)
    world.api.token = "new-token"
    assert world.run().api_errors.total() == 0


def test_secrets_appear_in_no_report_or_row(world: World) -> None:
    """No token or secret appears in a report, a row or a message."""
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
def test_invalid_request_says_what_to_change(world: World, request_: dict[str, Any], says: str) -> None:
    """An invalid backfill request says what to change and starts nothing."""
    with pytest.raises(InvalidRequestError, match=says):
        world.worker.add_backfill(request_)
    assert world.table.backfills() == []


@pytest.mark.parametrize("request_", [{"preview": False}, {"preview": True}, {"stores": ["nowhere"]}])
def test_no_store_says_how_to_register_one(world: World, request_: dict[str, Any]) -> None:
    """A backfill without a registered store says how to register one."""
    for store in world.stores.all():
        world.stores.remove(store)
    with pytest.raises(InvalidRequestError, match=r"no store is registered yet.*partner-orders stores set.*import"):
        world.worker.add_backfill(request_)
    assert world.table.backfills() == []


def test_paused_stores_must_be_named(world: World) -> None:
    """If all stores are paused, a backfill asks for their names."""
    for store in world.stores.all():
        set_store(world, store.store_id, is_paused="true")
    with pytest.raises(InvalidRequestError, match=r"every registered store is paused.*name"):
        world.worker.add_backfill({})
    assert world.table.backfills() == []


def test_other_notation_is_in_sync(world: World) -> None:
    """An order that the webhook and the platform write differently is in sync."""
    for life in world.lives:
        world.orders.put(to_text(life.steps[-1].body).encode())
    report = world.run()
    masked = sum(life.masked for life in world.lives)
    assert report.counts["in_step"] == len(world.lives) - masked
    assert report.counts["different"] == masked
