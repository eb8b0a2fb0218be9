"""What changes in the orders table, as its stream tells it, and each change as a line for people."""

from collections.abc import Iterator
from typing import Any

from partner_orders.answers.stored import order_answers
from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.orders.stored import events_of
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.table import Backfill, backfill_of, report_of
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.words import counted


class Changes:
    """The rows of the orders table that are written from now on. Raises OperatorError if the stream is off."""

    def __init__(self, stack: DeployedStack) -> None:
        self._client = stack.client("dynamodbstreams")
        table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
        if "LatestStreamArn" not in table:
            raise OperatorError("the table's stream is off", "Deploy the stack again with ChangeEvents=ENABLED.")
        self._arn = table["LatestStreamArn"]
        self._iterators: dict[str, str | None] = {}
        self._find_shards("LATEST")

    def rows(self) -> Iterator[Row]:
        """The rows that were written since the last call, as they were then."""
        return (after for _, after in self.changes())

    def changes(self) -> Iterator[tuple[Row | None, Row]]:
        """Each row that was written since the last call, before and after; before is None for a new one."""
        # A shard that follows one that ended is read whole.
        self._find_shards("TRIM_HORIZON")
        for shard_id, iterator in [*self._iterators.items()]:
            if iterator is None:
                continue
            answer = self._client.get_records(ShardIterator=iterator)
            self._iterators[shard_id] = answer.get("NextShardIterator")
            for record in answer["Records"]:
                change = record["dynamodb"]
                if "NewImage" in change:
                    before = from_attributes(change["OldImage"]) if "OldImage" in change else None
                    yield before, from_attributes(change["NewImage"])

    def _find_shards(self, begin: str) -> None:
        start: dict[str, Any] = {}
        while True:
            found = self._client.describe_stream(StreamArn=self._arn, **start)["StreamDescription"]
            for shard in found["Shards"]:
                shard_id = shard["ShardId"]
                if shard_id in self._iterators:
                    continue
                has_ended = "EndingSequenceNumber" in shard["SequenceNumberRange"]
                self._iterators[shard_id] = None if has_ended and begin == "LATEST" else self._iterator(shard_id, begin)
            if "LastEvaluatedShardId" not in found:
                return
            start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}

    def _iterator(self, shard_id: str, begin: str) -> str:
        answer = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=shard_id, ShardIteratorType=begin)
        return str(answer["ShardIterator"])


def line_of(before: Row | None, after: Row) -> str | None:
    """A change of the table as a line for people; None for a change that nothing arrived by.

    ``before`` and ``after`` are the row, before None for a new one. The line has ids, statuses and counts, and no
    customer's data.
    """
    key = (after["pk"], after["sk"])
    if key[1] == keys.ORDER:
        return _order_line(before, after)
    if key[1] == keys.ANSWERS:
        return _answers_line(before, after)
    if key[1] == keys.REJECTED:
        if "reason" not in after:
            return None  # Made ready for its body, which follows.
        digest = keys.rejected_digest_of(key[0])
        return f"rejected    {digest}  {after.get('reason')}, by {after.get('source')}"
    if key[1].startswith(keys.REPORT):
        report = report_of(after)
        return _run_line(report) if is_regular(report) else None
    if key[1].startswith(keys.BACKFILL):
        backfill = backfill_of(after)
        return _backfill_line(backfill) if backfill.is_done else None
    return None


def _order_line(before: Row | None, after: Row) -> str | None:
    had, has = events_of(before or {}), events_of(after)
    if not (new := [event for digest, event in has.items() if digest not in had]):
        return None  # Only published again, confirmed or made smaller.
    newest = max(new, key=lambda event: str(event["received_at"]))
    place = f"store {after.get('store_id', '(none)')}, by {newest['source']}"
    was = f"{before['status']} → " if before and before.get("status") != after.get("status") else ""
    return f"stored      {keys.order_id_of(after['pk'])}  {was}{after.get('status')}, {place}"


def _answers_line(before: Row | None, after: Row) -> str | None:
    """Which answers to an order were accepted, and which have their outcome; None for steps between these."""
    order_id = keys.order_id_of(after["pk"])
    had = {stored.number: stored for stored in order_answers(order_id, before).answers}
    said = []
    for stored in order_answers(order_id, after).answers:
        name = f"{stored.answer.answer_id} ({stored.answer.kind})"
        known = had.get(stored.number)
        if stored.ending is not None and (known is None or known.is_open):
            why = f", {stored.ending.reason}" if stored.ending.reason else ""
            said.append(f"{name} {stored.ending.outcome}{why}")
        elif known is None:
            said.append(f"{name} accepted")
    return f"answered    {order_id}  {'; '.join(said)}" if said else None


def _run_line(report: dict[str, Any]) -> str:
    failed = f", {counted(len(report['failed_stores']), 'store')} failed" if report["failed_stores"] else ""
    stopped = f", stopped: {report['stopped']}" if report["stopped"] else ""
    return (
        f"reconciled  {counted(report['stores_checked'], 'store')}: {counted(report['missing'], 'order')} missing,"
        f" {report['different']} different, {report['enqueued']} enqueued{failed}{stopped}"
    )


def _backfill_line(backfill: Backfill) -> str:
    counts = {name: backfill.counts.get(name, 0) for name in ("missing", "different", "enqueued")}
    kind = "a preview" if backfill.preview else "a window"
    return (
        f"reconciled  {kind} of {counted(backfill.stores, 'store')}: {counted(counts['missing'], 'order')} missing,"
        f" {counts['different']} different, {counts['enqueued']} enqueued"
    )
