"""Restoring lost rows of the table from a point in time.

DynamoDB restores into a new table only, so each row is read there and written back. Every call does the whole again:
rows that are there stay as they are, so an interrupted call is repeated.

Answers are never written over, and none is sent from a restored row: whether it was sent since, that row cannot say.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from partner_orders.answers.judgement import Outcome
from partner_orders.answers.stored import Ending, with_open_ones_ended
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row
from partner_orders.aws.dynamodb import ConditionFailedError, Table
from partner_orders.aws.update import Condition, Update, absent
from partner_orders.clock import from_text, now, to_text
from partner_orders.orders.stored import EVENT
from partner_orders_console.operations.callers import caller
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.moments import instant
from partner_orders_console.operations.progress import Progress, silent
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted

SCHEMA_VERSION = 1
# Subscribers may have seen later changes than the restored one, so each restore continues above all of them.
SEQUENCES_OF_A_RESTORE = 1_000_000
# What the reconciler remembers stays as it is.
_PREFIXES = (keys.order_partition(""), keys.rejected("").pk)
_PARTITIONS = {keys.STORES, keys.ERASURES}
_PAUSE_SECONDS = 15.0
_AT_ONCE = 8  # writes; a client has ten connections
# Why an answer that was open then has the outcome "unknown".
TABLE_RESTORED = "table_restored"
_NOT_RECEIVING = {"Disabled", "Disabling"}


@dataclass(frozen=True)
class Plan:
    """What a restore to ``to`` (UTC) does. ``earliest`` and ``latest`` bound the times that can be restored; ``rows``
    and ``size_bytes`` are of the present table, as DynamoDB counts them every six hours. ``is_there`` says that the
    table ``target`` exists already and is of that time. ``erasures_since`` are those whose data comes back."""

    source: str
    target: str
    to: datetime
    earliest: datetime
    latest: datetime
    rows: int
    size_bytes: int
    consumer_is_paused: bool
    is_there: bool
    erasures_since: int


@dataclass
class Restored:
    """How many rows were written back, by kind. ``begun_anew`` are orders that were lost and came again since without
    their past: they were left as they are."""

    target: str
    rows: dict[str, int] = field(default_factory=dict)
    begun_anew: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def note(self, pk: str) -> None:
        kind = pk.partition("#")[0].lower()
        self.rows[kind] = self.rows.get(kind, 0) + 1


def restore_time(text: str) -> datetime:
    """The exact time (UTC) that a text in ISO 8601 means; without an offset it is in UTC. Raises OperatorError."""
    try:
        return instant(text)
    except (ValueError, OverflowError):
        raise OperatorError(f"{text!r} is not a time", "Use e.g. 2026-03-14T09:00:00Z.") from None


def plan(stack: DeployedStack, to: datetime) -> Plan:
    """What a restore would do; changes nothing. Raises OperatorError if the table cannot be restored to that time, or
    if the table to restore into exists and is of another time."""
    source, target = stack.table_name, target_of(stack)
    description = stack.dynamodb.describe_table(TableName=source)["Table"]
    earliest, latest = _restorable(stack)
    is_there = _status(stack, target) is not None
    if is_there and _time_of_target(stack, target) != to:
        raise OperatorError(
            f"the table {target} already exists and was restored to another time",
            f"`aws dynamodb delete-table --table-name {target}` deletes it, once nobody needs it.",
        )
    # The emulator of `make up` calls the present moment the earliest, and restores the present state.
    is_in_reach = to <= latest and (earliest <= to or stack.endpoint_url is not None)
    if not is_there and not is_in_reach:
        raise OperatorError(
            f"the table cannot be restored to {to_text(to)}",
            f"Choose a time from {to_text(earliest)} to {to_text(latest)}.",
        )
    return Plan(
        source,
        target,
        to,
        earliest,
        latest,
        description["ItemCount"],
        description["TableSizeBytes"],
        not _consumer_receives(stack),
        is_there,
        _erasures_since(stack, to),
    )


def restore(
    stack: DeployedStack, plan: Plan, write_over: tuple[str, ...] = (), progress: Progress = silent
) -> Restored:
    """Restore the table's state into a table of its own, and write back the rows that are lost. With ``write_over``
    (order ids), write these orders back whole, over what is there, and nothing else.

    Safe to repeat, and to interrupt. Raises OperatorError while the consumer receives events, and if an order of
    ``write_over`` did not exist at that time.
    """
    require_paused(plan)
    number = _begin(stack, plan)
    if not plan.is_there:
        _restore_into_target(stack, plan)
    _wait_until_active(stack, plan.target, progress)
    work = _Copying(stack, plan, number, progress)
    restored = work.write_over(write_over) if write_over else work.write_lost()
    Table(stack.dynamodb, plan.source).update(keys.restore(number), Update().set("done_at", to_text(now())))
    return restored


def require_paused(plan: Plan) -> None:
    """Raises OperatorError while the consumer receives events: a lost order would begin anew."""
    if not plan.consumer_is_paused:
        raise OperatorError(
            "the consumer receives events", 'Pause it: `partner-orders consumer pause --reason "restoring the table"`.'
        )


def target_of(stack: DeployedStack) -> str:
    """The name of the table that is restored into."""
    return f"{stack.table_name}-restored"


class _Copying:
    """Writes rows of the restored table back; ``number`` is the restore's."""

    def __init__(self, stack: DeployedStack, plan: Plan, number: int, progress: Progress) -> None:
        self._table = Table(stack.dynamodb, plan.source)
        self._restored = Table(stack.dynamodb, plan.target)
        self._later = number * SEQUENCES_OF_A_RESTORE
        self._progress = progress
        self._result = Restored(plan.target)

    def write_lost(self) -> Restored:
        """Write every row that is not there."""
        read = 0
        with ThreadPoolExecutor(_AT_ONCE) as executor:
            for page in self._pages():
                written = executor.map(self._write_if_lost, page)
                for row, is_written in zip(page, written, strict=True):
                    if is_written:
                        self._result.note(row["pk"])
                    read += 1
                    self._progress(f"{read:,} rows read, {self._result.total:,} written back")
        self._result.begun_anew.sort()
        return self._result

    def write_over(self, order_ids: tuple[str, ...]) -> Restored:
        """Write every row of these orders, over what is there."""
        orders = {order_id: self._rows_of(order_id) for order_id in order_ids}
        for order_id, rows in orders.items():
            if not rows:
                raise OperatorError(
                    f"there was no order {order_id} at that time", "Nothing was written. Check the id and the time."
                )
        for number, rows in enumerate(orders.values(), 1):
            for row in rows:
                if row["sk"] != keys.ANSWERS:
                    self._write(row, condition=None)
                elif not self._write_if_lost(row):
                    continue
                self._result.note(row["pk"])
            self._progress(f"{counted(number, 'order')} of {len(orders)} written back")
        return self._result

    def _pages(self) -> Iterator[list[Row]]:
        after: dict[str, str] | None = None
        while after is None or after:
            rows, after = self._restored.scan_page(after)
            yield [row for row in rows if row["pk"].startswith(_PREFIXES) or row["pk"] in _PARTITIONS]

    def _rows_of(self, order_id: str) -> list[Row]:
        # In the order of the sort key: bodies before the order's own row, which refers to them.
        return [*self._restored.query(keys.order_partition(order_id), consistent=True)]

    def _write_if_lost(self, row: Row) -> bool:
        try:
            self._write(row, absent("pk"))
        except ConditionFailedError as error:
            there = error.row or {}
            if row["sk"] == keys.ORDER and any(name.startswith(EVENT) and name not in there for name in row):
                self._result.begun_anew.append(keys.order_id_of(row["pk"]))
            return False
        return True

    def _write(self, row: Row, condition: Condition | None) -> None:
        if row["sk"] == keys.ORDER:
            row = row | {"sequence": row.get("sequence", 0) + self._later}
        elif row["sk"] == keys.ANSWERS:
            row = with_open_ones_ended(row, Ending(Outcome.UNKNOWN, now(), TABLE_RESTORED))
        self._table.put(keys.Key(row["pk"], row["sk"]), row, condition, row_on_failure=True)


