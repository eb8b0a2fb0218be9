"""The platform's Partner API (docs/platform.md 4) as a function of a request and a time: no socket, no clock."""

import json
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tools.local.simulated_platform.lives import Body, Life, Step, to_text
from tools.local.simulated_platform.picking import answered, cancelled
from tools.local.simulated_platform.striking import strikes

HISTORY = timedelta(days=60)
WINDOW = timedelta(seconds=60)
TOKEN_LIFE = timedelta(hours=2)
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 500
TOKEN_CALLS_PER_MINUTE = 50


@dataclass(frozen=True)
class Request:
    """A request. Names of ``headers`` are in lower case; ``target`` is path and query."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class Response:
    """A response. The server waits ``hang_seconds`` before it sends it."""

    status: int
    headers: dict[str, str]
    body: bytes
    hang_seconds: float = 0.0


@dataclass
class Unknowns:
    """Behaviour that the contract leaves open, so that each possibility can be tried."""

    filter_by: str = "created"  # or updated
    order: str = "ascending"  # or descending, none
    start_included: bool = True
    end_included: bool = True
    times: str = "any"  # or with_z, without_z
    times_refused: bool = False  # a 400 to times in the other form, in place of an empty list
    page_size_honoured: bool = True
    largest_page_size: int = MAX_PAGE_SIZE
    page_size_refused: bool = False  # a 400 to a larger one, in place of smaller pages
    accepts: bool = False  # stores accept orders, a dispatch is confirmed as ready, and no store cancels
    counts: str = "numbers"  # or text, missing
    empty: str = "list"  # or null, missing, object, no_content
    sort_by: str = "created"  # or updated


# A value below 1 is a probability, any other the number of times that it still happens. `move_between_pages` changes an
# order of the list, which then moves or leaves where pages are sorted or filtered by that.
FAULTS = (
    "unauthorized", "forbidden", "not_found", "too_many", "server_error", "html", "truncated", "repeat_first_page",
    "move_between_pages", "hang",
    # Of a PUT: a 400 that takes effect, and one that does not; no response, or a 500, before the effect or after it; a
    # customer who cancels right before; a response that is nearly a minute late; lines that come back in another form;
    # and a GET after it that shows the state before it.
    "false_refusal", "put_lost", "put_unanswered", "put_error_before", "put_error_after", "put_cancelled_before",
    "put_slow", "put_normalised", "put_not_shown_yet", "put_refused",
)  # fmt: skip
# How long a GET may show the state before a PUT.
LONGEST_LAG = timedelta(seconds=20)


class SimulatedPartnerApi:
    def __init__(
        self,
        chain_id: str,
        token: str,
        rate_limit: int,
        seed: int = 0,
        unknowns: Unknowns | None = None,
        clients: dict[str, str] | None = None,
        stores: Iterable[str] = (),
        form_of_get: Callable[[Body], Body] = lambda body: body,
    ) -> None:
        """``stores`` are the ids of those that are known without an order. ``form_of_get`` writes an order as GET does
        where that differs from the webhook."""
        self._chain_id = chain_id
        self.token = token
        self._rate_limit = rate_limit
        self._chance = random.Random(seed)
        self.unknowns = unknowns or Unknowns()
        self._clients = clients or {}
        self._stores = {*stores}
        self.form_of_get = form_of_get
        self.faults: dict[str, float] = {}
        self.retry_after_seconds = 60
        self.requests: list[datetime] = []
        self._recent: dict[str, deque[datetime]] = {}
        self._access_tokens: dict[str, datetime] = {}
        self._token_calls: deque[datetime] = deque()
        self._orders: dict[str, Life] = {}
        self._shops: dict[str, list[Life]] = {}
        self._texts: dict[tuple[str, int], str] = {}
        self._touched: dict[str, datetime] = {}
        self._lagging: dict[str, tuple[datetime, Life]] = {}
        # What was taken of PUTs, with the time, for whoever counts their effects.
        self.answers: list[tuple[datetime, str, Body]] = []
        self.on_change: Callable[[Life], None] = lambda _: None

    def show(self, lives: Iterable[Life]) -> None:
        """Replace the orders that the API knows. Stores of earlier orders stay known."""
        self._stores |= self._shops.keys()
        self._orders, self._shops, self._texts = {}, {}, {}
        for life in sorted(lives, key=lambda life: life.created_at):
            self._orders[life.order_id] = life
            mine = self._shops.setdefault(life.shop.store_id, [])
            self._shops[life.shop.external_partner_config_id] = mine
            mine.append(life)

    def open_store(self, *names: str) -> None:
        """Know a store by these ids, without an order."""
        self._stores |= {*names}

    def knows_store(self, name: str) -> bool:
        """Whether a store is known by this id."""
        return name in self._stores or name in self._shops

    def touch(self, order_id: str, at: datetime) -> None:
        """Change an order in something that its body does not show."""
        self._touched[order_id] = at

    def handle(self, request: Request, now: datetime) -> Response:
        response = self._answer(request, now)
        return Response(
            response.status,
            {**response.headers, "Date": format_datetime(now.astimezone(UTC).replace(microsecond=0), usegmt=True)},
            response.body,
            response.hang_seconds,
        )

    def body_text(self, life: Life, step: Step) -> str:
        """The body by GET of an order in a state: the webhook's content in GET's own form."""
        key = (life.order_id, life.steps.index(step))
        if key not in self._texts:
            self._texts[key] = to_text(self.form_of_get(_as_get_shows(life, step)))
        return self._texts[key]

    # -- one request --------------------------------------------------------------------------------------------

    def _answer(self, request: Request, now: datetime) -> Response:
        self.requests.append(now)
        recent = self._recent.setdefault(request.address, deque())
        while recent and recent[0] <= now - WINDOW:
            recent.popleft()
        recent.append(now)
        if len(recent) > self._rate_limit or self._strikes("too_many"):
            return _blocked(self.retry_after_seconds)
        url = urlsplit(request.target)
        if (request.method, url.path) == ("POST", "/v2/oauth/token"):
            return self._grant(request, now)
        if self._strikes("hang"):
            return Response(200, {}, b"", hang_seconds=60.0)
        if self._strikes("server_error"):
            return _json(500, _gateway_error(url.path, 500, now))
        if not self._admits(request, now) or self._strikes("unauthorized"):
            return _error(401, "UNAUTHORIZED", "Token is missing, expired or not valid")
        if self._strikes("forbidden"):
            return _error(403, "FORBIDDEN", "Token has no access to this chain")
        if self._strikes("html"):
            return Response(200, {"Content-Type": "text/html"}, b"<html><body>Just a moment...</body></html>")
        if self._strikes("not_found"):
            return _error(404, "NOT_FOUND", "Not found")
        if request.method == "PUT":
            return self._answered(url.path, request.body, now)
        response = self._read(url.path, url.query, request.method, now)
        if self._strikes("truncated"):
            return Response(200, response.headers, response.body[: len(response.body) * 2 // 3])
        return response

    def _read(self, path: str, query: str, method: str, now: datetime) -> Response:
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["v2", "chains", chain, "orders", order_id] if chain == self._chain_id:
                return self._order(order_id, now)
            case "GET", ["v2", "orders", order_id]:
                return self._order(order_id, now)
            case "GET", ["v2", "chains", chain, "vendors", vendor, "orders"] if chain == self._chain_id:
                if vendor not in self._shops and vendor not in self._stores:
                    return _error(404, "NOT_FOUND", "Vendor not found")
                return self._page(self._shops.get(vendor, []), dict(parse_qsl(query)), now)
        return _error(404, "NOT_FOUND", "Not found")

    def _answered(self, path: str, content: bytes, now: datetime) -> Response:
        """Take a PUT, or what is left of it."""
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["v2", "chains", chain, "orders", order_id] if chain == self._chain_id:
                return self._put(order_id, content, now)
        return _error(404, "NOT_FOUND", "Not found")

    def _put(self, order_id: str, content: bytes, now: datetime) -> Response:
        if self._strikes("put_error_before"):
            return _json(500, _gateway_error(order_id, 500, now))
        if self._strikes("put_lost"):
            return Response(200, {}, b"", hang_seconds=60.0)
        life = self._orders.get(order_id)
        if life is not None and self._strikes("put_cancelled_before") and (step := life.step_at(now)):
            life = cancelled(life, step, now)
            self.replace(life)
        present = life.step_at(now) if life else None
        if life is None or present is None or life.created_at < now - HISTORY:
            return _error(404, "NOT_FOUND", "Order not found")
        if self._strikes("put_refused"):
            return _error(400, "BAD_REQUEST", "The order cannot be changed")
        try:
            body = json.loads(content)
            after = answered(life, present, body, now, self.unknowns.accepts, self._chance)
        except (ValueError, KeyError, TypeError) as refusal:
            return _error(400, "BAD_REQUEST", str(refusal))
        self.answers.append((now, order_id, body))
        self.replace(after)
        if self._strikes("put_not_shown_yet"):
            self._lagging[order_id] = now + LONGEST_LAG * self._chance.random(), life
        return self._response_to_put(after, now)

    def _response_to_put(self, life: Life, now: datetime) -> Response:
        if self._strikes("false_refusal"):
            return _error(400, "BAD_REQUEST", "The order cannot be changed")
        if self._strikes("put_error_after"):
            return _json(502, _gateway_error(life.order_id, 502, now))
        step = life.steps[-1]
        shown = Response(200, {"Content-Type": "application/json"}, self.body_text(life, step).encode())
        if self._strikes("put_unanswered"):
            return replace(shown, hang_seconds=60.0)
        if self._strikes("put_slow"):
            return replace(shown, hang_seconds=15.0)
        if self._strikes("put_normalised"):
            return replace(shown, body=_in_another_form(shown.body))
        return shown

    def replace(self, life: Life) -> None:
        """Have an order live another life from now on."""
        self._orders[life.order_id] = life
        for name in (life.shop.store_id, life.shop.external_partner_config_id):
            mine = self._shops[name]
            mine[next(place for place, other in enumerate(mine) if other.order_id == life.order_id)] = life
        self._texts = {key: text for key, text in self._texts.items() if key[0] != life.order_id}
        self.on_change(life)

    @property
    def lives(self) -> list[Life]:
        """Every order, as it is now."""
        return [*self._orders.values()]

    def shown(self, order_id: str) -> Life | None:
        """An order as it is now, whatever a GET shows."""
        return self._orders.get(order_id)

    def _order(self, order_id: str, now: datetime) -> Response:
        life = self._orders.get(order_id)
        lagging_until, before = self._lagging.get(order_id, (now, life))
        life = before if now < lagging_until else life
        step = life.step_shown_at(now) if life else None
        if life is None or step is None or life.created_at < now - HISTORY:
            return _error(404, "NOT_FOUND", "Order not found")
        return Response(200, {"Content-Type": "application/json"}, self.body_text(life, step).encode())

    def _page(self, lives: list[Life], query: dict[str, str], now: datetime) -> Response:
        """A page of a store's orders. Unknown parameters are ignored, and invalid times find nothing."""
        start, end = (self._time(query.get(name, "")) for name in ("start_time", "end_time"))
        size, number = _whole(query.get("page_size"), DEFAULT_PAGE_SIZE), _whole(query.get("page"), 1)
        if refusal := self._refusal(query, size):
            return refusal
        size = max(1, min(size, self.unknowns.largest_page_size))
        if start is None or end is None or start > end or end - start > HISTORY:
            return self._envelope([], number, size, 0)
        if not self.unknowns.page_size_honoured:
            size = DEFAULT_PAGE_SIZE
        if self._strikes("repeat_first_page"):
            number = 1
        found = self._found(lives, start, end, now)
        if number > 1 and found and self._strikes("move_between_pages"):
            self.touch(self._chance.choice(found)[0].order_id, now)
            found = self._found(lives, start, end, now)
        shown = found[(number - 1) * size : number * size]
        return self._envelope([self.listed(life, step) for life, step in shown], number, size, len(found))

    def listed(self, life: Life, step: Step) -> bytes:
        """An order as a page of the list shows it."""
        return self.body_text(life, step).encode()

    def _refusal(self, query: dict[str, str], size: int) -> Response | None:
        """A 400 to parameters that this platform rejects and another one ignores; else None."""
        times = [query.get(name, "") for name in ("start_time", "end_time")]
        if self.unknowns.times_refused and not all(map(self._is_accepted, times)):
            return _error(400, "BAD_REQUEST", "start_time and end_time are not valid")
        if self.unknowns.page_size_refused and size > self.unknowns.largest_page_size:
            return _error(400, "BAD_REQUEST", "page_size is too large")
        return None

    def _envelope(self, orders: list[bytes], number: int, size: int, found: int) -> Response:
        """The page of a list of ``found`` orders, in this platform's form."""
        unknowns, headers = self.unknowns, {"Content-Type": "application/json"}
        if not orders and unknowns.empty == "no_content":
            return Response(204, {}, b"")
        if not orders and unknowns.empty == "object":
            return Response(200, headers, b"{}")
        counted = {"page_number": number, "page_size": size, "total_pages": -(-found // size)}
        parts = [b'"orders":[' + b",".join(orders) + b"]"]
        if not orders and unknowns.empty in {"null", "missing"}:
            parts = [b'"orders":null'] if unknowns.empty == "null" else []
        if unknowns.counts != "missing":
            quote = '"' if unknowns.counts == "text" else ""
            parts += [f'"{name}":{quote}{count}{quote}'.encode() for name, count in counted.items()]
        return Response(200, headers, b"{" + b",".join(parts) + b"}")

    def _found(self, lives: list[Life], start: datetime, end: datetime, now: datetime) -> list[tuple[Life, Step]]:
        unknowns = self.unknowns
        start = max(start, now - HISTORY)
        by_creation = unknowns.filter_by == "created"
        first = bisect_left(lives, start, key=lambda life: life.created_at) if by_creation else 0
        found: list[tuple[datetime, Life, Step]] = []  # each with the time to sort it by
        for life in lives[first:]:
            if life.created_at > end:
                break
            step = life.step_shown_at(now)
            if step is None or life.created_at < now - HISTORY or not self.is_listed(life, now):
                continue
            updated_at = max(step.at, self._touched.get(life.order_id, step.at))
            at = life.created_at if by_creation else updated_at
            if (start < at or (unknowns.start_included and at == start)) and (
                at < end or (unknowns.end_included and at == end)
            ):
                found.append((life.created_at if unknowns.sort_by == "created" else updated_at, life, step))
        keys: dict[str, Callable[[tuple[datetime, Life, Step]], Any]] = {
            "ascending": lambda entry: (entry[0], entry[1].order_id),
            "descending": lambda entry: (-entry[0].timestamp(), entry[1].order_id),
            "none": lambda entry: sha256(entry[1].order_id.encode()).digest(),
        }
        found.sort(key=keys[unknowns.order])
        return [(life, step) for _, life, step in found]

    def is_listed(self, life: Life, now: datetime) -> bool:
        """Whether an order that exists is in the list yet."""
        return life.created_at <= now

    def _time(self, text: str) -> datetime | None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at.replace(tzinfo=at.tzinfo or UTC) if self._is_accepted(text) else None

    def _is_accepted(self, text: str) -> bool:
        return {"any": True, "with_z": text.endswith("Z"), "without_z": not text.endswith("Z")}[self.unknowns.times]

    # -- who is asking ------------------------------------------------------------------------------------------

    def _admits(self, request: Request, now: datetime) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and (token == self.token or self._access_tokens.get(token, now) > now)

    def _grant(self, request: Request, now: datetime) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        while self._token_calls and self._token_calls[0] <= now - WINDOW:
            self._token_calls.popleft()
        self._token_calls.append(now)
        if len(self._token_calls) > TOKEN_CALLS_PER_MINUTE:
            return _json(429, {"error": "too_many_requests", "error_description": "Too many token requests"})
        known = self._clients.get(form.get("client_id", ""))
        if form.get("grant_type") != "client_credentials" or known is None or known != form.get("client_secret"):
            return _json(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = f"access-{self._chance.getrandbits(96):024x}"
        self._access_tokens[token] = now + TOKEN_LIFE
        return _json(200, {"access_token": token, "token_type": "Bearer", "expires_in": 7200})

    def _strikes(self, fault: str) -> bool:
        return strikes(self.faults, fault, self._chance)


def _in_another_form(content: bytes) -> bytes:
    """An order whose lines come back in another order, with numbers as text and without names."""
    body: Body = json.loads(content)
    for line in body["items"]:
        line.pop("name", None)
        line["pricing"] = {name: str(value) for name, value in line["pricing"].items()}
    body["items"].reverse()
    return to_text(body).encode()


def _as_get_shows(life: Life, step: Step) -> Body:
    chance = random.Random(f"{life.order_id}/{step.status}")
    body: Body = json.loads(
        to_text(step.body), parse_float=lambda text: int(float(text)) if text.endswith(".0") else float(text)
    )
    webhook_status = chance.choice(["SENT", "FAILED", "PENDING"])
    if isinstance(body.get("sys"), dict):
        body["sys"]["webhook_status"] = webhook_status
    if body.get("comment") is None:
        body.pop("comment", None)
    body.setdefault("accepted_for", None)
    for line in filter(_is_object, body["items"] if isinstance(body["items"], list) else []):
        line.setdefault("instructions", None)
        line.setdefault("replaced_id", None)
    if life.masked and isinstance(body["customer"], dict):
        customer = body["customer"]
        for name in ("first_name", "last_name", "phone_number"):
            if customer.get(name) and isinstance(customer[name], str):
                customer[name] = customer[name][:1] + "**"
    shuffled = sorted(body.items(), key=lambda _: chance.random())
    return dict(shuffled)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else default


def _json(status: int, body: Body) -> Response:
    return Response(status, {"Content-Type": "application/json"}, to_text(body).encode())


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"code": code, "message": message})


def _gateway_error(path: str, status: int, now: datetime) -> Body:
    return {
        "timestamp": now.isoformat(timespec="milliseconds"),
        "path": path,
        "status": status,
        "error": "Internal Server Error",
        "message": "",
        "requestId": f"{sha256(path.encode()).hexdigest()[:8]}-118204",
    }


def _blocked(seconds: int) -> Response:
    page = b"<html><head><title>Too Many Requests</title></head><body>rate limited</body></html>"
    return Response(429, {"Content-Type": "text/html; charset=UTF-8", "Retry-After": str(seconds)}, page)
