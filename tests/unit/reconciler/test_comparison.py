"""A page beside what we have: what is enqueued, what is remembered, and what the report says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from partner_orders.exact_json import Json, parse
from partner_orders.order_events.message import MAX_BODY_BYTES
from partner_orders.orders.rejected import digest_of
from partner_orders.platform.order_page import UnreadableOrder
from partner_orders.reconciler import comparison, report
from partner_orders.reconciler.comparison import Comparison, ComparisonScope, Shown
from partner_orders.reconciler.report import Report
from partner_orders.stores.store import Store
from tests.support.in_memory import MemoryOrders, MemoryQueue
from tests.support.orders import as_bytes, order
from tests.support.platform import VirtualTime

STORE = Store("q7xk")
HOUR = 3_600.0


@dataclass
class Rejected:
    """The rejected events of the table, by digest."""

    known: set[str] = field(default_factory=set)

    def get(self, digest: str) -> object:
        return digest if digest in self.known else None


class Desk:
    """Compares pages, and drains what is enqueued."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.orders, self.queue, self.rejected = MemoryOrders(self.time), MemoryQueue(self.time), Rejected()
        self.comparison = Comparison(self.orders, cast("Any", self.rejected), self.queue, self.time.now)
        self.shown = Shown(set(), 0, 0)

    def compare(self, *page: Any, store: Store = STORE, into: Report | None = None, **scope: bool) -> Report:
        found = into or Report(self.time.now())
        orders: list[Json] = [each if isinstance(each, list) else parse(as_bytes(each)) for each in page]
        whose = ComparisonScope(store, found, "run", **scope)
        self.shown = self.comparison.compare(whose, orders, self.time.now)
        return found

    def causes(self) -> list[str]:
        """Why each waiting message was enqueued."""
        return [message.correlation_id.removeprefix("run/") for message in self.queue.messages]

    def drain(self) -> None:
        messages, self.queue.messages = self.queue.messages, []
        for message in messages:
            self.orders.put(message.body, message.shown_at)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def many(number: int) -> Sequence[dict[str, Any]]:
    return [order(order_id=f"o-{one}") for one in range(number)]


# -- what is enqueued --------------------------------------------------------------------------------------------------


def test_each_message_says_why_it_was_enqueued(desk: Desk) -> None:
    """A missing order, a different one, one that cannot be understood, and one that is confirmed."""
    first, second = order(12), order(12, comment="Ring twice")
    desk.compare(first)
    assert desk.causes() == ["missing"]
    desk.drain()
    desk.time.sleep(HOUR)
    desk.compare(second)
    assert desk.causes() == ["different"]
    desk.drain()
    desk.time.sleep(HOUR)
    found = desk.compare(first, order(order_id="bad", status=""))
    assert sorted(desk.causes()) == ["confirmed", "not_understood"]
    assert {name: found.counts[name] for name in ("confirmed", "not_understood", "enqueued", "orders_checked")} == {
        "confirmed": 1, "not_understood": 1, "enqueued": 2, "orders_checked": 2,
    }  # fmt: skip


def test_missing_order_behind_a_bad_one_is_reported(desk: Desk) -> None:
    """What cannot be understood costs no other order of its batch its place in the report."""
    found = desk.compare(order(order_id="bad", status=""), order(order_id="good"))
    assert ([one.order_id for one in found.repairs], found.counts["missing"]) == (["good"], 1)


def test_text_that_cannot_be_parsed_is_enqueued_as_it_came(desk: Desk) -> None:
    """Its bytes are stored with the reason; what may be stored exactly is parsed from them."""
    broken, exact = b'{"order_id": "x", "status": NaN}', as_bytes(order(order_id="exact"))
    desk.compare(UnreadableOrder(broken), UnreadableOrder(exact))
    assert {message.body for message in desk.queue.messages} == {broken, exact}
    assert sorted(desk.causes()) == ["missing", "not_understood"]
    assert desk.shown.order_ids == {digest_of(broken), digest_of(exact), "exact"}


def test_rejected_event_that_is_stored_is_not_enqueued(desk: Desk) -> None:
    """What the table has as rejected is not enqueued again, however often the platform shows it."""
    bad = order(order_id="bad", status="")
    desk.compare(bad)
    [message] = desk.queue.messages
    desk.queue.messages.clear()
    desk.rejected.known.add(digest_of(message.body))
    found = desk.compare(bad)
    assert (desk.queue.messages, found.counts["not_understood"], len(found.waiting)) == ([], 0, 0)
    desk.rejected.known.clear()
    assert desk.compare(bad).counts["enqueued"] == 1


