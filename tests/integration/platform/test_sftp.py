"""Files on OpenSSH's own sshd, and on a server that asks for a password: what arrives, and how faults are called."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import asyncssh
import pytest

from partner_orders.platform.sftp import (
    SftpLogin,
    SftpSession,
    Uploaded,
    fingerprint,
    shown_host_key,
)
from partner_orders.platform.sftp_failures import (
    ConnectionFailedError,
    FolderMissingError,
    HostKeyChangedError,
    LoginRefusedError,
    UnsafeNameError,
    WriteRefusedError,
)
from partner_orders.platform.sftp_names import checked_folder, checked_name
from tests.support.sftp_server import needs_sshd, password_server
from tests.support.tcp_proxy import TcpProxy
from tools.local.sftp_server import CATALOGUE, Sshd, key_pair, sshd

pytestmark = needs_sshd
NAME = "chain_q7zk.csv"
BEFORE = b"sku,price,active\nA-1,1.00,1\n"
CONTENT = b"sku,price,active\n" + b"".join(b"SKU-%06d,%d.95,1\n" % (number, number % 90) for number in range(20_000))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path) as running:
        yield running


def upload(login: SftpLogin, content: bytes = CONTENT, folder: str = CATALOGUE, seconds: float = 20.0) -> Uploaded:
    with SftpSession(login, seconds) as session:
        return session.upload(folder, NAME, io.BytesIO(content))


def there(server: Any) -> bytes:
    found: bytes = (server.home / CATALOGUE / NAME).read_bytes()
    return found


def temporary_files(server: Any) -> list[str]:
    return [path.name for path in server.home.iterdir() if path.is_file()]


def test_file_is_replaced_in_one_step(server: Sshd) -> None:
    """A file takes the place of the one before by a rename, and leaves no temporary one."""
    assert upload(server.login(), BEFORE) == Uploaded(len(BEFORE), is_atomic=True)
    assert upload(server.login()) == Uploaded(len(CONTENT), is_atomic=True)
    assert there(server) == CONTENT
    assert temporary_files(server) == []


def test_folder_never_has_half_a_file(server: Sshd) -> None:
    """While a file is written, the folder that the platform watches has the one before and nothing else."""
    seen = []

    class Watching(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append({path.name: path.read_bytes() for path in (server.home / CATALOGUE).iterdir()})
            return super().read(size)

    upload(server.login(), BEFORE)
    with SftpSession(server.login(), 20) as session:
        session.upload(CATALOGUE, NAME, Watching(4 * CONTENT))
    assert len(seen) > 2
    assert all(names == {NAME: BEFORE} for names in seen)


@pytest.mark.parametrize("denied", [("posix-rename",), ("rename", "posix-rename")])
def test_without_rename_the_size_is_checked(tmp_path: Path, denied: tuple[str, ...]) -> None:
    """Where no file may be renamed over another one, it is written under its own name, and told as not atomic."""
    with sshd(tmp_path, denied=denied) as server:
        assert upload(server.login(), BEFORE) == Uploaded(len(BEFORE), is_atomic=False)
        assert upload(server.login()) == Uploaded(len(CONTENT), is_atomic=False)
        assert there(server) == CONTENT
        assert temporary_files(server) == []


def test_password_login(tmp_path: Path) -> None:
    """A password lets in, a wrong one does not, and a wrong key neither."""
    with password_server(tmp_path) as server:
        assert upload(server.login()).size == len(CONTENT)
        assert there(server) == CONTENT
        with pytest.raises(LoginRefusedError):
            upload(server.login(password="wrong"))


def test_wrong_key_is_refused(server: Sshd) -> None:
    """A key that the server does not know is refused, and so is one that nobody can read."""
    with pytest.raises(LoginRefusedError):
        upload(server.login(private_key=key_pair()[0]))
    with pytest.raises(LoginRefusedError):
        upload(server.login(private_key="no key"))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_changed_host_key_gets_nothing(server: Sshd, kind: str) -> None:
    """A server with another key than the trusted one gets no login and no file."""
    login = server.login()
    server.stop()
    server.make_host_key(kind)
    server.start()
    with pytest.raises(HostKeyChangedError):
        upload(login)
    assert not (server.home / CATALOGUE / NAME).exists()


def test_host_key_is_shown_before_a_login(server: Sshd) -> None:
    """The server's key can be looked at without a login, with the fingerprint that ssh-keygen shows."""
    assert shown_host_key("127.0.0.1", server.port) == server.host_key
    assert fingerprint(server.host_key).startswith("SHA256:")
    with pytest.raises(ValueError, match="not a host key"):
        fingerprint("ssh-ed25519 nothing")


