"""``table restore``: what was lost is there again, what is there stays, and a second call does no harm."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.aws import keys
from partner_orders.clock import now, to_text
from partner_orders.orders.erasure import Erasure
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.publisher.change_event import order_changed
from partner_orders_console.operations import table_restore
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from tests.support.console import Ran, on_moto
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import TABLE
from tests.support.subscriber import in_sequence

pytestmark = on_moto

type Run = Callable[..., Ran]
type Rows = dict[tuple[str, str], dict[str, Any]]

RESTORED = f"{TABLE}-restored"
LARGE = {"x": "".join(f"{number:05d}" for number in range(20_000))}


class Consumer:
    """The consumer's event source, as Lambda shows it."""

    def __init__(self) -> None:
        self.state = "Disabled"
        self.asked: list[str] = []

    def list_event_source_mappings(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(FunctionName)
        return {"EventSourceMappings": [{"UUID": "1", "State": self.state}]}


@pytest.fixture
def consumer(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    made, plain = Consumer(), DeployedStack.client
    stack.outputs["ConsumerFunctionName"] = "consumer"
    monkeypatch.setattr(
        DeployedStack,
        "client",
        lambda its, name, **options: made if name == "lambda" else plain(its, name, **options),
    )
    return made


@pytest.fixture
def to(stack: DeployedStack, consumer: Consumer) -> str:
    """A time that the table can be restored to, while the consumer is paused."""
    on = {"PointInTimeRecoveryEnabled": True}
    stack.dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=on)
    backups = stack.dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    return str(backups["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"].isoformat())


@pytest.fixture
def restore(run: Run, to: str) -> Run:
    return lambda *options: run("table", "restore", "--to", to, "--yes", *options)


def snapshot(stack: DeployedStack) -> None:
    """The table as it is now, as a restore will find it: moto knows the present state only."""
    table_restore._begin(stack, table_restore.plan(stack, latest(stack)))
    stack.dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=RESTORED)


def latest(stack: DeployedStack) -> Any:
    return table_restore._restorable(stack)[1]


def rows(stack: DeployedStack) -> Rows:
    """Every row but the records of restores."""
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    found = {(row["pk"]["S"], row["sk"]["S"]): row for page in pages for row in page["Items"]}
    return {key: row for key, row in found.items() if key[0] != keys.RESTORES}


def lose(stack: DeployedStack, there: Rows) -> None:
    for row in there.values():
        stack.dynamodb.delete_item(TableName=TABLE, Key={"pk": row["pk"], "sk": row["sk"]})


