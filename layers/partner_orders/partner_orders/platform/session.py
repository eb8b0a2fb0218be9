"""The HTTP session for the platform. It sends what we give it, keeps nothing that the platform's servers set, and waits
for no response longer than it is told."""

import http.client
import io
import socket
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from urllib3 import PoolManager


class _AuthorizationAsGiven(AuthBase):
    """Leaves a request as it is. Without any auth, requests would send a login of the user's netrc instead."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


AS_GIVEN = _AuthorizationAsGiven()


def platform_session() -> requests.Session:
    """A session without cookies and without logins from files: a sticky cookie would pin us to one back end.

    The timeout of reading is for a whole response, from the request to the end of its body, if that is streamed.
    """
    session = _PlatformSession()
    session.auth = AS_GIVEN
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.headers["Accept-Encoding"] = "gzip"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _TimelyAdapter())
    return session


class _PlatformSession(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Nowhere. Even for a redirect that is not followed, requests would read the whole body, however long."""
        return None


class _UntilDeadline(io.RawIOBase):
    """Reads a socket, until the time that its timeout allowed when the reading began. A timeout of each single read
    never strikes where a byte comes now and then."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        self._stream = stream
        self._socket = sock
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Raises TimeoutError."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the response takes too long")
        self._socket.settimeout(seconds)
        count: int | None = self._stream.readinto(buffer)
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _TimelyResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        seconds = sock.gettimeout()
        if seconds is not None:
            self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock, seconds))


class _TimelyConnection(HTTPConnection):
    response_class = _TimelyResponse


class _TimelySecureConnection(HTTPSConnection):
    response_class = _TimelyResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _TimelyConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _TimelySecureConnection


class _TimelyAdapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _use_timely_connections(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        _use_timely_connections(manager)
        return manager


def _use_timely_connections(manager: "PoolManager") -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
