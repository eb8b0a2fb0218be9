"""The consumer's work on a batch: no message fails another, none is lost, and time is kept."""

import base64
import gzip
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, current_thread, main_thread
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import partner_orders.consumer.intake
from partner_orders.clock import now, to_text
from partner_orders.consumer.intake import LAST_START_SECONDS, Delivery, Intake, Outcome, backoff_seconds
from partner_orders.consumer.redelivery import Visibility
from partner_orders.order_events.message import MAX_BODY_BYTES, WEBHOOK, OrderEventMessage
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected import RejectedEvent, digest_of
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import ContendedError, OrdersTable
from partner_orders.stores.table import StoresTable
from tests.support.emitted_metrics import emitted, sums
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import CHAIN_ID, as_bytes, order
from tests.support.orders_table import TABLE, Calls, dynamodb_with_table
from tools.fresh_handler import fresh_handler

type Process = Callable[..., Outcome]


def delivery(number: int, body: Any, source: str = "webhook") -> Delivery:
    raw = body if isinstance(body, bytes) else as_bytes(body)
    return Delivery(f"m{number}", OrderEventMessage(source, clock(), f"c{number}", raw).to_text())


def process(intake: Intake, *bodies: Any, remaining: float = 30.0) -> Outcome:
    return intake.process([delivery(number, body) for number, body in enumerate(bodies)], lambda: remaining)


def failing(dynamodb: Any, code: str, of: str) -> None:
    """Make every UpdateItem of the item fail whose key contains ``of``."""

    def fail(params: Any, **_: Any) -> None:
        if of.encode() in params["body"]:
            raise ClientError({"Error": {"Code": code}}, "UpdateItem")

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", fail)


def test_events_are_stored_and_counted(intake: Intake, orders: OrdersTable) -> None:
    """Events of several orders in a batch are stored and counted."""
    outcome = process(
        intake, order(12, order_id="a"), order(12, order_id="b"), order(13, order_id="a", status="DISPATCHED")
    )
    assert outcome.failed == {}
    assert outcome.counts["Stored"] == 3
    found = orders.get("a")
    assert found is not None
    assert found.status == "DISPATCHED"
    assert {entry.correlation_id for entry in found.history} == {"c0", "c2"}


