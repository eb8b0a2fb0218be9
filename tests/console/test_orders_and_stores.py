"""``orders`` and ``stores``: what an operator sees of them, and sets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from partner_orders.clock import now
from partner_orders.orders.event import parse_event
from partner_orders.orders.table import OrdersTable
from partner_orders.stores.store import StoreSettings
from partner_orders_console.cli import output
from partner_orders_console.operations.orders import total_of, whole
from partner_orders_console.operations.stack import DeployedStack
from tests.support.aws_calls import counted_calls
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

HOUR = timedelta(hours=1)
DAYS = ("2026-10-14", "2026-10-15")
type Run = Callable[..., Ran]
type StoreOrder = Callable[..., None]

ORDER_ID = order()["order_id"]
PERSONAL = ("Amna", "+92300123441", "Khayaban", "No plastic bags")


def at(minute: int, status: str, **changes: Any) -> dict[str, Any]:
    return order(minute, status=status, **changes)


def test_days_are_in_the_store_time_zone(run: Run, store_order: StoreOrder) -> None:
    """Orders of a store's day are listed by the store's own time zone."""
    # 08:12 UTC on the 14th; one of 20:00 UTC is the next day's in Karachi.
    late = order(order_id="late", sys={"created_at": "2026-10-14T20:00:00.000Z"})
    store_order(order(), late)
    assert run("stores", "set", "q7xk", "--time-zone", "Asia/Karachi").status == 0
    listed = run("orders", "list", "--store", "GB-CLIFTON-01", "--day", "2026-10-14", "--json")
    assert [entry["order_id"] for entry in listed.json] == [ORDER_ID]
    listed = run("orders", "list", "--store", "q7xk", "--day", "2026-10-15", "--json")
    assert [entry["order_id"] for entry in listed.json] == ["late"]


def test_orders_are_listed_by_status(run: Run, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders can be listed by status, or only the open ones."""
    monkeypatch.setattr("partner_orders_console.operations.orders.now", lambda: NOW)
    store_order(at(12, "RECEIVED", order_id="a"), at(13, "CANCELLED", order_id="b"))
    of_day = ("orders", "list", "--store", "q7xk", "--day", "2026-10-14", "--json")
    assert [entry["order_id"] for entry in run(*of_day, "--status", "cancelled").json] == ["b"]
    assert [entry["order_id"] for entry in run("orders", "list", "--open", "--json").json] == ["a"]


