"""Every command that a page tells people to type, run against the deployed stack."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from partner_orders.clock import now, to_text
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tests.support.deployed import Answer, CommandLine, eventually
from tests.support.documented_commands import PAGES, arguments, commands
from tests.support.orders import as_bytes, order
from tests.support.promotion_documents import discount, document
from tools.local.stack import Stack
from tools.local.up import CHAIN_ID, running_stack

pytestmark = pytest.mark.slow

# A sentence names a command alone; what would change this machine, or what the other tests send with; and the desk,
# which stays until Ctrl-C (test_the_desk opens it).
NOT_TRIED = {
    *("forget", "orders publish ID", "secrets set-client", "secrets set-webhook", "stores set q7xk"),
    *("stores set STORE --answers", "stores set STORE --no-answers", "answers retry", "orders show ORDER_ID"),
    *("catalogue export", "catalogue repair", "catalogue resume", "stores close", "stores open"),
    *("use --config-env staging", "use --config-env production", "secrets retire-webhook"),
    "desk",
}
# What the local AWS has not, or what waits for a person, and the words that say so.
NOT_HERE = {
    "answers retry": "error: no order ",
    "answers send": "error: The store is not switched on for answers.",
    "answers show": "error: no order ",
    "catalogue drift q7xk": "error: there is no export of the store q7xk yet",
    "catalogue drop": " held of ",
    "catalogue export": "error: there is no export of the store q7xk yet",
    "catalogue release": " held of ",
    "catalogue repair": "error: there is no export of the store q7xk yet",
    "catalogue show q7xk none": "error: the store q7xk has no product none",
    "catalogue urgent": "error: the store q7xk has no product none",
    "cost": "the stack on this machine costs nothing",
    "open": "the stack on this machine has no console",
    "promotions end": "error: there is no promotion ",
    "promotions resume 148020": "error: there is no store 148020",
    "promotions show": "error: there is no promotion ",
    "register": "error: no new order arrived",
    "table restore": "error: point-in-time recovery of ",
    "orders show b7gw-7888-947312": "error: no order b7gw-7888-947312",
    "orders show dc39170c-8fb6-4e20-aa52-36fa898df1d1": "error: no order dc39170c-8fb6-4e20-aa52-36fa898df1d1",
    "rejected show 532c45d0498049a9b6c3b65f9dfe3d17": "error: no rejected events begin with ",
    "reconcile cancel": "error: there is no backfill ",
    "stacks": "production: AWS did not answer",
    "stores close 148020": "error: the time zone of 148020 is not set",
    "stores status q7xk --live": "error: the platform did not show the status: not found",
    "stores remove": "error: orders are listed under q7xk",
    "trace": " was found",
}
# Those that need an SFTP server are tried by test_the_files.
NEEDS_SFTP = "files "
# Their status says what was found.
MAY_FIND_A_FAULT = ("doctor", "secrets", "reconcile run")
# The other commands of the catalogue need a store in it.
FIRST = {"partner-orders catalogue set <store_id>", "partner-orders catalogue set STORE"}
# Each changes what others need, so they come last, in this order.
LAST = ("rejected discard <digest>", "rejected discard", "dead-letters purge", "forget", "secrets")
# What stands for a word in capitals.
CAPITALS = {"STORE": "q7xk", "SKU": "none", "FILE": "prices.csv"}
STDIN = {"forget": "+92300123441\n", "secrets": "a-token-of-the-partner-api\n"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack of its own: the commands change what the other tests send with and look at."""
    with running_stack(Console(quiet=True), {"ReconciliationState": "DISABLED"}) as stack:
        yield stack


@pytest.fixture(scope="module")
def documented() -> list[str]:
    """Each call that pages have, once; what others need comes first, and the ones that change most come last."""
    found = sorted({command for page in PAGES for command in commands(page.read_text(encoding="utf-8"))})

    def place(command: str) -> int:
        if command in FIRST:
            return -1
        return next((n for n, name in enumerate(LAST, start=1) if f"partner-orders {name}" in command), 0)

    return sorted(found, key=place)


