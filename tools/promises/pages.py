"""The sentences of a page of Markdown: of its paragraphs and lists, and a row of a table as one sentence.

Headings, rules, pictures and blocks of code are none. White space is one blank, and a link is what it shows.
"""

import re
from dataclasses import dataclass

# A full stop, a question mark or a colon's end of a paragraph; then what begins a sentence.
BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])(\*\*)?\s+(?=[A-Z`*\"(\[])")
LIST_ITEM = re.compile(r"^(?:[-*]|\d+\.) +")


@dataclass(frozen=True)
class Sentence:
    """A sentence or a row of a table, with the heading that it stands under."""

    page: str
    section: str
    text: str


def sentences(page: str, markdown: str) -> list[Sentence]:
    """Return a page's sentences in their order."""
    found: list[Sentence] = []
    section = ""
    for block in _blocks(_without_code(markdown)):
        if heading := re.match(r"#+ +(.*)", block):
            section = heading[1]
        elif block.startswith("|"):
            found += (Sentence(page, section, row) for row in _rows(block))
        else:
            found += (Sentence(page, section, text) for text in _split(LIST_ITEM.sub("", block)))
    return found


def _without_code(markdown: str) -> str:
    fenced = re.sub(r"^ *```.*?^ *```$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    # Code that is indented follows an empty line.
    return re.sub(r"(?<=\n\n)(?: {4,}.*\n)+", "", fenced)


def _blocks(markdown: str) -> list[str]:
    """Paragraphs, items of lists, tables and headings."""
    divided = re.sub(r"^((?:[-*]|\d+\.) )", r"\n\1", markdown, flags=re.MULTILINE)
    return [block.strip() for block in re.split(r"\n\s*\n", divided) if block.strip()]


def _rows(table: str) -> list[str]:
    """Return the rows below a table's head."""
    lines = table.splitlines()
    return [" | ".join(_shown(cell) for cell in line.strip("| ").split(" | ")) for line in lines[2:]]


def _split(paragraph: str) -> list[str]:
    marked = BETWEEN_SENTENCES.sub(lambda match: f"{match[1] or ''}\n", " ".join(paragraph.split()))
    return [shown for text in marked.split("\n") if (shown := _shown(text))]


def _shown(text: str) -> str:
    without_pictures = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    return " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", without_pictures).split())
