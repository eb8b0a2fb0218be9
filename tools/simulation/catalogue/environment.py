"""An execution environment of one of the catalogue's functions, and work that goes on side by side in it."""

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from partner_orders.platform.credentials import PartnerApiCredentials
from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.job_files import JobFiles
from tools.fresh_handler import fresh_module
from tools.simulation.catalogue.session import PRIVATE_HOST, CatalogueSession, StorageSession
from tools.simulation.environment import Environment, Recorder
from tools.simulation.kernel import Kernel, Killed

if TYPE_CHECKING:
    from tools.simulation.catalogue.world import CatalogueWorld

LOADER, PUSHER, URGENT, WEBHOOK = "loader", "pusher", "urgent", "webhook"
_MODULES = {
    LOADER: "partner_orders.loader.handler",
    PUSHER: "partner_orders.pusher.handler",
    URGENT: "partner_orders.pusher.urgent_handler",
}
_PARTS = "partner_orders.pusher.parts"
_PUBLIC, _PRIVATE = "93.184.215.14", "169.254.169.254"


class _WaitedFor[T](Future[T]):
    """A future that is waited for in simulated time."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self._kernel = kernel

    def result(self, timeout: float | None = None) -> T:
        if not self.done():
            self._kernel.wait([self], timeout)
        return super().result(0)


class SideBySideExecutor(Executor):
    """Runs what it is given as tasks of the kernel, within the process that submits it."""

    def __init__(self, kernel: Kernel, **_: object) -> None:
        self._kernel = kernel

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = _WaitedFor(self._kernel)

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return  # Others failed before it began.
            try:
                result = fn(*args, **kwargs)
            except Killed:
                raise
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._kernel.spawn(work, self._kernel.process())
        return future


class CatalogueEnvironment(Environment):
    """An environment of the loader, the pusher, the urgent function, or the catalogue's webhook."""

    def __init__(self, world: "CatalogueWorld", function: str) -> None:
        super().__init__(world, function)

    def _load(self) -> tuple[Any, Recorder]:
        if self.function == WEBHOOK:
            return super()._load()
        world: Any = self._world
        app: Any = fresh_module(_MODULES[self.function])
        recorder = Recorder(app if world.is_loud else None)
        app.logger = app.metrics = recorder
        self._put_in_place(app)
        if self.function != LOADER:
            parts: Any = fresh_module(_PARTS)
            self._put_in_place(parts)
            app.parts = parts.parts
            if hasattr(app, "status_parts"):
                app.status_parts = parts.status_parts
                app.promotion_parts = parts.promotion_parts
        return app, recorder

    def _put_in_place(self, module: Any) -> None:
        """Replace what a module takes from outside."""
        world: Any = self._world
        kernel: Kernel = world.kernel
        storage: Callable[[], Any] = partial(StorageSession, world)
        jitter: Callable[[], float] = world.chance.random
        replaced = {
            "clients": SimpleNamespace(client=lambda name, _: world.clients[name]),
            "now": self._now,
            "ThreadPoolExecutor": partial(SideBySideExecutor, kernel),
            "PassedSeconds": partial(_passed_seconds, kernel),
            "time": SimpleNamespace(monotonic=lambda: kernel.seconds, sleep=kernel.sleep),
            "platform_session": lambda: CatalogueSession(world, self.function),
            "PartnerApiCredentials": partial(PartnerApiCredentials, seconds=lambda: kernel.seconds),
            "PartnerApiClient": partial(PartnerApiClient, jitter=jitter),
            "JobFiles": partial(JobFiles, resolve=_addresses, new_session=storage),
        }
        for name, replacement in replaced.items():
            if hasattr(module, name):
                setattr(module, name, replacement)
        if hasattr(module, "PatientRequests"):
            module.PatientRequests = partial(module.PatientRequests, jitter=jitter)

    def _now(self) -> datetime:
        return self._world.kernel.now() + timedelta(seconds=self.process.clock_off_by)


def _passed_seconds(kernel: Kernel) -> Callable[[], float]:
    begun = kernel.seconds
    return lambda: kernel.seconds - begun


def _addresses(host: str) -> list[str]:
    return [_PRIVATE if host == PRIVATE_HOST else _PUBLIC]


def chance_of(*parts: object) -> random.Random:
    """A chance of its own, so that what else is in a story changes nothing of it."""
    return random.Random("/".join(map(str, parts)))
