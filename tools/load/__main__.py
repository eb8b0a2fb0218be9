"""`make load`: post order events at a rate of your choice to a stack of its own, and account for every one of them.

ENV=local, the default, starts the stack on this machine. Any other environment of samconfig.toml is deployed in its
account under a name of its own, and removed afterwards, whatever happened.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from partner_orders.clock import now
from partner_orders.orders.rejected_table import RejectedTable
from partner_orders.orders.table import OrdersTable
from tools.bench import lag, report
from tools.deploy.__main__ import in_a_sentence
from tools.deploy.deployment import prepared
from tools.deploy.environment import ROOT, read_environment, read_template
from tools.deploy.smoke import passing_environment, removed_afterwards
from tools.deploy.target import LOCAL, Account, Deployed, DeploymentError
from tools.load.account import Account as EventAccount
from tools.load.account import account
from tools.load.posting import LOCAL_SENDERS, SENDERS, Poster, Webhook
from tools.load.report import CHART, Load, chart, for_the_document, table, write
from tools.load.subscriber import Heard, Subscriber, subscribed
from tools.load.timetable import BURST_SECONDS, PERIOD_SECONDS, Request, timetable
from tools.local.hour import messages_of
from tools.local.process import end_on_signals
from tools.local.up import CHAIN_ID, running_stack

REPORT = ROOT / ".local" / "load"
MOST_A_SECOND, MOST_MINUTES = 1000.0, 60.0
LARGEST_BURST = PERIOD_SECONDS / BURST_SECONDS
# How long nothing may move before the test ends.
STORED_WAIT_SECONDS = 300.0
PUBLISHED_WAIT_SECONDS = 120.0
RETENTION = timedelta(days=400)
TELL_SECONDS = 10.0


@dataclass(frozen=True)
class Loaded:
    """The stack that is loaded: how to reach it, its AWS, and how many requests may be under way at a time."""

    deployed: Deployed
    client: Callable[[str], Any]
    senders: int = SENDERS


@contextmanager
def local_stack() -> Iterator[Loaded]:
    """A stack on this machine, until the context ends. Raises ProcessFailedError."""
    parameters = {"ReconciliationState": "DISABLED"}
    with running_stack(Console(stderr=True), parameters) as stack:
        yield Loaded(
            Deployed(
                stack.stack_name, stack.region, stack.outputs, stack.webhook_url, stack.webhook_headers, ("--local",)
            ),
            stack.client,
            LOCAL_SENDERS,
        )


@contextmanager
def stack_of(name: str) -> Iterator[Loaded]:
    """A stack of the environment's account, removed when the context ends. Raises what prepared() raises."""
    target = Account(read_environment(name))
    tried = target.renamed(passing_environment(target.environment, "load"))
    built = prepared(tried, read_template())
    with removed_afterwards(tried):
        yield Loaded(tried.deploy(built, asks=False), tried.client)


def load(loaded: Loaded, rate: float, minutes: float, burst: float, seed: int, is_documented: bool) -> int:
    """Post, wait, account and report. Returns the exit status: 1 if anything is lost, wrong or was not published."""
    deployed = loaded.deployed
    played = timetable(seed, rate, minutes * 60, burst, CHAIN_ID, now() - timedelta(hours=1))
    secret = loaded.client("secretsmanager").get_secret_value(SecretId=deployed.outputs["WebhookSecretArn"])
    poster = Poster(Webhook(deployed.webhook_url, deployed.headers, secret["SecretString"]), loaded.senders)
    name = f"{deployed.stack_name}-load"
    with subscribed(loaded.client, deployed.outputs["OrderChangesBusName"], name) as subscriber:
        start, begun = datetime.now(UTC), time.monotonic()
        poster.play(played, _teller(len(played), minutes * 60))
        asked = Load(deployed.stack_name, rate, minutes, burst, time.monotonic() - begun)
        _say("all posted; waiting until the queue is empty")
        _wait_until_stored(loaded)
        found = _accounted(loaded, played, poster, subscriber)
    latencies = {
        "the table": lag.lags(loaded.client, deployed.stack_name, start.timestamp()),
        "the bus": subscriber.heard.latencies,
    }
    written = write(REPORT, asked, poster.posted, found, latencies, start)
    if is_documented:
        report.put({"load": for_the_document(asked, poster.posted, found, latencies)})
        (report.CHARTS / CHART).write_text(chart(latencies, start), encoding="utf-8")
    print(f"\n{table(latencies)}\n")
    for fault in found.faults:
        print(fault, file=sys.stderr)
    print(f"the report: {_shown(written)}")
    print(found.line())
    return 0 if found.is_clean else 1


