"""The sentences that `make promises` finds in a page."""

import pytest

from tools.promises.pages import sentences

PAGE = """\
# A page

One sentence. Another one, over
two lines ([a link](to.md) in it). `Code` begins this one! **All of it.** And the rest.

![a picture](of.png)

## A section

- An item of a list,
  over two lines
- Another item

1. A step:

       a command

```
more. Commands.
```

| head | of a table |
| --- | --- |
| a row. With two sentences | and [a link](to.md) |
| second | row |

An abbreviation such as v. 2 or 1.5 s ends nothing.
"""
FOUND = [
    ("A page", "One sentence."),
    ("A page", "Another one, over two lines (a link in it)."),
    ("A page", "`Code` begins this one!"),
    ("A page", "**All of it.**"),
    ("A page", "And the rest."),
    ("A section", "An item of a list, over two lines"),
    ("A section", "Another item"),
    ("A section", "A step:"),
    ("A section", "a row. With two sentences | and a link"),
    ("A section", "second | row"),
    ("A section", "An abbreviation such as v. 2 or 1.5 s ends nothing."),
]


def test_sentences_of_a_page() -> None:
    """Paragraphs, items and rows are found in their order; headings, pictures and code are not."""
    assert [(found.section, found.text) for found in sentences("page.md", PAGE)] == FOUND


@pytest.mark.parametrize("text", ["", "# Only a heading\n", "![a picture](of.png)\n"])
def test_page_without_sentences(text: str) -> None:
    """A page may have no sentence."""
    assert sentences("page.md", text) == []
