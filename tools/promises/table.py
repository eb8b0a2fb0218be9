"""docs/promises.md: each sentence with its tests, and how each test was seen to fail."""

import re
from collections.abc import Iterable
from pathlib import Path

from tools.promises.pages import Sentence, sentences
from tools.promises.promise import Entry, NoPromise, Promise, SameAs

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/promises.md"
PAGES = ("README.md", "docs/guarantees.md")
HEAD = """\
# Every promise and its test

[README.md](../README.md) and [guarantees.md](guarantees.md) say how partner-orders behaves. This page names the tests
that hold each sentence. `make promises` breaks each promise in a copy of the code as the last column says. The test
has to fail then. The table is written by `python -m tools.promises --write` from
`tests/promises`, where the edits are.
"""

TABLE = "| sentence | test | how the test was seen to fail |\n| --- | --- | --- |\n"


def all_sentences() -> list[Sentence]:
    """Return the sentences of all pages that promise something."""
    return [found for page in PAGES for found in sentences(page, (ROOT / page).read_text(encoding="utf-8"))]


def page_of(entries: Iterable[Entry]) -> str:
    """Return the text of docs/promises.md."""
    by_text = {entry.sentence: entry for entry in entries}
    parts = [HEAD]
    place = ("", "")
    for sentence in all_sentences():
        if place != (sentence.page, sentence.section):
            if place[0] != sentence.page:
                parts.append(f"\n## {Path(sentence.page).name}\n")
            place = (sentence.page, sentence.section)
            parts.append(f"\n### {_of_section(sentence)}\n\n{TABLE}")
        if entry := by_text.get(sentence.text):
            parts.append("".join(f"| {' | '.join(row)} |\n" for row in _rows(entry)))
    return "".join(parts)


def _of_section(sentence: Sentence) -> str:
    return f"{Path(sentence.page).stem}: {sentence.section}"


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
    shown = re.sub(r"\[.*", "", name.split("::")[-1])
    return f"[{shown}](../{file})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