@pytest.fixture
def values(
    post: Callable[..., Answer],
    secret: bytes,
    orders: OrdersTable,
    rejected: RejectedTable,
    run: CommandLine,
) -> dict[str, str]:
    """What stands for each ``<name>``: an order, a store, a rejected event and a run that are there."""
    body = order(sys={"created_at": to_text(now())})
    body["client"]["chain_id"] = CHAIN_ID
    assert post(as_bytes(body), secret).status == 200
    assert post(b'{"status": "RECEIVED"}', secret).status == 200
    eventually(lambda: orders.get(body["order_id"]))
    event = eventually(lambda: next(iter(rejected.newest()), None))
    run("reconcile", "run", "--from", to_text(now() - timedelta(hours=1)), "--yes")
    reports = run.json("reports", "list")
    time = to_text(now() - timedelta(minutes=30))
    return {
        **dict.fromkeys(("time", "beginning of the fault", "beginning of the flood", "the restored time"), time),
        **dict.fromkeys(("order_id", "order id"), body["order_id"]),
        **dict.fromkeys(("id", "correlation_id", "old", "new", "sku", "promotion"), "none"),
        **dict.fromkeys(("store", "store_id"), "q7xk"),
        "its end": to_text(now()),
        "code": "GB-CLIFTON-01",
        "day": f"{now():%Y-%m-%d}",
        "reason": event.reason,
        "digest": event.digest,
        "run": reports[-1]["started_at"] if reports else "none",
    }


def test_documented_commands_work(
    run: CommandLine, documented: list[str], values: dict[str, str], tmp_path: Path
) -> None:
    """Each documented command does its work, or says in a sentence why it cannot here; none is a fault of ours."""
    names = ("stores.csv", "orders.csv", "answer.json", "exceptions.csv", "prices.csv", "prices-2.csv", "shown.csv")
    files = {name: str(tmp_path / name) for name in names}
    files |= {name: str(tmp_path / name) for name in ("promotion.json", "dairy-week.json")}
    times = {"start_time": to_text(now() + timedelta(days=1)), "end_time": to_text(now() + timedelta(days=8))}
    for name in ("promotion.json", "dairy-week.json"):
        promotion = document(vendors=["q7xk"], conditions=times, discount=discount())
        Path(files[name]).write_text(json.dumps(promotion))
    Path(files["answer.json"]).write_text('{"answer_id": "till-1", "sequence": 1, "kind": "ready"}')
    Path(files["exceptions.csv"]).write_text("sku,cap\nKW-100,6\n")
    for name in ("prices.csv", "prices-2.csv", "shown.csv"):
        Path(files[name]).write_text("sku,price,active,quantity\nKW-100,3.95,true,12\n")
    Path(files["stores.csv"]).write_text(run("stores", "list", "--csv").stdout)
    failed: list[str] = []
    tried: set[str] = set()
    for command in documented:
        typed = arguments(command, values)
        if typed[0] == "catalogue":
            typed = [CAPITALS.get(word, word) for word in typed]
        typed = [files.get(word.removeprefix(".local/"), word) for word in typed]
        name = " ".join(typed)
        if name in NOT_TRIED or name in tried or name.startswith(NEEDS_SFTP):
            continue
        tried.add(name)
        ran = run(
            *typed, *_answers(run, typed), stdin=next((it for at, it in STDIN.items() if name.startswith(at)), "")
        )
        why = [words for begin, words in NOT_HERE.items() if name.startswith(begin)]
        may_fail = name.startswith(MAY_FIND_A_FAULT) or any(words in ran.stderr for words in why)
        is_ours = "a fault in partner-orders itself" in ran.stderr or "Traceback" in ran.stderr or ran.returncode == 2
        if is_ours or (ran.returncode and not may_fail):
            failed.append(f"{name}: {ran.returncode} {ran.stderr[-300:]}")
    assert failed == [], json.dumps(failed, indent=1)


def _answers(run: CommandLine, typed: list[str]) -> list[str]:
    """What lets a command go on without a person."""
    if typed[0] == "register":
        return ["--timeout", "1"]
    words = [word for word in typed[:2] if word.isascii() and not word.startswith("-")]
    takes_yes = "--yes" in run(*words, "--help").stdout
    return ["--yes"] if takes_yes and "--preview" not in typed else []
