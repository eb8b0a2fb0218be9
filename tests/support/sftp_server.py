"""SFTP servers that tests talk to: OpenSSH's own sshd with a key login, and one by asyncssh for passwords.

sshd runs as whoever runs the tests, on a free port of this machine. PAM, which would check passwords, needs root.
"""

import asyncio
import getpass
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from partner_orders.platform.sftp import SftpLogin

SSHD = next(filter(os.path.exists, ("/usr/sbin/sshd", "/usr/local/sbin/sshd")), None)
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs OpenSSH's sshd (Debian: openssh-server)")
CATALOGUE, PROMOTIONS = "catalog", "promotions"


def key_pair() -> tuple[str, str]:
    """A private key, and the line of its public one."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key().decode(), key.export_public_key().decode().strip()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Sshd:
    """``folder`` is its own; ``home`` is what a user sees. ``denied``: requests of SFTP that it does not serve, as
    sftp-server's ``-P`` names them. ``most_bytes``: the largest file, as on a full disk."""

    folder: Path
    denied: Sequence[str] = ()
    is_read_only: bool = False
    most_bytes: int | None = None
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.private_key, authorized = key_pair()
        for name in (CATALOGUE, PROMOTIONS):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "authorized_keys").write_text(authorized + "\n", encoding="utf-8")
        self.host_key = ""
        self._process: subprocess.Popen[bytes] | None = None
        self.make_host_key()

    def make_host_key(self, kind: str = "ed25519") -> None:
        """Another host key, from the next start on."""
        path = self.folder / "host_key"
        for one in (path, path.with_suffix(".pub")):
            one.unlink(missing_ok=True)
        key = asyncssh.generate_private_key({"ed25519": "ssh-ed25519", "rsa": "ssh-rsa"}[kind])
        path.write_bytes(key.export_private_key())
        path.chmod(0o600)
        self.host_key = " ".join(key.export_public_key().decode().split()[:2])

    def login(self, **changed: Any) -> SftpLogin:
        values = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "host_key": self.host_key,
            "private_key": self.private_key,
        }
        return SftpLogin(**{**values, **changed})

    def start(self) -> None:
        (self.folder / "config").write_text(self._config(), encoding="utf-8")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        assert SSHD is not None
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", self.folder / "config"],
                stderr=log,
                preexec_fn=self._limit,  # noqa: PLW1509 - nothing of ours runs in other threads here
                # Python ignores the signal of a file that grew too large, and so does sshd then.
                restore_signals=False,
            )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _limit(self) -> None:
        if self.most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.most_bytes, self.most_bytes))

    def _config(self) -> str:
        command = ["internal-sftp", "-d", str(self.home)]
        command += ["-P", ",".join(self.denied)] if self.denied else []
        command += ["-R"] if self.is_read_only else []
        return "\n".join(
            [
                f"Port {self.port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {self.folder / 'host_key'}",
                f"PidFile {self.folder / 'pid'}",
                f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
                "UsePAM no",
                "StrictModes no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                "MaxStartups 100",
                "Subsystem sftp internal-sftp",
                f"ForceCommand {' '.join(command)}",
                "",
            ]
        )


@contextmanager
def sshd(folder: Path, **options: Any) -> Iterator[Sshd]:
    """A running sshd, until the context ends."""
    server = Sshd(folder, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# -- the library's own server, for passwords ---------------------------------------------------------------------------


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