def _accounted(
    loaded: Loaded,
    played: tuple[Request, ...],
    poster: Poster,
    subscriber: Subscriber,
) -> EventAccount:
    """The account, as soon as every change has come on the bus, or none has come for PUBLISHED_WAIT_SECONDS."""
    client, table_name = loaded.client("dynamodb"), loaded.deployed.outputs["OrdersTableName"]
    orders = OrdersTable(client, table_name, RETENTION)
    rejected = RejectedTable(client, table_name, RETENTION, now)
    ids = dict.fromkeys(request.body.order_id for request in played if request.body.order_id)
    stored = [*orders.many(ids)]
    garbage = {request.body.digest for request in played if not request.body.order_id}
    there = {event.digest for event in rejected.many([*garbage])}
    _say(f"{len(stored):,} orders and {len(there):,} rejected events are stored; waiting for the bus")
    expected = sum(order.sequence for order in stored) + len(there)
    heard = subscriber.until(lambda heard: _number_of(heard) >= expected, PUBLISHED_WAIT_SECONDS)
    return account(played, poster.posted, stored, there, heard)


def _number_of(heard: Heard) -> int:
    return sum(len(sequences) for sequences in heard.sequences.values()) + len(heard.rejected)


def _wait_until_stored(loaded: Loaded) -> None:
    """Wait until the queue is empty. Raises DeploymentError if it has not moved for STORED_WAIT_SECONDS."""
    sqs, url = loaded.client("sqs"), loaded.deployed.outputs["OrderEventsQueueUrl"]
    before, moved_at, quiet = -1, time.monotonic(), 0
    while quiet < 3:  # The queue's numbers are approximate: one zero is none.
        waiting = messages_of(sqs, url)
        quiet = 0 if waiting else quiet + 1
        if waiting != before:
            before, moved_at = waiting, time.monotonic()
        elif waiting and time.monotonic() - moved_at > STORED_WAIT_SECONDS:
            raise DeploymentError(f"{waiting} events still wait in the queue, and it does not move: read the logs.")
        time.sleep(1.0)


def _teller(requests: int, seconds: float) -> Callable[[float], None]:
    """Prints how far the posting is, at most every TELL_SECONDS."""
    told, posted = 0.0, 0

    def tell(passed: float) -> None:
        nonlocal told, posted
        posted += 1
        if passed - told >= TELL_SECONDS or posted == requests:
            told = passed
            _say(f"{passed:4.0f} of {seconds:.0f} s: {posted:,} of {requests:,} requests")

    return tell


def _say(what: str) -> None:
    print(f"  {what}", flush=True)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _number(lowest: float, highest: float, what: str) -> Callable[[str], float]:
    """Reads a number of an option, for argparse."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not {what} from {lowest:g} to {highest:g}")
        return value

    return read


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("environment", help="an environment of samconfig.toml, or local")
    parser.add_argument("--rate", type=_number(0.1, MOST_A_SECOND, "requests a second"), required=True)
    parser.add_argument("--minutes", type=_number(0.1, MOST_MINUTES, "minutes"), required=True)
    parser.add_argument(
        "--burst",
        type=_number(1, LARGEST_BURST, "times the rate"),
        default=3.0,
        help=f"how many times as fast the first {BURST_SECONDS:g} s of each {PERIOD_SECONDS:g} s are",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the orders")
    parser.add_argument("--document", action="store_true", help="show the test in docs/performance.md")
    given = parser.parse_args(arguments)
    end_on_signals()

    def run() -> int:
        with local_stack() if given.environment == LOCAL else stack_of(given.environment) as loaded:
            return load(loaded, given.rate, given.minutes, given.burst, given.seed, given.document)

    return in_a_sentence(run)


if __name__ == "__main__":
    sys.exit(main())