def test_missing_folder_is_named(server: Sshd) -> None:
    """A folder that is not there is an error of its own, and those that are there are listed."""
    with SftpSession(server.login(), 20) as session:
        assert session.folders() == ["catalog", "promotions"]
        session.require_folder(CATALOGUE)
        with pytest.raises(FolderMissingError, match="Assortment"):
            session.upload("Assortment", NAME, io.BytesIO(BEFORE))
        with pytest.raises(FolderMissingError):
            session.require_folder("Assortment")


def test_read_only_server_refuses(tmp_path: Path) -> None:
    """A server that takes no file refuses it; the check of the doctor says the same."""
    with sshd(tmp_path, is_read_only=True) as server:
        with pytest.raises(WriteRefusedError):
            upload(server.login())
        with SftpSession(server.login(), 20) as session, pytest.raises(WriteRefusedError):
            session.try_writing()


def test_doctor_writes_and_removes(server: Sshd) -> None:
    """Trying to write leaves nothing behind, and tells whether files are replaced in one step."""
    with SftpSession(server.login(), 20) as session:
        assert session.try_writing() is True
        session.upload(CATALOGUE, NAME, io.BytesIO(BEFORE))
        session.remove(CATALOGUE, NAME)
        session.remove(CATALOGUE, NAME)
    assert temporary_files(server) == []
    assert not (server.home / CATALOGUE / NAME).exists()


@pytest.mark.parametrize("name", [b"cat\xe1logo.csv", b"men\xfa"])
def test_names_of_any_bytes(server: Sshd, name: bytes) -> None:
    """A file or a folder of another program whose name is not UTF-8 stops neither an upload nor the list of folders."""
    path = os.fsencode(server.home) + b"/" + name
    if name.endswith(b".csv"):
        open(path, "wb").close()  # noqa: PTH123 - pathlib takes no bytes
    else:
        os.mkdir(path)  # noqa: PTH102 - pathlib takes no bytes
    left = server.home / ".partner-orders-0123456789abcdef.part"
    left.touch()
    assert upload(server.login()).is_atomic
    assert not left.exists()
    with SftpSession(server.login(), 20) as session:
        assert {"catalog", "promotions"} <= {*session.folders()}
        assert session.folders() == [one.encode().decode() for one in session.folders()]


def test_server_that_forbids_removing(tmp_path: Path) -> None:
    """The check of the doctor leaves one file at most, however often it runs, and an upload is good."""
    with sshd(tmp_path, denied=("remove",)) as server:
        for _ in range(3):
            with SftpSession(server.login(), 20) as session:
                assert session.try_writing()
                assert session.upload(CATALOGUE, NAME, io.BytesIO(BEFORE)).is_atomic
        assert len(temporary_files(server)) == 1
        assert there(server) == BEFORE


