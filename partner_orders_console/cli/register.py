"""``partner-orders register``: what to paste into the plug-in, and whether it works."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from partner_orders.aws import keys
from partner_orders.aws.attribute_values import Row, from_attributes
from partner_orders.clock import from_text, now
from partner_orders.order_events.message import WEBHOOK
from partner_orders.orders.stored import events_of
from partner_orders_console.cli.call import stack_of
from partner_orders_console.cli.output import print_text, say, working
from partner_orders_console.cli.secrets import ShowSecret
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack
from partner_orders_console.operations.webhook_secret import webhook_secret


def register(
    context: typer.Context,
    show_secret: ShowSecret = False,
    timeout: Annotated[int, typer.Option(help="seconds to wait for the test order; 0 for not at all", min=0)] = 600,
) -> None:
    """Step by step, what to paste into the Shop Integrations plug-in; then wait for the platform's test order.

    Example: partner-orders register --show-secret
    """
    stack = stack_of(context)
    secret = webhook_secret(stack) if show_secret else "(--show-secret prints it here)"
    steps = (
        "In the partner portal open Shop Integrations.",
        f"Webhook URL for orders:  {stack.webhook_url}",
        f"Webhook secret:          {secret}",
        "Save, and press Test Order.",
    )
    began, changes = now(), Changes(stack) if timeout else None
    for number, step in enumerate(steps, start=1):
        print_text(f"{number}. {step}")
    if changes is None:
        return
    say(f"waiting for the test order, {timeout} seconds at most (Ctrl-C ends it)")
    with working("waiting"):
        found = _arrival(stack, changes, began, timeout)
    if not found:
        raise OperatorError(
            "nothing new arrived",
            "`partner-orders doctor` tries the webhook. Are URL and secret in the plug-in exactly as above?"
            " An event that was here before, to the last field, is not seen: `partner-orders orders find`.",
        )
    say(found)


class Changes:
    """The changes of the orders table from now on, as its stream tells them."""

    def __init__(self, stack: DeployedStack) -> None:
        self._client = stack.client("dynamodbstreams")
        table = stack.dynamodb.describe_table(TableName=stack.table_name)["Table"]
        if "LatestStreamArn" not in table:
            raise OperatorError("the table's stream is off", "Deploy the stack again, or say --timeout 0.")
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


def _arrival(stack: DeployedStack, changes: Changes, began: datetime, timeout: int) -> str:
    """What arrived first since, if anything did. Raises OperatorError if it is of another chain."""
    while (now() - began).total_seconds() < timeout:
        for row in changes.rows():
            if row["sk"] == keys.ORDER and _came_since(row, began):
                return _order(stack, keys.order_id_of(row["pk"]), row)
            if row["sk"] == keys.REJECTED and _was_received_since(row, began):
                digest = keys.rejected_digest_of(row["pk"])
                return f"an event arrived and was rejected: partner-orders rejected show {digest}"
        time.sleep(2.0)
    return ""


def _was_received_since(row: Row, began: datetime) -> bool:
    return "last_received_at" in row and from_text(row["last_received_at"]) >= began


def _came_since(row: Row, began: datetime) -> bool:
    events = events_of(row).values()
    return any(event["source"] == WEBHOOK and from_text(event["received_at"]) >= began for event in events)


def _order(stack: DeployedStack, order_id: str, row: Row) -> str:
    ours = stack.parameters.get("ChainId", "")
    if row.get("chain_id", ours).lower() != ours.lower():
        raise OperatorError(
            f"an order of another chain arrived: {order_id}, chain_id {row['chain_id']}",
            f"This stack is of chain {ours}, and so neither registers nor reconciles its store. If that is wrong,"
            " deploy it again with the right ChainId (samconfig.toml).",
        )
    return f"an order of store {row.get('store_id', '(none)')} arrived: {order_id}, {row.get('status')}"
