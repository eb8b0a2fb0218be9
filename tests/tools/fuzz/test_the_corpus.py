"""Every input that the fuzzer keeps: each broke a law once, or reaches code that no other reaches."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path

import pytest

from tools.fuzz.corpus import CORPUS, kept
from tools.fuzz.targets import TARGETS, Target


@pytest.fixture(scope="module")
def target_of() -> Iterator[Callable[[str], Target]]:
    """Each target by its name, made once."""
    with ExitStack() as made:
        yield cache(lambda name: made.enter_context(closing(TARGETS[name]())))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(name, path, id=f"{name}-{path.name}", marks=[pytest.mark.slow] if number % 4 else [])
        for name in TARGETS
        for number, path in enumerate(kept(name))
    ],
)
def test_corpus_breaks_no_law(target_of: Callable[[str], Target], name: str, path: Path) -> None:
    """No input of the corpus breaks a law."""
    target_of(name)(path.read_bytes())


def test_corpus_covers_every_target() -> None:
    """The corpus has inputs for every target, and for no other."""
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
