"""What changes in the orders table, as its stream tells it, and each change as a line for people."""

from collections.abc import Iterator
from typing import Any

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.orders.stored import events_of
from partner_orders.reconciler.stop_reason import StopReason
from partner_orders.reconciler.table import report_of
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
        # A shard that follows one that ended is read whole.
        self._find_shards("TRIM_HORIZON")
        for shard_id, iterator in [*self._iterators.items()]:
            if iterator is None:
                continue
            answer = self._client.get_records(ShardIterator=iterator)
            self._iterators[shard_id] = answer.get("NextShardIterator")
            for record in answer["Records"]:
                if "NewImage" in record["dynamodb"]:
                    yield from_attributes(record["dynamodb"]["NewImage"])

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


def line_of(row: Row) -> str:
    """A changed row as a line: an order's state and source, a rejected event's reason, a run of the reconciler. Empty
    for rows that nobody watches for. It holds no personal data."""
    match row.get("sk"):
        case keys.ORDER:
            return _order(row)
        case keys.REJECTED:
            return f"rejected   {keys.rejected_digest_of(row['pk'])}  {row.get('reason', '?')}"
    if str(row.get("sk", "")).startswith(keys.REPORT):
        return _run(report_of(row))
    return ""


def _order(row: Row) -> str:
    events = events_of(row)
    newest = max(events.values(), key=lambda event: event["received_at"], default={})
    facts = (
        f"order      {keys.order_id_of(row['pk'])}",
        str(row.get("status", "?")),
        f"store {row.get('listed_under', '').removeprefix('STORE#') or '?'}",
        f"by {newest.get('source', '?')}",
        f"{len(events)} events" if len(events) != 1 else "1 event",
    )
    return "  ".join(facts)


def _run(report: dict[str, Any]) -> str:
    if report["stopped"] == StopReason.UNDER_WAY:
        return ""
    stopped = f"  stopped: {report['stopped']}" if report["stopped"] else ""
    failed = f"  {counted(len(report['failed_stores']), 'store')} failed" if report["failed_stores"] else ""
    found = f"missing {report['missing']}  different {report['different']}"
    return f"reconciled {counted(report['orders_checked'], 'order')}  {found}{failed}{stopped}"
