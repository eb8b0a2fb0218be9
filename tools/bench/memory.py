"""The most memory that a function takes: a fresh process for each case, and the real client against a server of ours.

The reconciler reads pages of large orders, none of which it has, so that it enqueues all of them. The consumer gets its
largest batch: ten messages, each with the largest body that it takes. Peaks are of the whole process, with Python and
the SDK.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from partner_orders.order_events.message import MAX_BODY_BYTES
from tools.bench import events, stand_in
from tools.bench.artefacts import OURS, Artefact, environment
from tools.bench.invoking import running
from tools.bench.money import MEMORY
from tools.bench.timings import BATCH
from tools.local.simulated_platform.lives import timestamp, to_text

PAGE_SIZES = (20, 100, 500)
LINES = (1, 20, 200)
# A page is still held while the next one is read.
PAGES = 2
MEBIBYTE = 1_048_576
# No wait for the rate limit: smaller pages are more requests.
PATIENCE = {"RATE_LIMIT_PER_MINUTE": "6000"}


@dataclass(frozen=True)
class Peak:
    """``share`` is of the memory that the template gives the function."""

    mebibytes: float
    share: float


def _peak(function: str, peak_bytes: int) -> Peak:
    mebibytes = peak_bytes / MEBIBYTE
    return Peak(round(mebibytes, 1), round(mebibytes / MEMORY[function], 3))


def of_reconciler(artefact: Artefact, page_size: int, lines: int) -> Peak:
    """The peak of a first run over a store with some pages of such orders."""
    with stand_in.started() as aws:
        aws.listing = listing(page_size, lines)
        with running(artefact, environment(artefact, aws.url) | PATIENCE) as function:
            invocation = function.invoke(events.first_event(artefact))
    return _peak("reconciler", invocation.peak_bytes)


def listing(page_size: int, lines: int) -> stand_in.Listing:
    """Orders of the last hour, as many as fill the pages."""
    bodies, end = events.orders(PAGES * page_size, lines=lines), datetime.now(UTC) - timedelta(minutes=1)
    made_at = [end - number * timedelta(hours=1) / len(bodies) for number in range(len(bodies))]
    return stand_in.Listing(
        [(at, _made(json.loads(body), at)) for at, body in zip(made_at, bodies, strict=True)], page_size
    )


def _made(order: dict[str, Any], at: datetime) -> bytes:
    order["sys"] = order["sys"] | {"created_at": timestamp(at), "updated_at": timestamp(at)}
    return to_text(order).encode()


def of_consumer(artefact: Artefact, kind: str) -> Peak:
    """The peak of the largest batch of such bodies."""
    bodies = [largest_body(kind, f"{number:08d}-0000-4000-8000-000000000000") for number in range(BATCH)]
    with stand_in.started() as aws, running(artefact, environment(artefact, aws.url)) as function:
        invocation = function.invoke(events.batch(OURS, bodies))
    return _peak("consumer", invocation.peak_bytes)


def _lines() -> Iterator[str]:
    [body] = events.orders(1, lines=LINES[-1])
    while True:
        yield from map(to_text, json.loads(body)["items"])


# What a body can be full of: the platform's own lines, the smallest parts that our model has, and numbers and lists
# that it does not know.
FILLINGS = {
    "lines of orders": ("items", _lines),
    "empty promotions": ("items", lambda: iter(lambda: f'{{"promotion":[{_many("{}", 9_990)}]}}', "")),
    "unknown numbers": ("unknown", lambda: iter(lambda: "0.1", "")),
    "unknown lists": ("unknown", lambda: iter(lambda: "[]", "")),
}


def _many(text: str, times: int) -> str:
    return ",".join([text] * times)


def largest_body(kind: str, order_id: str) -> bytes:
    """An order that is full of such parts, up to the largest body that is taken."""
    name, parts = FILLINGS[kind]
    [order] = events.orders(1, lines=1)
    head = to_text(json.loads(order) | {"order_id": order_id, name: []})[:-1].replace(f'"{name}":[]', "")
    body, room = [], MAX_BODY_BYTES - len(head.encode()) - len(name) - 8
    for part in parts():
        room -= len(part.encode()) + 1
        if room < 0:
            break
        body.append(part)
    text = f'{head.replace(",,", ",").rstrip(",")},"{name}":[{",".join(body)}]}}'
    assert len(text.encode()) <= MAX_BODY_BYTES  # noqa: S101 (the arithmetic above)
    return text.encode()


def measured(artefacts: Sequence[Artefact]) -> dict[str, Any]:
    """Every case: by page size and lines of the reconciler, by what the bodies are full of of the consumer."""
    ours = {artefact.function: artefact for artefact in artefacts if artefact.way == OURS}
    return {
        "reconciler": {
            size: {lines: of_reconciler(ours["reconciler"], size, lines) for lines in LINES} for size in PAGE_SIZES
        },
        "consumer": {kind: of_consumer(ours["consumer"], kind) for kind in FILLINGS},
    }
