"""The platform's SFTP server (docs/platform.md 11): files are put into a folder under a constant name.

A file is written under a temporary name in the user's home, which the platform does not watch, and renamed over the one
before where the server offers that (posix-rename@openssh.com). Elsewhere it is written under its own name, and its size
is checked.
"""

import asyncio
import contextlib
import logging
import re
import secrets
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple, Self

import asyncssh

from partner_orders.platform.sftp_failures import (
    ConnectionFailedError,
    FolderMissingError,
    HostKeyChangedError,
    LoginRefusedError,
    SftpError,
    WriteRefusedError,
)
from partner_orders.platform.sftp_names import checked_folder, checked_name

MAX_FILE_BYTES = 1_073_741_824
MAX_ENTRIES = 1_000  # of a folder that are looked at
CONNECT_SECONDS = 20.0
CLOSE_SECONDS = 5.0
_TEMPORARY = re.compile(r"\.partner-orders-[0-9a-f]{16}\.part")
_TRIED = f".partner-orders-{'0' * 16}.part"  # one name, so that a server that forbids removing keeps one file
_CHUNK = 1_048_576  # bytes that are read and sent at once
# Of a server that has no rename that replaces, or forbids it.
_NOT_OFFERED = (asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure)
_NOT_THERE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
# It logs hosts and users.
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class SftpLogin:
    """``private_key`` (OpenSSH or PEM) is used where there is one, else ``password``. ``host_key`` is the only key that
    is trusted, as a line of OpenSSH such as ``ssh-ed25519 AAAA...``."""

    host: str
    port: int
    user: str
    host_key: str
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)


class Uploaded(NamedTuple):
    """``is_atomic``: nobody could see a part of the file. ``size`` is in bytes, as the server took it."""

    size: int
    is_atomic: bool


def fingerprint(host_key: str) -> str:
    """``SHA256:...``, as ssh-keygen shows it. Raises ValueError for a text that is no key."""
    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except asyncssh.KeyImportError:
        raise ValueError("not a host key") from None


def shown_host_key(host: str, port: int, seconds: float = CONNECT_SECONDS) -> str:
    """The key that the server shows, as a line of OpenSSH; no login is tried. Raises ConnectionFailedError."""

    with asyncio.Runner() as runner, _told():
        return runner.run(_within(_shown_host_key(host, port), seconds))


async def _shown_host_key(host: str, port: int) -> str:
    key = await asyncssh.get_server_host_key(host, port, config=None)
    if key is None:
        raise ConnectionFailedError("the server shows no key")
    kind, text, *_ = key.export_public_key("openssh").decode("ascii").split()
    return f"{kind} {text}"