def test_event_is_stored_without_a_wait(intake: Intake, orders: OrdersTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing fails, nothing waits: an event of a new or a known order, a copy, and what cannot be parsed."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    process(intake, order(12))
    process(intake, order(12), order(13, status="DISPATCHED"), b"{}")
    found = orders.get(order()["order_id"])
    assert found is not None
    assert (found.status, waits) == ("DISPATCHED", [])


def test_lag_counts_from_the_webhook(intake: Intake) -> None:
    """Each stored event of a webhook has its seconds from the webhook on; a copy, a backfill and a replay have none."""

    def lag(*sent: tuple[int, Any, str]) -> list[float]:
        messages = [
            OrderEventMessage(source, clock() - timedelta(seconds=age), f"c{number}", as_bytes(body)).to_text()
            for number, (age, body, source) in enumerate(sent)
        ]
        return intake.process([Delivery(text, text) for text in messages], lambda: 30.0).lag_seconds

    # The platform's own clock is hours back.
    late, first = order(10, order_id="a"), order(12, order_id="a")
    assert lag((3, first, "webhook")) == [3.0]
    assert lag((4, first, "webhook")) == []
    assert lag((7, late, "webhook")) == [7.0]
    assert lag((900, order(order_id="b"), "reconciliation"), (800, order(order_id="c"), "replay")) == []
    assert sorted(lag((2, order(order_id="d"), "webhook"), (-5, order(order_id="e"), "webhook"))) == [0.0, 2.0]
    together = [(seconds, order(10 + seconds, order_id="f"), "webhook") for seconds in (1, 2, 4)]
    assert sorted(lag(*together)) == [1.0, 2.0, 4.0]
    # A copy that comes with an event that is new, and one that comes before the other has been stored.
    assert lag((3, first, "webhook"), (5, order(13, order_id="a"), "webhook")) == [5.0]
    assert lag(*((seconds, order(14, order_id="a"), "webhook") for seconds in (6, 1))) == [6.0]


def test_lag_holds_the_write(orders: OrdersTable, stores: StoresTable, rejected: RejectedTable, dynamodb: Any) -> None:
    """The seconds of an event count up to the end of its write."""
    passed = [0.0]

    def take_two_seconds(**_: Any) -> None:
        passed[0] += 2.0

    dynamodb.meta.events.register("after-call.dynamodb.UpdateItem", take_two_seconds)
    text = OrderEventMessage("webhook", NOW - timedelta(seconds=3), "c", as_bytes(order())).to_text()
    with ThreadPoolExecutor(1) as executor:
        slow = Intake(orders, stores, rejected, lambda: NOW + timedelta(seconds=passed[0]), executor)
        outcome = slow.process([Delivery("m", text)], lambda: 30.0)
    assert (outcome.failed, outcome.lag_seconds[0] >= 3.0 + 2.0) == ({}, True)


def test_age_counts_from_the_platforms_time(intake: Intake) -> None:
    """Each stored event of a webhook has its seconds since the platform's time of the event, none below 0. Without such
    a time it has none, nor has a copy or what the reconciler found."""

    def age(source: str = "webhook", **fields: Any) -> list[float]:
        text = OrderEventMessage(source, clock(), "c", as_bytes(order(**fields))).to_text()
        return intake.process([Delivery(text, text)], lambda: 30.0).age_seconds

    def at(seconds: int) -> dict[str, str]:
        return {"updated_at": to_text(clock() - timedelta(seconds=seconds))}

    assert age(order_id="a", sys=at(40)) == [40.0]
    assert age(order_id="a", sys=at(40)) == []
    assert age(order_id="b", sys=at(-40)) == [0.0]
    assert age(order_id="c", sys={}) == []
    assert age("reconciliation", order_id="d", sys=at(40)) == []
    two = [order(order_id=name, sys=at(seconds)) for name, seconds in (("e", 30), ("f", 50))]
    assert sorted(process(intake, *two).age_seconds) == [30.0, 50.0]


def test_events_of_one_order_are_one_write(intake: Intake, dynamodb: Any, stores: StoresTable) -> None:
    """Events of one order in a batch take one write."""
    process(intake, order(11, order_id="z"))  # its store is known from here on
    calls = Calls(dynamodb)
    process(intake, order(12), order(13, status="READY_FOR_PICKUP"), order(14, status="DISPATCHED"))
    assert calls.made == ["UpdateItem"]


def test_shown_event_is_the_snapshot(intake: Intake, orders: OrdersTable) -> None:
    """Of two events with one status and clock, the one that a GET showed becomes the snapshot."""
    bodies = {as_bytes(order(comment=comment)) for comment in ("one", "two")}
    process(intake, *sorted(bodies))
    before = orders.get(order()["order_id"])
    assert before is not None
    [other] = bodies - {before.snapshot.body}
    shown = OrderEventMessage("reconciliation", clock(), "c", other, shown_at=clock())
    assert intake.process([Delivery("m", shown.to_text())], lambda: 30.0).counts["Confirmed"] == 1
    after = orders.get(order()["order_id"])
    assert after is not None
    assert after.snapshot.body == other


def test_conflict_is_counted(intake: Intake) -> None:
    """Another body with the same order, status and time counts as a conflict, in one batch or in two."""
    first, second, third = (order(comment=comment) for comment in ("one", "two", "three"))
    assert process(intake, first, second).counts["Conflict"] == 1
    assert process(intake, third).counts["Conflict"] == 1
    assert process(intake, third, order(13, status="DISPATCHED")).counts["Conflict"] == 0


def test_bad_event_spares_its_neighbours(intake: Intake, rejected: RejectedTable) -> None:
    """An event that cannot be parsed is rejected; its neighbours are stored at once."""
    bad = b'{"status": "RECEIVED"}'
    outcome = process(intake, order(order_id="a"), bad, order(order_id="b"))
    assert outcome.failed == {}
    assert (outcome.counts["Stored"], outcome.counts["Rejected"]) == (2, 1)
    kept = rejected.get(digest_of(bad))
    assert kept is not None
    assert (kept.body, kept.reason, kept.problems) == (bad, "not_an_order", ("order_id: Field required",))


WHOLE = as_bytes(order())


@pytest.mark.parametrize(
    ("body", "reason", "problem"),
    [
        (b'{"order_id": "\xff"}', "malformed_json", "not valid UTF-8"),
        (WHOLE.decode().encode("utf-16"), "malformed_json", "not valid UTF-8"),
        (gzip.compress(WHOLE, mtime=0), "malformed_json", "not valid UTF-8"),
        ("{\ud83e}".encode("utf-8", "surrogatepass"), "malformed_json", "not valid UTF-8"),
        (b'{"status": "RECEIVED", "order_id": "\\ud83e"}', "not_an_order", "half a surrogate pair"),
        (WHOLE[:-20], "malformed_json", "not JSON"),
        (WHOLE + WHOLE, "malformed_json", "not JSON"),
        (WHOLE.replace(b"No plastic", b"No\nplastic"), "malformed_json", "not JSON"),
        (b"<order/>", "malformed_json", "not JSON"),
        (b"\xef\xbb\xbf", "malformed_json", "not JSON"),
        (b"\x00", "malformed_json", "not JSON"),
        (b"[" * 100_000, "malformed_json", "nested more than"),
        (b"[" + WHOLE + b"]", "not_an_object", "should be a JSON object"),
        (b"null", "not_an_object", "should be a JSON object"),
        # What API Gateway may make of compressed bytes under a text type.
        (gzip.compress(WHOLE, mtime=0).decode("utf-8", "replace").encode(), "malformed_json", "not JSON"),
        ("\ufffd".encode() + WHOLE, "malformed_json", "not JSON"),
        (WHOLE + "\ufffd".encode(), "malformed_json", "not JSON"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_unparsable_body_is_kept_with_reason(
    intake: Intake, rejected: RejectedTable, body: bytes, reason: str, problem: str
) -> None:
    """A body that cannot be parsed is stored byte for byte with the reason; its neighbour is stored as an order."""
    outcome = process(intake, body, order())
    assert (outcome.failed, outcome.counts["Rejected"], outcome.counts["Stored"]) == ({}, 1, 1)
    kept = rejected.get(digest_of(body))
    assert kept is not None
    assert (kept.body, kept.reason) == (body, reason)
    assert any(problem in text for text in kept.problems)


def test_longest_bodies_are_stored_whole(intake: Intake, orders: OrdersTable, rejected: RejectedTable) -> None:
    """An order and a rejected body as long as the limit are stored to the last byte, though they hardly compress."""
    noise = random.Random(1).randbytes(MAX_BODY_BYTES)
    longest = as_bytes(order(comment=base64.b64encode(noise).decode()))
    longest = longest.replace(base64.b64encode(noise)[: len(longest) - MAX_BODY_BYTES], b"", 1)
    assert len(longest) == len(noise) == MAX_BODY_BYTES
    outcome = process(intake, longest, noise)
    assert (outcome.failed, outcome.counts["Stored"], outcome.counts["Rejected"]) == ({}, 1, 1)
    found, kept = orders.get(order()["order_id"]), rejected.get(digest_of(noise))
    assert found is not None
    assert kept is not None
    assert (found.snapshot.body, kept.body) == (longest, noise)


def test_rejected_bodies_that_begin_alike(intake: Intake, rejected: RejectedTable) -> None:
    """Two bodies that are cut off at different places, or differ in their first or last byte alone, are two rejected
    events, each whole."""
    long = b"x" * 200_000
    bodies = {WHOLE[:-20], WHOLE[:-19], long + b"a", long + b"b", b"a" + long, b"b" + long}
    assert process(intake, *bodies).failed == {}
    assert {kept.body for kept in rejected.newest()} == bodies


def test_rejected_event_is_kept_as_long_as_told(intake: Intake, dynamodb: Any) -> None:
    """A rejected event expires after the days of its parameter, which are other ones than those of orders."""
    process(intake, b"no JSON")
    assert [int(row["expires_at"]["N"]) for row in dynamodb.scan(TableName=TABLE)["Items"]] == [
        int((NOW + timedelta(days=90)).timestamp())
    ]


def function_intake(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> Intake:
    """The intake as the function makes it: it keeps orders for 400 days, and rejected events for 90."""
    settings = {"ORDERS_TABLE_NAME": TABLE, "ORDER_EVENTS_QUEUE_URL": queue_url, "CHAIN_ID": CHAIN_ID}
    for name, value in (settings | {"ORDER_RETENTION_DAYS": "400", "REJECTED_RETENTION_DAYS": "90"}).items():
        monkeypatch.setenv(name, value)
    made: Intake = fresh_handler("consumer").intake()
    return made


def test_function_keeps_rejected_events_as_told(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function takes the days of rejected events from their own setting."""
    client = dynamodb_with_table()
    function_intake(queue_url, monkeypatch).process([delivery(1, b"no JSON")], lambda: 30.0)
    [row] = client.scan(TableName=TABLE)["Items"]
    assert round((int(row["expires_at"]["N"]) - now().timestamp()) / 86_400) == 90


def test_function_keeps_orders_as_told(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function takes the days of orders from their own setting."""
    client = dynamodb_with_table()
    event = parse_event(WHOLE)
    function_intake(queue_url, monkeypatch).process([delivery(1, WHOLE)], lambda: 30.0)
    [row] = [row for row in client.scan(TableName=TABLE)["Items"] if row["sk"] == {"S": "ORDER"}]
    created_at = event.order.sys.created_at
    assert created_at is not None
    assert int(row["expires_at"]["N"]) == int((created_at + timedelta(days=400)).timestamp())


@pytest.mark.parametrize("text", ["not one of ours \ufffe", "half a character \ud83e"])
def test_foreign_message_is_stored_whole(intake: Intake, rejected: RejectedTable, text: str) -> None:
    """A message that is not in our format is stored whole with the rejected events."""
    assert intake.process([Delivery("m", text)], lambda: 30.0).failed == {}
    body = text.encode("utf-8", "surrogatepass")
    assert rejected.newest() == [
        RejectedEvent(
            digest=digest_of(body),
            reason="unreadable_message",
            problems=("a message that is not in our envelope",),
            first_received_at=to_text(NOW),
            source="unknown",
            correlation_id="",
            times_received=1,
            resolved_at=None,
            erased_at=None,
            body=body,
        )
    ]


def test_replayed_event_is_resolved(intake: Intake, rejected: RejectedTable) -> None:
    """A rejected event that is stored once it is replayed is listed no more; one that the platform sends again is."""
    for source, is_listed in (("webhook", True), ("replay", False)):
        rejected.keep(WHOLE, Arrival("webhook", NOW), "malformed_json", ["an earlier version took it for malformed"])
        assert intake.process([delivery(1, WHOLE, source)], lambda: 30.0).failed == {}
        assert bool(rejected.newest()) is is_listed


def test_repeated_rejected_body_is_one_row(intake: Intake, rejected: RejectedTable) -> None:
    """A rejected body that arrives five times is one row with a count."""
    for _ in range(5):
        process(intake, b'{"status": 1}')
    [kept] = rejected.newest()
    assert kept.times_received == 5


def test_first_correlation_id_stays(intake: Intake, rejected: RejectedTable) -> None:
    """A rejected event keeps its first correlation id, even when it is replayed."""
    bad = b'{"status": 1}'
    process(intake, order(), bad)
    for source, correlation_id in (("webhook", "another"), ("replay", f"replay/{digest_of(bad)}")):
        text = OrderEventMessage(source, clock(), correlation_id, bad).to_text()
        assert intake.process([Delivery("m", text)], lambda: 30.0).failed == {}
    [kept] = rejected.newest()
    assert (kept.correlation_id, kept.times_received) == ("c1", 3)


def test_rejected_row_without_correlation_id(intake: Intake, rejected: RejectedTable, dynamodb: Any) -> None:
    """A rejected event's row without a correlation id can be read."""
    process(intake, b"{}")
    key = {"pk": {"S": f"REJECTED#{digest_of(b'{}')}"}, "sk": {"S": "REJECTED"}}
    dynamodb.update_item(TableName=TABLE, Key=key, UpdateExpression="REMOVE correlation_id")
    assert [kept.correlation_id for kept in rejected.newest()] == [""]


def test_later_message_version_is_rejected(intake: Intake, rejected: RejectedTable) -> None:
    """A message of a later version is stored with the rejected events, with its correlation id."""
    text = delivery(7, order()).text.replace('"schema_version":2', '"schema_version":3')
    intake.process([Delivery("m", text)], lambda: 30.0)
    [kept] = rejected.newest()
    assert (kept.reason, kept.correlation_id) == ("unreadable_message", "c7")


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "InternalServerError", "ThrottlingException"]
)
def test_transient_error_fails_one_order(intake: Intake, dynamodb: Any, orders: OrdersTable, code: str) -> None:
    """A transient error fails the messages of its order and no others."""
    failing(dynamodb, code, of="ORDER#broken")
    outcome = process(intake, order(order_id="broken"), order(order_id="fine"), order(13, order_id="broken"))
    assert outcome.failed == {"m0": code, "m2": code}
    assert orders.get("fine") is not None


def test_contended_order_comes_again(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an order that others write all the time every message comes again."""

    def contended(*_: object) -> None:
        raise ContendedError

    monkeypatch.setattr(OrdersTable, "write", contended)
    outcome = process(intake, order(12), order(13), b"{}")
    assert outcome.failed == {"m0": "ContendedError", "m1": "ContendedError"}


def test_unstorable_event_is_rejected(intake: Intake, dynamodb: Any, rejected: RejectedTable) -> None:
    """An event that the table will never accept is stored with the rejected events."""
    failing(dynamodb, "ValidationException", of="ORDER#broken")
    assert process(intake, order(order_id="broken"), order(order_id="fine")).failed == {}
    [kept] = rejected.newest()
    assert (kept.reason, kept.body) == ("refused_by_the_table", as_bytes(order(order_id="broken")))
    assert kept.problems == ("the table refused the item",)


def test_only_the_refused_event_is_rejected(
    intake: Intake, dynamodb: Any, rejected: RejectedTable, orders: OrdersTable
) -> None:
    """The table refuses one event of an order: that one is rejected and the others are stored."""
    failing(dynamodb, "ValidationException", of=parse_event(as_bytes(order(13))).digest)
    assert process(intake, order(12), order(13), order(14)).failed == {}
    [kept] = rejected.newest()
    assert kept.body == as_bytes(order(13))
    found = orders.get(order()["order_id"])
    assert found is not None
    assert len(found.history) == 2


def test_half_a_surrogate_in_a_store_name(intake: Intake, stores: StoresTable) -> None:
    """Half a surrogate in a store's name is replaced, so that the store can be registered."""
    named = as_bytes(order()).replace(b'"Greenbasket Clifton"', b'"Greenbasket \\ud83d"')
    assert process(intake, named).failed == {}
    assert [store.name for store in stores.all()] == ["Greenbasket ?"]


def test_erased_rejected_event_stays_erased(intake: Intake, dynamodb: Any, rejected: RejectedTable) -> None:
    """A copy of an erased rejected event is counted but brings no personal data back."""
    body = b'{"status": "RECEIVED", "customer": {"first_name": "Amina"}}'
    process(intake, body)
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_rejected(digest_of(body))
    assert process(intake, body).failed == {}
    kept = rejected.get(digest_of(body))
    assert kept is not None
    assert (kept.times_received, b"Amina" in kept.body) == (2, False)


def test_unstored_rejection_is_redelivered(intake: Intake, dynamodb: Any) -> None:
    """A rejected event that cannot be stored is redelivered."""
    failing(dynamodb, "InternalServerError", of="REJECTED#")
    assert process(intake, b"{}", order()).failed == {"m0": "InternalServerError"}


def test_unexpected_error_fails_one_message(
    intake: Intake, orders: OrdersTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error fails its message and no other."""

    def broken(body: bytes) -> Any:
        if b"broken" in body:
            raise ZeroDivisionError
        return original(body)

    original = parse_event
    monkeypatch.setattr(partner_orders.consumer.intake, "parse_event", broken)
    assert process(intake, order(order_id="broken"), order(order_id="fine")).failed == {"m0": "ZeroDivisionError"}
    assert orders.get("fine") is not None


def test_short_time_returns_all_messages(intake: Intake, orders: OrdersTable) -> None:
    """When time is short, nothing is started and all messages go back to the queue."""
    outcome = process(intake, order(order_id="a"), b"{}", remaining=LAST_START_SECONDS - 0.1)
    assert outcome.failed == {"m0": "TimeoutError", "m1": "TimeoutError"}
    assert orders.get("a") is None
    assert process(intake, order(order_id="a"), b"{}", remaining=LAST_START_SECONDS).failed == {}


def test_slow_write_is_handed_back(intake: Intake, dynamodb: Any) -> None:
    """A write that has not ended 3 s before the function has to goes back to the queue."""
    has_begun, may_end = Event(), Event()

    def hang(params: Any, **_: Any) -> None:
        if b'"ORDER#' in params["body"]:
            has_begun.set()
            may_end.wait(0.7)

    def remaining() -> float:
        """Of the writer's time much is left, and none by the time that its end is waited for."""
        if current_thread() is not main_thread():
            return 30.0
        has_begun.wait()
        return 3.0

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", hang)
    outcome = intake.process([delivery(0, order())], remaining)
    may_end.set()
    assert outcome.failed == {"m0": "OutOfTime"}


def test_store_is_registered_once(intake: Intake, stores: StoresTable, dynamodb: Any) -> None:
    """A store is registered by its first event; later events cost no extra request."""
    process(intake, order(order_id="a"))
    assert [(store.store_id, store.external_partner_config_id, store.name) for store in stores.all()] == [
        ("q7xk", "GB-CLIFTON-01", "Greenbasket Clifton")
    ]
    assert stores.all() == [stores.find("GB-CLIFTON-01")]
    calls = Calls(dynamodb)
    process(intake, order(order_id="b"))
    assert calls.made == ["UpdateItem"]


def test_store_of_a_copy_is_registered(intake: Intake, stores: StoresTable, dynamodb: Any) -> None:
    """A store that could not be registered with its first event is registered once that event comes again."""

    def fail(params: Any, **_: Any) -> None:
        if b"STORES" in params["body"]:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", fail)
    assert process(intake, order()).failed == {"m0": "InternalServerError"}
    dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", fail)
    outcome = process(intake, order())
    assert (outcome.failed, outcome.counts["Duplicate"]) == ({}, 1)
    assert [store.store_id for store in stores.all()] == ["q7xk"]


def test_store_with_only_an_id_is_registered(intake: Intake, stores: StoresTable) -> None:
    """A store with nothing but an id is registered."""
    assert process(intake, order(client={"store_id": 149439})).failed == {}
    assert [store.store_id for store in stores.all()] == ["149439"]


def test_long_store_names_are_cut(intake: Intake, stores: StoresTable) -> None:
    """Long names of a store are cut and fill no row."""
    for letter in "ab":
        outcome = process(
            intake, order(client={"store_id": "q7xk", "name": letter * 200_000, "country_code": "c" * 999})
        )
        assert outcome.failed == {}
    assert [(store.name, store.country_code) for store in stores.all()] == [("b" * 200, "c" * 200)]


def test_foreign_store_is_not_registered(intake: Intake, stores: StoresTable, orders: OrdersTable) -> None:
    """Another chain's order is stored and counted, but its store is not registered."""
    foreign = order(client={"store_id": "x1", "chain_id": "41f7c3d8-9e02-4a6b-8f57-b3c90d1e6a25"})
    assert process(intake, foreign).counts["ForeignChain"] == 1
    assert orders.get(foreign["order_id"]) is not None
    assert stores.all() == []


def test_catalogue_callback_leaves_nothing(intake: Intake, dynamodb: Any) -> None:
    """A catalogue callback is acknowledged and counted; nothing is stored."""
    jobs = ('"1"', "1", "null", '{"id": "1"}')
    bodies = [f'{{"job_id": {job}, "download_url": "https://example.com"}}'.encode() for job in jobs]
    bodies += [as_bytes({"job_id": "1", "platform_vendor_id": "q7xk", "status": word}) for word in ("COMPLETED", "?")]
    outcome = process(intake, *bodies)
    assert (outcome.failed, outcome.counts["CatalogueCallback"]) == ({}, len(bodies))
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


def test_order_with_a_job_id_is_stored(intake: Intake, orders: OrdersTable) -> None:
    """An order that names a job is an order, and no callback of the catalogue."""
    body = order(job_id="1", download_url="https://example.com")
    assert process(intake, body).counts["Stored"] == 1
    assert orders.get(body["order_id"]) is not None


@pytest.mark.parametrize("year", [1990, 2011, 2025, 2027, 2099, 2150])
def test_event_of_any_clock_is_stored(intake: Intake, orders: OrdersTable, year: int) -> None:
    """An event is stored whatever its own clock says."""
    body = order(sys={"created_at": f"{year}-10-14T08:12:44.107Z", "updated_at": f"{year}-10-14T08:13:44.107Z"})
    assert process(intake, body).counts["Stored"] == 1
    found = orders.get(body["order_id"])
    assert found is not None
    assert found.snapshot.body == as_bytes(body)


def test_unknown_statuses_are_counted(intake: Intake, orders: OrdersTable) -> None:
    """An event with an unknown status is stored whole, and counted."""
    body = order(status="HANDED_TO_DRONE", something_new={"a": 1})
    assert process(intake, body).counts["UnknownStatus"] == 1
    found = orders.get(body["order_id"])
    assert found is not None
    assert (found.status, found.snapshot.body) == ("HANDED_TO_DRONE", as_bytes(body))


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": {"text": "ring twice"}},
        {"items": [{"_id": "line-1", "status": 3, "pricing": "free", "flavour": ["new"]}]},
        {"payment": "soon", "promised_for": "tomorrow", "client": {"store_id": "q7xk", "name": 7, "new": None}},
        {"status": "HANDED_TO_DRONE", "isPreorder": "maybe", "something_new": {"a": 1}},
        {"order_type": "DRONE", "transport_type": "DRONE", "promotion_status": "SOON"},
        {"cancellation": {"reason": "RAIN", "cancelled_by": "NOBODY"}, "payment": {"type": "SHELLS"}},
        {"items": [{"_id": "line-1", "status": "MELTED", "pricing": {"pricing_type": "DOZEN"}}]},
    ],
)
def test_odd_values_are_stored_whole(
    intake: Intake, orders: OrdersTable, rejected: RejectedTable, fields: dict[str, Any]
) -> None:
    """An event of which values cannot be read, or are new, is stored whole in its order's history."""
    bodies = [order(12), order(13, **fields)]
    for body in bodies:
        assert process(intake, body).counts["Stored"] == 1
    found = orders.get(order()["order_id"])
    assert found is not None
    assert [entry.body for entry in found.history] == [as_bytes(body) for body in bodies]
    assert rejected.get(digest_of(as_bytes(bodies[1]))) is None


def test_delay_grows_up_to_fifteen_minutes() -> None:
    """The delay of a message grows with each failure, up to 15 minutes; jitter takes off half at most."""
    assert [backoff_seconds(attempt, 1.0) for attempt in (1, 2, 3, 8, 9, 80)] == [5, 10, 20, 640, 900, 900]
    assert [backoff_seconds(attempt, 0.0) for attempt in (1, 2, 3, 8, 9, 80)] == [3, 5, 10, 320, 450, 450]


def record(number: int, tries: int = 1) -> dict[str, Any]:
    """An event as the queue hands it to the function for the so-manyth time."""
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"h{number}",
        "body": delivery(number, order()).text,
        "attributes": {"ApproximateReceiveCount": str(tries)},
    }


def test_delay_follows_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function reports each failed message, and delays it by how often the queue has delivered it."""
    consumer: Any = fresh_handler("consumer")
    delayed: list[dict[str, int]] = []
    failed = Outcome(failed={f"m{tries}": "Fault" for tries in range(1, 13) if tries != 5})
    monkeypatch.setattr(consumer, "intake", lambda: SimpleNamespace(process=lambda *_: failed))
    monkeypatch.setattr(consumer, "visibility", lambda: SimpleNamespace(put_off=delayed.append))
    response = consumer.handler(
        {"Records": [record(tries, tries) for tries in range(1, 13)]},
        SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000),
    )
    assert delayed == [{f"h{tries}": tries for tries in range(1, 13) if tries != 5}]
    assert response == {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed.failed]}


@pytest.mark.parametrize("failing", [1, 2])
def test_each_failed_message_is_counted(
    failing: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The function counts each message that failed, whether its neighbours failed, too, or were stored."""
    consumer: Any = fresh_handler("consumer")
    outcome = Outcome(failed={f"m{number}": "Fault" for number in range(failing)})
    monkeypatch.setattr(consumer, "intake", lambda: SimpleNamespace(process=lambda *_: outcome))
    monkeypatch.setattr(consumer, "visibility", lambda: SimpleNamespace(put_off=lambda _: None))
    consumer.handler(
        {"Records": [record(number) for number in range(2)]},
        SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000),
    )
    assert sums(capsys.readouterr().out)["Failed"] == failing


def test_each_lag_is_emitted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The function emits the seconds of each event of a batch, not of one of them."""
    consumer: Any = fresh_handler("consumer")
    stored = Outcome(failed={}, lag_seconds=[0.5, 7.0, 0.25], age_seconds=[1.5, 8.0])
    monkeypatch.setattr(consumer, "intake", lambda: SimpleNamespace(process=lambda *_: stored))
    consumer.handler({"Records": []}, SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
    assert emitted(capsys.readouterr().out) == {"Lag": [0.5, 7.0, 0.25], "Age": [1.5, 8.0]}


def test_messages_are_delayed_in_few_calls(sqs: Any, queue_url: str) -> None:
    """Failed messages are delayed in as few calls as SQS allows."""
    for number in range(12):
        sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))
    handles = [
        message["ReceiptHandle"]
        for _ in range(2)
        for message in sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)["Messages"]
    ]
    calls = Calls(sqs)
    Visibility(sqs, queue_url, lambda: 1.0).put_off(dict.fromkeys(handles, 9))
    assert calls.made == ["ChangeMessageVisibilityBatch"] * 2


def test_failed_delay_is_not_an_error(sqs: Any, queue_url: str) -> None:
    """A delay that fails is not an error, since messages are redelivered anyway."""
    sqs.delete_queue(QueueUrl=queue_url)
    Visibility(sqs, queue_url, lambda: 1.0).put_off({"gone": 1})


def test_each_call_of_the_delay_is_made(sqs: Any, queue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the delay of some messages fails, the others are delayed all the same."""
    asked: list[list[str]] = []

    def change(QueueUrl: str, Entries: list[dict[str, Any]]) -> None:  # noqa: N803 (boto3's names)
        asked.append([entry["ReceiptHandle"] for entry in Entries])
        if len(asked) == 1:
            raise EndpointConnectionError(endpoint_url=QueueUrl)

    monkeypatch.setattr(sqs, "change_message_visibility_batch", change)
    handles = [f"h{number}" for number in range(11)]
    Visibility(sqs, queue_url, lambda: 1.0).put_off(dict.fromkeys(handles, 1))
    assert asked == [handles[:10], handles[10:]]


def test_catalogue_callback_is_handed_on(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A brand with one URL for both: the callback goes on as it came, and comes again where that fails."""
    url = sqs.create_queue(QueueName="callbacks")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    for name in ("ORDERS_TABLE_NAME", "ORDER_EVENTS_QUEUE_URL", "CHAIN_ID"):
        monkeypatch.setenv(name, "unused")
    for name in ("ORDER_RETENTION_DAYS", "REJECTED_RETENTION_DAYS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CATALOGUE_CALLBACKS_QUEUE_ARN", attributes["QueueArn"])
    consumer = fresh_handler("consumer")
    body = as_bytes({"job_id": "1", "status": "COMPLETED", "errors": random.Random(0).randbytes(100_000).hex()})
    text = OrderEventMessage(WEBHOOK, NOW, "c-1", body).to_text()
    delivered = [Delivery("m-1", text)]
    outcome = consumer.intake().process(delivered, lambda: 60.0)
    assert (outcome.failed, outcome.counts) == ({}, {"CatalogueCallback": 1})
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", [])] == [text]
    sqs.delete_queue(QueueUrl=url)
    assert [*consumer.intake().process(delivered, lambda: 60.0).failed] == ["m-1"]
