"""The storage host without a network: a session that it answers, at whatever address."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPResponse

from tools.local.simulated_platform.catalogue_api import StorageHost
from tools.local.simulated_platform.partner_api import Request


class StorageSession(requests.Session):
    """``now`` is the host's time (UTC)."""

    def __init__(self, host: StorageHost, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._host = host
        self._now = now

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(url)
        headers = {name.lower(): value for name, value in options["headers"].items()}
        given = self._host.handle(Request(method, f"{parts.path}?{parts.query}", headers, b""), self._now())
        answer = requests.Response()
        answer.status_code = given.status
        answer.raw = HTTPResponse(io.BytesIO(given.body), preload_content=False)
        return answer
