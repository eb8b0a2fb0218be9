"""The products of a JSON file of the platform, one at a time, whatever stands around their list."""

import codecs
import re
from collections.abc import Iterable, Iterator

from partner_orders.catalogue.result_rows import UnreadableResultError
from partner_orders.exact_json import MAX_DEPTH, Json, MalformedJsonError, parse

MAX_OBJECT_CHARACTERS = 128 * 1024
# A whole string, a bracket, or the quote of a string that goes on; possessive, so that no character is tried twice.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
_OPENING = {"]": "[", "}": "{"}
# The open brackets around a product: those of a list that stands alone, or in an object such as a page.
_AROUND = ("[", "{[")


def objects(blocks: Iterable[bytes]) -> Iterator[dict[str, Json]]:
    """The objects of a list that stands alone or in an object; one that cannot be parsed is left out. Raises
    UnreadableResultError, also after some objects, for a file that is not JSON, is cut off, or has no list."""
    for text in _texts(blocks):
        try:
            value = parse(text.encode())
        except MalformedJsonError:
            continue
        if isinstance(value, dict):
            yield value


def _texts(blocks: Iterable[bytes]) -> Iterator[str]:
    """The text of each object, found by its brackets, so that only one is in memory."""
    text, at, begins_at, around, has_list = "", 0, -1, "", False
    for block in codecs.iterdecode(blocks, "utf-8-sig", "replace"):
        text += block
        while (token := _TOKEN.search(text, at)) and token.group() != '"':
            at, mark = token.end(), token.group()
            if mark in ("[", "{"):
                begins_at = token.start() if mark == "{" and around in _AROUND else begins_at
                around = _opened(around, mark)
                has_list = has_list or around in _AROUND
            elif mark in _OPENING:
                around = _closed(around, mark)
                if begins_at >= 0 and around in _AROUND:
                    yield text[begins_at:at]
                    begins_at = -1
        # What follows the last token is kept only inside an object, or from the quote of a string that goes on.
        at = token.start() if token else len(text)
        kept_from = begins_at if begins_at >= 0 else at
        text, at, begins_at = text[kept_from:], at - kept_from, min(begins_at, 0)
        if len(text) > MAX_OBJECT_CHARACTERS:
            raise UnreadableResultError(f"an object of the file has more than {MAX_OBJECT_CHARACTERS:,} characters")
    if around or text:
        raise UnreadableResultError("the file is JSON that was cut off")
    if not has_list:
        raise UnreadableResultError("the file is JSON without a list")


def _opened(around: str, mark: str) -> str:
    if len(around) == MAX_DEPTH:
        raise UnreadableResultError(f"the file is nested more than {MAX_DEPTH} levels")
    return around + mark


def _closed(around: str, mark: str) -> str:
    if not around.endswith(_OPENING[mark]):
        raise UnreadableResultError("the file is not JSON: its brackets do not match")
    return around[:-1]
