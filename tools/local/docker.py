"""Docker, if it is installed: whether it runs, and how its containers reach servers of this machine."""

import contextlib
import ipaddress
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit


class NoAddressError(RuntimeError):
    """Containers cannot reach this machine. Says why in a sentence."""


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to use Docker: it runs, and the user did not say ``DOCKER=0``."""
    return environment.get("DOCKER") != "0" and is_running()


def is_running() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and _docker("info").returncode == 0


def has_image(name: str) -> bool:
    """Whether an image is here already, so that it need not be pulled."""
    return is_running() and _docker("image", "inspect", name).returncode == 0


@contextlib.contextmanager
def reachable(url: str) -> Iterator[str]:
    """A URL by which a container reaches ``url`` (http, on 127.0.0.1), until the context ends.

    The servers listen on 127.0.0.1 only, which inside a container is the container itself. Raises NoAddressError.
    """
    target, address = urlsplit(url), bridge_address(_inspected_bridge())
    try:
        server = _Forwarder((address, 0), _Connection)
    except OSError as error:
        raise NoAddressError(f"Containers cannot reach this machine at {address}: {error.strerror}.") from None
    server.target = (str(target.hostname), int(target.port or 80))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def bridge_address(inspected: object) -> str:
    """This machine's IPv4 address on Docker's own network, of what `docker network inspect bridge` printed.

    A freshly installed Docker names no gateway there. The gateway is then the subnet's first address. Raises
    NoAddressError.
    """
    with contextlib.suppress(KeyError, IndexError, TypeError, ValueError):
        for entry in inspected[0]["IPAM"]["Config"]:  # type: ignore[index]
            network = ipaddress.ip_network(entry["Subnet"], strict=False)
            if network.version == 4:
                return str(entry.get("Gateway") or network[1]).split("/")[0]
    raise NoAddressError("Docker's network `bridge` has no address on this machine.")


def _inspected_bridge() -> object:
    try:
        return json.loads(_docker("network", "inspect", "bridge").stdout)
    except ValueError:
        return None


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