def test_open_orders_of_store_span_all_days(run: Run, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open orders of a store are listed for every day, unless a day is given."""
    monkeypatch.setattr("partner_orders_console.operations.orders.now", lambda: NOW)
    elsewhere = at(14, "RECEIVED", order_id="c")
    elsewhere["client"] |= {"store_id": "another", "external_partner_config_id": "GB-ANOTHER"}
    yesterday = at(13, "RECEIVED", order_id="b", sys={"created_at": "2026-10-13T08:12:00.000Z"})
    store_order(at(12, "RECEIVED", order_id="a"), yesterday, elsewhere)
    of_store = ("orders", "list", "--store", "q7xk", "--open", "--json")
    assert [entry["order_id"] for entry in run(*of_store).json] == ["b", "a"]
    assert [entry["order_id"] for entry in run(*of_store, "--day", "2026-10-13").json] == ["b"]


def test_store_known_only_by_its_code(run: Run, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of a store known only by the chain's own code are listed and shown under that code."""
    monkeypatch.setattr("partner_orders_console.operations.orders.now", lambda: NOW)
    body = order()
    body["client"] = {"chain_id": body["client"]["chain_id"], "external_partner_config_id": "GB-CLIFTON-01"}
    store_order(body)
    run("stores", "set", "GB-CLIFTON-01", "--currency", "PKR")
    of_store = ("orders", "list", "--store", "GB-CLIFTON-01", "--json")
    assert [entry["order_id"] for entry in run(*of_store, "--day", "2026-10-14").json] == [ORDER_ID]
    assert [entry["order_id"] for entry in run(*of_store, "--open").json] == [ORDER_ID]
    for arguments in (("list", "--open"), ("find", ORDER_ID), ("show", ORDER_ID)):
        assert "GB-CLIFTON-01" in run("orders", *arguments).out
    shown = run("orders", "show", ORDER_ID).out
    assert "PKR" in shown
    assert "?" not in shown


def test_order_without_store_is_shown(run: Run, store_order: StoreOrder) -> None:
    """An order that names no store is shown with a question mark as its store."""
    store_order(order(client={}))
    assert "store              ?" in run("orders", "show", ORDER_ID).out


@pytest.mark.parametrize("day", ["14.10.2026", "9999-12-31", "2026-02-30"])
def test_invalid_day_is_rejected(run: Run, store_order: StoreOrder, day: str) -> None:
    """An invalid day is rejected with the expected format."""
    store_order(order())
    ran = run("orders", "list", "--store", "q7xk", "--day", day)
    assert (ran.status, "A day looks like" in ran.err) == (1, True)


def test_day_of_all_stores_is_in_their_zones(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """Without a store a day's orders of all stores are listed, each store's day in its own time zone."""
    late = order(order_id="late", sys={"created_at": "2026-10-14T20:30:00.000Z"})
    elsewhere = order(order_id="there", sys={"created_at": "2026-10-14T20:30:00.000Z"})
    elsewhere["client"] |= {"store_id": "another", "external_partner_config_id": "GB-ANOTHER"}
    store_order(late, elsewhere)
    stack.stores.set("another", StoreSettings(time_zone="Asia/Karachi"))
    ids = {day: [it["order_id"] for it in run("orders", "list", "--day", day, "--json").json] for day in DAYS}
    assert ids == {"2026-10-14": ["late"], "2026-10-15": ["there"]}


def test_orders_of_several_statuses(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """``--status`` may be given several times, and the list shows totals with the store's currency."""
    store_order(*(at(12, status, order_id=status) for status in ("RECEIVED", "CANCELLED", "DISPATCHED")))
    stack.stores.set("q7xk", StoreSettings(currency="PKR"))
    ran = run("orders", "list", "--day", DAYS[0], "--status", "RECEIVED", "--status", "cancelled")
    assert "2 orders" in ran.err
    assert "669.0 PKR" in ran.out


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"payment": None},
        {"payment": "none"},
        {"payment": {"order_total": "many"}},
        {"payment": {"order_total": "12.50"}, "items": 7},
    ],
)
def test_total_is_that_of_the_order(stack: DeployedStack, store_order: StoreOrder, parts: dict[str, Any]) -> None:
    """An order's total is the one of its whole body, also where parts of that cannot be read."""
    body = order(**parts)
    store_order(body)
    stored = stack.orders.get(ORDER_ID)
    assert stored is not None
    payment = parse_event(as_bytes(body)).order.payment
    assert total_of(stored) == (payment.order_total if payment else None)


def test_order_is_shown_by_its_beginning(run: Run, store_order: StoreOrder) -> None:
    """A recent order is shown by the beginning of its id, unless several have it."""
    recent = {"created_at": (now() - timedelta(hours=1)).isoformat()}
    store_order(order(order_id="abcd-1", sys=recent), order(order_id="abcd-2", sys=recent))
    store_order(order(order_id="bcde-1", sys=recent))
    assert "bcde-1" in run("orders", "show", "bcde").out
    ran = run("orders", "show", "abcd")
    assert (ran.status, "abcd-1, abcd-2" in ran.err) == (1, True)
    assert run("orders", "show", "bcd").status == 1


def test_beginning_of_an_old_order_is_explained(run: Run, store_order: StoreOrder) -> None:
    """The error says that an order too old for the beginning of its id is found by the whole one."""
    store_order(order())
    assert run("orders", "show", ORDER_ID).status == 0
    ran = run("orders", "show", ORDER_ID[:8])
    assert (ran.status, "has 4 characters" in ran.err, "last 7 days" in ran.err) == (1, True, True)


