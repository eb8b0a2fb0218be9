"""``events``: what was delivered, event by event."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.operations import event_log
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order

type Run = Callable[..., Ran]
type Deliver = Callable[..., None]

SINCE = ("--since", "2026-10-14T08:00:00Z")
PERSONAL = ("Amna", "+92300123441", "Khayaban-e-Saadi", "No plastic bags", "cst_5f81b3")


@pytest.fixture
def deliver(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Store an event of an order, received at a minute past 08:00, as the consumer would. It is 09:00."""
    for module in ("event_log", "moments"):
        monkeypatch.setattr(f"partner_orders_console.operations.{module}.now", clock)

    def store(name: str, minute: int, source: str = "webhook", store_id: str = "q7xk", **fields: Any) -> None:
        body = order(minute, order_id=f"6f2a9d34-8c55-4d0b-9c7e-{name:>012}", external_order_id=name)
        body |= fields
        body["client"] = body["client"] | {"store_id": store_id, "external_partner_config_id": f"GB-{store_id}"}
        event = parse_event(as_bytes(body))
        stack.orders.write([(event, Arrival(source, _at(minute), f"request-{name}-{minute}"))])
        stack.stores.register(event.order.client)

    return store


@pytest.fixture
def delivered(stack: DeployedStack, deliver: Deliver) -> DeployedStack:
    """Two orders of two stores with three events, and a rejected event between them."""
    deliver("a", 10)
    deliver("b", 20, source="reconciliation", store_id="w2mn")
    deliver("a", 40, status="CANCELLED")
    stack.rejected.keep(b'{"first_name": "Amna"', Arrival("webhook", _at(30), "request-r"), "malformed_json", ["Amna"])
    return stack


def _at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute - 60)


def _ids(ran: Ran) -> list[str]:
    return [event["correlation_id"] for event in ran.json["events"]]


@pytest.mark.usefixtures("delivered")
def test_newest_event_comes_first(run: Run) -> None:
    """All stores' events are listed newest first, each with what became of it, and rejected ones among them."""
    ran = run("events", "list", *SINCE, "--json")
    assert (ran.status, ran.json["total"], ran.json["orders_read"]) == (0, 4, 2)
    assert _ids(ran) == ["request-a-40", "request-r", "request-b-20", "request-a-10"]
    kept = [(event["kept_as"], event["status"], event["source"]) for event in ran.json["events"]]
    assert kept == [
        ("snapshot", "CANCELLED", "webhook"),
        ("rejected", None, "webhook"),
        ("snapshot", "RECEIVED", "reconciliation"),
        ("history", "RECEIVED", "webhook"),
    ]


@pytest.mark.usefixtures("delivered")
def test_json_names_each_event(run: Run, stack: DeployedStack) -> None:
    """Programs get an event's ids, times and problems, and of a rejected one the reason, but no content."""
    first, rejected, *_ = run("events", "list", *SINCE, "--json").json["events"]
    [found] = stack.orders.many([first["order_id"]])
    assert first == {
        "received_at": "2026-10-14T08:40:00.000000Z",
        "order_id": "6f2a9d34-8c55-4d0b-9c7e-00000000000a",
        "external_order_id": "a",
        "store_id": "q7xk",
        "status": "CANCELLED",
        "source": "webhook",
        "kept_as": "snapshot",
        "reason": None,
        "problems": [],
        "correlation_id": "request-a-40",
        "digest": found.snapshot.digest,
    }
    assert (rejected["reason"], rejected["order_id"], rejected["problems"]) == ("malformed_json", None, [])
    assert stack.rejected.get(rejected["digest"]) is not None


@pytest.mark.usefixtures("delivered")
def test_list_is_readable_and_about_nobody(run: Run, deliver: Deliver) -> None:
    """People read the shorter id, the reason and the problems, and nothing of a customer."""
    deliver("c", 50, items="none")
    ran = run("events", "list", *SINCE)
    newest, rejected = (ran.out.splitlines()[number] for number in (1, 3))
    assert all(text in newest for text in ("2026-10-14 08:50:00", "  c  ", "snapshot", "items", "request-c-50"))
    assert all(text in rejected for text in ("rejected", "malformed_json", "request-r"))
    assert "6f2a9d34" not in ran.out
    assert not [text for text in PERSONAL if text in ran.out + ran.err]
    assert "5 events received since 2026-10-14 08:00:00, times in UTC" in ran.err
    assert "orders created before 2026-10-13 08:00:00 were not searched" in ran.err


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize("name", ["w2mn", "GB-w2mn"])
def test_store_has_only_its_events(run: Run, name: str) -> None:
    """With a store only its events are listed; rejected ones may be of any store and are counted."""
    ran = run("events", "list", name, *SINCE, "--json")
    assert (_ids(ran), ran.json["other_rejected"]) == (["request-b-20"], 1)
    assert "1 rejected event of that time may be of any store" in ran.err


