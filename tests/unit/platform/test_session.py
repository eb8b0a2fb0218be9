"""The session for the platform takes nothing from files and keeps nothing of the servers'."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from partner_orders.platform.session import platform_session
from tests.support.raw_server import raw_server, response


def test_session_sends_what_we_give_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login of a netrc replaces our Authorization, and no cookie of a response goes along with the next request."""
    seen: list[dict[str, str]] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers.items()))
            self.send_response(200)
            self.send_header("Set-Cookie", "backend=7; Path=/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with HTTPServer(("127.0.0.1", 0), Server) as server, platform_session() as session:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        try:
            for _ in range(2):
                session.get(url, headers={"Authorization": "Bearer ours"}, timeout=5)
        finally:
            server.shutdown()
    assert [headers["Authorization"] for headers in seen] == ["Bearer ours"] * 2
    assert all("Cookie" not in headers for headers in seen)


def test_session_follows_no_redirect() -> None:
    """The session follows no redirect, even where a caller forgets to say so."""
    asked: list[str] = []

    def answer(first_line: str) -> list[bytes]:
        asked.append(first_line)
        return [response(b"", "Location: /elsewhere", status="302 Found") if len(asked) == 1 else response(b"good")]

    with raw_server(answer) as url, platform_session() as session:
        assert session.get(url, timeout=5, allow_redirects=True).status_code == 302
    assert len(asked) == 1
