"""Nothing of a customer, and no secret, is in a log, a metric, an exception, an answer, a report or an attribute of a
message, nor, unless the chain asks for it, in a change event, whatever breaks."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tools.local.simulated_platform import lives
from tools.local.simulated_platform.lives import Life
from tools.simulation.answer_checks import have_ended
from tools.simulation.checks import Checks
from tools.simulation.faults import KINDS
from tools.simulation.hour import Fate, Post
from tools.simulation.table import DynamoDB
from tools.simulation.world import START, TOKEN, World

pytestmark = pytest.mark.privacy

MARK = "of-a-customer"
SECRETS = (TOKEN, "first secret", "second secret")
PLACES = {
    "the envelope of an order event",
    "a wake-up of the sender",
    "an event on the bus",
    "a dead letter of the publisher",
}
OF_THE_BUS = {kind for kind in KINDS if kind.startswith("bus_")}
# Each row of bad input, with a customer in it wherever there is room for one.
BAD_INPUT: dict[str, tuple[bytes, Fate]] = {
    "empty": (b"", Fate.IGNORED),
    "not UTF-8": (f'{{"first_name": "{MARK}"'.encode() + b"\xff}", Fate.REJECTED),
    "cut short": (f'{{"order_id": "1", "customer": {{"first_name": "{MARK}'.encode(), Fate.REJECTED),
    "not an object": (f'["{MARK}"]'.encode(), Fate.REJECTED),
    "not a number": (f'{{"order_id": "{MARK}", "status": "RECEIVED", "x": NaN}}'.encode(), Fate.REJECTED),
    "a key twice": (f'{{"{MARK}": 1, "{MARK}": 2}}'.encode(), Fate.REJECTED),
    "too deep": (b'{"a":' * 10_000 + f'"{MARK}"'.encode() + b"}" * 10_000, Fate.REJECTED),
    "a huge integer": (f'{{"{MARK}": {"7" * 5_000}}}'.encode(), Fate.REJECTED),
    "a huge exponent": (f'{{"{MARK}": 1e999999999}}'.encode(), Fate.REJECTED),
    "too large": (f'{{"{MARK}": "{MARK * 25_000}"}}'.encode(), Fate.REFUSED),
    "no order": (f'{{"first_name": "{MARK}"}}'.encode(), Fate.REJECTED),
    "no order id": (f'{{"status": "RECEIVED", "comment": "{MARK}"}}'.encode(), Fate.REJECTED),
    "wrong types": (
        json.dumps(
            {"order_id": "1", "status": "RECEIVED", "items": MARK, "payment": {"sub_total": MARK}, "isPreorder": MARK}
            | {"sys": {"created_at": MARK}, "customer": {"first_name": [MARK]}}
        ).encode(),
        Fate.STORED,
    ),
    "a catalogue callback": (f'{{"job_id": "{MARK}"}}'.encode(), Fate.IGNORED),
}


def marked(life: Life) -> Life:
    """The same life of a customer whom one would find anywhere."""
    for number, step in enumerate(life.steps):
        step.body["comment"] = f"a comment {MARK}"
        customer: dict[str, Any] = step.body["customer"]
        for name in ("_id", "first_name", "last_name", "phone_number"):
            customer[name] = f"{name} {MARK}"
        customer["delivery_address"] = {"street": f"a street {MARK}"}
        step.body[f"a field {MARK}"] = {f"named {MARK}": f"{MARK} {number}"}  # changes, and is told of
        step.body["items"][0]["instructions"] = f"instructions {MARK}"
    return life


@contextmanager
def all_that_is_said() -> Iterator[io.StringIO]:
    """All that any logger says, and all that is printed, as Lambda would keep it at log level DEBUG."""
    heard, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(heard), root.level
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_info)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("moto").setLevel(logging.WARNING)  # It is not there in Lambda.
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


# A batch of which all fails counts nothing, and Powertools warns of it.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("personal_data", [False, True], ids=["published without personal data", "published whole"])
@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(11, 16))])
def test_nobody_is_named_whatever_breaks(seed: int, personal_data: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever arrives and whatever breaks, no personal data or secret appears where it must not."""
    plain = lives.trading_hour
    for module in ("tools.simulation.hour", "tools.local.simulated_platform.lives"):
        monkeypatch.setattr(
            f"{module}.trading_hour",
            lambda *arguments, **options: [*map(marked, plain(*arguments, **options))],
        )
    monkeypatch.setattr("tools.simulation.world.LOG_LEVEL", "DEBUG")
    dynamodb = DynamoDB()
    with all_that_is_said() as heard:
        world = World(seed, dynamodb, orders=6, loud=True, personal_data=personal_data, picked=3)
        world.faults.strength |= dict.fromkeys(OF_THE_BUS, 0.2)
        for number, (name, (body, fate)) in enumerate(BAD_INPUT.items()):
            world.hour.posts.append(Post(name, START + timedelta(minutes=number), body, fate))
        try:
            world.trade()
            world.calm_down()
            world.answers_end(partial(have_ended, world))
            checks = Checks(world)
            world.besiege(checks.has_all_of_the_others)
            world.tick_until(checks.has_all)
            world.reconcile_until_in_step()
            checks.after_reconciliation()
            pages = dynamodb.client.get_paginator("scan").paginate(TableName=world.table)
            rows = [row for page in pages for row in page["Items"]]
        finally:
            world.close()
            dynamodb.close()
    assert world.faults.counts.keys() >= OF_THE_BUS
    logs, answers = heard.getvalue(), "\n".join(world.said)
    assert '"Stored":[' in logs  # the metrics are among them
    assert '"statusCode": 401' in answers
    assert '"in_step"' in answers
    assert "not published" in logs
    assert '"AnswersAccepted":[' in logs
    assert '"Published":[' in logs
    of_no_order = [row for row in rows if row["sk"]["S"].partition("#")[0] not in ("ORDER", "EVENT", "REJECTED")]
    assert any(row["sk"]["S"].startswith("REPORT#") for row in of_no_order)
    if personal_data:
        assert any(MARK in entry["Detail"] for entry in world.bus.entries)
    sent = list(world.in_the_open())
    assert {where for where, _ in sent} == PLACES
    for where, text in (
        ("the logs", logs),
        ("what was said", answers),
        ("reports, positions and stores in the table", repr(of_no_order)),
        *sent,
    ):
        found = [line[:300] for line in text.splitlines() if any(mark in line for mark in (MARK, *SECRETS))]
        assert not found, f"{where}: {json.dumps(found[:3])}"
