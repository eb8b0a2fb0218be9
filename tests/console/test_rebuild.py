"""``orders rebuild``: an order merged anew from its history."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.aws.dynamodb import Table
from partner_orders.aws.update import Update
from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order

type Run = Callable[..., Ran]
type StoreOrder = Callable[..., None]

ORDER_ID = order()["order_id"]


def broken(stack: DeployedStack, **attributes: Any) -> None:
    """Set attributes of the order's row that its history contradicts."""
    update = Update().set_all(attributes).increment("version")
    Table(stack.dynamodb, stack.table_name).update(keys.order(ORDER_ID), update)


def test_rebuild_mends_what_history_contradicts(run: Run, stack: DeployedStack, store_order: StoreOrder) -> None:
    """An order is merged anew from its history; a preview says the same and changes nothing."""
    store_order(order(12), order(30, status="DISPATCHED"))
    before = stack.orders.get(ORDER_ID)
    assert before is not None
    assert "0 of 1 order changed" in run("orders", "rebuild", ORDER_ID).err
    broken(stack, status="RECEIVED", snapshot_key=parse_event(as_bytes(order(12))).snapshot_key, order_code=None)
    for how, word in (("--preview", "would change"), ("--json", "changed")):
        ran = run("orders", "rebuild", ORDER_ID, how)
        assert (ran.status, word in ran.err or how == "--json") == (0, True)
    [done] = ran.json
    assert done["changes"]["status"] == {"before": "RECEIVED", "after": "DISPATCHED"}
    assert sorted(done["changes"]) == ["order_code", "snapshot_key", "status"]
    after = stack.orders.get(ORDER_ID)
    assert after is not None
    assert (after.attributes, after.history) == (before.attributes, before.history)
    assert after.sequence == before.sequence + 1


def test_rebuild_loses_no_concurrent_event(
    run: Run, stack: DeployedStack, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is written between the reading and the write of a rebuild stays the snapshot."""
    store_order(order(12))
    broken(stack, status="CANCELLED")
    write, late = Table.update, parse_event(as_bytes(order(40, status="DELIVERED")))

    def interrupted(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(Table, "update", write)
        stack.orders.write([(late, Arrival("webhook", NOW, "request-2"))])
        return write(*arguments, **options)

    monkeypatch.setattr(Table, "update", interrupted)
    assert run("orders", "rebuild", ORDER_ID).status == 0
    found = stack.orders.get(ORDER_ID)
    assert found is not None
    assert (found.status, found.snapshot.digest, len(found.history)) == ("DELIVERED", late.digest, 2)


def test_rebuild_refuses_an_erased_order(run: Run, store_order: StoreOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order without its bodies is not rebuilt, and stays as it is."""
    store_order(order(12))
    monkeypatch.setattr("sys.stdin", io.StringIO("+92300123441\n"))
    assert run("forget", "--yes").status == 0
    ran = run("orders", "rebuild", ORDER_ID)
    assert (ran.status, "customer was erased" in ran.err) == (1, True)
