"""What is known of a sentence of the documentation: which test holds it, and how that test was seen to fail."""

from dataclasses import dataclass

from tools.simulation.mutants.copied import CONSOLE, PACKAGE
from tools.simulation.mutants.planting import Edit, Mutant

__all__ = ["CONSOLE", "PACKAGE", "Entry", "NoPromise", "Promise", "Proof", "SameAs", "promise", "proof", "same_as"]


@dataclass(frozen=True)
class Proof:
    """A test that holds a promise, by its pytest id, and a break of the promise that makes it fail."""

    test: str
    broken: Mutant


@dataclass(frozen=True)
class Promise:
    """A sentence that says how the product behaves. The proofs hold all that it says."""

    sentence: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class SameAs:
    """A sentence that says again, or introduces, what other sentences promise."""

    sentence: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class NoPromise:
    """A sentence that no test has to hold, with the reason."""

    sentence: str
    reason: str


type Entry = Promise | SameAs | NoPromise


def promise(sentence: str, *proofs: Proof) -> Promise:
    """Return a promise with its proofs."""
    return Promise(sentence, proofs)


def same_as(sentence: str, *others: str) -> SameAs:
    """Return a sentence that others hold. Each is named by the beginning of its text."""
    return SameAs(sentence, others)


def proof(test: str, bug: str, file: str, within: str, old: str, new: str) -> Proof:
    """Return a test with a break of one edit; ``bug`` says in one sentence what is wrong then."""
    return Proof(test, Mutant(test, bug, (Edit(file, within, old, new),)))
