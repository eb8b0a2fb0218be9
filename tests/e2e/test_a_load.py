"""`make load` against the deployed stack: every event is accounted for, and a loss would be told."""

from typing import Any

import pytest

from partner_orders.orders.table import OrdersTable
from tools.deploy.target import Deployed
from tools.load import __main__ as tool
from tools.load.posting import LOCAL_SENDERS
from tools.local.stack import Stack


def loaded(stack: Stack) -> tool.Loaded:
    headers = stack.webhook_headers
    deployed = Deployed(stack.stack_name, stack.region, stack.outputs, stack.webhook_url, headers, ("--local",))
    return tool.Loaded(deployed, stack.client, LOCAL_SENDERS)


@pytest.mark.slow
def test_every_event_of_a_load_is_accounted_for(stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    """A load with repeated, swapped and unparsable events ends with all of them stored and published."""
    assert tool.load(loaded(stack), 15.0, 0.2, 3.0, 7, is_documented=False) == 0
    printed = capfd.readouterr().out
    counts = dict(word.split("=") for word in printed.splitlines()[-1].split() if "=" in word)
    assert int(counts["requests"]) > 180  # more than the average, since it begins with a burst
    assert int(counts["events"]) == int(counts["stored"]) + int(counts["rejected"])
    assert int(counts["changes"]) == int(counts["published"]) > 100
    assert [counts[name] for name in ("given_up", "lost", "wrong", "unpublished")] == ["0"] * 4


@pytest.mark.slow
def test_lost_order_of_a_load_is_told(
    stack: Stack, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is gone from the table makes the load fail, and is named."""
    gone: list[str] = []
    many = OrdersTable.many

    def without_one(table: OrdersTable, order_ids: Any) -> Any:
        found = [*many(table, order_ids)]
        gone.append(found[0].order_id)
        return iter(found[1:])

    monkeypatch.setattr(OrdersTable, "many", without_one)
    assert tool.load(loaded(stack), 5.0, 0.1, 1.0, 8, is_documented=False) == 1
    assert f"order {gone[0]}: event" in capfd.readouterr().err