class SftpSession:
    """A connection, until the context ends. Every method raises SftpError. ``seconds``: how long the session may take
    in all; each call may raise ConnectionFailedError for it."""

    def __init__(self, login: SftpLogin, seconds: float = 600.0) -> None:
        self._login = login
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        # Of the pieces of a write, one tells that the connection was lost. The others need not.
        self._runner.get_loop().set_exception_handler(lambda *_: None)
        self._ends = self._runner.get_loop().time() + self._seconds
        try:
            self._connection, self._client = self._run(self._connect)
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._runner.run(self._close())
        self._runner.close()

    def folders(self) -> list[str]:
        """The folders in the user's home, in order; of the first MAX_ENTRIES entries. Bytes that are not UTF-8 are
        shown as question marks."""
        return self._run(self._folders)

    def require_folder(self, folder: str) -> None:
        """Raises FolderMissingError, and UnsafeNameError."""
        self._run(lambda: self._require(checked_folder(folder)))

    def upload(self, folder: str, name: str, content: IO[bytes]) -> Uploaded:
        """Put a file into a folder, in place of one of that name. ``content`` is read from its beginning. Raises
        UnsafeNameError, and OSError where it cannot be read."""
        path = f"{checked_folder(folder)}/{checked_name(name)}"
        return self._run(lambda: self._upload(folder, path, content))

    def remove(self, folder: str, name: str) -> None:
        """Remove a file, if it is there."""
        path = f"{checked_folder(folder)}/{checked_name(name)}"

        async def remove() -> None:
            with contextlib.suppress(*_NOT_THERE):
                await self._client.remove(path)

        self._run(remove)

    def try_writing(self) -> bool:
        """Write a small file into the home, and remove it again; whether a file would be replaced in one step."""

        async def attempt() -> bool:
            async with self._client.open(_TRIED, "wb") as file:
                await file.write(b"partner-orders\n")
            await self._forget(_TRIED)
            return await self._offers_rename()

        return self._run(attempt)

    # -- in the loop ---------------------------------------------------------------------------------------------------

    def _run[T](self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        with _told():
            return self._runner.run(_within(step(), self._ends - self._runner.get_loop().time()))

    async def _connect(self) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        login = self._login
        try:
            trusted = asyncssh.import_public_key(login.host_key)
            keys = [asyncssh.import_private_key(login.private_key)] if login.private_key else None
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise LoginRefusedError("the stored key cannot be read") from None
        try:
            connection = await self._logged_in(trusted, keys)
        except (asyncssh.DisconnectError, OSError) as error:
            if not isinstance(error, asyncssh.PermissionDenied | asyncssh.HostKeyNotVerifiable):
                await self._tell_of_other_key()
            raise
        try:
            # Names of other programs may have any bytes.
            return connection, await connection.start_sftp_client(path_errors="surrogateescape")
        except BaseException:
            connection.abort()
            raise

    async def _tell_of_other_key(self) -> None:
        """A server that has no key of the trusted kind any more only cuts the connection. Raises HostKeyChangedError
        where it shows another key."""
        login, shown = self._login, ""
        with contextlib.suppress(asyncssh.DisconnectError, ConnectionFailedError, OSError):
            shown = await _shown_host_key(login.host, login.port)
        if shown and shown.split()[:2] != login.host_key.split()[:2]:
            raise HostKeyChangedError("the server's key is not the trusted one")

    async def _logged_in(
        self, trusted: asyncssh.SSHKey, keys: list[asyncssh.SSHKey] | None
    ) -> asyncssh.SSHClientConnection:
        login = self._login
        # Nothing of the machine's own: no configuration, agent, keys or known hosts.
        return await asyncssh.connect(
            login.host,
            login.port,
            username=login.user,
            password=None if keys else login.password,
            client_keys=keys,
            known_hosts=([trusted], [], []),
            config=None,
            agent_path=None,
            gss_host=None,
            x509_trusted_certs=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=15,
            keepalive_count_max=3,
        )

    async def _close(self) -> None:
        self._client.exit()
        self._connection.close()
        try:
            await asyncio.wait_for(self._connection.wait_closed(), CLOSE_SECONDS)
        except TimeoutError:
            self._connection.abort()

    async def _folders(self) -> list[str]:
        names = [str(entry.filename) async for entry in self._entries(asyncssh.FILEXFER_TYPE_DIRECTORY)]
        return sorted(name.encode("utf-8", "replace").decode("utf-8") for name in names)

    async def _entries(self, kind: int) -> Any:
        number = 0
        async for entry in self._client.scandir("."):
            number += 1
            if number > MAX_ENTRIES:
                return
            if entry.attrs.type == kind and entry.filename not in {".", ".."}:
                yield entry

    async def _require(self, folder: str) -> None:
        if not await self._client.isdir(folder):
            raise FolderMissingError(f"there is no folder {folder} in the user's home")

    async def _upload(self, folder: str, path: str, content: IO[bytes]) -> Uploaded:
        await self._require(folder)
        if await self._offers_rename():
            await self._remove_leftovers()
            size = await self._renamed(path, content)
            if size is not None:
                return Uploaded(size, is_atomic=True)
        return Uploaded(await self._write(path, content), is_atomic=False)

    async def _offers_rename(self) -> bool:
        """Whether a file may be renamed over another one: a name that is not there tells it."""
        try:
            await self._client.posix_rename(_temporary_name(), _temporary_name())
        except _NOT_THERE:
            return True
        except _NOT_OFFERED:
            return False
        return False

    async def _remove_leftovers(self) -> None:
        """Remove the temporary files of uploads that were cut off. There is one uploader. A courtesy: where the server
        does not let us, the upload goes on."""
        with contextlib.suppress(asyncssh.SFTPError):
            left = [entry.filename async for entry in self._entries(asyncssh.FILEXFER_TYPE_REGULAR)]
            for name in filter(_TEMPORARY.fullmatch, map(str, left)):
                await self._forget(name)

    async def _renamed(self, path: str, content: IO[bytes]) -> int | None:
        """Write a temporary file, and rename it; its size. None where the home takes no file, or the server does not
        rename it into the folder."""
        name = _temporary_name()
        try:
            size = await self._write(name, content)
            await self._client.posix_rename(name, path)
        except asyncssh.SFTPPermissionDenied:
            pass
        except asyncssh.SFTPFailure:
            # A full disk would not take it under its own name either.
            if not await self._client.exists(name):
                raise
        except WriteRefusedError:
            await self._forget(name)
            raise
        else:
            return size
        await self._forget(name)
        return None

    async def _forget(self, name: str) -> None:
        with contextlib.suppress(*_NOT_OFFERED, *_NOT_THERE):
            await self._client.remove(name)

    async def _write(self, path: str, content: IO[bytes]) -> int:
        size = 0
        try:
            async with self._client.open(path, "wb") as file:
                for chunk in _chunks(content):
                    size += len(chunk)
                    if size > MAX_FILE_BYTES:
                        raise WriteRefusedError("the file is larger than 1 GB")
                    await file.write(chunk)
        except asyncssh.SFTPFailure:
            raise WriteRefusedError("the server does not take the file; its disk may be full") from None
        try:
            there = (await self._client.stat(path)).size
        except _NOT_THERE:
            # The platform took it at once: the server had accepted all of it.
            return size
        if there != size:
            raise WriteRefusedError(f"the server has {there} bytes of {size}")
        return size


class _UnreadableError(Exception):
    """The content cannot be read here, which is not the server's fault."""

    def __init__(self, cause: OSError) -> None:
        self.cause = cause


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    try:
        content.seek(0)
        while chunk := content.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise _UnreadableError(error) from None


def _temporary_name() -> str:
    return f".partner-orders-{secrets.token_hex(8)}.part"


async def _within[T](work: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(max(0.0, seconds)):
        return await work


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what the library raises into SftpError."""
    try:
        yield
    except SftpError:
        raise
    except _UnreadableError as error:
        raise error.cause from None
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChangedError("the server's key is not the trusted one") from None
    except (asyncssh.PermissionDenied, asyncssh.PasswordChangeRequired, asyncssh.IllegalUserName):
        raise LoginRefusedError("the server refuses the login") from None
    except (asyncssh.DisconnectError, asyncssh.ChannelOpenError, TimeoutError, *_LOST) as error:
        raise ConnectionFailedError(f"the connection failed: {type(error).__name__}") from None
    except _NOT_THERE:
        raise FolderMissingError("the folder is not there any more") from None
    except asyncssh.SFTPError as error:
        raise WriteRefusedError(f"the server refuses it: {type(error).__name__}") from None
    except OSError as error:
        raise ConnectionFailedError(f"the connection failed: {type(error).__name__}") from None
