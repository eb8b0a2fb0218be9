"""The table of promises: each sentence once, each test there, each break of a promise still possible."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.promises import ENTRIES
from tests.support.named_tests import is_there
from tools.promises.promise import NoPromise, Promise, SameAs, promise, proof
from tools.promises.table import PAGE, ROOT, all_sentences, page_of

PROOFS = [*{proof: None for entry in ENTRIES if isinstance(entry, Promise) for proof in entry.proofs}]


def test_every_sentence_is_known() -> None:
    """Each sentence of both pages has one entry, and no entry is of a sentence that is not there."""
    said = {sentence.text for sentence in all_sentences()}
    known = Counter(entry.sentence for entry in ENTRIES)
    assert sorted(said - known.keys()) == [], "these sentences have no entry in tests/promises"
    assert sorted(known.keys() - said) == [], "these sentences are not in the pages any more"
    assert [sentence for sentence, times in known.items() if times > 1] == []


def test_every_promise_has_a_proof() -> None:
    """A promise has a test at least, and what is no promise a reason."""
    assert [entry.sentence for entry in ENTRIES if isinstance(entry, Promise) and not entry.proofs] == []
    assert [entry.sentence for entry in ENTRIES if isinstance(entry, NoPromise) and not entry.reason] == []


def test_repetitions_name_one_promise_each() -> None:
    """A sentence that others hold names the beginning of each of them, and of no more."""
    beginnings = [(entry.sentence, other) for entry in ENTRIES if isinstance(entry, SameAs) for other in entry.others]
    firsts = [entry.sentence for entry in ENTRIES if not isinstance(entry, SameAs)]
    unclear = [pair for pair in beginnings if sum(first.startswith(pair[1]) for first in firsts) != 1]
    assert unclear == []


def test_every_test_exists() -> None:
    """Each test that is named is a function of its file."""
    assert [proof.test for proof in PROOFS if not is_there(proof.test)] == []


@pytest.mark.slow
def test_every_case_exists() -> None:
    """Each case of a test that is named by its parameters is one that pytest collects."""
    cases = sorted({proof.test for proof in PROOFS if proof.test.endswith("]")})
    collects = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *cases]
    ran = subprocess.run(collects, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]


def test_every_break_can_be_made() -> None:
    """Each edit finds its place in the code of today, and leaves Python or YAML."""
    for known in PROOFS:
        known.broken.check(ROOT)


def test_page_names_every_test() -> None:
    """The rows of a sentence link to each of its tests, in the order of its proofs."""
    page = re.findall(r"\[(\w+)\]\(\.\./([^)]+)\)", page_of(ENTRIES))
    by_sentence = {entry.sentence: entry for entry in ENTRIES}
    said = [by_sentence[sentence.text] for sentence in all_sentences() if sentence.text in by_sentence]
    tests = [proof.test for entry in said if isinstance(entry, Promise) for proof in entry.proofs]
    assert [f"{file}::{name}" for name, file in page] == [re.sub(r"\[.*|(?<=::)\w+::", "", test) for test in tests]


def test_test_of_a_class_has_its_own_name() -> None:
    """A test is linked by its own name, without its class and its parameters."""
    sentence = all_sentences()[0].text
    named = proof("tests/a/test_b.py::TestC::test_d[x::y]", "It is broken.", "Makefile", "Makefile", "a", "b")
    assert "| [test_d](../tests/a/test_b.py) | It is broken. |" in page_of([promise(sentence, named)])


def test_page_is_the_tables() -> None:
    """docs/promises.md is what `python -m tools.promises --write` writes."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page_of(ENTRIES)