@pytest.mark.parametrize(("width", "together"), [(80, False), (120, True)])
def test_changed_fields_are_never_folded(
    run: Run, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch, width: int, together: bool
) -> None:
    """The fields that an event changed stand beside the event, or below the events where the terminal is narrow."""
    monkeypatch.setattr(output, "out", Console(soft_wrap=True, highlight=False, width=width))
    picked = at(14, "READY_FOR_PICKUP", payment=order()["payment"] | {"difference_to_minimum": 7})
    store_order(at(12, "RECEIVED"), picked)
    lines = run("orders", "show", ORDER_ID).out.splitlines()
    [heading] = [line for line in lines if "received" in line]
    [changed] = [line for line in lines if "payment.difference_to_minimum" in line]
    assert ("changed" in heading, "webhook" in changed) == (together, together)
    assert "READY_FOR_PICKUP" in changed


def test_many_orders_are_read_in_batches(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty-five orders are read in three requests of ten at most, in their order."""
    monkeypatch.setattr("partner_orders_console.operations.orders._BATCH", 10)
    store_order(*(order(order_id=f"o{number:03}") for number in range(25)))
    made = counted_calls(monkeypatch)
    found = run("orders", "list", "--day", DAYS[0], "--json").json
    assert [it["order_id"] for it in found] == [f"o{number:03}" for number in range(25)]
    assert (made["BatchGetItem"], made["Query"] < 10) == (3, True)


@pytest.mark.parametrize("name", [(ORDER_ID,), ("k4vd-2611-r8mz",), ("0417", "--store", "q7xk")])
def test_order_is_found_by_any_id(run: Run, store_order: StoreOrder, name: tuple[str, ...]) -> None:
    """An order is found by its order id, its external id, or its code and store."""
    store_order(order())
    assert [entry["order_id"] for entry in run("orders", "find", *name, "--json").json] == [ORDER_ID]


def test_ambiguous_external_id_is_rejected(run: Run, store_order: StoreOrder) -> None:
    """If several orders share an external id, none is shown; ``find`` lists them all."""
    store_order(order(), order(order_id="another"))
    ran = run("orders", "show", "k4vd-2611-r8mz")
    assert (ran.status, "2 orders" in ran.err) == (1, True)
    assert len(run("orders", "find", "k4vd-2611-r8mz", "--json").json) == 2


def test_missing_order_suggests_next_step(run: Run) -> None:
    """A missing order is an error that suggests what to try next."""
    ran = run("orders", "find", "0417")
    assert ran.status == 1
    assert "needs its --store" in ran.err
    assert run("stores", "set", "q7xk", "--currency", "PKR").status == 0
    assert "orders list --store q7xk" in run("orders", "find", "0417", "--store", "q7xk").err


def test_publish_sends_current_state(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """Orders are published again in their current state, with the next version and sequence."""
    store_order(order(), order(13, status="DISPATCHED"), order(order_id="b", external_order_id="ext-b"))
    before = [row for row in (stack.orders.get(ORDER_ID), stack.orders.get("b")) if row]
    ran = run("orders", "publish", ORDER_ID, "ext-b", "b")
    assert (ran.status, "2 orders are" in ran.err) == (0, True)
    for was in before:
        found = stack.orders.get(was.order_id)
        assert found is not None
        # An erasure that read the row before would otherwise write the earlier sequence over it.
        assert found.version == was.version + 1
        assert found.sequence == found.republished == was.sequence + 1
        assert (found.status, len(found.history)) == (was.status, len(was.history))


def test_orders_of_a_time_are_published(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """``--since`` publishes each order that had an event in the time, whatever its other events, the earliest first."""
    store_order(order(), order(13, status="DISPATCHED"), order(order_id="b"))
    elsewhere = order(order_id="c")
    elsewhere["client"] = {"chain_id": elsewhere["client"]["chain_id"], "store_id": "other"}
    store_order(elsewhere)
    since, until = ("--since", (NOW - timedelta(minutes=1)).isoformat()), ("--until", (NOW - HOUR).isoformat())

    def sequences() -> list[int]:
        return [found.sequence for order_id in (ORDER_ID, "b", "c") if (found := stack.orders.get(order_id))]

    before = sequences()
    ran = run("orders", "publish", *since, "--preview")
    assert (ran.status, "3 orders would be published again" in ran.err) == (0, True)
    assert run("orders", "publish", "--since", (NOW - 2 * HOUR).isoformat(), *until).status == 0
    assert run("orders", "publish", "--since", (NOW + HOUR).isoformat()).status == 0
    assert sequences() == before
    ran = run("orders", "publish", *since, "--store", "q7xk")
    assert (ran.status, "2 orders are published again" in ran.err) == (0, True)
    assert sequences() == [before[0] + 1, before[1] + 1, before[2]]
    assert run("orders", "publish", *since).status == 0
    assert sequences() == [before[0] + 2, before[1] + 2, before[2] + 1]


@pytest.mark.parametrize(
    "arguments", [(), (ORDER_ID, "--since", "2h"), (ORDER_ID, "--store", "q7xk"), ("--store", "q7xk", "--until", "2h")]
)
def test_orders_to_publish_have_to_be_clear(run: Run, arguments: tuple[str, ...]) -> None:
    """Either ids or a time say which orders are published."""
    ran = run("orders", "publish", *arguments)
    assert (ran.status, "not clear which orders" in ran.err) == (1, True)


def test_part_of_a_time_is_not_published(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all orders of the time could be read, none is published."""
    monkeypatch.setattr("partner_orders_console.operations.event_log.MAX_ORDERS", 1)
    store_order(order(), order(order_id="b"))
    ran = run("orders", "publish", "--since", (NOW - HOUR).isoformat())
    assert (ran.status, "Give a shorter time" in ran.err) == (1, True)
    assert {found.sequence for order_id in (ORDER_ID, "b") if (found := stack.orders.get(order_id))} == {1}


def test_expired_order_is_named(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that expired after it was found is named, and the others are published."""
    store_order(order(), order(order_id="b"))
    publish_again = OrdersTable.publish_again

    def published(table: OrdersTable, order_id: str) -> bool:
        return order_id != ORDER_ID and publish_again(table, order_id)

    monkeypatch.setattr(OrdersTable, "publish_again", published)
    ran = run("orders", "publish", ORDER_ID, "b")
    assert (ran.status, "1 order is published again" in ran.err, ORDER_ID in ran.err) == (1, True, True)
    found = stack.orders.get("b")
    assert found is not None
    assert found.sequence == 2


def test_publish_needs_all_orders_to_exist(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """If one of the given orders is missing, none is published."""
    store_order(order())
    ran = run("orders", "publish", ORDER_ID, "nowhere")
    assert (ran.status, "no order nowhere" in ran.err) == (1, True)
    assert "has 4 characters and the order was created in the last 7 days" in ran.err
    found = stack.orders.get(ORDER_ID)
    assert found is not None
    assert found.sequence == 1


def test_publish_needs_change_events(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """A stack without change events rejects ``publish`` and names the parameter."""
    store_order(order())
    del stack.outputs["PublisherDeadLettersUrl"]
    ran = run("orders", "publish", ORDER_ID)
    assert (ran.status, "ChangeEvents" in ran.err) == (1, True)


def test_order_history_is_shown(run: Run, store_order: StoreOrder) -> None:
    """An order is shown with each event, its source, and the fields it changed."""
    cheaper = at(30, "DISPATCHED")
    cheaper["payment"]["order_total"] = 600
    store_order(at(12, "RECEIVED"))
    store_order(cheaper, source="reconciliation")
    run("stores", "set", "q7xk", "--currency", "PKR")
    shown = run("orders", "show", "k4vd-2611-r8mz").out
    assert "DISPATCHED" in shown
    assert "reconciliation" in shown
    assert "payment.order_total, status, sys.updated_at" in shown
    history = run("orders", "show", ORDER_ID, "--json").json["history"]
    events = [("RECEIVED", "webhook"), ("DISPATCHED", "reconciliation")]
    assert [(entry["status"], entry["source"]) for entry in history] == events
    assert "600 PKR" in shown
    assert "Full cream milk 1 L" in shown


def test_event_without_a_body_is_shown(stack: DeployedStack, store_order: StoreOrder) -> None:
    """An event whose body is not there any more stays in the history that is shown."""
    store_order(at(12, "RECEIVED"), at(13, "ACCEPTED"))
    found = stack.orders.get(ORDER_ID)
    assert found is not None
    first, second = found.history
    shown = whole(replace(found, history=(replace(first, body=None), second)), show_personal_data=True)["history"]
    assert [(entry["status"], entry["body"] is None) for entry in shown] == [("RECEIVED", True), ("ACCEPTED", False)]


def test_history_has_every_source(run: Run, store_order: StoreOrder) -> None:
    """Each event of an order is shown, from whatever source, whether or not the order's state comes from it."""
    sources = ("webhook", "reconciliation", "replay", "answer")
    for minute, source in enumerate((*sources, *sources), start=12):
        store_order(at(minute, "RECEIVED"), source=source)
    shown = run("orders", "show", ORDER_ID).out.splitlines()
    assert {source: sum(source in line for line in shown) for source in sources} == dict.fromkeys(sources, 2)


def test_show_redacts_by_default(run: Run, store_order: StoreOrder) -> None:
    """Personal data is shown only on request."""
    store_order(order())
    for arguments in (("orders", "show", ORDER_ID), ("orders", "show", ORDER_ID, "--json")):
        assert not [datum for datum in PERSONAL if datum in run(*arguments).out]
        assert "Amna" in run(*arguments, "--show-personal-data").out


def test_line_changes_are_shown(run: Run, store_order: StoreOrder) -> None:
    """Replaced, missing and weighed lines are told apart."""
    body = order()
    [line] = body["items"]
    body["items"] = [
        line | {"_id": "1", "name": "Milk", "status": "REPLACED"},
        line | {"_id": "2", "name": "Oat drink", "status": "ADDITION", "replaced_id": "1"},
        line | {"_id": "3", "name": "Bread", "status": "NOT_FOUND"},
        line
        | {"_id": "4", "name": "Grapes", "pricing": {"pricing_type": "KG", "weight": 0.912, "total_price": 310.08}}
        | {"original_pricing": {"pricing_type": "KG", "weight": 1}},
    ]
    store_order(body)
    shown = run("orders", "show", ORDER_ID).out
    assert "replaces Milk" in shown
    assert "NOT_FOUND" in shown
    assert "0.912 kg" in shown


def test_store_settings_survive_events(run: Run, store_order: StoreOrder, stack: DeployedStack) -> None:
    """Settings of a store stay as set through later events and other settings."""
    store_order(order())
    run("stores", "set", "GB-CLIFTON-01", "--currency", "PKR", "--trading-hours", "mon-sun 08:00-02:00")
    run("stores", "set", "q7xk", "--time-zone", "Asia/Karachi")
    store_order(order(13))
    [store] = run("stores", "list", "--json").json
    assert (store["store_id"], store["currency"], store["time_zone"]) == ("q7xk", "PKR", "Asia/Karachi")
    assert store["trading_hours"] == "mon-sun 08:00-02:00"
    run("stores", "pause", "q7xk")
    assert stack.stores.all()[0].is_paused
    run("stores", "pause", "q7xk", "--off")
    assert not stack.stores.all()[0].is_paused


def test_store_is_registered_without_settings(run: Run, stack: DeployedStack) -> None:
    """Setting nothing of a store that is new registers it; for one that is known there is nothing to do."""
    ran = run("stores", "set", "q7xk")
    assert (ran.status, "is new: no event has named it yet" in ran.err) == (0, True)
    assert [store.store_id for store in stack.stores.all()] == ["q7xk"]
    again = run("stores", "set", "q7xk")
    assert (again.status, "there is nothing to set" in again.err) == (1, True)
    assert [run("stores", "set", name, "--currency", "PKR").status for name in ("", " ")] == [1, 1]
    assert [store.store_id for store in stack.stores.all()] == ["q7xk"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--currency", "rupees"), "three capital letters"),
        (("--time-zone", "Karachi"), "not a time zone"),
        (("--trading-hours", "always"), "should look like"),
    ],
)
def test_invalid_setting_is_rejected(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """An invalid setting is rejected with the expected format, and registers no store."""
    ran = run("stores", "set", "q7xk", *arguments)
    assert (ran.status, said in ran.err) == (1, True)
    assert run("stores", "list", "--json").json == []


def test_new_store_is_announced(run: Run) -> None:
    """Setting an unknown store says that it is new, the first time only."""
    assert "is new" in run("stores", "set", "q7xx", "--currency", "PKR").err
    assert "is new" not in run("stores", "set", "q7xx", "--currency", "PKR").err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"store_id,currency\na,PKR\na,SAR\n", "line 3: a is in an earlier line too"),
        ("store_id,code\na,Z\u00fcrich\n".encode("latin-1"), "is not in UTF-8"),
        ("store_id,currency\na,PKR\n".encode("utf-16"), "is not in UTF-8"),
        (b"store_id,code\na,A1\nb,B\x001\n", "line 3: code has a control character"),
        (b"store_id,code\na,A1\nb\x1b[2J,B1\n", "line 3: store_id has a control character"),
        ("store_id,code\na\u0085b,A1\n".encode(), "line 2: store_id has a control character"),
        (b"store_id,code\na,A1\nb," + b"x" * 200_000 + b"\n", "line 3: field larger"),
    ],
)
def test_malformed_import_is_rejected_whole(run: Run, folder: Path, content: bytes, said: str) -> None:
    """An import file with an ambiguous or malformed line is rejected as a whole."""
    file = folder / "stores.csv"
    file.write_bytes(content)
    ran = run("stores", "import", str(file))
    assert (ran.status, said in ran.err) == (1, True), ran.err
    assert run("stores", "list", "--json").json == []


