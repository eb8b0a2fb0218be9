"""A session that gives replies as they are written down, and a client over it."""

import io
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from urllib3 import HTTPResponse

from partner_orders.platform.http import PartnerApiClient
from partner_orders.platform.rate_limit import RateLimit
from tests.support.fixed_clock import clock

BASE_URL = "https://partner-api.example.com"


class Reply(NamedTuple):
    status: int
    body: Any = None
    content_type: str = "application/json"
    retry_after: str = ""


class CannedSession(requests.Session):
    """A session that gives these replies, one after the other, and notes what was requested."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__()
        self.replies = [*replies]
        self.asked: list[dict[str, Any]] = []

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        **options: Any,
    ) -> requests.Response:
        assert options["allow_redirects"] is False
        self.asked.append({"method": method, "url": url, "query": params, "headers": dict(headers or {}), "data": data})
        reply = self.replies.pop(0)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        answer = requests.Response()
        answer.status_code = reply.status
        answer.headers["Content-Type"] = reply.content_type
        if reply.retry_after:
            answer.headers["Retry-After"] = reply.retry_after
        answer.raw = HTTPResponse(io.BytesIO(b"" if reply.body is None else content), preload_content=False)
        return answer


class Tokens:
    """Credentials whose token is another one after each rejection."""

    stored_at = None

    def __init__(self) -> None:
        self.rejections = 0

    def token(self) -> str:
        return f"token-{self.rejections}"

    def rejected(self) -> None:
        self.rejections += 1


def client_of(session: requests.Session, per_minute: int = 60) -> PartnerApiClient:
    """A client whose clock stands still."""
    tokens: Any = Tokens()
    limit = RateLimit(per_minute, lambda: 0.0, lambda _: None)
    return PartnerApiClient(BASE_URL, tokens, session, limit, clock, lambda _: None)
