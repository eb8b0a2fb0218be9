"""``python -m tools.simulation``: tell the stories of many seeds, on every core; replay one with ``--seed``.

The last line is ``simulate: seeds=N events=E faults=F violations=V``; with a violation the exit code is 1. Progress is
on the standard error.
"""

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

from tools.simulation import dynamodb_local
from tools.simulation.cores import Cores
from tools.simulation.faults import HOSTILE, KINDS
from tools.simulation.story import PARTS, Plan, Told, shortest, tell
from tools.simulation.table import DynamoDB

START_ONE = "start one"


@cache
def _dynamodb(url: str | None) -> DynamoDB:
    """One for the process: it serves one seed after another."""
    return DynamoDB(url)


def _tell(plan: Plan, url: str | None) -> Told:
    told = tell(plan, _dynamodb(url))
    told.story = told.story if told.violation else []
    return told


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first")
    parser.add_argument("--seed", type=int, help="just this one")
    parser.add_argument("--part", choices=PARTS, help="one of the three stories of each seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--dynamodb-local", metavar="URL", nargs="?", const=START_ONE, help="instead of moto; without URL, start one"
    )
    parser.add_argument("--stop", action="store_true", help="at the first violation, and do not make it shorter")
    parser.add_argument("--without", default="", help="kinds of faults that do not happen, with commas")
    parser.add_argument("--at-most", type=int, help="no more faults than these")
    parser.add_argument("--only", help="only these orders or sayings, by number, with commas; -1 is all that is none")
    arguments = parser.parse_args()
    if unknown := set(filter(None, arguments.without.split(","))) - set(KINDS):
        parser.error(f"not a kind of fault: {', '.join(sorted(unknown))}")
    return arguments


def main() -> int:
    arguments = _arguments()
    seeds = range(arguments.first, arguments.first + arguments.seeds) if arguments.seed is None else [arguments.seed]
    only = None if arguments.only is None else frozenset(map(int, filter(None, arguments.only.split(","))))
    without = frozenset(filter(None, arguments.without.split(",")))
    parts = [part for part in PARTS if arguments.part in {None, part}]
    plans = [Plan(seed, without, arguments.at_most, only, part) for seed in seeds for part in parts]
    if arguments.dynamodb_local == START_ONE:
        with dynamodb_local.started() as url:
            return _run(plans, url, arguments)
    return _run(plans, arguments.dynamodb_local, arguments)


def _run(plans: list[Plan], url: str | None, arguments: argparse.Namespace) -> int:
    run = partial(_tell, url=url)
    events, violations, faults, account, shown = 0, 0, Counter[str](), Counter[str](), Counter[str]()
    processes = min(arguments.processes, len(plans))
    with ProcessPoolExecutor(processes, initializer=Cores.take, initargs=(Cores(processes),)) as pool:
        for number, told in enumerate(pool.map(run, plans), start=1):
            events += told.events
            faults += told.faults
            account += told.account
            shown += told.shown
            if told.violation:
                violations += 1
                shorten = not arguments.stop and arguments.seed is None and violations <= 3
                _report(told, _dynamodb(url), shorten, _where(arguments.dynamodb_local))
                if arguments.stop:
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
            if number % 10 == 0:
                print(f"{number} of {len(plans)} stories, {violations} violations", file=sys.stderr, flush=True)
    print("accounting: " + " ".join(f"{name.replace(' ', '_')}={count}" for name, count in sorted(account.items())))
    print("faults: " + " ".join(f"{kind}={count}" for kind, count in sorted(faults.items())))
    print("hostile: " + " ".join(f"{kind}={shown[kind]}" for kind in sorted({*HOSTILE, *shown})))
    seeds = len({plan.seed for plan in plans})
    print(f"simulate: seeds={seeds} events={events} faults={faults.total()} violations={violations}")
    return 1 if violations else 0


def _where(dynamodb_local: str | None) -> list[str]:
    """The options that choose this DynamoDB again."""
    if dynamodb_local is None:
        return []
    return ["--dynamodb-local" if dynamodb_local == START_ONE else f"--dynamodb-local={dynamodb_local}"]


def _report(told: Told, dynamodb: DynamoDB, shorten: bool, where: list[str]) -> None:
    print(f"\nseed {told.plan.seed}: {told.violation}", flush=True)
    if shorten:
        print("making its story shorter ...", file=sys.stderr, flush=True)
        told = shortest(told, dynamodb)
        print(f"  shortened: {told.violation}")
    for line in told.story[-40:]:
        print(f"  {line}")
    print(f"  replay: {told.plan.command(*where)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
