"""Text from outside as it is shown: it moves no cursor and turns no text around."""

import re

# Control characters; those that turn the direction of what follows; halves of surrogate pairs.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str, breaks: str = "\n\t") -> str:
    """The text with what a terminal or a page would obey written out; ``breaks`` stay as they are."""
    return _OBEYED.sub(lambda found: found[0] if found[0] in breaks else _written_out(found[0]), text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
