"""`make run`'s answers: a till hears of orders on the bus and answers them, while the platform misbehaves.

At the end each order of the platform is compared with what the till said of it.
"""

import json
import threading
import time
import types
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from typing import Any

import requests

from partner_orders.clock import now
from partner_orders.stores.store import StoreSettings
from partner_orders.stores.table import StoresTable
from tools.local.emulator import ROOT
from tools.local.picks import KINDS, answers_to, differences
from tools.local.stack import Stack, session

TILL = ROOT / "docs" / "examples" / "till" / "till.py"
ORDERS = 66
SEED = 31
# Each fault so often.
FAULTS = {
    "false_refusal": 2,
    "put_lost": 2,
    "put_unanswered": 2,
    "put_error_before": 2,
    "put_error_after": 2,
    "put_cancelled_before": 2,
    "put_slow": 2,
    "put_normalised": 2,
    "put_not_shown_yet": 2,
    "put_refused": 2,
    "too_many": 2,
    "server_error": 2,
}
LONGEST_SECONDS = 150.0
AT_ONCE = 2


@dataclass
class Answers:
    """How many answers were accepted, and how they ended; ``wrong`` says what is not as the till said."""

    accepted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        names = ("applied", "applied_differently", "refused", "overtaken", "expired", "unknown")
        counts = " ".join(f"{name.removeprefix('applied_')}={self.outcomes[name]}" for name in names)
        return f"answers: accepted={self.accepted} {counts} wrong={len(self.wrong)}"


def till_module() -> Any:
    """The till of the examples, as a POS vendor copies it."""
    loader = SourceFileLoader("till", str(TILL))
    module = types.ModuleType(loader.name)
    loader.exec_module(module)
    return module


class Picking:
    """The orders of one store, placed, answered and compared, beside the hours that are played."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = requests.Session()
        self._module = till_module()
        self._till = self._module.Till(stack.endpoint_url, session(), host=stack.answers_host())
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._placed: dict[str, dict[str, Any]] = {}
        self._result = Answers()
        self.store_id = ""
        self._lock = threading.Lock()

    def begin(self) -> threading.Thread:
        """Place the orders, and have the till answer them in a thread of its own."""
        queue_url, stack = self._listen(), self._stack
        webhook = {"webhook_url": stack.webhook_url, "webhook_headers": stack.webhook_headers}
        self._platform("POST", "configure", {**webhook, "webhook_secret": stack.webhook_secret})
        self._platform("POST", "picking-faults", FAULTS)
        placed = self._platform("POST", "place", {"orders": ORDERS, "seed": SEED, "accepts": False})["orders"]
        self._placed = {order["order_id"]: order for order in placed}
        self.store_id = placed[0]["client"]["store_id"]
        self._switch_on(self.store_id)
        thread = threading.Thread(target=self._answer_all, args=(queue_url,), daemon=True)
        thread.start()
        return thread

    def result(self) -> Answers:
        """Compare every order with what the till said of it, once its answers have their outcomes."""
        truth = self._platform("GET", "picked")
        effects = Counter(entry["order_id"] for entry in truth["answers"])
        for order in truth["orders"]:
            for fault in self._faults_of(order["order_id"], order["body"], effects):
                self._result.wrong.append(f"order {order['order_id']}: {fault}")
        if left := truth["faults_left"]:
            self._result.wrong.append(f"the platform had no occasion for {', '.join(sorted({*left}))}")
        return self._result

    # -- the till -----------------------------------------------------------------------------------------------

    def _answer_all(self, queue_url: str) -> None:
        sqs, deadline = self._stack.client("sqs"), time.monotonic() + LONGEST_SECONDS
        with ThreadPoolExecutor(AT_ONCE) as tills:
            for change, done in self._module.orders(sqs, queue_url):
                done()
                if change["order_id"] in self._placed and change["status"] == "RECEIVED":
                    with self._lock:
                        is_new = change["order_id"] not in self._said
                        self._said.setdefault(change["order_id"], [])
                    if is_new:
                        tills.submit(self._answer, change)
                if len(self._said) == len(self._placed) or time.monotonic() > deadline:
                    break
        self._wait(deadline)

    def _answer(self, change: dict[str, Any]) -> None:
        number = sorted(self._placed).index(change["order_id"])
        try:
            for said in answers_to(change, KINDS[number % len(KINDS)]):
                self._till.answer(change["store_id"], change["order_id"], said)
                with self._lock:
                    self._said[change["order_id"]].append(said)
                    self._result.accepted += 1
        except Exception as error:
            text = getattr(getattr(error, "response", None), "text", "") or repr(error)
            self._result.wrong.append(f"order {change['order_id']}: the answer was not taken: {text}")

    def _wait(self, deadline: float) -> None:
        """Look until every answer has its outcome."""
        waiting = {(order_id, said["answer_id"]): said for order_id, answers in self._said.items() for said in answers}
        while waiting and time.monotonic() < deadline:
            for order_id, answer_id in [*waiting]:
                store_id = self._placed[order_id]["client"]["store_id"]
                shown = self._till.look(store_id, order_id, answer_id)
                if shown["status"] != "waiting":
                    self._result.outcomes[shown["status"]] += 1
                    waiting[order_id, answer_id]["outcome"] = shown["status"]
                    del waiting[order_id, answer_id]
            time.sleep(0.5)
        self._result.wrong += [f"order {order_id}: answer {name} has no outcome" for order_id, name in waiting]

    # -- the comparison -----------------------------------------------------------------------------------------

    def _faults_of(self, order_id: str, body: dict[str, Any], effects: Counter[str]) -> list[str]:
        said = self._said.get(order_id, [])
        if not said:
            return ["the till never heard of it"]
        applied = [answer for answer in said if answer.get("outcome") == "applied"]
        faults = []
        if effects[order_id] != len(applied):
            faults.append(f"{effects[order_id]} requests took effect, {len(applied)} answers are applied")
        if applied and (wrong := differences(self._placed[order_id], applied, body)):
            faults.append(wrong)
        return faults

    # -- the stack ----------------------------------------------------------------------------------------------

    def _listen(self) -> str:
        """A queue that gets new orders from the bus."""
        sqs, events = self._stack.client("sqs"), self._stack.client("events")
        url: str = sqs.create_queue(QueueName="till")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = self._stack.outputs["OrderChangesBusName"]
        pattern = {"source": ["partner-orders"], "detail-type": ["order.received"]}
        events.put_rule(Name="till", EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule="till", EventBusName=bus, Targets=[{"Id": "till", "Arn": arn}])
        return url

    def _switch_on(self, store_id: str) -> None:
        table = self._stack.outputs["OrdersTableName"]
        stores = StoresTable(self._stack.client("dynamodb"), table, "", now)
        stores.set(store_id, StoreSettings(is_answering=True))

    def _platform(self, method: str, what: str, content: object = None) -> Any:
        response = self._http.request(method, f"{self._stack.platform_url}/_platform/{what}", json=content, timeout=60)
        response.raise_for_status()
        return response.json()
