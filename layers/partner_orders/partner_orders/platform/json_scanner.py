"""Finds the parts of a JSON text by its brackets and strings, also where what is inside them is no JSON.

It reads each byte once, and keeps no stack: neither length nor depth of a text matters.
"""

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(rb"[ \t\n\r]*")
# Each takes what it has matched for good, so that no byte is tried twice. A string has a closing quote.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_UP_TO_A_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+[\[\]{}]', re.DOTALL)
_OTHER_VALUE = re.compile(rb'[^\s,:"\[\]{}]+')
_OPENING = frozenset(b"[{")


class BrokenStructureError(ValueError):
    """The text is not divided as JSON is. The message never quotes it."""


class JsonScanner:
    """A text, and how far it is read. Every method raises BrokenStructureError where the text is not as it expects."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    def is_at_end(self) -> bool:
        """Whether nothing but white space is left."""
        return not self.next_byte()

    def next_byte(self) -> bytes:
        """The next byte that is no white space; empty at the end."""
        self._at = self._end_of(_SPACE)
        return self._text[self._at : self._at + 1]

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here. After each, the caller reads its value."""
        self._expect(b"{")
        if self._skip(b"}"):
            return
        while True:
            yield self._key()
            if not self._skip(b","):
                break
        self._expect(b"}")

    def elements(self) -> Iterator[bytes]:
        """The texts of the elements of the list that begins here."""
        self._expect(b"[")
        if self._skip(b"]"):
            return
        while True:
            yield self.value()
            if not self._skip(b","):
                break
        self._expect(b"]")

    def value(self) -> bytes:
        """The text of the value that begins here."""
        first, start = self.next_byte(), self._at
        if first and first in b"[{":
            self._at = self._end_of_container()
        elif first == b'"':
            self._at = self._end_of(_STRING)
        else:
            self._at = self._end_of(_OTHER_VALUE)
        return self._text[start : self._at]

    def _key(self) -> str:
        self.next_byte()
        start, self._at = self._at, self._end_of(_STRING)
        key = self._text[start : self._at]
        self._expect(b":")
        try:
            return str(json.loads(key))
        except ValueError:
            return ""  # No key that anybody looks for.

    def _end_of_container(self) -> int:
        text, at, depth = self._text, self._at, 0
        while match := _UP_TO_A_BRACKET.match(text, at):
            at = match.end()
            depth += 1 if text[at - 1] in _OPENING else -1
            if depth == 0:
                return at
        raise BrokenStructureError("a list or an object does not end")

    def _end_of(self, pattern: re.Pattern[bytes]) -> int:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise BrokenStructureError("a value is missing")
        return match.end()

    def _skip(self, byte: bytes) -> bool:
        """Whether the next byte is this; then it is read."""
        is_next = self.next_byte() == byte
        self._at += is_next
        return is_next

    def _expect(self, byte: bytes) -> None:
        if not self._skip(byte):
            raise BrokenStructureError("a bracket, a colon or a comma is missing")