def test_file_that_is_taken_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file under its own name that the platform takes before its size is checked was sent."""
    real = asyncssh.SFTPClient.stat
    with sshd(tmp_path, denied=("posix-rename",)) as server:

        async def taken(self: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPAttrs:
            assert there(server) == CONTENT
            (server.home / path).unlink()
            return await real(self, path)

        monkeypatch.setattr(asyncssh.SFTPClient, "stat", taken)
        monkeypatch.setattr(asyncssh.SFTPClient, "isdir", _is_there)
        assert upload(server.login()) == Uploaded(len(CONTENT), is_atomic=False)


@pytest.mark.parametrize("denied", [(), ("posix-rename",)])
def test_half_a_file_was_not_sent(tmp_path: Path, denied: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of which the server kept a part is an error, also where it is written under its own name."""
    real, half = asyncssh.SFTPClient.stat, len(CONTENT) // 2

    with sshd(tmp_path, denied=denied) as server:

        async def cut(self: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPAttrs:
            os.truncate(server.home / path, half)
            return await real(self, path)

        monkeypatch.setattr(asyncssh.SFTPClient, "stat", cut)
        monkeypatch.setattr(asyncssh.SFTPClient, "isdir", _is_there)
        with pytest.raises(WriteRefusedError, match=f"has {half} bytes of {len(CONTENT)}"):
            upload(server.login())


async def _is_there(self: asyncssh.SFTPClient, path: str) -> bool:
    return True


def test_unreadable_content_is_ours(server: Sshd) -> None:
    """A file that cannot be read here is not told as a fault of the connection."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002 - as of any file
            raise OSError(5, "broken disk")

    with SftpSession(server.login(), 20) as session, pytest.raises(OSError, match="broken disk"):
        session.upload(CATALOGUE, NAME, Broken())


@pytest.mark.parametrize("denied", [(), ("rename", "posix-rename")])
def test_full_disk_refuses(tmp_path: Path, denied: tuple[str, ...]) -> None:
    """A disk that is full refuses the file; with a rename the one before stays whole."""
    with sshd(tmp_path, denied=denied, most_bytes=100_000) as server:
        upload(server.login(), BEFORE)
        with pytest.raises(WriteRefusedError):
            upload(server.login())
        assert denied or there(server) == BEFORE


@pytest.mark.slow
def test_silent_server_ends_in_time(server: Sshd) -> None:
    """A connection that is refused, or as slow as can be, ends within the time that it was given."""
    with TcpProxy(("127.0.0.1", server.port), refuses=True) as proxy, pytest.raises(ConnectionFailedError):
        upload(server.login(port=proxy.port))
    with TcpProxy(("127.0.0.1", server.port), delay=0.3) as proxy, pytest.raises(ConnectionFailedError):
        upload(server.login(port=proxy.port), seconds=1.5)
    server.stop()
    with pytest.raises(ConnectionFailedError):
        upload(server.login())


@pytest.mark.slow
@pytest.mark.parametrize("is_atomic", [True, False])
def test_cut_connections_lose_nothing(tmp_path: Path, is_atomic: bool) -> None:
    """Cut after any number of bytes, an upload is either whole or told as failed. With a rename no part of a file is
    ever seen; without one, each part is replaced by the next upload."""
    random, parts, failed = Random(31), 0, 0
    with sshd(tmp_path, denied=() if is_atomic else ("rename", "posix-rename")) as server:
        for _ in range(50):
            upload(server.login(), BEFORE)
            with TcpProxy(("127.0.0.1", server.port), drop_after=random.randrange(200, len(CONTENT) + 6_000)) as proxy:
                try:
                    upload(server.login(port=proxy.port))
                except ConnectionFailedError:
                    failed += 1
                else:
                    assert there(server) == CONTENT
            if there(server) not in {BEFORE, CONTENT}:
                parts += 1
            upload(server.login())
            assert there(server) == CONTENT
            assert temporary_files(server) == []
    assert failed > 20
    assert parts == 0 if is_atomic else parts > 10


@pytest.mark.parametrize("name", ["", "../x.csv", "a/b.csv", ".hidden", "a..b", "a\nb.csv", "x" * 129, "/etc/x"])
def test_unsafe_names_stay_out_of_paths(name: str) -> None:
    """No name leads out of its folder."""
    with pytest.raises(UnsafeNameError):
        checked_name(name)
    assert checked_name("morning_q7zk.csv") == "morning_q7zk.csv"


@pytest.mark.parametrize("folder", ["", "/catalog", "..", "a/../b", "a//b", "catalog/", "a b"])
def test_unsafe_folders_stay_out_of_paths(folder: str) -> None:
    """No folder leads out of the home."""
    with pytest.raises(UnsafeNameError):
        checked_folder(folder)
    assert checked_folder("in/Catalog") == "in/Catalog"
