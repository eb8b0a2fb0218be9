"""``partner-orders register``: what to paste into the plug-in, and whether it works."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from partner_orders.clock import from_text, now
from partner_orders.order_events.message import WEBHOOK
from partner_orders.orders.stored import EVENT, Item
from partner_orders_console.cli.errors import OperatorError
from partner_orders_console.cli.output import print_text, say, working
from partner_orders_console.cli.secrets import ShowSecret, webhook_secret
from partner_orders_console.cli.stack import DeployedStack


def register(
    context: typer.Context,
    show_secret: ShowSecret = False,
    timeout: Annotated[int, typer.Option(help="seconds to wait for the test order; 0 for not at all", min=0)] = 600,
) -> None:
    """Step by step, what to paste into the Shop Integrations plug-in; then wait for the platform's test order.

    Example: partner-orders register --show-secret
    """
    stack = DeployedStack.find(context.obj)
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

    def rows(self) -> Iterator[Item]:
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
                    yield record["dynamodb"]["NewImage"]

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
            kind, _, name = row["pk"]["S"].partition("#")
            if kind == "ORDER" and _came_since(row, began):
                return _order(stack, name, row)
            if kind == "REJECTED" and "last_received_at" in row and from_text(row["last_received_at"]["S"]) >= began:
                return f"an event arrived and was rejected: partner-orders rejected show {name}"
        time.sleep(2.0)
    return ""


def _came_since(row: Item, began: datetime) -> bool:
    events = (value["M"] for name, value in row.items() if name.startswith(EVENT))
    return any(event["source"]["S"] == WEBHOOK and from_text(event["received_at"]["S"]) >= began for event in events)


def _order(stack: DeployedStack, order_id: str, row: Item) -> str:
    text = {name: row[name]["S"] for name in ("chain_id", "store_id", "status") if name in row}
    ours = stack.parameters.get("ChainId", "")
    if text.get("chain_id", ours).lower() != ours.lower():
        raise OperatorError(
            f"an order of another chain arrived: {order_id}, chain_id {text['chain_id']}",
            f"This stack is of chain {ours}, and so neither registers nor reconciles its store. If that is wrong,"
            " deploy it again with the right ChainId (samconfig.toml).",
        )
    return f"an order of store {text.get('store_id', '(none)')} arrived: {order_id}, {text.get('status')}"
