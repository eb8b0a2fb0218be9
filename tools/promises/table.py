"""docs/promises.md: each sentence with its tests, and how each test was seen to fail."""

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from tools.promises.pages import Sentence, sentences
from tools.promises.promise import PACKAGE, Entry, NoPromise, Promise, SameAs

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/promises.md"
PAGES = ("README.md", "docs/guarantees.md")
TESTS, LEVELS = Path("tests"), ("unit", "property", "integration")
HEAD = """\
# Every promise and its test

[README.md](../README.md) and [guarantees.md](guarantees.md) say how partner-orders behaves. This page names the tests
that hold each sentence. `make promises` breaks each promise in a copy of the code as the last column says. The test
has to fail then. The table is written by `python -m tools.promises --write` from
`tests/promises`, where the edits are.

A promise can be broken in more ways than these. Then another test of the same file may be the one that notices, so the
whole file of a named test belongs to the sentence. Each section ends with the call of all the tests that stand beside
the named ones, and of those of the parts that were broken. They hold the section together.
"""

TABLE = "| sentence | test | how the test was seen to fail |\n| --- | --- | --- |\n"


def all_sentences() -> list[Sentence]:
    """Return the sentences of all pages that promise something."""
    return [found for page in PAGES for found in sentences(page, (ROOT / page).read_text(encoding="utf-8"))]


def page_of(entries: Iterable[Entry]) -> str:
    """Return the text of docs/promises.md."""
    by_text = {entry.sentence: entry for entry in entries}
    parts, last_page = [HEAD], ""
    for (page, section), found in groupby(all_sentences(), lambda sentence: (sentence.page, sentence.section)):
        if page != last_page:
            parts.append(f"\n## {Path(page).name}\n")
            last_page = page
        said = [entry for sentence in found if (entry := by_text.get(sentence.text))]
        parts.append(f"\n### {Path(page).stem}: {section}\n\n{TABLE}")
        parts += [f"| {' | '.join(row)} |\n" for entry in said for row in _rows(entry)]
        if folders := _folders(said):
            parts.append(f"\nAll together:\n\n    make test ARGS='{' '.join(folders)}'\n")
    return "".join(parts)


def _folders(entries: Iterable[Entry]) -> list[str]:
    """The folders of the named tests and those of the parts that are broken, but those of others that are among
    them."""
    proofs = [proof for entry in entries if isinstance(entry, Promise) for proof in entry.proofs]
    folders = {Path(proof.test.partition("::")[0]).parent for proof in proofs}
    parts = {Path(edit.file).parent.name for proof in proofs for edit in proof.broken.edits if PACKAGE in edit.file}
    folders |= {beside for part in parts for level in LEVELS if (ROOT / (beside := TESTS / level / part)).is_dir()}
    return sorted(folder.as_posix() for folder in folders if not folders & {*folder.parents})


def _rows(entry: Entry) -> list[tuple[str, str, str]]:
    sentence = _cell(entry.sentence)
    match entry:
        case Promise(proofs=proofs):
            first, *others = [(_link(proof.test), _cell(proof.broken.bug)) for proof in proofs]
            return [(sentence, *first), *(("", *cells) for cells in others)]
        case SameAs(others=others):
            return [(sentence, "", "see " + "; ".join(f"“{_cell(other)}”" for other in others))]
        case NoPromise(reason=reason):
            return [(sentence, "", _cell(reason))]


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    shown = re.sub(r"\[.*", "", name).split("::")[-1]
    return f"[{shown}](../{file})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
