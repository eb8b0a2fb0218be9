"""Who may use the desk: the browser that was opened with the one-time token, at exactly this address.

Another browser, and a page of another site, another port or another user of the machine, gets 403 for everything.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

ENTRANCE = "/enter"
# Everything comes from the desk itself; nothing runs or is styled inline, and no other page frames it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_ENTERED = "You have entered the desk. "
_USED = "This address can be used once, and it was used already. `partner-orders desk` opens the desk with a new one."
_MAX_HEADER = 8_192  # of a cookie or a query that is looked at


class Guard:
    """The middleware that lets in whom the desk was opened for. ``token`` is what the address to open holds; it is
    good once. ``form_token`` is what every form of the desk has to hold."""

    def __init__(self, host: str, token: str | None = None) -> None:
        self.host = host
        self.token = token or secrets.token_urlsafe(32)
        self.form_token = secrets.token_urlsafe(32)
        self.cookie = f"partner-orders-desk-{secrets.token_hex(8)}"
        self._session = secrets.token_urlsafe(32)
        self._is_used = False
        self._lock = Lock()
        self._app: App | None = None

    @property
    def address(self) -> str:
        """Where the desk is opened, once."""
        return f"http://{self.host}{ENTRANCE}?token={self.token}"

    def protecting(self, app: App) -> "Guard":
        """This guard, in front of an application."""
        self._app = app
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # No other kind of connection is taken.
        headers = _headers(scope)
        if refusal := self._refusal(scope, headers):
            await _respond(send, 403, refusal)
        elif scope["path"] == ENTRANCE:
            await self._enter(scope, headers, send)
        elif not self._has_entered(headers):
            await _respond(send, 403, "Open the desk with the address that `partner-orders desk` printed.")
        else:
            await self._inner(scope, receive, _with_headers(send))

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            raise RuntimeError("the guard protects nothing yet")
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, list[str]]) -> str:
        """Why a request is refused whoever sent it; empty for one that is not."""
        if headers.get("host") != [self.host]:
            return "Wrong Host: the desk has one address."
        origins, site = headers.get("origin", []), headers.get("sec-fetch-site", [])
        if site not in ([], ["same-origin"], ["none"]) and not _is_entering(scope):
            return "Another site may not use the desk."
        # A page with no-referrer sends "null" where its own origin would stand.
        is_own = origins == [f"http://{self.host}"] or (origins == ["null"] and site == ["same-origin"])
        if origins and not is_own:
            return "Wrong Origin: another page may not use the desk."
        if scope["method"] not in {"GET", "HEAD"} and not is_own:
            return "A change has to come from a page of the desk."
        return ""

    def _has_entered(self, headers: dict[str, list[str]]) -> bool:
        """Whether the request has the session's cookie."""
        for text in headers.get("cookie", []):
            try:
                cookies: SimpleCookie = SimpleCookie(text[:_MAX_HEADER])
            except CookieError:
                continue
            given = cookies.get(self.cookie)
            if given is not None and _same(str(given.value), self._session):
                return True
        return False

    async def _enter(self, scope: Scope, headers: dict[str, list[str]], send: Send) -> None:
        if self._has_entered(headers):
            await _respond(send, 303, _ENTERED, location="/")
            return
        query = parse_qs(scope["query_string"][:_MAX_HEADER].decode("latin-1"))
        if query.keys() != {"token"} or not _same(query["token"][0], self.token):
            await _respond(send, 403, "Wrong token. Use the whole address that `partner-orders desk` printed.")
            return
        with self._lock:
            was_used, self._is_used = self._is_used, True
        if was_used:
            await _respond(send, 403, _USED)
            return
        cookie = f"{self.cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"
        await _respond(send, 303, _ENTERED, location="/", set_cookie=cookie)


def _is_entering(scope: Scope) -> bool:
    """Whether the address was followed from elsewhere, such as from a terminal in the browser."""
    return bool(scope["path"] == ENTRANCE and scope["method"] == "GET")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _headers(scope: Scope) -> dict[str, list[str]]:
    """Every value of each header."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _with_headers(send: Send) -> Send:
    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            kept = [(name, value) for name, value in message["headers"] if name.decode().lower() not in HEADERS]
            message = {**message, "headers": [*kept, *ours]}
        await send(message)

    return sent


async def _respond(send: Send, status: int, text: str, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = {"content-type": "text/plain; charset=utf-8", **HEADERS, **named}
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in content.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": text.encode()})
