"""What must hold whatever comes in, and how it is seen that it does not."""

import itertools
import json
import re
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# All that a log line may say besides numbers and what is ours: a log line made of anything else quotes its input.
_WORDS = frozenset(
    {
        *("INFO", "WARNING", "ERROR", "webhook", "consumer", "fuzz", "PartnerOrders", "Count", "Seconds", "service"),
        *("Enqueued", "RefusedUnauthorized", "RefusedTooLarge", "EmptyBodies"),
        *("Stored", "Late", "Conflict", "Duplicate", "Confirmed", "EventProblems", "Rejected"),
        "CatalogueCallback",
        *("ForeignChain", "UnknownStatus", "Lag", "Age", "rejected", "malformed_json", "not_an_object", "not_an_order"),
        *("refused", "no_authorization", "wrong_secret", "too_large", "203.0.113.0/24", ""),
        *("unreadable_message", "RejectedMalformedJson", "RejectedNotAnObject", "RejectedNotAnOrder"),
        *("RejectedUnreadableMessage", "RejectedRefusedByTheTable"),
    }
)
_OURS = frozenset({"timestamp", "location"})
# Under a word, what the messages are traced by: short, and no sentence.
_TRACED_BY = re.compile(r"[A-Za-z0-9=_/.-]{1,64}")


class Violation(AssertionError):  # noqa: N818 (a finding of ours, not an error)
    """A law that was broken."""


class _TooSlow(BaseException):
    pass


@contextmanager
def bounded(cpu_seconds: float, mebibytes: int) -> Iterator[None]:
    """Run one input within so much processor time, and so much memory above what the process has needed before. Raises
    Violation."""
    before = _peak()
    signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        yield
    except _TooSlow:
        raise Violation(f"more than {cpu_seconds:.0f} s of processor time") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if (grown := (_peak() - before) >> 20) > mebibytes:
        raise Violation(f"{grown} MiB of memory")


def logs_say_nothing(log: str) -> dict[str, int]:
    """Hold every log line to the words above; answers what the metrics counted. Raises Violation."""
    counted: dict[str, int] = {}
    for line in log.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            raise Violation(f"a log line that is not ours: {line[:80]!r}") from None
        reasons = record.pop("reasons", {})
        for word in [*_said(record), *_said([*reasons])]:
            if word not in _WORDS:
                raise Violation(f"a log line says {word[:80]!r}")
        for name in itertools.chain.from_iterable(reasons.values()):
            if not _TRACED_BY.fullmatch(name):
                raise Violation(f"a log line traces by {name[:80]!r}")
        for name in [it["Name"] for kind in _kinds(record) for it in kind["Metrics"]]:
            values = record[name] if isinstance(record[name], list) else [record[name]]
            counted[name] = counted.get(name, 0) + int(sum(values))
    return counted


def _kinds(record: dict[str, Any]) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = record.get("_aws", {}).get("CloudWatchMetrics", [])
    return kinds


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _said(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _OURS:
                yield from _said(item)


def problems_quote_nothing(problems: list[str], names: frozenset[str]) -> None:
    """Hold what is said of a refused body to the names of fields we know, and to sentences of ours and of the model's.
    Raises Violation."""
    for problem in problems:
        place, separator, sentence = problem.partition(": ")
        if not separator:
            place, sentence = "", problem
        sentence = re.sub(rf"instance of ({'|'.join(sorted(names))})$", "instance of M", re.sub(r"\d+", "N", sentence))
        if sentence not in _SENTENCES:
            raise Violation(f"a problem says {problem[:120]!r}")
        if unknown := {part for part in place.split(".") if part and not part.isdecimal()} - names:
            raise Violation(f"a problem names {min(unknown)[:80]!r}")


_SENTENCES = frozenset(
    {
        "NaN or an infinity",
        "a number of more than N digits",
        "a number that is not finite",
        "a number with an exponent beyond N",
        "an object with a duplicate key",
        "nested more than N levels",
        "not JSON (at character N)",
        "not a number",
        "not valid UTF-N",
        "the body should be a JSON object",
        "Field required",
        "List should have at most N items after validation, not N",
        "Input should be a valid boolean",
        "Input should be a valid boolean, unable to interpret input",
        "Input should be a valid dictionary",
        "Input should be a valid dictionary or instance of M",
        "Input should be a valid list",
        "Input should be a valid string",
        "Input should be a valid string, without half a surrogate pair",
        "String should have at least N character",
        "String should have at most N characters",
        "Value error, should be a finite number of bounded size",
        "Value error, should be a number",
        "Value error, should be a time in ISO N",
    }
)


def _interrupt(*_: object) -> None:
    raise _TooSlow


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
