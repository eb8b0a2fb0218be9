"""What arrives at the stack of `make up`, a plain line for each order, rejected event, refused request and run."""

import time
from collections import Counter
from collections.abc import Iterator

from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders_console.operations.changes import line_of
from partner_orders_console.operations.refused_requests import line_of_log
from tools.local.stack import Stack

WEBHOOK_LOGS = "WebhookLogGroup"


def arrivals(stack: Stack, pause_seconds: float = 1.0) -> Iterator[str]:
    """The lines of everything that arrives from now on, without end. Raises botocore's errors."""
    changes, refusals = TableChanges(stack), FunctionLog(stack, WEBHOOK_LOGS)
    while True:
        for before, after in changes.since_last_look():
            if line := line_of(before, after):
                yield line
        for message in refusals.since_last_look():
            if line := line_of_log(message):
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
    """The lines of a function's log from now on. ``group`` is the logical id of its log group, in the stack itself or
    in the one of that name."""

    def __init__(self, stack: Stack, group: str, stack_name: str = "") -> None:
        resource = stack.client("cloudformation").describe_stack_resource(
            StackName=stack_name or stack.stack_name, LogicalResourceId=group
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
