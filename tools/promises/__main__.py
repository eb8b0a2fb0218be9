"""``python -m tools.promises``: break each promise of the documentation in a copy, and see its test fail.

First every named test has to pass in an untouched copy. Then a line for each sentence says whether it is held. A test
that cannot run, ends with an error that says nothing of a value, or does not end, proves nothing: the sentence is
UNCLEAR.
The last line is ``promises: held=N of N``, and the exit code is 1 if any is not held.
"""

import argparse
import queue
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from tests.promises import ENTRIES
from tools.promises.promise import Promise, Proof
from tools.promises.table import PAGE, page_of
from tools.promises.trial import Trial
from tools.simulation.mutants.copied import ROOT, NotProvenError

PROCESSES = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.promises", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only sentences with these words")
    parser.add_argument("--write", action="store_true", help=f"only write {PAGE}")
    arguments = parser.parse_args()
    if arguments.write:
        (ROOT / PAGE).write_text(page_of(ENTRIES), encoding="utf-8")
        return 0
    words = " ".join(arguments.only).lower()
    promises = [entry for entry in ENTRIES if isinstance(entry, Promise) and words in entry.sentence.lower()]
    if not promises:
        parser.error("no promise has these words")
    with tempfile.TemporaryDirectory(prefix="promises-") as folder:
        return _tried(promises, [Trial(Path(folder) / str(number)) for number in range(PROCESSES)])


def _tried(promises: list[Promise], trials: list[Trial]) -> int:
    free: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    for trial in trials:
        free.put(trial)

    # Some sentences share a proof.
    @cache
    def trouble_of(proof: Proof) -> str:
        trial = free.get()
        try:
            return "" if trial.fails(proof.test, proof.broken) else f"ALIVE   {proof.test}: {proof.broken.bug}"
        except NotProvenError as error:
            return f"UNCLEAR {error}"
        finally:
            free.put(trial)

    def troubles_of(promise: Promise) -> list[str]:
        return [trouble for proof in promise.proofs if (trouble := trouble_of(proof))]

    with ThreadPoolExecutor(len(trials)) as pool:
        shares = _shares(promises, len(trials))
        if not_passing := [line for lines in pool.map(_untouched, trials, shares) for line in lines]:
            print("\n".join(["without any break these do not pass, so nothing is proven:", *not_passing]))
            return 1
        held = 0
        for promise, troubles in zip(promises, pool.map(troubles_of, promises), strict=True):
            held += not troubles
            print(f"{'not held' if troubles else 'held'}: {promise.sentence}", flush=True)
            for trouble in troubles:
                print(f"  {trouble}", flush=True)
    print(f"promises: held={held} of {len(promises)}")
    return 0 if held == len(promises) else 1


def _untouched(trial: Trial, tests: list[str]) -> list[str]:
    try:
        return trial.not_passing(tests) if tests else []
    except NotProvenError as error:
        return [str(error)]


def _shares(promises: list[Promise], shares: int) -> list[list[str]]:
    tests = sorted({proof.test for promise in promises for proof in promise.proofs})
    return [tests[number::shares] for number in range(shares)]


if __name__ == "__main__":
    sys.exit(main())