def write(stack: DeployedStack, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        stack.orders.write([(parse_event(as_bytes(body)), Arrival("webhook", NOW))])


def later(row: dict[str, Any], restores: int) -> dict[str, Any]:
    return row | {"sequence": {"N": str(restores * 1_000_000 + int(row["sequence"]["N"]))}}


def erasure(orders: int, done_at: str = "") -> dict[str, Any]:
    """A row of ``partner-orders forget``."""
    content = {"pk": "ERASURES", "sk": "2026-10-14T09:00:00Z-1234", "progress": f'{{"done_at": "{done_at}"}}'}
    return {name: {"S": value} for name, value in content.items()} | {"orders": {"N": str(orders)}}


def test_lost_rows_return_and_others_stay(stack: DeployedStack, restore: Run) -> None:
    """Lost rows are restored whole, existing ones stay unchanged, and a second call restores nothing."""
    write(stack, order(), order(13, status="DISPATCHED", large=LARGE), order(14, large=LARGE), order(order_id="kept"))
    stack.stores.register(parse_event(as_bytes(order())).order.client)
    stack.rejected.keep(b"no order", Arrival("webhook", NOW), "malformed_json", ["not JSON"])
    stack.reconciliation.save_report(NOW, {"started_at": to_text(NOW)})
    stack.dynamodb.put_item(TableName=TABLE, Item=erasure(2, done_at="2026-10-14T09:01:00Z"))
    before = rows(stack)
    assert any(sk.startswith("EVENT#") for _, sk in before)
    snapshot(stack)
    lose(stack, {key: row for key, row in before.items() if key[0] != "ORDER#kept"})
    Erasure(stack.dynamodb, TABLE, lambda _: True, now).erase_order("kept")
    there = rows(stack)

    restored = restore("--json")
    after = rows(stack)
    kinds = {"ORDER", "STORES", "REJECTED", "ERASURES"}
    lost = {key: row for key, row in before.items() if key not in there}
    ours = {key: row for key, row in lost.items() if key[0].partition("#")[0] in kinds}
    assert after == there | {key: later(row, 2) if key[1] == "ORDER" else row for key, row in ours.items()}
    assert len(ours) < len(lost)  # What the reconciler remembers stays as it is.
    assert (restored.status, sum(restored.json["rows"].values())) == (0, len(ours))
    found = stack.orders.get(order()["order_id"])
    assert found is not None
    assert [bool(entry.body) for entry in found.history] == [True] * 3

    again = restore("--json")
    assert (again.status, again.json["rows"], rows(stack)) == (0, {}, after)


def test_interrupted_restore_goes_on(stack: DeployedStack, restore: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore that is interrupted is finished by the same call, and writes no row twice."""
    write(stack, *(order(order_id=f"o{number}") for number in range(4)))
    before = rows(stack)
    snapshot(stack)
    lose(stack, before)
    plain = table_restore._Copying._write_if_lost
    written: list[str] = []

    def interrupted(work: Any, row: dict[str, Any]) -> bool:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(row["pk"])
        return plain(work, row)

    with monkeypatch.context() as patched:
        patched.setattr(table_restore, "_AT_ONCE", 1)
        patched.setattr(table_restore._Copying, "_write_if_lost", interrupted)
        assert restore().status == 130
    assert {pk for pk, _ in rows(stack)} == {*written}
    assert restore("--json").json["rows"] == {"order": 2}
    numbers = {key[0]: 2 if key[0] in written else 3 for key in before}
    assert rows(stack) == {key: later(row, numbers[key[0]]) for key, row in before.items()}


def test_subscriber_follows_a_restored_order(stack: DeployedStack, restore: Run) -> None:
    """A subscriber takes every change of an order that is restored twice, and no event id is used twice."""
    memory, ids, taken = in_sequence(), set(), []

    def published() -> None:
        found = stack.orders.get(order()["order_id"])
        assert found is not None
        detail = order_changed(None, found, None, found.snapshot.body or b"", False).detail
        assert detail["id"] not in ids
        ids.add(detail["id"])
        taken.append((detail["status"], memory.take(detail)))

    write(stack, order(12))
    published()
    snapshot(stack)
    for minute, status in ((13, "READY_FOR_PICKUP"), (14, "DISPATCHED"), (15, "CANCELLED")):
        write(stack, order(minute, status=status))
        published()
        lose(stack, rows(stack))
        assert restore().status == 0
        published()
    states = ("READY_FOR_PICKUP", "RECEIVED", "DISPATCHED", "RECEIVED", "CANCELLED", "RECEIVED")
    assert taken == [("RECEIVED", True), *((status, True) for status in states)]
    assert memory.gaps() == {}


def test_order_that_began_anew_is_named(stack: DeployedStack, restore: Run) -> None:
    """An order that was lost and has begun anew is named and left; one that has only grown is not named."""
    write(stack, order(order_id="lost"), order(order_id="grown"))
    snapshot(stack)
    stack.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "ORDER#lost"}, "sk": {"S": "ORDER"}})
    write(stack, *(order(13, status="DISPATCHED", order_id=name) for name in ("lost", "grown")))
    there = rows(stack)
    restored = restore("--json")
    assert (restored.status, restored.json["begun_anew"], rows(stack)) == (1, ["lost"], there)
    assert "--write-over" in restored.err


def test_named_order_is_written_over(stack: DeployedStack, restore: Run) -> None:
    """Only an order that is named is written over, and its sequence continues above every earlier one."""
    write(stack, order(order_id="spoilt"), order(order_id="good"))
    snapshot(stack)
    write(stack, *(order(13, status="DISPATCHED", order_id=name) for name in ("spoilt", "good")))
    assert restore("--write-over", "spoilt").status == 0
    found = {name: stack.orders.get(name) for name in ("spoilt", "good")}
    assert [(each.status, each.sequence) for each in found.values() if each] == [
        ("RECEIVED", 2_000_001),
        ("DISPATCHED", 2),
    ]


def test_unknown_order_writes_nothing(stack: DeployedStack, restore: Run) -> None:
    """If one of the named orders was not there at that time, nothing is written."""
    write(stack, order(order_id="spoilt"))
    snapshot(stack)
    write(stack, order(13, status="DISPATCHED", order_id="spoilt"))
    there = rows(stack)
    ran = restore("--write-over", "spoilt", "--write-over", "unknown")
    assert (ran.status, "no order unknown at that time" in ran.err, rows(stack)) == (1, True, there)


def test_erasure_record_is_never_overwritten(stack: DeployedStack, restore: Run) -> None:
    """The record of an erasure is never overwritten by an older one, and later erasures are to be repeated."""
    stack.dynamodb.put_item(TableName=TABLE, Item=erasure(1))
    snapshot(stack)
    newer = erasure(2, done_at="2999-10-14T09:01:00Z")
    stack.dynamodb.put_item(TableName=TABLE, Item=newer)
    restored = restore()
    assert [*rows(stack).values()] == [newer]
    assert "`partner-orders forget` again" in restored.err
    assert "1 erasure: repeat" in restored.out


def test_restore_makes_and_awaits_the_table(
    stack: DeployedStack, restore: Run, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore makes the table of that time, waits until it is active, and records who did it."""
    write(stack, order())
    asked: list[Any] = []
    plain, states = stack.dynamodb.restore_table_to_point_in_time, iter([None, "CREATING", "CREATING"])

    def restore_table(**request: Any) -> Any:
        asked.append(request)
        return plain(**request)

    monkeypatch.setattr(stack.dynamodb, "restore_table_to_point_in_time", restore_table)
    real = table_restore._status
    monkeypatch.setattr(table_restore, "_status", lambda *of: next(states, real(*of)))
    waits: list[float] = []
    monkeypatch.setattr(table_restore, "time", SimpleNamespace(sleep=waits.append))
    assert restore().status == 0
    [request] = asked
    assert request["TargetTableName"] == RESTORED
    assert request["RestoreDateTime"].isoformat() == to
    assert len(waits) == 2
    record = table_restore._newest(stack)
    assert record is not None
    assert record["by"].startswith("arn:aws:")
    assert record["done_at"] > record["started_at"]


def test_preview_changes_nothing(run: Run, stack: DeployedStack, consumer: Consumer, to: str) -> None:
    """A preview names source, target, time, size and what must be paused, and changes nothing."""
    write(stack, order())
    consumer.state = "Enabled"
    before = rows(stack)
    ran = run("table", "restore", "--to", to, "--preview", "--json")
    assert (ran.status, rows(stack), table_restore._newest(stack)) == (0, before, None)
    plan = ran.json
    assert (plan["source"], plan["target"], plan["to"], plan["rows"]) == (TABLE, RESTORED, to, 1)
    assert (plan["consumer_is_paused"], plan["is_there"]) == (False, False)
    assert "pause it before you restore" in run("table", "restore", "--to", to, "--preview").out
    assert stack.dynamodb.list_tables()["TableNames"] == [TABLE]


def test_consumer_has_to_be_paused(stack: DeployedStack, consumer: Consumer, restore: Run) -> None:
    """Nothing is restored while the consumer receives events, by its alias too."""
    consumer.state = "Enabled"
    stack.parameters["GradualDeployment"] = "ENABLED"
    ran = restore()
    assert (ran.status, "consumer pause --reason" in ran.err) == (1, True)
    assert consumer.asked == ["consumer:live"]
    assert stack.dynamodb.list_tables()["TableNames"] == [TABLE]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yesterday", "is not a time"),
        ("2h", "is not a time"),
        ("2020-01-01T00:00:00Z", "Choose a time from"),
        ("9999-12-31T23:59:59-23:59", "is not a time"),
    ],
)
def test_invalid_time_is_explained(run: Run, to: str, text: str, says: str) -> None:
    """A time that is none, or out of reach, is refused with what to do."""
    ran = run("table", "restore", "--to", text, "--yes")
    assert (ran.status, says in ran.err) == (1, True)


