"""Inputs that Hypothesis makes: orders with a field or two exchanged, and requests and messages around them."""

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tools.fuzz.corpus import ROOT
from tools.fuzz.inputs import PAGE_CHOICES, WEBHOOK_CHOICES
from tools.fuzz.laws import Violation
from tools.fuzz.targets import FIELDS

# What has gone wrong elsewhere, as it stands in JSON.
NASTY = (
    *(
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1e400",
        "1e-400",
        "1E+99",
        "1e100",
        "9" * 99,
        "9" * 101,
        "9" * 5_000,
    ),
    *(
        "NaN",
        "-Infinity",
        "0.1",
        "1.10",
        "0." + "0" * 98 + "1",
        '""',
        '" "',
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
    ),
    *(
        '"NaN"',
        '"1e3"',
        '" 12.50 "',
        '"1_000"',
        '"\\u0663"',
        "[]",
        "{}",
        "[[]]",
        '[""]',
        "[{}]",
        '{"":{}}',
        '"' + "x" * 201 + '"',
    ),
    *('"2026-10-14T08:55:00.000Z"', '"2026-10-14"', '"20261014T085500"', '"0001-01-01T00:00:00+23:59"'),
    *('"9999-12-31T23:59:59.999999-23:59"', '"2026-W42-3"', '"2026-10-14T24:00:00"', '"1970-01-01T00:00:00Z"'),
    *(
        '"CANCELLED"',
        '"delivered "',
        '"DELIVERED"',
        '"PICKED_UP"',
        '"RECE\\u0130VED"',
        "01",
        "1.",
        "'a'",
        "",
        "[" * 70 + "]" * 70,
    ),
)
_PLACE = "@here"
_ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32-le", "cp1252")


@cache
def _order() -> Any:
    return json.loads((ROOT / "events" / "order.json").read_text(encoding="utf-8"))


@cache
def _values() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(NASTY) | st.text(max_size=20).map(json.dumps) | st.floats().map(json.dumps)
    names = st.sampled_from(sorted(FIELDS)) | st.text(max_size=8)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda them: f"[{','.join(them)}]")
            | st.lists(st.tuples(names.map(json.dumps), inner), max_size=4).map(
                lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
            )
        ),
        max_leaves=8,
    )


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An order in which a few values are others, or are gone; sometimes cut, spliced, or no order at all."""
    tree = json.loads(json.dumps(_order()))
    exchanged = draw(st.lists(_values(), max_size=3))
    for value in exchanged:
        _exchange(draw, tree, value)
    text = json.dumps(tree, ensure_ascii=draw(st.booleans()))
    for value in exchanged:
        text = text.replace(json.dumps(_PLACE), value, 1)
    body = text.encode(draw(st.sampled_from(_ENCODINGS)), "surrogatepass" if text.isascii() else "ignore")
    match draw(st.sampled_from(("whole", "whole", "whole", "cut", "spliced", "repeated", "value", "bytes"))):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "spliced":
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.binary(max_size=12)) + body[at:]
        case "repeated":
            start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
            return body[:start] + b"\x1f" + body[start:end] + b"\x1f" + body[end:]
        case "value":
            return draw(_values()).encode("utf-8", "surrogatepass")
        case "bytes":
            return draw(st.binary(max_size=200))
        case _:
            return body


def _exchange(draw: st.DrawFn, tree: Any, value: str) -> None:
    """Go down to a place in the tree and put a sign there; an empty value takes the place out."""
    node = tree
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 3)):
            node = node[key]
            continue
        if value:
            node[key] = _PLACE
        else:
            del node[key]
        return


def inputs_of(target: str) -> st.SearchStrategy[bytes]:
    stretch = st.just(0) | st.integers(0, 255)
    body = st.builds(lambda times, content: bytes([times]) + content, stretch, bodies())
    match target:
        case "webhook":
            choices = [st.just(0) | st.integers(0, count - 1) for count in WEBHOOK_CHOICES]
            return st.builds(lambda *parts: bytes(parts[:-1]) + parts[-1], *choices, body)
        case "page":
            choices = [st.integers(0, count - 1) for count in PAGE_CHOICES]
            return st.builds(lambda *parts: bytes(parts[:-1]) + parts[-1], *choices, body)
        case "consumer":
            kinds = st.sampled_from((0, 0, 0, 1, 2))
            message = st.builds(lambda kind, content: bytes([kind]) + content, kinds, body | _envelopes())
            return st.lists(message, min_size=1, max_size=4).map(b"\x1e".join)
        case _:
            return body


@cache
def _envelopes() -> st.SearchStrategy[bytes]:
    names = st.sampled_from(("schema_version", "source", "received_at", "correlation_id", "body"))
    pair = st.builds(lambda name, value: f'"{name}":{value}', names, _values())
    return st.lists(pair, min_size=1, max_size=3).map(
        lambda pairs: b"\0{" + ",".join(pairs).encode("utf-8", "replace") + b"}"
    )


def search(target: str, attempt: Callable[[bytes], None], until: float) -> bytes | None:
    """Try inputs until the monotonic clock shows ``until``; answers the smallest that broke a law, if one did."""
    broke: list[bytes] = []

    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(inputs_of(target))
    def one(data: bytes) -> None:
        if time.monotonic() < until:
            try:
                attempt(data)
            except Violation:
                broke.append(data)
                raise

    while time.monotonic() < until and not broke:
        try:
            one()
        except Exception:
            if not broke:
                raise
    return min(broke, key=len, default=None)
