"""Bytes that need not be JSON as a reader would see them, for a search in what nothing can parse."""

import re
import unicodedata
from urllib.parse import unquote


def readable_text(body: bytes) -> str:
    """The text with JSON's escapes, however often it was quoted, a form's, and UTF-16's noughts undone, folded."""
    text = re.sub(r"\\+", r"\\", body.replace(b"\0", b"").decode("utf-8", "replace"))
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda escape: chr(int(escape[1], 16)), text)
    return folded(unquote(re.sub(r"\\[bfnrt]", " ", text).replace("\\", "")))


def folded(text: str) -> str:
    """The text in one of the ways in which it can be written: letters and signs in their common form (NFKC), every
    script's decimal digits as 0 to 9, without the characters that only steer how text is shown (Cf)."""
    if text.isascii():
        return text
    visible = (letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return "".join(_digit(letter) for letter in visible)


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)
