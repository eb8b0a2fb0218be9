"""What is done to a reconciler's world: rows written by hand, and answers changed on their way."""

import json
from collections.abc import Callable
from typing import Any

from partner_orders.reconciler.report import Report
from tests.support.orders_table import TABLE
from tests.support.reconciler_world import World
from tools.local.simulated_platform.partner_api import Response

type Change = Callable[[Any, Response], Response]


def set_store(world: World, store_id: str, **text: str) -> None:
    names = {f"#{name}": name for name in text}
    world.dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "STORES"}, "sk": {"S": f"STORE#{store_id}"}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in text),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in text.items()},
    )


def between(world: World, change: Change) -> None:
    """Change the platform's answers on their way."""
    handle = world.api.handle
    world.api.handle = lambda request, now: change(request, handle(request, now))  # type: ignore[method-assign]


def edited(answer: Response, **changes: Any) -> Response:
    return Response(answer.status, answer.headers, json.dumps(json.loads(answer.body) | changes).encode())


def only_backfills(world: World, seconds: float = 900.0) -> Report:
    deadline = world.time.seconds + seconds
    return world.worker.run("run", lambda: deadline - world.time.seconds, only_backfills=True)
