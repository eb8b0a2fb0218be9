"""Docker, where there is one: whether it runs, and a way for its containers to what listens on this machine alone."""

import contextlib
import json
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit


def is_running() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and _docker("info").returncode == 0


def has_image(name: str) -> bool:
    """Whether an image is here already, so that it need not be pulled."""
    return is_running() and _docker("image", "inspect", name).returncode == 0


@contextlib.contextmanager
def reachable(url: str) -> Iterator[str]:
    """A URL by which a container reaches what ``url`` (http, on 127.0.0.1) names, until the context ends.

    The servers listen on 127.0.0.1 only, which inside a container is the container itself.
    """
    target, address = urlsplit(url), _bridge_address()
    server = _Forwarder((address, 0), _Connection)
    server.target = (str(target.hostname), int(target.port or 80))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _bridge_address() -> str:
    """This machine's address on Docker's own network."""
    address: str = json.loads(_docker("network", "inspect", "bridge").stdout)[0]["IPAM"]["Config"][0]["Gateway"]
    return address


def _docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["/usr/bin/env", "docker", *arguments], capture_output=True, check=False)


class _Forwarder(socketserver.ThreadingTCPServer):
    daemon_threads = True
    target: tuple[str, int]


class _Connection(socketserver.BaseRequestHandler):
    server: _Forwarder

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as onward:
            back = threading.Thread(target=_copy, args=(onward, self.request), daemon=True)
            back.start()
            _copy(self.request, onward)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
