"""Posts order events to the chain's webhook, as the platform does (docs/platform.md 2.1).

It sends the secret verbatim as Authorization, waits 10 s for a response, accepts any 2xx, and retries up to 5 times.
Misbehaviour makes it drop, repeat or delay events.
"""

import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

RETRIES = 5
SENDERS = 8


@dataclass
class Destination:
    webhook_url: str = ""
    webhook_headers: dict[str, str] = field(default_factory=dict)
    webhook_secret: str = field(default="", repr=False)
    retry_delay_seconds: float = 1.0
    timeout_seconds: float = 10.0


@dataclass(frozen=True)
class Misbehaviour:
    """Probabilities for each event: posted twice, after later ones, late, or never; and of garbage beside it."""

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    drop: float = 0.0
    garbage: float = 0.0


@dataclass
class Posting:
    """An event to post and its outcome: waiting, acknowledged, never_sent or gave_up.

    ``answer`` is the status code of the last try, 0 for no response in time.
    """

    order_id: str
    status: str
    updated_at: str
    body_text: str = field(repr=False)
    outcome: str = "waiting"
    attempts: int = 0
    answer: int = 0

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


class Courier:
    """Plays a timetable of postings with SENDERS threads over connections that stay open."""

    def __init__(self) -> None:
        self.destination = Destination()
        self.postings: list[Posting] = []
        self.garbage: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._sessions = threading.local()

    def play(
        self, timetable: list[tuple[float, Posting]], seed: int, misbehaviour: Misbehaviour, minute: float
    ) -> None:
        """Post everything, each at its time (seconds from now), and return when each has its outcome.

        ``minute`` is how many seconds a minute of the platform lasts.
        """
        chance = random.Random(f"courier/{seed}")
        due: list[tuple[float, Callable[[], None]]] = []
        for at, posting in timetable:
            if chance.random() < misbehaviour.drop:
                posting.outcome = "never_sent"
                continue
            late = chance.uniform(3, 12) * minute if chance.random() < misbehaviour.reorder else 0.0
            late += chance.uniform(0.2, 2) * minute if chance.random() < misbehaviour.delay else 0.0
            due.append((at + late, lambda posting=posting: self._post(posting)))  # type: ignore[misc]
            if chance.random() < misbehaviour.duplicate:
                again = at + late + chance.uniform(0, 6) * minute
                due.append((again, lambda posting=posting: self._post_again(posting)))  # type: ignore[misc]
            if chance.random() < misbehaviour.garbage:
                kind, body = rubbish(chance, posting.body_text)
                due.append((at, lambda kind=kind, body=body: self._post_garbage(kind, body)))  # type: ignore[misc]
        with self._lock:
            self.postings = [posting for _, posting in timetable]
            self.garbage, self.counts = [], Counter()
        begun = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as senders:
            settled: list[Future[None]] = []
            for at, send in sorted(due, key=lambda entry: entry[0]):
                time.sleep(max(0.0, begun + at - time.monotonic()))
                settled.append(senders.submit(send))
            for future in settled:
                future.result()

    def post(self, posting: Posting) -> None:
        """Post an event that no timetable has."""
        self._post(posting)

    def _post(self, posting: Posting) -> None:
        for attempt in range(1 + RETRIES):
            if attempt:
                time.sleep(self.destination.retry_delay_seconds)
                with self._lock:
                    self.counts["retries"] += 1
            posting.attempts += 1
            posting.answer = self._send(posting.body_text.encode())
            if 200 <= posting.answer < 300:
                posting.outcome = "acknowledged"
                return
        posting.outcome = "gave_up"

    def _post_again(self, posting: Posting) -> None:
        posting.attempts += 1
        if 200 <= self._send(posting.body_text.encode()) < 300:
            posting.outcome = "acknowledged"
        with self._lock:
            self.counts["duplicates_sent"] += 1

    def _post_garbage(self, kind: str, body: bytes) -> None:
        status = self._send(body)
        with self._lock:
            self.garbage.append({"kind": kind, "status_code": status, "body_hex": body.hex()})
            self.counts["garbage_sent"] += 1
            self.counts["garbage_acknowledged"] += 200 <= status < 300

    def _send(self, body: bytes) -> int:
        """Send a body; returns the status code, 0 for no response in time."""
        with self._lock:
            self.counts["attempts"] += 1
        to = self.destination
        session = self._sessions.__dict__.setdefault("session", requests.Session())
        session.trust_env = False  # A login of the user's netrc would replace the secret.
        try:
            answer = session.post(
                to.webhook_url,
                data=body,
                headers={
                    "Content-Type": "application/json",
                    **to.webhook_headers,
                    "Authorization": to.webhook_secret,
                },
                timeout=to.timeout_seconds,
            )
        except requests.RequestException:
            return 0
        return int(answer.status_code)


# Acknowledged and only counted.
IGNORED_GARBAGE = frozenset({"catalogue_callback", "empty"})


def rubbish(chance: random.Random, body_text: str) -> tuple[str, bytes]:
    """A body that is not an order event: its kind and its bytes."""
    number = chance.getrandbits(40)
    kinds: dict[str, bytes] = {
        "empty": b" \r\n",
        "not_json": b"<order/>",
        "raw_newline": f'{{"order_id":"{number}","status":"RECEIVED","comment":"\n"}}'.encode(),
        "cut_short": body_text.encode()[: len(body_text) // 2],
        "no_object": f"[{number}]".encode(),
        "no_order_id": f'{{"status":"RECEIVED","number":{number}}}'.encode(),
        "wrong_types": f'{{"order_id":"{number}","status":["RECEIVED"],"items":"none"}}'.encode(),
        "not_a_number": f'{{"order_id":"{number}","status":"RECEIVED","n":NaN}}'.encode(),
        "deep": f'{{"order_id":"{number}","deep":'.encode() + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
        "duplicate_keys": f'{{"order_id":"{number}","status":"RECEIVED","status":"READY_FOR_PICKUP"}}'.encode(),
        "catalogue_callback": (
            f'{{"job_id":"{number}","platform_vendor_id":"1","status":"COMPLETED","download_url":"https://example.com/"}}'
        ).encode(),
    }
    kind = chance.choice([*kinds])
    return kind, kinds[kind]