def test_local_stack_takes_earlier_times(stack: DeployedStack, to: str) -> None:
    """On this machine an earlier time is taken, since the emulator keeps no past; a later one is refused."""
    local = dataclasses.replace(stack, endpoint_url="http://localhost:4566")
    local.__dict__.update(outputs=stack.outputs, parameters=stack.parameters, dynamodb=stack.dynamodb)
    when = datetime.fromisoformat(to)
    assert not table_restore.plan(local, when - timedelta(days=1)).is_there
    with pytest.raises(OperatorError, match="cannot be restored"):
        table_restore.plan(local, when + timedelta(days=1))


def test_recovery_that_is_off_is_explained(run: Run, consumer: Consumer) -> None:
    """If point-in-time recovery is off, the command says so."""
    ran = run("table", "restore", "--to", "2026-03-14T09:00:00Z", "--preview")
    assert (ran.status, "point-in-time recovery of orders is off" in ran.err) == (1, True)


def test_other_restored_table_is_left_alone(stack: DeployedStack, restore: Run) -> None:
    """A table in the way that this restore did not make is named, and not used."""
    stack.dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=RESTORED)
    ran = restore()
    assert (ran.status, f"delete-table --table-name {RESTORED}" in ran.err) == (1, True)


def test_restore_asks_first(run: Run, stack: DeployedStack, to: str) -> None:
    """Without an answer nothing is restored."""
    assert run("table", "restore", "--to", to).status == 3
    assert stack.dynamodb.list_tables()["TableNames"] == [TABLE]