@pytest.mark.parametrize(("more", "is_too_large"), [(0, False), (1, True)])
def test_order_that_is_too_large(desk: Desk, more: int, is_too_large: bool) -> None:
    """An order of more bytes than a message holds is counted by its content, and costs no other of the page."""
    empty = as_bytes(order(order_id="large", comment=""))
    large = order(order_id="large", comment="x" * (MAX_BODY_BYTES - len(empty) + more))
    assert len(as_bytes(large)) == MAX_BODY_BYTES + more
    found = desk.compare(large, order(order_id="small"))
    assert (len(found.too_large), found.counts["enqueued"]) == (int(is_too_large), 1 + (not is_too_large))
    assert desk.shown.order_ids == {"large", "small"}


# -- what a page shows -------------------------------------------------------------------------------------------------


def test_whose_orders_a_page_shows(desk: Desk) -> None:
    """How many of the orders name the store, and how many name another one."""
    other = {"store_id": "other", "external_partner_config_id": "GB-2"}
    desk.compare(*many(3), order(order_id="p", client=other), order(order_id="q", client=other))
    assert (desk.shown.own, desk.shown.of_others, len(desk.shown.order_ids)) == (3, 2, 5)


@pytest.mark.parametrize(
    ("given", "name"), [({"order_id": 4711}, "4711"), ({"order_id": 47.0}, "47"), ({"order_id": "x"}, "x")]
)
def test_id_of_an_order_that_cannot_be_read(desk: Desk, given: dict[str, Any], name: str) -> None:
    """An order counts as shown by its id, as text or as a number, though nothing else of it can be read."""
    desk.compare(given)
    assert desk.shown.order_ids == {name}


@pytest.mark.parametrize("given", [{}, {"order_id": None}, {"order_id": ["x"]}])
def test_order_without_an_id(desk: Desk, given: dict[str, Any]) -> None:
    """An order without an id counts as shown by its content."""
    desk.compare(given)
    [shown] = desk.shown.order_ids
    assert shown == digest_of(desk.queue.messages[0].body)


# -- what waits, and what is remembered --------------------------------------------------------------------------------


def test_what_waits_is_counted_once(desk: Desk) -> None:
    """Of what was enqueued and is not consumed yet the report says how much there is, and nothing more."""
    first, second = many(2)
    desk.compare(first, second)
    found = desk.compare(first)
    desk.compare(second, into=found)
    desk.compare(first, order(order_id="new"), into=found)
    assert (len(found.waiting), found.counts["enqueued"], found.counts["missing"]) == (2, 1, 1)
    desk.compare(order(order_id="new"), into=found)
    assert (len(found.waiting), found.counts["enqueued"]) == (2, 1)


@pytest.mark.parametrize(("seconds", "enqueued"), [(HOUR - 1, 0), (HOUR, 1)])
def test_what_does_not_arrive_is_enqueued_again(desk: Desk, seconds: float, enqueued: int) -> None:
    """After an hour: its message may be in the dead-letter queue. Its webhook counts as missed once."""
    desk.compare(order())
    desk.time.sleep(seconds)
    found = desk.compare(order())
    assert (found.counts["enqueued"], found.counts["webhooks_missed"]) == (enqueued, 0)


def test_store_that_is_forgotten_is_compared_anew(desk: Desk) -> None:
    """Somebody who asks for a store has each of its orders read, and enqueued if it waits; other stores' are not."""
    other = Store("other")
    theirs = order(order_id="theirs", client={"store_id": "other", "external_partner_config_id": "GB-2"})
    desk.compare(order(order_id="known"))
    desk.compare(theirs, store=other)
    desk.drain()
    desk.compare(order(order_id="known"))
    desk.compare(theirs, store=other)
    desk.compare(order(order_id="waits"))
    before = desk.orders.read_orders
    desk.comparison.forget("q7xk")
    desk.compare(theirs, store=other)
    assert desk.orders.read_orders == before
    found = desk.compare(order(order_id="known"), order(order_id="waits"))
    assert (desk.orders.read_orders, found.counts["enqueued"]) == (before + 2, 1)


def test_preview_finds_what_waits_and_enqueues_nothing(desk: Desk) -> None:
    """A preview shows what is missing, also what is on its way, once; and the next run goes on as before."""
    desk.compare(order())
    desk.comparison.forget("q7xk", preview=True)
    found = desk.compare(order(), preview=True)
    desk.compare(order(), preview=True, into=found)
    assert (len(desk.queue.messages), found.counts["missing"], found.counts["enqueued"]) == (1, 1, 0)
    assert desk.compare(order()).counts["enqueued"] == 0


