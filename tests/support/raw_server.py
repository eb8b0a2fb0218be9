"""A server that sends whatever bytes a test wants, over real connections: what no HTTP library would send."""

import contextlib
import http.client
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator

type Answer = Callable[[str], Iterable[bytes]]


@contextlib.contextmanager
def raw_server(answer: Answer) -> Iterator[str]:
    """The address of a server that sends, for each request, the parts that ``answer`` gives for its first line, and
    then closes the connection."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.readline().decode()
            headers = http.client.parse_headers(self.rfile)
            # A connection that is closed before all of it was read may be reset, response and all.
            self.rfile.read(int(headers.get("Content-Length", "0")))
            with contextlib.suppress(OSError):
                for part in answer(first):
                    self.wfile.write(part)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            # A thread that polls a closed socket would take a whole processor from every test that follows.
            server.shutdown()


def dripping(content: bytes, seconds: float = 0.05) -> Iterator[bytes]:
    """Byte by byte, each long before a timeout of a single read."""
    for byte in content:
        yield bytes([byte])
        time.sleep(seconds)


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole response, the last one of its connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
