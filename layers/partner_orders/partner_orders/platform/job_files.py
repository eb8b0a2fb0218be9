"""Files of catalogue jobs: results and exports, from the Partner API or a storage that it names (docs/platform.md 6).

The URL comes from outside. The token goes to the configured host only; any other host is reached by https, at public
addresses, and without the token (rule W10).
"""

import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from partner_orders.platform.failures import Failure, PartnerApiError
from partner_orders.platform.http import CONNECT_SECONDS, PartnerApiClient, Request
from partner_orders.platform.responses import READ_BYTES, error_of
from partner_orders.platform.session import platform_session

type Resolve = Callable[[str], list[str]]

MAX_URL = 8_192  # characters; signed ones have some 2,000
MAX_REDIRECTS = 2
# Of a host's addresses: the first may be of a network that this machine does not reach.
MAX_ADDRESSES = 3
# A request to the platform takes at most a minute, or the request budget counts it no longer.
LONGEST_FROM_PLATFORM = 55.0
HTTPS_PORT = 443
_GZIP = 31  # zlib's number for a window of gzip
_PORTS = {"https": HTTPS_PORT, "http": 80}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRINTABLE = re.compile(r"[!-~]+")
# A name with a dot, whose last part begins with a letter: so no number in any spelling, and nothing after a last dot.
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_SHOWABLE_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
# Allocated to hosts; all others embed addresses of IPv4, or are for local use.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
# Public by the registry, but of no host: anycast of protocols, and of relays.
_NO_HOSTS = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"))


class UrlRefusedError(RuntimeError):
    """A URL that nothing is fetched from. The message holds its host and the reason, never its path or query: a signed
    URL is a secret."""

    def __init__(self, host: str, reason: str) -> None:
        shown = _SHOWABLE_HOST.match(host)
        super().__init__(f"a file at {shown.group() if shown else 'an unreadable host'} is not fetched: {reason}")


@dataclass(frozen=True)
class Target:
    """Where a file is. ``host`` is None for the Partner API itself, whose requests carry the token. ``path`` has the
    query, ``url`` is absolute."""

    host: str | None
    path: str = field(repr=False)
    url: str = field(repr=False)


