"""docs/runbooks/restore-the-table.md, typed as it stands: what was lost is there again."""

import re
import textwrap
from pathlib import Path
from typing import Any

import boto3
import pytest

from partner_orders.clock import to_text
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from partner_orders.publisher.change_event import order_changed
from partner_orders.reconciler.table import ReconciliationTable
from partner_orders.stores.table import StoresTable
from tests.support import aws_command_line
from tests.support.fixed_clock import NOW, clock
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE
from tests.support.subscriber import in_sequence

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
PAGE = (RUNBOOKS / "restore-the-table.md").read_text(encoding="utf-8").replace("<OrdersTableName>", TABLE)
LARGE = {"x": "".join(f"{number:05d}" for number in range(20_000))}


@pytest.fixture
def shell(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's, after the first page of the runbooks."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    exports = re.findall(r"^ {4}export (.*)$", (RUNBOOKS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    for name, value in (pair.split("=") for line in exports for pair in line.split()):
        monkeypatch.setenv(name, value)


def typed(operation: str) -> None:
    """The page's call of an operation of DynamoDB."""
    for call in map(aws_command_line.understood, aws_command_line.commands(PAGE.replace("<UUID>", "0" * 36))):
        if call.service == "dynamodb" and call.operation == operation:
            getattr(boto3.client("dynamodb"), operation)(**call.parameters)
            return
    raise AssertionError(operation)


def run_the_script(*, write_over: bool = False) -> None:
    [script] = re.findall(r"\.venv/bin/python - <<'END'\n(.*?)\n +END\n", PAGE, re.DOTALL)
    if write_over:
        assert script.count("False") == 1
        script = script.replace("False", "True")
    exec(compile(textwrap.dedent(script), "restore-the-table.md", "exec"), {"__name__": "__main__"})  # noqa: S102


def rows(client: Any) -> dict[tuple[str, str], dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=TABLE)
    return {(row["pk"]["S"], row["sk"]["S"]): row for page in pages for row in page["Items"]}


def erasure(orders_erased: int, done_at: str = "") -> dict[str, Any]:
    """A row of `partner-orders forget`."""
    content = {"pk": "ERASURES", "sk": "2026-10-14T09:00:00Z-1234", "started_at": "2026-10-14T09:00:00Z"}
    text = {name: {"S": value} for name, value in (content | {"done_at": done_at}).items()}
    return text | {"orders": {"N": str(orders_erased)}}


@pytest.mark.usefixtures("shell")
def test_lost_rows_return_and_others_stay(
    dynamodb: Any, orders: OrdersTable, stores: StoresTable, rejected: RejectedTable, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lost rows are restored whole, existing ones stay unchanged, and a second run restores nothing."""
    for body in (order(), order(13, status="DISPATCHED", large=LARGE), order(14, large=LARGE), order(order_id="kept")):
        event = parse_event(as_bytes(body))
        orders.write([(event, Arrival("webhook", NOW))])
        stores.register(event.order.client)
    rejected.keep(b"no order", Arrival("webhook", NOW), "malformed_json", ["not JSON"])
    reconciliation = ReconciliationTable(dynamodb, TABLE, clock)
    reconciliation.save_report(NOW, {"started_at": to_text(NOW)})
    dynamodb.put_item(TableName=TABLE, Item=erasure(2, done_at="2026-10-14T09:01:00Z"))
    before = rows(dynamodb)
    assert {key[0].partition("#")[0] for key in before} > {"ORDER", "STORES", "REJECTED"}
    assert any(sk.startswith("EVENT#") for _, sk in before)
    typed("restore_table_to_point_in_time")

    for (pk, sk), row in before.items():
        if pk != "ORDER#kept":
            dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": {"S": sk}})
    Erasure(dynamodb, TABLE, lambda _: True, clock).erase_order("kept")
    there = rows(dynamodb)

    run_the_script()
    after = rows(dynamodb)
    lost = {key: row for key, row in before.items() if key not in there}
    kinds = {"ORDER", "STORES", "REJECTED", "ERASURES"}
    ours = {key: row for key, row in lost.items() if key[0].partition("#")[0] in kinds}
    for key, row in ours.items():
        if key[1] == "ORDER":
            ours[key] = row | {"sequence": {"N": str(1_000_000 + int(row["sequence"]["N"]))}}
    assert after == there | ours
    assert ("ERASURES", erasure(2)["sk"]["S"]) in after
    assert len(ours) < len(lost)  # What the reconciler remembers stays as it is.
    assert f"{len(ours)} rows" in capsys.readouterr().out
    found = orders.get(order()["order_id"])
    assert found is not None
    assert len(found.history) == 3
    assert all(entry.body for entry in found.history)

    run_the_script()
    assert rows(dynamodb) == after
    assert capsys.readouterr().out == "0 rows\n"


@pytest.mark.usefixtures("shell")
def test_subscriber_follows_a_restored_order(dynamodb: Any, orders: OrdersTable) -> None:
    """A subscriber takes every change of a restored order, and no event id is used twice."""
    memory, ids, taken = in_sequence(), set(), []

    def changed(minute: int, status: str) -> None:
        orders.write([(parse_event(as_bytes(order(minute, status=status))), Arrival("webhook", NOW))])
        published()

    def published() -> None:
        found = orders.get(order()["order_id"])
        assert found is not None
        detail = order_changed(None, found, None, found.snapshot.body or b"", False).detail
        assert detail["id"] not in ids
        ids.add(detail["id"])
        taken.append((detail["status"], memory.take(detail)))

    changed(12, "RECEIVED")
    typed("restore_table_to_point_in_time")
    changed(13, "READY_FOR_PICKUP")
    changed(14, "DISPATCHED")
    for row in rows(dynamodb).values():
        dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": row["sk"]})
    run_the_script()
    published()
    changed(15, "CANCELLED")
    states = ("RECEIVED", "READY_FOR_PICKUP", "DISPATCHED", "RECEIVED", "CANCELLED")
    assert taken == [(status, True) for status in states]
    assert memory.gaps() == {}


@pytest.mark.usefixtures("shell")
def test_order_that_began_anew_is_named(dynamodb: Any, orders: OrdersTable, capsys: pytest.CaptureFixture[str]) -> None:
    """An order that was lost and has begun anew is named; one that has only grown is not."""
    for body in (order(order_id="lost"), order(order_id="grown")):
        orders.write([(parse_event(as_bytes(body)), Arrival("webhook", NOW))])
    typed("restore_table_to_point_in_time")
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "ORDER#lost"}, "sk": {"S": "ORDER"}})
    for body in (order(13, status="DISPATCHED", order_id="lost"), order(13, status="DISPATCHED", order_id="grown")):
        orders.write([(parse_event(as_bytes(body)), Arrival("webhook", NOW))])
    there = rows(dynamodb)
    run_the_script()
    assert rows(dynamodb) == there
    assert capsys.readouterr().out == "ORDER#lost has begun anew\n0 rows\n"


@pytest.mark.usefixtures("shell")
def test_erasure_record_is_never_overwritten(dynamodb: Any) -> None:
    """The record of an erasure is never overwritten by an older one."""
    dynamodb.put_item(TableName=TABLE, Item=erasure(1))
    typed("restore_table_to_point_in_time")
    newer = erasure(2, done_at="2026-10-14T09:01:00Z")
    dynamodb.put_item(TableName=TABLE, Item=newer)
    run_the_script()
    assert [*rows(dynamodb).values()] == [newer]
    run_the_script(write_over=True)
    assert [*rows(dynamodb).values()] == [newer]


@pytest.mark.usefixtures("shell")
def test_spoilt_order_can_be_overwritten(dynamodb: Any, orders: OrdersTable) -> None:
    """A spoilt order is overwritten on request, and its sequence continues above the old one."""
    orders.write([(parse_event(as_bytes(order())), Arrival("webhook", NOW))])
    typed("restore_table_to_point_in_time")
    orders.write([(parse_event(as_bytes(order(13, status="DISPATCHED"))), Arrival("webhook", NOW))])
    run_the_script(write_over=True)
    found = orders.get(order()["order_id"])
    assert found is not None
    assert (found.status, found.sequence) == ("RECEIVED", 1_000_001)


@pytest.mark.usefixtures("shell")
def test_restored_table_is_read_and_deleted(dynamodb: Any) -> None:
    """The documented calls read an order of the restored table and delete that table."""
    typed("restore_table_to_point_in_time")
    typed("get_item")
    typed("delete_table")
    assert dynamodb.list_tables()["TableNames"] == [TABLE]
