"""The answers to an order as their row in the table holds them, read and changed in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from partner_orders.answers.answer import Answer
from partner_orders.answers.cart import CartLine, sent_lines
from partner_orders.answers.judgement import Outcome
from partner_orders.answers.reading import plain, read_answer
from partner_orders.aws.attribute_values import Row
from partner_orders.clock import from_text, to_text
from partner_orders.exact_json import parse, write

# An answer is an attribute of this name and its number, from 1 in the order of acceptance.
ANSWER = "a#"
# Which answer's outcome is to be published again: its number, "#", and when that was asked for.
REPUBLISHED = "republished"
# So many answers of an order are kept, and so many bytes of them in all. A row has 400 KB at most.
MAX_ANSWERS = 50
MAX_BYTES = 300_000


@dataclass(frozen=True)
class Progress:
    """How far the sending of an answer is.

    ``sent_at`` is when the last request that may have had an effect was begun, ``sent_lines`` what it sent, ``refusal``
    how its response refused it, and ``cart_before`` the digest of the order's lines ahead of it. ``absent_since`` is
    when the platform first showed, after it, that it had no effect. ``tries`` counts the requests that were begun,
    ``failures`` the steps that failed; ``failure`` is what hindered the last one.
    """

    next_try_at: datetime
    tries: int = 0
    failures: int = 0
    sent_at: datetime | None = None
    sent_lines: tuple[CartLine, ...] = ()
    cart_before: str = ""
    refusal: str = ""
    absent_since: datetime | None = None
    failure: str = ""


@dataclass(frozen=True)
class Ending:
    """How and when an answer ended, with the reason where it was not applied, and what is wrong by line."""

    outcome: Outcome
    ended_at: datetime
    reason: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredAnswer:
    """An accepted answer. ``answered_lines`` name the lines that the order had when it was accepted, ``by`` is who sent
    it."""

    number: int
    answer: Answer
    accepted_at: datetime
    by: str
    correlation_id: str
    answered_lines: tuple[str, ...]
    progress: Progress
    ending: Ending | None = None

    @property
    def is_open(self) -> bool:
        return self.ending is None


@dataclass(frozen=True)
class OrderAnswers:
    """Every answer to an order, in the order of acceptance. ``fence`` grows with every claim."""

    order_id: str
    answers: tuple[StoredAnswer, ...] = ()
    fence: int = 0
    claimed_until: datetime | None = None
    size: int = field(default=0, compare=False)

    @property
    def accepted(self) -> int:
        """How many were accepted so far."""
        return len(self.answers)

    @property
    def open_answers(self) -> Iterator[StoredAnswer]:
        return (answer for answer in self.answers if answer.is_open)

    @property
    def oldest_open(self) -> StoredAnswer | None:
        return next(self.open_answers, None)

    def by_id(self, answer_id: str) -> StoredAnswer | None:
        return next((stored for stored in self.answers if stored.answer.answer_id == answer_id), None)


def order_answers(order_id: str, row: Row | None) -> OrderAnswers:
    """The answers of a row, or of none."""
    if row is None:
        return OrderAnswers(order_id)
    entries = {name: entry for name, entry in row.items() if name.startswith(ANSWER)}
    return OrderAnswers(
        order_id,
        tuple(_stored(int(name.removeprefix(ANSWER)), entries[name]) for name in sorted(entries)),
        row.get("fence", 0),
        from_text(row["claimed_until"]) if "claimed_until" in row else None,
        sum(map(_size, entries.values())),
    )


def size_of(stored: StoredAnswer, sent: Sequence[CartLine]) -> int:
    """About how many bytes an answer takes in the row at most, with the lines that are sent."""
    return _size(attribute(replace(stored, progress=replace(stored.progress, sent_lines=tuple(sent)))))


def _size(entry: Row) -> int:
    texts = (text for value in entry.values() for text in (value if isinstance(value, list) else [str(value)]))
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def attribute_name(number: int) -> str:
    return f"{ANSWER}{number:04d}"


def republished_number(row: Row) -> int:
    """The number of the answer whose outcome was last to be published again."""
    return int(row[REPUBLISHED].partition("#")[0])


def with_open_ones_ended(row: Row, ending: Ending) -> Row:
    """The row in which every open answer has ended so, and no sender has a claim."""
    left = {name: value for name, value in row.items() if name not in {"open", "listed_at", "claimed_until"}}
    ended = (replace(stored, ending=ending) for stored in order_answers("", row).open_answers)
    return left | {attribute_name(stored.number): attribute(stored) for stored in ended}


def attribute(stored: StoredAnswer) -> Row:
    """An answer as the row holds it."""
    row: Row = {
        "content": write(plain(stored.answer)),
        "accepted_at": to_text(stored.accepted_at),
        "by": stored.by,
        "correlation_id": stored.correlation_id,
        "answered_lines": [*stored.answered_lines],
        **_progress(stored.progress),
    }
    if stored.ending is None:
        return row
    row.pop("sent_lines", None)  # They are needed as long as the platform may show something else.
    return row | _ending(stored.ending)


def _progress(progress: Progress) -> Row:
    row: Row = {"next_try_at": to_text(progress.next_try_at), "tries": progress.tries, "failures": progress.failures}
    if progress.sent_lines:
        # What is compared of them: names and prices are not.
        lines = (replace(line, name=None, unit_price=None) for line in progress.sent_lines)
        row["sent_lines"] = write([line.to_json() for line in lines])
    for name, instant in (("sent_at", progress.sent_at), ("absent_since", progress.absent_since)):
        if instant is not None:
            row[name] = to_text(instant)
    for name, text in (
        ("cart_before", progress.cart_before),
        ("refusal", progress.refusal),
        ("failure", progress.failure),
    ):
        if text:
            row[name] = text
    return row


def _ending(ending: Ending) -> Row:
    row: Row = {"outcome": ending.outcome.value, "ended_at": to_text(ending.ended_at)}
    if ending.reason:
        row["reason"] = ending.reason
    if ending.problems:
        row["problems"] = [*ending.problems]
    return row


def _stored(number: int, entry: Row) -> StoredAnswer:
    return StoredAnswer(
        number=number,
        answer=read_answer(parse(entry["content"].encode())),
        accepted_at=from_text(entry["accepted_at"]),
        by=entry["by"],
        correlation_id=entry["correlation_id"],
        answered_lines=tuple(entry["answered_lines"]),
        progress=Progress(
            next_try_at=from_text(entry["next_try_at"]),
            tries=entry["tries"],
            failures=entry["failures"],
            sent_lines=_lines(entry.get("sent_lines")),
            sent_at=_time(entry, "sent_at"),
            cart_before=entry.get("cart_before", ""),
            refusal=entry.get("refusal", ""),
            absent_since=_time(entry, "absent_since"),
            failure=entry.get("failure", ""),
        ),
        ending=None if "outcome" not in entry else _ending_of(entry),
    )


def _ending_of(entry: Row) -> Ending:
    problems = tuple(entry.get("problems", ()))
    return Ending(Outcome(entry["outcome"]), from_text(entry["ended_at"]), entry.get("reason", ""), problems)


def _lines(text: str | None) -> tuple[CartLine, ...]:
    return () if text is None else sent_lines(parse(text.encode()))


def _time(entry: Row, name: str) -> datetime | None:
    return from_text(entry[name]) if name in entry else None
