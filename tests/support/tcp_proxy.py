"""A TCP proxy with faults: it cuts, slows down or refuses what goes through."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self


@dataclass
class TcpProxy:
    """In front of a server on this machine. ``drop_after``: bytes from the client after which both sides are cut, each
    time anew; None for never. ``delay``: seconds before each piece that goes on. ``refuses``: connections are closed at
    once. ``passed``: bytes of the client that went through, of the last connection."""

    target: tuple[str, int]
    drop_after: int | None = None
    delay: float = 0.0
    refuses: bool = False
    passed: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            _cut(one)
        for thread in self._threads:
            thread.join(5)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                client.close()
                continue
            self.passed = 0
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            self._sockets += [client, server]
            self._begin(lambda client=client, server=server: self._pump(client, server, True))  # type: ignore[misc]
            self._begin(lambda client=client, server=server: self._pump(server, client, False))  # type: ignore[misc]

    def _pump(self, source: socket.socket, sink: socket.socket, is_from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(32_768):
                if self.delay:
                    time.sleep(self.delay)
                if is_from_client and self.drop_after is not None:
                    piece = piece[: max(0, self.drop_after - self.passed)]
                if is_from_client:
                    self.passed += len(piece)
                sink.sendall(piece)
                if is_from_client and self.drop_after is not None and self.passed >= self.drop_after:
                    # What went through arrives before the end does.
                    time.sleep(0.01)
                    break
        _cut(source)
        _cut(sink)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
