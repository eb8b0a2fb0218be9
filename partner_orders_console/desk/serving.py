"""The desk as a server on this machine only, on a free port, as long as a context lasts."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from partner_orders_console.desk.app import desk_app
from partner_orders_console.desk.desk import Desk, Options
from partner_orders_console.operations.errors import OperatorError
from partner_orders_console.operations.stack import DeployedStack

LOOPBACK = "127.0.0.1"
_LONGEST_START = 15.0  # seconds


@contextmanager
def serving(find: Callable[[], DeployedStack], options: Options) -> Iterator[Desk]:
    """Serve a desk until the context ends. ``find`` finds the stack that it shows. Raises OperatorError if the server
    does not start."""
    listener = socket.create_server((LOOPBACK, 0))
    desk = Desk(find, options, f"{LOOPBACK}:{listener.getsockname()[1]}")
    server = uvicorn.Server(
        uvicorn.Config(
            desk_app(desk),
            log_level="critical",  # Addresses hold the token, and may hold an id.
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            h11_max_incomplete_event_size=65_536,
            server_header=False,
            limit_concurrency=100,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        yield desk
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    """Raises OperatorError."""
    deadline = time.monotonic() + _LONGEST_START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise OperatorError("the desk did not start", "Try again; if it fails again, report it.")
        time.sleep(0.01)
