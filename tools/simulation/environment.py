"""An execution environment of a function, which Lambda starts, freezes and kills.

Each environment loads its function's handler anew, as Lambda does. What the handler takes from outside (clients, clock,
executor, HTTP) is replaced; nothing of its own code is copied or changed.
"""

import inspect
from collections import Counter
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from partner_orders.platform.budgeted_requests import BudgetedRequests
from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.webhook_secret import WebhookSecret
from partner_orders.sender.sending import Sender
from tools.fresh_handler import fresh_handler
from tools.simulation.faults import CLOCK_OFF_BY
from tools.simulation.kernel import InterleavedExecutor, Killed, Process
from tools.simulation.platform_session import PlatformSession
from tools.simulation.surroundings import Surroundings

# Seconds, as in the template.
TIMEOUTS = {
    "webhook": 9.0,
    "consumer": 30.0,
    "reconciler": 900.0,
    "publisher": 60.0,
    "answers": 14.0,
    "sender": 60.0,
    "loader": 900.0,
    "pusher": 120.0,
    "urgent": 30.0,
}


class Died(Exception):  # noqa: N818 (what happened to it, not to us)
    """The environment was killed, or ran out of time, before it answered."""


class Recorder:
    """Stands for the functions' logger and metrics, which are no part of what is simulated but of what is checked.

    With an ``app``, its own logger and metrics are told as well.
    """

    def __init__(self, app: Any = None) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self._logger: Any = app.logger if app else None
        self._metrics: Any = app.metrics if app else None

    def add_metric(self, name: str, unit: object, value: float) -> None:
        self.counts[name] += int(value)
        if self._metrics:
            self._metrics.add_metric(name, unit, value)

    def flush_metrics(self) -> None:
        """What was counted is kept."""

    def info(self, message: str, **fields: object) -> None:
        self.lines.append(f"{message} {fields}")
        if self._logger:
            self._logger.error(message, **fields)

    warning = error = info


class Environment:
    """One execution environment of a function: a cold start, then one invocation after another until it is killed."""

    def __init__(self, world: Surroundings, function: str) -> None:
        world.environments += 1
        off = 0.0
        if world.faults.strikes("clock_off", function):
            off = world.faults.between("clock_off", -CLOCK_OFF_BY, CLOCK_OFF_BY)
        self.function = function
        self.process = Process(f"{function} {world.environments}", clock_off_by=off)
        self.cold = True
        self.busy = False
        self.out_of_time = False
        self._world = world
        self.app, self.recorder = self._load()
        world.recorders.append(self.recorder)

    def _load(self) -> tuple[Any, Recorder]:
        world: Any = self._world
        app: Any = fresh_handler(self.function)
        app.clients = SimpleNamespace(client=lambda name, _: world.clients[name])
        app.now = lambda: world.kernel.now() + timedelta(seconds=self.process.clock_off_by)
        recorder = Recorder(app if world.is_loud else None)
        app.logger = app.metrics = recorder
        if self.function == "webhook":
            app.WebhookSecret = partial(WebhookSecret, seconds=lambda: world.kernel.seconds)
        if self.function == "consumer":
            app.ThreadPoolExecutor = lambda **_: InterleavedExecutor(world.kernel)
            app.random = SimpleNamespace(random=world.chance.random)
        if self.function in {"reconciler", "sender"}:
            app.platform_session = lambda: PlatformSession(world, self.function)
            app.time = SimpleNamespace(monotonic=lambda: world.kernel.seconds, sleep=world.kernel.sleep)
            app.PartnerApiCredentials = partial(PartnerApiCredentials, seconds=lambda: world.kernel.seconds)
            app.PassedSeconds = lambda: lambda: world.kernel.seconds
            app.BudgetedRequests = partial(BudgetedRequests, jitter=world.chance.random)
        if self.function == "reconciler":
            app.PartnerApiClient = partial(PartnerApiClient, jitter=world.chance.random)
        if self.function == "sender":
            app.Sender = partial(Sender, jitter=world.chance.random)
        return app, recorder

    def invoke(self, event: dict[str, Any], request_id: str) -> Any:
        """Call the handler and wait for it, at most the function's timeout. Raises what the handler raised, or Died."""
        kernel, timeout = self._world.kernel, TIMEOUTS[self.function]
        deadline = kernel.seconds + timeout
        context = SimpleNamespace(
            aws_request_id=request_id,
            get_remaining_time_in_millis=lambda: int(max(0.0, deadline - kernel.seconds) * 1000),
        )
        finished: Future[Any] = Future()

        def work() -> None:
            # Without the decorator that flushes metrics: it is not ours, and writes to the standard output.
            handler = self.app.handler if self._world.is_loud else inspect.unwrap(self.app.handler)
            try:
                answer = handler(event, context)
            except Killed:
                finished.set_exception(Died())
                raise
            except BaseException as error:
                finished.set_exception(error)
            else:
                finished.set_result(answer)
            self.process.frozen = True

        self.busy = True
        self.process.hung_at = set()
        kernel.thaw(self.process)
        kernel.spawn(work, self.process)
        kernel.wait([finished], timeout)
        self.busy = False
        if not finished.done():
            if not self.process.killed:
                self._world.deaths["out_of_time"] += 1
                self.out_of_time = True
            kernel.kill(self.process)
            raise Died
        return finished.result()
