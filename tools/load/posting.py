"""Posts a timetable's requests, each when it is due, whatever became of the earlier ones, and again without a 2xx."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from partner_orders.platform.session import AS_GIVEN
from tools.load.timetable import Request

RETRIES = 5  # as the platform's (docs/platform.md 2.1)
TIMEOUT_SECONDS = 10.0
FIRST_DELAY_SECONDS = 1.0  # doubles with each retry
SENDERS = 64
# On this machine each request that is under way has an environment of the webhook, a process of its own.
LOCAL_SENDERS = 8
LATE_SECONDS = 1.0


@dataclass(frozen=True)
class Webhook:
    url: str
    headers: Mapping[str, str]
    secret: str = field(repr=False)


@dataclass
class Posted:
    """``acknowledged`` holds the digests of the bodies that got a 2xx, with how many did. ``given_up`` are those whose
    last try got none, ``statuses`` counts the responses (0: none in time), ``late`` the first tries that this machine
    sent more than LATE_SECONDS after they were due."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    late: int = 0


class Poster:
    """``senders``: how many requests may be under way at a time. One that finds them all busy is sent late."""

    def __init__(self, webhook: Webhook, senders: int = SENDERS) -> None:
        self._webhook = webhook
        self._senders = senders
        self._lock = threading.Lock()
        self._local = threading.local()
        self.posted = Posted()

    def play(self, timetable: Sequence[Request], tell: Callable[[float], None]) -> None:
        """Post everything, and return when each request has its outcome. ``tell`` gets the seconds since the start each
        time that a request is due."""
        begun = time.monotonic()
        with ThreadPoolExecutor(self._senders) as senders:
            settled: list[Future[None]] = []
            for request in timetable:
                time.sleep(max(0.0, begun + request.due - time.monotonic()))
                settled.append(senders.submit(self._post, request, begun))
                tell(time.monotonic() - begun)
            for future in settled:
                future.result()

    def _post(self, request: Request, begun: float) -> None:
        is_late = time.monotonic() - begun - request.due > LATE_SECONDS
        delay, is_taken = FIRST_DELAY_SECONDS, False
        for attempt in range(1 + RETRIES):
            if attempt:
                time.sleep(delay)
                delay *= 2
            status = self._send(request.body.content)
            is_taken = requests.codes.ok <= status < requests.codes.multiple_choices
            with self._lock:
                self.posted.statuses[status] += 1
                self.posted.retries += bool(attempt)
            if is_taken:
                break
        with self._lock:
            self.posted.late += is_late
            outcome = self.posted.acknowledged if is_taken else self.posted.given_up
            outcome[request.body.digest] += 1

    def _send(self, body: bytes) -> int:
        """The status code; 0 without a response."""
        session = self._local.__dict__.setdefault("session", requests.Session())
        headers = {
            "Content-Type": "application/json",
            **self._webhook.headers,
            "Authorization": self._webhook.secret,
        }
        try:
            response = session.post(
                self._webhook.url, data=body, headers=headers, timeout=TIMEOUT_SECONDS, auth=AS_GIVEN
            )
        except requests.RequestException:
            return 0
        return int(response.status_code)