def _restorable(stack: DeployedStack) -> tuple[datetime, datetime]:
    """The first and the last time that the table can be restored to. Raises OperatorError if it cannot be."""
    found = stack.dynamodb.describe_continuous_backups(TableName=stack.table_name)["ContinuousBackupsDescription"]
    recovery: dict[str, Any] = found.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED" or "LatestRestorableDateTime" not in recovery:
        raise OperatorError(
            f"point-in-time recovery of {stack.table_name} is off",
            "Deploy the stack again to switch it on. A time before that cannot be restored.",
        )
    return recovery["EarliestRestorableDateTime"].astimezone(UTC), recovery["LatestRestorableDateTime"].astimezone(UTC)


def _status(stack: DeployedStack, table: str) -> str | None:
    """DynamoDB's word for a table's state; None if there is no such table."""
    try:
        return str(stack.dynamodb.describe_table(TableName=table)["Table"]["TableStatus"])
    except stack.dynamodb.exceptions.ResourceNotFoundException:
        return None


def _time_of_target(stack: DeployedStack, target: str) -> datetime | None:
    """Which time the restored table is of; None if no restore of ours made it."""
    newest = _newest(stack)
    return from_text(newest["to"]) if newest and newest["target"] == target else None


def _newest(stack: DeployedStack) -> Row | None:
    table = stack.table
    return next(table.query(keys.RESTORES, newest_first=True, limit=1, consistent=True), None)