@pytest.mark.usefixtures("delivered")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--source", "reconciliation"), ["request-b-20"]),
        (("--source", "replay"), []),
        (("--status", "cancelled"), ["request-a-40"]),
        (("--status", "CANCELLED", "--status", "RECEIVED"), ["request-a-40", "request-b-20", "request-a-10"]),
    ],
)
def test_status_and_source_are_chosen(run: Run, options: tuple[str, ...], found: list[str]) -> None:
    """Events are chosen by source, and by the status that each one had; a rejected one has none."""
    assert _ids(run("events", "list", *SINCE, *options, "--json")) == found


@pytest.mark.usefixtures("delivered")
def test_times_are_those_of_receipt(run: Run) -> None:
    """``--since`` counts from its instant on, ``--until`` ends before its own; ages count back from now."""
    between = ("--since", "2026-10-14T08:20:00Z", "--until", "2026-10-14T08:40:00Z")
    assert _ids(run("events", "list", *between, "--json")) == ["request-r", "request-b-20"]
    assert _ids(run("events", "list", "--since", "25m", "--json")) == ["request-a-40"]
    assert len(_ids(run("events", "list", "--json"))) == 4


@pytest.mark.parametrize("until", ["2026-10-14T08:00:00Z", "9999-12-31T23:59:59Z"])
def test_end_has_to_come_after_the_beginning(run: Run, deliver: Deliver, until: str) -> None:
    """A time that ends as it begins is explained; one that never ends is that until now."""
    deliver("a", 10)
    ran = run("events", "list", *SINCE, "--until", until)
    assert ran.status == ("not after" in ran.err) == until.startswith("2026")


def test_older_orders_are_searched_on_request(run: Run, deliver: Deliver) -> None:
    """An event of an order created more than a day before is found with ``--created-since``."""
    created = {"created_at": "2026-10-10T08:00:00Z", "updated_at": "2026-10-14T08:30:00Z"}
    deliver("a", 30, sys=created)
    assert _ids(run("events", "list", *SINCE, "--json")) == []
    assert _ids(run("events", "list", *SINCE, "--created-since", "5d", "--json")) == ["request-a-30"]


@pytest.mark.usefixtures("delivered")
def test_limited_list_says_how_to_go_on(run: Run) -> None:
    """A list with more events than its limit names the ``--until`` that the rest begins with."""
    ran = run("events", "list", *SINCE, "--limit", "3", "--json")
    assert (len(ran.json["events"]), ran.json["total"], ran.json["next_until"]) == (3, 4, "2026-10-14T08:10:00.000001Z")
    assert "4 events received since 2026-10-14 08:00:00, the newest 3 shown" in ran.err
    assert f"--until {ran.json['next_until']}" in ran.err
    assert _ids(run("events", "list", *SINCE, "--until", ran.json["next_until"], "--json")) == ["request-a-10"]


def test_so_many_orders_are_read_and_no_more(run: Run, deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest orders are read; the list says that it is cut, and the next one has what is missing."""
    monkeypatch.setattr(event_log, "MAX_ORDERS", 2)
    for minute, name in enumerate("abc", start=10):
        deliver(name, minute, sys={"created_at": f"2026-10-14T08:{minute}:00Z"})
    ran = run("events", "list", *SINCE, "--json")
    assert (_ids(ran), ran.json["orders_read"]) == (["request-c-12", "request-b-11"], 2)
    assert "the list is cut" in ran.err
    assert f"--created-before {ran.json['next_created_before']}" in ran.err
    rest = run("events", "list", *SINCE, "--created-before", ran.json["next_created_before"], "--json")
    assert (_ids(rest), rest.json["next_created_before"]) == (["request-a-10"], None)


def test_reading_ends_in_time(run: Run, deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the time is up no further order is read, and the next list goes on from there."""
    for minute, name in enumerate("abc", start=10):
        deliver(name, minute, sys={"created_at": f"2026-10-14T08:{minute}:00Z"})
    monkeypatch.setattr(event_log, "MAX_SECONDS", -1.0)
    ran = run("events", "list", *SINCE, "--json")
    assert (_ids(ran), ran.json["next_created_before"]) == (["request-c-12"], "2026-10-14T08:12:00.000001Z")


@pytest.mark.usefixtures("delivered")
def test_so_many_rejected_events_are_read(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the rejected events only the newest are read, and the list says which command has the older ones."""
    stack.rejected.keep(b"{", Arrival("webhook", _at(35), "request-s"), "malformed_json", [])
    monkeypatch.setattr(event_log, "MAX_REJECTED", 1)
    ran = run("events", "list", *SINCE, "--json")
    assert "request-s" in _ids(ran)
    assert "request-r" not in _ids(ran)
    assert f"rejected list --until {ran.json['rejected_since']}" in ran.err


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("nowhere",), 1, "there is no store nowhere"),
        (("--since", "yesterday"), 1, "neither an age nor a time"),
        (("--source", "pigeon"), 2, "pigeon"),
        (("--limit", "10001"), 2, "--limit"),
    ],
)
def test_wrong_choice_is_explained(run: Run, options: tuple[str, ...], status: int, said: str) -> None:
    """A store that is unknown, and a time, source or number that makes no sense, are explained."""
    ran = run("events", "list", *options)
    assert (ran.status, said in ran.err) == (status, True)
