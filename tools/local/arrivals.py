"""What arrives at the stack of `make up`, a plain line for each order, rejected event, refused request and run."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.orders.stored import events_of
from partner_orders.reconciler.report import is_regular
from partner_orders.reconciler.table import Backfill, backfill_of, report_of
from tools.local.stack import Stack

# The metrics of the webhook function that count a request without an order, and what each of them means.
REFUSED = {
    "RefusedUnauthorized": "a request with a wrong secret or none (401)",
    "RefusedTooLarge": "a body over the limit (413)",
    "Unavailable": "a request, since the secret or the queue could not be reached (503)",
}
WEBHOOK_LOGS = "WebhookLogGroup"


def line_of(before: Row | None, after: Row) -> str | None:
    """A change of the table as a line for people; None for a change that nothing arrived by.

    ``before`` and ``after`` are the row, before None for a new one. The line has ids, statuses and counts, and no
    customer's data.
    """
    key = (after["pk"], after["sk"])
    if key[1] == keys.ORDER:
        return _order_line(before, after)
    if key[1] == keys.REJECTED:
        digest = keys.rejected_digest_of(key[0])
        return f"rejected    {digest}  {after.get('reason')}, by {after.get('source')}"
    if key[1].startswith(keys.REPORT):
        report = report_of(after)
        return _run_line(report) if is_regular(report) else None
    if key[1].startswith(keys.BACKFILL):
        backfill = backfill_of(after)
        return _backfill_line(backfill) if backfill.is_done else None
    return None


def refused_line(message: str) -> str | None:
    """A line of the webhook's log as a line for people; None if it is not about a request that was refused."""
    try:
        counted = json.loads(message)
    except ValueError:
        return None
    if not isinstance(counted, dict):
        return None
    return next((f"refused     {text}" for name, text in REFUSED.items() if name in counted), None)


def arrivals(stack: Stack, pause_seconds: float = 1.0) -> Iterator[str]:
    """The lines of everything that arrives from now on, without end. Raises botocore's errors."""
    changes, refusals = TableChanges(stack), FunctionLog(stack, WEBHOOK_LOGS)
    while True:
        for before, after in changes.since_last_look():
            if line := line_of(before, after):
                yield line
        for message in refusals.since_last_look():
            if line := refused_line(message):
                yield line
        time.sleep(pause_seconds)


class TableChanges:
    """The changes of the orders table from now on, read from its stream."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("dynamodbstreams")
        table = stack.client("dynamodb").describe_table(TableName=stack.outputs["OrdersTableName"])["Table"]
        shards = self._client.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
        # MiniStack has one shard, and never ends it.
        self._iterators = [
            self._client.get_shard_iterator(
                StreamArn=table["LatestStreamArn"], ShardId=shard["ShardId"], ShardIteratorType="LATEST"
            )["ShardIterator"]
            for shard in shards
        ]

    def since_last_look(self) -> Iterator[tuple[Row | None, Row]]:
        """Each row that was written, before and after."""
        for number, iterator in enumerate(self._iterators):
            found = self._client.get_records(ShardIterator=iterator)
            self._iterators[number] = found["NextShardIterator"]
            for change in (record["dynamodb"] for record in found["Records"]):
                if "NewImage" in change:
                    before = from_attributes(change["OldImage"]) if "OldImage" in change else None
                    yield before, from_attributes(change["NewImage"])


class FunctionLog:
    """The lines of a function's log from now on. ``group`` is the logical id of its log group."""

    def __init__(self, stack: Stack, group: str) -> None:
        resource = stack.client("cloudformation").describe_stack_resource(
            StackName=stack.stack_name, LogicalResourceId=group
        )
        self._group = resource["StackResourceDetail"]["PhysicalResourceId"]
        self._client = stack.client("logs")
        self._since = int(time.time() * 1000)
        self._seen: Counter[tuple[str, int, str]] = Counter()

    def since_last_look(self) -> Iterator[str]:
        """Each line that was written."""
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=self._since
        )
        lines: Counter[tuple[str, int, str]] = Counter()
        for event in (event for page in pages for event in page["events"]):
            # MiniStack gives events no id, and two of one millisecond may be alike.
            lines[line := (event["logStreamName"], event["timestamp"], event["message"])] += 1
            if lines[line] > self._seen[line]:
                yield event["message"]
        self._seen |= lines


def _order_line(before: Row | None, after: Row) -> str | None:
    had, has = events_of(before or {}), events_of(after)
    if not (new := [event for digest, event in has.items() if digest not in had]):
        return None  # Only published again, confirmed or made smaller.
    newest = max(new, key=lambda event: str(event["received_at"]))
    place = f"store {after.get('store_id', '(none)')}, by {newest['source']}"
    was = f"{before['status']} → " if before and before.get("status") != after.get("status") else ""
    return f"stored      {keys.order_id_of(after['pk'])}  {was}{after.get('status')}, {place}"


def _run_line(report: dict[str, Any]) -> str:
    failed = f", {len(report['failed_stores'])} stores failed" if report["failed_stores"] else ""
    stopped = f", stopped: {report['stopped']}" if report["stopped"] else ""
    return (
        f"reconciled  {report['stores_checked']} stores: {report['missing']} orders missing,"
        f" {report['different']} different, {report['enqueued']} enqueued{failed}{stopped}"
    )


def _backfill_line(backfill: Backfill) -> str:
    counts = {name: backfill.counts.get(name, 0) for name in ("missing", "different", "enqueued")}
    kind = "a preview" if backfill.preview else "a window"
    return (
        f"reconciled  {kind} of {backfill.stores} stores: {counts['missing']} orders missing,"
        f" {counts['different']} different, {counts['enqueued']} enqueued"
    )
