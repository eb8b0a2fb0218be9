"""OpenSSH's own sshd on this machine, as a brand's SFTP server: for `make sftp-server` and for tests.

It runs as whoever starts it, with a key login. PAM, which would check passwords, needs root.
"""

import getpass
import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from partner_orders.platform.sftp import SftpLogin

SSHD = next(filter(os.path.exists, ("/usr/sbin/sshd", "/usr/local/sbin/sshd")), None)
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
        self.private_key, authorized = self._keys()
        for name in (CATALOGUE, PROMOTIONS):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "authorized_keys").write_text(authorized + "\n", encoding="utf-8")
        self.host_key = ""
        self._process: subprocess.Popen[bytes] | None = None
        kept = self.folder / "host_key.pub"
        if kept.exists():
            self.host_key = kept.read_text(encoding="utf-8").strip()
        else:
            self.make_host_key()

    @property
    def login_key(self) -> Path:
        """The file of the private key that logs in."""
        return self.folder / "login_key"

    def _keys(self) -> tuple[str, str]:
        """The keys of an earlier start in this folder, or new ones."""
        public = self.folder / "authorized_keys"
        if self.login_key.exists() and public.exists():
            return self.login_key.read_text(encoding="utf-8"), public.read_text(encoding="utf-8").strip()
        self.folder.mkdir(parents=True, exist_ok=True)
        private, authorized = key_pair()
        self.login_key.touch(0o600)
        self.login_key.write_text(private, encoding="utf-8")
        return private, authorized

    def make_host_key(self, kind: str = "ed25519") -> None:
        """Another host key, from the next start on."""
        path = self.folder / "host_key"
        for one in (path, path.with_suffix(".pub")):
            one.unlink(missing_ok=True)
        key = asyncssh.generate_private_key({"ed25519": "ssh-ed25519", "rsa": "ssh-rsa"}[kind])
        path.write_bytes(key.export_private_key())
        path.chmod(0o600)
        self.host_key = " ".join(key.export_public_key().decode().split()[:2])
        path.with_suffix(".pub").write_text(self.host_key + "\n", encoding="utf-8")

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
        if SSHD is None:
            raise RuntimeError("sshd is not on this machine")
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
