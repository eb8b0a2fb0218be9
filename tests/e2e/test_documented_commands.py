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
from tests.support.promotion_documents import document
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
# What the local AWS has not, or what waits for a person. Each says so in a sentence.
NOT_HERE = {
    "answers retry": "no answer waits for a person",
    "answers send": "the store answers no orders yet",
    "answers show": "no order of this id",
    "catalogue drift q7xk": "the platform has exported no store yet",
    "catalogue drop": "nothing is held",
    "catalogue export": "the platform has exported no store yet",
    "catalogue release": "nothing is held",
    "catalogue repair": "the platform has exported no store yet",
    "catalogue show q7xk none": "no product of this SKU",
    "catalogue urgent": "no product of this SKU",
    "cost": "the stack on this machine costs nothing",
    "open": "the stack on this machine has no console",
    "promotions end": "no promotion of this id",
    "promotions put": "no product of these SKUs",
    "promotions resume 148020": "no store of this id",
    "promotions show": "no promotion of this id",
    "register": "nobody presses Test Order",
    "table restore": "the local AWS has no continuous backups",
    "orders show b7gw-7888-947312": "an order of the samples",
    "orders show dc39170c-8fb6-4e20-aa52-36fa898df1d1": "an order of the samples",
    "rejected show 532c45d0498049a9b6c3b65f9dfe3d17": "a rejected event of the samples",
    "reconcile cancel": "no backfill is under way",
    "stacks": "the environments of samconfig.toml are in no account",
    "stores close 148020": "the time zone of the store is not set",
    "stores status q7xk --live": "the platform has no such store",
    "stores remove": "orders are listed under the store",
    "trace": "the request is not in the logs",
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
    for name in ("promotion.json", "dairy-week.json"):
        Path(files[name]).write_text(json.dumps(document(vendors=["q7xk"])))
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
        is_ours = "a fault in partner-orders itself" in ran.stderr or "Traceback" in ran.stderr or ran.returncode == 2
        if is_ours or (ran.returncode and not name.startswith((*NOT_HERE, *MAY_FIND_A_FAULT))):
            failed.append(f"{name}: {ran.returncode} {ran.stderr[-300:]}")
    assert failed == [], json.dumps(failed, indent=1)


def _answers(run: CommandLine, typed: list[str]) -> list[str]:
    """What lets a command go on without a person."""
    if typed[0] == "register":
        return ["--timeout", "1"]
    words = [word for word in typed[:2] if word.isascii() and not word.startswith("-")]
    takes_yes = "--yes" in run(*words, "--help").stdout
    return ["--yes"] if takes_yes and "--preview" not in typed else []