def test_preview_of_what_arrived_meanwhile(desk: Desk) -> None:
    """An order that a preview found missing, and that arrives before it is listed once more, is not in sync as well."""
    found = desk.compare(order(), order(order_id="known"), preview=True)
    for each in (order(), order(order_id="known")):
        desk.orders.put(as_bytes(each), desk.time.now())
    desk.compare(order(), into=found, preview=True)
    assert (found.counts["in_step"], found.counts["missing"]) == (0, 2)
    desk.compare(order(order_id="third"), into=found, preview=True)
    assert found.counts["missing"] == 3


def test_memory_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of orders has an end; beyond it all is read, or enqueued, once more, and nothing is missed."""
    monkeypatch.setattr(comparison, "MAX_REMEMBERED", 4)
    orders = many(4)
    desk.compare(*orders)
    assert desk.compare(*orders).counts["enqueued"] == 0
    desk.compare(order(order_id="one more"))
    assert desk.compare(*orders).counts["enqueued"] == 4
    desk.drain()
    desk.compare(*orders)
    before = desk.orders.read_orders
    desk.compare(*orders)
    assert desk.orders.read_orders == before
    desk.compare(order(order_id="one more"))
    assert desk.compare(*orders).counts["in_step"] == 4
    assert desk.orders.read_orders > before + 1


def test_what_arrived_is_not_remembered_as_waiting(desk: Desk) -> None:
    """Once an order was seen in the table, its loss is noticed at the next look, and is a missing one again."""
    desk.compare(order())
    desk.drain()
    desk.compare(order())
    desk.orders = MemoryOrders(desk.time)
    desk.comparison._orders = desk.orders
    desk.comparison.forget("q7xk", preview=True)
    found = desk.compare(order())
    assert (found.counts["enqueued"], found.counts["missing"], desk.causes()) == (1, 1, ["missing"])


# -- what the report says ----------------------------------------------------------------------------------------------


def test_so_many_orders_are_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are named with the fields that differ, across the batches of the queue; the others are counted."""
    monkeypatch.setattr(comparison, "MAX_NAMED", 12)
    monkeypatch.setattr(report, "MAX_NAMED", 12)
    desk.compare(*many(25))
    desk.drain()
    desk.time.sleep(HOUR)
    found = desk.compare(*[order(order_id=f"o-{one}", comment="Ring twice") for one in range(25)])
    assert (found.counts["different"], len(found.repairs)) == (25, 12)
    assert {one.fields for one in found.repairs} == {("comment",)}


def test_order_of_another_store_is_its_own(desk: Desk) -> None:
    """An order that names another store is reported as that one's; one that names none, or this one by its code, as
    this one's."""
    theirs = order(order_id="a", client={"store_id": "other", "external_partner_config_id": "GB-2"})
    nobodys = order(order_id="b", client={"store_id": None, "external_partner_config_id": None})
    by_code = order(order_id="c", client={"store_id": None, "external_partner_config_id": "GB-CLIFTON-01"})
    found = desk.compare(theirs, nobodys, by_code, store=Store("q7xk", external_partner_config_id="GB-CLIFTON-01"))
    assert {one.order_id: one.store_id for one in found.repairs} == {"a": "other", "b": "q7xk", "c": "q7xk"}


@pytest.mark.parametrize("created", [-1, 1])
def test_order_from_before_its_store(desk: Desk, created: int) -> None:
    """Of an order that is older than what we know of its store no webhook was missed."""
    registered_at = desk.time.now()
    at = (registered_at + timedelta(hours=created)).isoformat()
    made = order(sys={"created_at": at, "updated_at": at})
    [one] = desk.compare(made, store=Store("q7xk", registered_at=registered_at)).repairs
    assert (one.before_registration, one.webhook_missed) == (created < 0, created > 0)


def test_age_of_what_is_found(desk: Desk) -> None:
    """How many seconds old the state was when it was found; nothing where it has no time."""
    at = (desk.time.now() - timedelta(seconds=90)).isoformat()
    dated, undated = order(order_id="a", sys={"created_at": at, "updated_at": at}), order(order_id="b", sys={})
    found = desk.compare(dated, undated)
    assert {one.order_id: one.late_seconds for one in found.repairs} == {"a": 90, "b": None}


def test_unsteady_fields_are_named_for_so_many_orders(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that differ at each look wait; of the first ones the report names the fields, of the others only how many
    there are."""
    monkeypatch.setattr(comparison, "MAX_NAMED", 2)
    for number in range(6):
        desk.time.sleep(300)
        found = desk.compare(*[order(order_id=f"o-{one}", comment=str(number)) for one in range(3)], damps=True)
        desk.drain()
    assert (len(found.damped), sorted(found.damped.values())) == (3, [(), ("comment",), ("comment",)])
    monkeypatch.setattr(comparison, "MAX_REMEMBERED", 2)
    desk.time.sleep(300)
    found = desk.compare(*[order(order_id=f"o-{one}", comment="9") for one in range(3)], damps=True)
    assert len(found.damped) == 3
