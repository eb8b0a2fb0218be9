"""Every input that the fuzzer keeps: each broke a law once, or reaches code that no other reaches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.fuzz.corpus import CORPUS, kept
from tools.fuzz.targets import TARGETS, Target


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    made = TARGETS[request.param]()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("target", "path"),
    [pytest.param(name, path, id=f"{name}-{path.name}") for name in TARGETS for path in kept(name)],
    indirect=["target"],
)
def test_corpus_breaks_no_law(target: Target, path: Path) -> None:
    """No input of the corpus breaks a law."""
    target(path.read_bytes())


def test_corpus_covers_every_target() -> None:
    """The corpus has inputs for every target, and for no other."""
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