def target_of(url: str, base_url: str) -> Target:
    """Where a URL leads, by its text alone: a path of the Partner API, its own host, or an https host that is named, or
    public. Raises UrlRefusedError."""
    if len(url) > MAX_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise UrlRefusedError("", f"use at most {MAX_URL:,} printable ASCII characters without backslashes")
    try:
        parts, own = urlsplit(url), urlsplit(base_url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise UrlRefusedError("", "the URL is malformed") from None
    path = f"/{parts.path.removeprefix('/')}" + (f"?{parts.query}" if parts.query else "")
    if not parts.scheme and not parts.netloc and parts.path and not url.startswith("//"):
        return Target(None, path, base_url.rstrip("/") + path)
    if not host or "@" in parts.netloc:
        raise UrlRefusedError(host, "use a URL with a host and without a login")
    if _origin(parts) == _origin(own):
        return Target(None, path, base_url.rstrip("/") + path)
    if parts.scheme != "https" or port not in (None, HTTPS_PORT):
        raise UrlRefusedError(host, "use https and its own port")
    _check_host(host)
    return Target(host, path, f"https://{_in_url(host)}{path}")


def is_public(address: str) -> bool:
    """Whether an address (as text) is a host's on the internet."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip not in _GLOBAL_IPV6 or ip.scope_id):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved) and not any(ip in network for network in _NO_HOSTS)


def addresses_of(name: str) -> list[str]:
    """The addresses that a name resolves to, those of IPv4 first. Raises OSError."""
    found = {str(info[4][0]): info[0] for info in socket.getaddrinfo(name, HTTPS_PORT, type=socket.SOCK_STREAM)}
    return sorted(found, key=lambda address: found[address] is not socket.AF_INET)


class JobFiles:
    """Downloads of at most ``most_bytes``, as they arrive and inflated, each in at most ``seconds``; waits for the
    request budget come on top. ``new_session`` makes the sessions for hosts other than the Partner API's."""

    def __init__(
        self,
        client: PartnerApiClient,
        most_bytes: int,
        seconds: float,
        resolve: Resolve = addresses_of,
        new_session: Callable[[], requests.Session] = platform_session,
    ) -> None:
        self._client = client
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._resolve = resolve
        self._new_session = new_session

    def download(self, url: str) -> Iterator[bytes]:
        """The bytes of a file, inflated if they come with Content-Encoding gzip, in parts of at most READ_BYTES. It is
        requested when the first part is.

        Raises, as it is read, UrlRefusedError; OutOfTimeError where the request budget has nothing left; and
        PartnerApiError, whose ``retry_after`` is None where a retry would change nothing: the URL has expired, or the
        file is too large. Parts that came before an error are no whole file.
        """
        deadline = time.monotonic() + self._seconds
        target = target_of(url, self._client.base_url)
        for _ in range(1 + MAX_REDIRECTS):
            with self._new_session() as session:
                try:
                    with self._open(target, session, deadline) as response:
                        if response.status_code not in _REDIRECTS:
                            yield from self._parts(response)
                            return
                        place = response.headers.get("Location", "")
                except (HTTPError, OSError, ValueError) as error:
                    raise PartnerApiError(Failure.NO_RESPONSE, type(error).__name__, retry_after=0.0) from None
            target = self._redirected(target, place)
        raise UrlRefusedError(target.host or "the Partner API", f"it is redirected more than {MAX_REDIRECTS} times")

    def _redirected(self, target: Target, place: str) -> Target:
        if not _PRINTABLE.fullmatch(place):
            raise UrlRefusedError(target.host or "the Partner API", "it is redirected to nowhere")
        try:
            return target_of(urljoin(target.url, place), self._client.base_url)
        except ValueError:
            raise UrlRefusedError("", "the URL is malformed") from None

    def _open(self, target: Target, session: requests.Session, deadline: float) -> requests.Response:
        """The response, open, with a status of success or a redirect."""
        if target.host is not None:
            return _accepted(self._from_storage(target, session, deadline), _storage_error)
        seconds = min(_left(deadline), LONGEST_FROM_PLATFORM)
        request = Request("GET", target.path, accept="*/*", seconds=seconds)
        return self._client.exchange(
            request, lambda response: _accepted(response, lambda refused: error_of(refused, self._client.now()))
        )

    def _from_storage(self, target: Target, session: requests.Session, deadline: float) -> requests.Response:
        """The response of another host, at an address that was checked: the name is not resolved again."""
        host = target.host or ""
        addresses = self._public_addresses(host)
        adapter = session.get_adapter("https://")
        if isinstance(adapter, HTTPAdapter):
            # The certificate has to be the host's, though the connection is to an address.
            adapter.poolmanager.connection_pool_kw["server_hostname"] = host
        failure: OSError = requests.ConnectTimeout()
        for address in addresses:
            left = _left(deadline)
            connecting = min(CONNECT_SECONDS, left / 2)
            try:
                return session.get(
                    f"https://{_in_url(address)}:{HTTPS_PORT}{target.path}",
                    headers={"Host": _in_url(host), "Accept": "*/*"},
                    timeout=(connecting, left - connecting),
                    allow_redirects=False,
                    stream=True,
                )
            except requests.ConnectionError as error:
                failure = error
        raise failure

    def _public_addresses(self, host: str) -> list[str]:
        addresses = [host] if _is_literal(host) else self._resolve(host)
        if not addresses or not all(is_public(address) for address in addresses):
            raise UrlRefusedError(host, "it has an address that is not public")
        return addresses[:MAX_ADDRESSES]

    def _parts(self, response: requests.Response) -> Iterator[bytes]:
        """The body, inflated. Raises PartnerApiError for one that is too large or not whole."""
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding in ("", "identity"):
            yield from _bounded(_raw_parts(response), self._most_bytes)
        elif encoding in ("gzip", "x-gzip"):
            yield from _bounded(_inflated(_bounded(_raw_parts(response), self._most_bytes)), self._most_bytes)
        else:
            raise PartnerApiError(Failure.REFUSED, "encoding")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _check_host(host: str) -> None:
    """Raises UrlRefusedError for an address that is not public, and for what is neither an address nor a full name."""
    if _is_literal(host):
        if not is_public(host):
            raise UrlRefusedError(host, "it is an address that is not public")
    elif not _NAME.match(host):
        raise UrlRefusedError(host, "use a full name, such as files.example.com")


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise PartnerApiError(Failure.NO_RESPONSE, "deadline", retry_after=0.0)
    return left


def _accepted(
    response: requests.Response, error_in: Callable[[requests.Response], PartnerApiError | None]
) -> requests.Response:
    """The response, open, unless its status is an error: then it is closed."""
    if response.status_code not in _REDIRECTS and (error := error_in(response)):
        response.close()
        raise error
    return response


def _storage_error(response: requests.Response) -> PartnerApiError | None:
    """What a status of another host says; nothing of it is about the platform or the token."""
    status = response.status_code
    if status in (200, 204):
        return None
    if status >= 500 or status in (408, 425, 429):
        return PartnerApiError(Failure.SERVER_ERROR, str(status), retry_after=0.0)
    return PartnerApiError(Failure.REFUSED, str(status))


def _raw_parts(response: requests.Response) -> Iterator[bytes]:
    """The body as it arrives. The session's deadline is for all of it."""
    try:
        while part := response.raw.read1(READ_BYTES, decode_content=False):
            yield part
    except ReadTimeoutError:
        raise requests.ReadTimeout from None


def _bounded(parts: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    total = 0
    for part in parts:
        total += len(part)
        if total > most_bytes:
            raise PartnerApiError(Failure.TOO_LARGE)
        yield part


def _inflated(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The content of one gzip stream, a little at a time, however much it inflates to. Raises PartnerApiError for one
    that is corrupt, cut or followed by more."""
    inflating, is_empty = zlib.decompressobj(_GZIP), True
    for part in parts:
        is_empty, rest, follows = False, part, part if inflating.eof else b""
        while rest and not inflating.eof:
            try:
                content = inflating.decompress(rest, READ_BYTES)
            except zlib.error:
                raise PartnerApiError(Failure.REFUSED, "encoding") from None
            if content:
                yield content
            rest, follows = inflating.unconsumed_tail, inflating.unused_data
        # Some pad what they send with zeros.
        if follows.strip(b"\0"):
            raise PartnerApiError(Failure.REFUSED, "encoding")
    if not inflating.eof and not is_empty:
        raise PartnerApiError(Failure.REFUSED, "encoding")