def _begin(stack: DeployedStack, plan: Plan) -> int:
    """Record that a restore begins; its number. A repeated call has a number of its own, so that no sequence is used
    twice."""
    row = {
        "schema_version": SCHEMA_VERSION,
        "to": to_text(plan.to),
        "target": plan.target,
        "started_at": to_text(now()),
        "by": caller(stack),
    }
    while True:
        newest = _newest(stack)
        number = 1 + int(newest["sk"]) if newest else 1
        try:
            stack.table.put(keys.restore(number), row, absent("pk"))
        except ConditionFailedError:
            continue  # Somebody else took the number.
        return number


def _restore_into_target(stack: DeployedStack, plan: Plan) -> None:
    stack.dynamodb.restore_table_to_point_in_time(
        SourceTableName=plan.source, TargetTableName=plan.target, RestoreDateTime=plan.to
    )


def _wait_until_active(stack: DeployedStack, target: str, progress: Progress) -> None:
    began = now()
    while (status := _status(stack, target)) == "CREATING":
        minutes = (now() - began).seconds // 60
        progress(f"DynamoDB restores into {target} since {minutes} min; it may take an hour")
        time.sleep(_PAUSE_SECONDS)
    if status not in {"ACTIVE", "UPDATING"}:
        raise OperatorError(f"the table {target} is {status or 'gone'}", "Delete it and start again.")


def _consumer_receives(stack: DeployedStack) -> bool:
    return any(mapping.get("State") not in _NOT_RECEIVING for mapping in stack.event_sources("Consumer"))


def _erasures_since(stack: DeployedStack, to: datetime) -> int:
    """How many erasures were not over at that time."""
    rows = stack.table.query(keys.ERASURES, consistent=True)
    return sum(_was_under_way(row, to_text(to)) for row in rows)


def _was_under_way(row: Row, to: str) -> bool:
    done_at = json.loads(row.get("progress", "{}")).get("done_at", "")
    return not done_at or done_at >= to
