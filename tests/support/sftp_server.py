"""SFTP servers that tests talk to: OpenSSH's own sshd with a key login, and one by asyncssh for passwords."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from partner_orders.platform.sftp import SftpLogin
from tools.local.sftp_server import CATALOGUE, PROMOTIONS, SSHD

needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs OpenSSH's sshd (Debian: openssh-server)")


class _Passwords(asyncssh.SSHServer):
    def __init__(self, user: str, password: str) -> None:
        self._known = user, password

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == self._known


class PasswordServer:
    """A server by asyncssh. ``home`` is all that its user sees."""

    user, password = "fp_pk_1", "correct horse"

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        for name in (CATALOGUE, PROMOTIONS):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key = " ".join(key.export_public_key().decode().split()[:2])
        self._key = key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def login(self, **changed: Any) -> SftpLogin:
        values = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "host_key": self.host_key,
            "password": self.password,
        }
        return SftpLogin(**{**values, **changed})

    def start(self) -> None:
        self._thread.start()
        self._listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._listening.get_port()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        def server(channel: Any) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self.home).encode())

        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Passwords(self.user, self.password),
            server_host_keys=[self._key],
            sftp_factory=server,
            allow_scp=False,
            config=None,
        )

    def stop(self) -> None:
        async def close() -> None:
            self._listening.close()
            await self._listening.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def password_server(folder: Path) -> Iterator[PasswordServer]:
    """A running server that asks for a password, until the context ends."""
    server = PasswordServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
