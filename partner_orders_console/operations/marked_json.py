"""A JSON value line by line, with what is wrong in it marked where it stands."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from partner_orders.exact_json import Json, write_bytes

_PROBLEM = re.compile(r"([\w.\[\]-]+): (.*)", re.DOTALL)
_MOST_LINES = 2_000
# What turns the direction of text, or is not seen at all.
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class MarkedLine:
    """A line of JSON, ``depth`` levels deep; ``problem`` says what is wrong there, empty where nothing is."""

    depth: int
    text: str
    problem: str = ""


def marked_json(value: Json, problems: Sequence[str]) -> list[MarkedLine]:
    """The lines of a value. A problem such as ``order_id: Field required`` marks each line of its path, which has no
    list positions; a field that is missing gets a line of its own. Of a very long value the first 2,000 lines."""
    found = filter(None, map(_PROBLEM.fullmatch, problems))
    wrong = {match[1]: match[2] for match in found}
    lines = [*_lines(value, "", "", 0, wrong)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], MarkedLine(0, f"... and {len(lines) - _MOST_LINES:,} lines more")]
    return lines


def _lines(value: Json, name: str, path: str, depth: int, wrong: Mapping[str, str]) -> Iterator[MarkedLine]:
    head, problem = (f"{_written(name)}: " if name else ""), wrong.get(path, "") if path else ""
    match value:
        case dict():
            yield MarkedLine(depth, head + "{", problem)
            if not path:
                for field in (one for one in wrong if "." not in one and one not in value):
                    yield MarkedLine(depth + 1, f"{_written(field)}: (missing)", wrong[field])
            for field, item in value.items():
                yield from _lines(item, field, f"{path}.{field}" if path else field, depth + 1, wrong)
            yield MarkedLine(depth, "}")
        case list() if value:
            yield MarkedLine(depth, head + "[", problem)
            within = {place: problem for place, problem in wrong.items() if place != path}
            for item in value:
                yield from _lines(item, "", path, depth + 1, within)
            yield MarkedLine(depth, "]")
        case _:
            yield MarkedLine(depth, head + _written(value), problem)


def _written(value: Json) -> str:
    """A value as people read it: letters of any script as they are, and what nobody would see written out."""
    text = write_bytes(value).decode("utf-8")
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
