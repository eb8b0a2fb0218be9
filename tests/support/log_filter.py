"""The filter patterns of CloudWatch Logs that runbooks use: JSON filters and quoted words.

Follows the CloudWatch Logs user guide, "Filter pattern syntax": a JSON filter compares values of the line's own JSON;
a line that is not JSON matches none. A missing value equals nothing.
"""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

_TOKENS = re.compile(r'\s*(\|\||&&|!=|=|\(|\)|\$(?:\.\w+)+|"[^"]*"|[\w*.-]+)')


def matches(pattern: str, line: str) -> bool:
    """Whether a line of a log passes a filter pattern. Raises ValueError for what is not a pattern of these kinds."""
    text = pattern.strip()
    if text.startswith("{") and text.endswith("}"):
        try:
            content = json.loads(line)
        except ValueError:
            return False
        return _JsonFilter(text[1:-1], content).holds()
    words = re.findall(r'"([^"]+)"', text)
    if re.sub(r'"[^"]+"', "", text).strip() or not words:
        raise ValueError(f"no filter pattern of a kind that we use: {pattern}")
    return all(word in line for word in words)


class _JsonFilter:
    def __init__(self, text: str, content: Any) -> None:
        self._tokens = [match[1] for match in _TOKENS.finditer(text)]
        if "".join(self._tokens) != re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text):
            raise ValueError(f"no JSON filter: {text}")
        self._content = content

    def holds(self) -> bool:
        result = self._either()
        if self._tokens:
            raise ValueError(f"more than a condition: {self._tokens}")
        return result

    def _either(self) -> bool:
        result = self._both()
        while self._next_is("||"):
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._condition()
        while self._next_is("&&"):
            result = self._condition() and result
        return result

    def _condition(self) -> bool:
        if self._next_is("("):
            result = self._either()
            if not self._next_is(")"):
                raise ValueError("a bracket is not closed")
            return result
        if len(self._tokens) < 3:
            raise ValueError(f"no condition: {self._tokens}")
        selector, comparison, wanted = self._tokens[:3]
        del self._tokens[:3]
        if not selector.startswith("$.") or comparison not in {"=", "!="}:
            raise ValueError(f"no condition: {selector} {comparison} {wanted}")
        value = self._value(selector)
        if value is None or isinstance(value, dict | list):
            return False
        return fnmatchcase(str(value), wanted.strip('"')) == (comparison == "=")

    def _value(self, selector: str) -> Any:
        value = self._content
        for name in selector.split(".")[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _next_is(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        del self._tokens[0]
        return True
