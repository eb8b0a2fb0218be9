"""Orders that wait for the store's own answer: the platform's part of `make run`'s answers, on the real clock."""

import json
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.local.simulated_platform.courier import Courier, Destination, Posting
from tools.local.simulated_platform.lives import Life, Step, to_text, waiting_orders
from tools.local.simulated_platform.partner_api import Request, Response, SimulatedPartnerApi, Unknowns

# The stores are numbered apart from those of the hours that are played.
FIRST_STORE = 900
# Each webhook that is under way at the same time takes a sandbox of its own, and starting one takes long.
SENDERS = 2
RETRY_AFTER_SECONDS = 5


class PickedOrders:
    """Orders of one store, each in its first state until it is answered. ``api`` shows and changes them."""

    def __init__(self, chain_id: str, token: str, rate_limit: int, courier: Courier) -> None:
        self._chain_id = chain_id
        self.api = SimulatedPartnerApi(chain_id, token, rate_limit)
        self.api.on_change = self._post
        # Shorter than the platform's: a run of this ends within a minute or so.
        self.api.retry_after_seconds = RETRY_AFTER_SECONDS
        self._courier = courier
        self._senders = ThreadPoolExecutor(SENDERS)
        self._faults: list[str] = []
        self._answered: set[str] = set()
        self._lock = threading.Lock()

    def deliver_to(self, destination: Destination) -> None:
        """Where the webhooks of these orders go."""
        self._courier.destination = destination

    def place(self, orders: int, seed: int, accepts: bool, stores_seed: int | None = None) -> list[Life]:
        """Place orders now, and post a webhook for each. Orders placed before stay as they are.

        ``accepts`` is for a brand whose stores accept orders. Calls with one ``stores_seed`` place in the same store.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        start = now - timedelta(minutes=50)
        lives = waiting_orders(seed, orders, start, self._chain_id, accepts, FIRST_STORE, stores_seed)
        self.api.unknowns = Unknowns(accepts=accepts)
        self.api.show([*self.api.lives, *lives])
        for life in lives:
            self._post(life)
        return lives

    def set_faults(self, faults: dict[str, int]) -> None:
        """Have each fault happen so often: one to an order, at its first answer."""
        most = max(faults.values(), default=0)
        self._faults = [name for turn in range(most) for name, times in faults.items() if turn < times]

    def has(self, request: Request) -> bool:
        """Whether a request is about one of these orders, or their store."""
        path = request.target.partition("?")[0]
        return any(name in path for name in self._names())

    def _names(self) -> Iterable[str]:
        for life in self.api.lives:
            yield life.order_id
            yield f"/{life.shop.store_id}/"
            yield f"/{life.shop.external_partner_config_id}/"

    def handle(self, request: Request) -> Response:
        with self._lock:
            self.api.faults = dict.fromkeys(self._fault_of(request), 1)
            return self.api.handle(request, datetime.now(UTC))

    def _fault_of(self, request: Request) -> list[str]:
        order_id = request.target.rpartition("/")[2]
        if request.method != "PUT" or order_id in self._answered or not self._faults:
            return []
        self._answered.add(order_id)
        return [self._faults.pop(0)]

    def truth(self) -> dict[str, Any]:
        """Each order as it is now, and every answer that took effect."""
        orders = [{"order_id": life.order_id, "body": life.steps[-1].body} for life in self.api.lives]
        answers = [{"order_id": order_id, "body": body} for _, order_id, body in self.api.answers]
        return {"orders": orders, "answers": answers, "faults_left": self._faults}

    def _post(self, life: Life) -> None:
        """Post an order's last state to the webhook, if the platform tells of it."""
        step: Step = life.steps[-1]
        if not step.by_webhook:
            return
        posting = Posting(life.order_id, step.status, str(step.body["sys"].get("updated_at", "")), to_text(step.body))
        self._senders.submit(self._courier.post, posting)


def plain(lives: Iterable[Life]) -> list[dict[str, Any]]:
    """Orders as they were placed."""
    return [json.loads(to_text(life.steps[0].body)) for life in lives]