def test_import_is_all_or_nothing(run: Run, folder: Path) -> None:
    """Stores are imported all or none, each wrong line is named, and a preview writes nothing."""
    file = folder / "stores.csv"
    file.write_text("store_id,currency,time_zone,code\na,PKR,Asia/Karachi,A1\nb,rupees,,\n,PKR,,\n")
    ran = run("stores", "import", str(file))
    assert ran.status == 1
    assert "line 3: the currency" in ran.err
    assert "line 4: store_id is empty" in ran.err
    assert run("stores", "list", "--json").json == []
    file.write_text("\ufeffstore_id,currency,code,is_paused\na,PKR,A1,\nb,EUR,,true\n", encoding="utf-8")
    assert run("stores", "import", str(file), "--preview").status == 0
    assert run("stores", "list", "--json").json == []
    assert run("stores", "import", str(file)).status == 0
    assert [(store["store_id"], store["is_paused"]) for store in run("stores", "list", "--json").json] == [
        ("a", False),
        ("b", True),
    ]
    assert run("stores", "pause", "A1").status == 0  # by the chain's own code


def test_import_of_ids_alone_registers_stores(run: Run, folder: Path) -> None:
    """A file that has nothing but the ids of stores makes each of them known."""
    file = folder / "stores.csv"
    file.write_text("store_id\n148020\n148003\n")
    assert run("stores", "import", str(file)).status == 0
    assert [store["store_id"] for store in run("stores", "list", "--json").json] == ["148003", "148020"]


