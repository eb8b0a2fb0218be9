"""How long the desk takes for its pages, on the local stack with a busy day's orders, when nothing is remembered."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import requests
from rich.console import Console

from partner_orders.clock import now
from partner_orders.order_events.message import WEBHOOK
from partner_orders.orders.event import Arrival, parse_event
from partner_orders_console.desk.desk import Desk, Options
from partner_orders_console.desk.serving import serving
from partner_orders_console.operations.stack import DeployedStack
from tools.local.simulated_platform.lives import to_text, trading_hour
from tools.local.up import CHAIN_ID, running_stack

ORDERS, STORES = 10_000, 10
_PATTERNS = 200  # distinct orders that the day is made of
_ROUNDS = 5
_WRITERS = 8
# The pages, and those of their parts that are read for themselves.
PAGES = {
    "Now": "/",
    "Now: the flow": "/now/flow",
    "Now: last webhook by store": "/now/webhooks",
    "Orders of the day": "/orders",
    "Orders of the day, the oldest first": "/orders?sort=oldest",
    "Open orders": "/orders?open=1&sort=oldest",
    "Orders of a rare status": "/orders?status=CANCELLED",
    "One order": "/orders/{order_id}",
    "An order by its code": "/orders?id={order_code}",
    "Reconciliation": "/reconciliation",
    "Reconciliation: missed webhooks": "/reconciliation/missed",
    "Trouble": "/trouble",
    "Trouble: queues over time": "/trouble/queues",
    "Trouble: secrets": "/trouble/secrets",
    "Stores": "/stores",
    "Answers": "/answers",
}


def measured() -> dict[str, Any]:
    """Seconds of the first view and of each page. Raises ProcessFailedError."""
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}) as local:
        stack = local.deployed()
        named = _fill(stack)
        with serving(local.deployed, Options()) as desk:
            first = _seconds(desk, session := requests.Session(), "/", enter=True)
            pages = {name: _page(desk, session, path.format_map(named)) for name, path in PAGES.items()}
    return {"orders": ORDERS, "stores": STORES, "first_view": first, "pages": pages}


def _page(desk: Desk, session: requests.Session, path: str) -> float:
    """The median of some rounds, each with nothing remembered."""
    seconds = []
    for _ in range(_ROUNDS):
        desk.kept.forget()
        seconds.append(_seconds(desk, session, path))
    return median(seconds)


def _seconds(desk: Desk, session: requests.Session, path: str, enter: bool = False) -> float:
    begun = time.perf_counter()
    url = desk.guard.address if enter else f"http://{desk.guard.host}{path}"
    session.get(url, timeout=60).raise_for_status()
    return time.perf_counter() - begun


def _fill(stack: DeployedStack) -> dict[str, str]:
    """Store a day's orders; the ids of one."""
    start = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lives = trading_hour(7, _PATTERNS, STORES, start, CHAIN_ID)
    bodies = [life.steps[-1 if number % 20 else 0].body for number, life in enumerate(lives)]
    for body in {body["client"]["store_id"]: body for body in bodies}.values():
        stack.stores.register(parse_event(to_text(body).encode()).order.client)
    step = (now() - start) / ORDERS

    def store(number: int) -> None:
        body = json.loads(to_text(bodies[number % len(bodies)]))
        at = (start + number * step).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body |= {
            "order_id": str(UUID(int=number)),
            "external_order_id": f"bench-{number}",
            "order_code": f"{number:05d}",
        }
        body["sys"] = {"created_at": at, "updated_at": at}
        stack.orders.write([(parse_event(json.dumps(body).encode()), Arrival(WEBHOOK, _received(at)))])

    with ThreadPoolExecutor(_WRITERS) as executor:
        list(executor.map(store, range(ORDERS)))
    return {"order_id": str(UUID(int=ORDERS // 2)), "order_code": f"{ORDERS // 3:05d}"}


def _received(at: str) -> datetime:
    return datetime.fromisoformat(at) + timedelta(seconds=1)