def test_exported_stores_can_be_imported(run: Run, stack: DeployedStack, folder: Path) -> None:
    """What ``stores list --csv`` prints can be imported into another stack unchanged."""
    run("stores", "set", "q7xk", "--currency", "PKR", "--trading-hours", "mon-fri 08:00-22:00, sat 10:00-02:00")
    run("stores", "set", "b", "--time-zone", "Asia/Karachi", "--code", "-B, 1")
    run("stores", "pause", "b")
    # Who paused a store, and when, is of that stack.
    unknown: dict[str, Any] = {"registered_at": None, "paused_at": None, "paused_by": None}
    before = [replace(store, **unknown) for store in stack.stores.all()]
    file = folder / "stores.csv"
    file.write_text(run("stores", "list", "--csv").out)
    assert "'-B" in file.read_text()  # harmless in a spreadsheet
    for store in before:
        stack.stores.remove(store)
    assert run("stores", "list", "--csv").out.count("\n") == 1
    assert run("stores", "import", str(file)).status == 0
    after = [replace(store, registered_at=None) for store in stack.stores.all()]  # They are new to that stack.
    assert after == before
    assert stack.stores.find("-B, 1") == stack.stores.all()[0]


def test_remove_needs_yes_and_no_orders(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """A store is removed with its code after ``--yes``, unless orders are listed under it."""
    store_order(order())
    ran = run("stores", "remove", "GB-CLIFTON-01", "--yes")
    assert (ran.status, "orders are listed under q7xk" in ran.err) == (1, True)
    run("stores", "set", "q7kx", "--code", "GB-CLIFTON-10")
    assert run("stores", "remove", "q7kx").status == 3
    assert len(stack.stores.all()) == 2
    assert run("stores", "remove", "GB-CLIFTON-10", "--yes").status == 0
    assert [store.store_id for store in stack.stores.all()] == ["q7xk"]
    assert (stack.stores.find("GB-CLIFTON-10"), stack.stores.find("GB-CLIFTON-01") is not None) == (None, True)
    assert run("stores", "remove", "q7kx", "--yes").status == 1


def test_import_needs_the_columns(run: Run, folder: Path) -> None:
    """An import file without the column names is rejected."""
    file = folder / "stores.csv"
    file.write_text("id;currency\na;PKR\n")
    ran = run("stores", "import", str(file))
    assert (ran.status, "first line should name the columns" in ran.err) == (1, True)


def test_internal_error_hides_data(run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error is reported by its type, without the data it was about."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("Amna, +92300123441")

    monkeypatch.setattr("partner_orders_console.operations.orders.now", broken)
    ran = run("orders", "list", "--open")
    assert (ran.status, "RuntimeError" in ran.err) == (1, True)
    assert "Amna" not in ran.out + ran.err


def test_empty_id_is_rejected(run: Run) -> None:
    """An empty order id is rejected with that reason."""
    ran = run("orders", "show", "")
    assert (ran.status, "is empty" in ran.err) == (1, True)


def test_usage_error_has_its_own_status(run: Run) -> None:
    """A usage error exits with 2, a failed command with 1."""
    assert run("orders", "lst").status == 2
    assert run("orders", "show", "nowhere").status == 1


def test_store_is_shown_at_a_glance(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """A store shows its settings, its last order and webhook, how far it is checked, and who paused it."""
    store_order(order(sys={"created_at": (now() - timedelta(hours=2)).isoformat()}))
    run("stores", "pause", "GB-CLIFTON-01", "--reason", "closed until May")
    ran = run("stores", "show", "q7xk")
    assert ran.status == 0
    assert all(fact in ran.out for fact in ("Greenbasket Clifton", "closed until May", "arn:aws", "(2 h ago)", "never"))
    found = run("stores", "show", "GB-CLIFTON-01", "--json").json
    assert (found["store"]["is_paused"], found["open_orders"]) == (True, 1)
    assert "no store nowhere" in run("stores", "show", "nowhere").err
