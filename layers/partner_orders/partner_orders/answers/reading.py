"""Reading an answer from JSON, and writing it: every problem at once, by path. Unknown fields are refused, since a
misspelled one would change what is sent."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from partner_orders.answers.answer import (
    Answer,
    AnswerProblemsError,
    CancelReason,
    Kind,
    LineChange,
    NewLine,
    Problem,
)
from partner_orders.clock import to_text
from partner_orders.exact_json import Json
from partner_orders.orders.fields import parse_instant

MAX_LINES = 500
MAX_NEW_LINES = 100
MAX_TEXT = 200
MAX_PIECES = 100_000
MAX_KILOGRAMS = Decimal(100_000)
MAX_PRICE = Decimal(100_000_000)
# To the gram, and a tenth of it; prices of some currencies have three decimals.
WEIGHT_DECIMALS = 4
PRICE_DECIMALS = 4
LONGEST_AHEAD = timedelta(days=14)

_ANSWER_ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_OF_EVERY_KIND = {"answer_id", "sequence", "kind"}
FIELDS = {
    Kind.READY: _OF_EVERY_KIND | {"lines", "added"},
    Kind.UPDATE: _OF_EVERY_KIND | {"lines", "added"},
    Kind.ACCEPT: _OF_EVERY_KIND | {"ready_at"},
    Kind.CANCEL: _OF_EVERY_KIND | {"reason"},
}
LINE_FIELDS = {"id", "sku", "quantity", "weight", "not_found", "replaced_by"}
NEW_LINE_FIELDS = {"sku", "quantity", "unit_price", "weight", "name"}


def read_answer(value: Json) -> Answer:
    """The answer of a JSON value. Raises AnswerProblemsError with every problem, by path.

    Its time may have passed: an answer can be repeated after days, and only a new one is held to check_time().
    """
    reading = _Reading()
    answer = reading.answer(value)
    if reading.problems or answer is None:
        raise AnswerProblemsError(reading.problems)
    return answer


def check_time(answer: Answer, now: datetime) -> None:
    """Check that a new answer promises a time that is still to come. Raises AnswerProblemsError."""
    if answer.ready_at is not None and not now < answer.ready_at <= now + LONGEST_AHEAD:
        raise AnswerProblemsError(
            [Problem("ready_at", f"should be later than now and within {LONGEST_AHEAD.days} days")]
        )


def plain(answer: Answer) -> dict[str, Json]:
    """The JSON of an answer, without what it does not say. Inverse of read_answer()."""
    said: dict[str, Json] = {"answer_id": answer.answer_id, "sequence": answer.sequence, "kind": answer.kind.value}
    if answer.lines:
        said["lines"] = [_plain_change(change) for change in answer.lines]
    if answer.added:
        said["added"] = [_plain_new(line) for line in answer.added]
    if answer.ready_at:
        said["ready_at"] = to_text(answer.ready_at)
    if answer.reason:
        said["reason"] = answer.reason.value
    return said


def _plain_change(change: LineChange) -> Json:
    said: dict[str, Json] = {"id": change.id} if change.id is not None else {"sku": change.sku}
    if change.not_found:
        said["not_found"] = True
    if change.quantity is not None:
        said["quantity"] = change.quantity
    if change.weight is not None:
        said["weight"] = change.weight
    if change.replaced_by:
        said["replaced_by"] = [_plain_new(line) for line in change.replaced_by]
    return said


def _plain_new(line: NewLine) -> Json:
    said: dict[str, Json] = {"sku": line.sku, "quantity": line.quantity, "unit_price": line.unit_price}
    if line.weight is not None:
        said["weight"] = line.weight
    if line.name is not None:
        said["name"] = line.name
    return said


class _Reading:
    """One walk through an answer; ``problems`` are what was wrong so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def answer(self, value: Json) -> Answer | None:
        if not isinstance(value, dict):
            self._wrong("", "the body should be a JSON object")
            return None
        kind = self._choice(Kind, value.get("kind"), "kind")
        self._check_names(value, FIELDS[kind] if kind else set().union(*FIELDS.values()), "")
        answer_id = self._answer_id(value.get("answer_id"))
        sequence = self._whole(value.get("sequence"), "sequence", 1, 10**12)
        lines = self._list(value, "lines", "", MAX_LINES, self._change)
        added = self._list(value, "added", "", MAX_NEW_LINES, self._new_line)
        ready_at = self._ready_at(value.get("ready_at")) if kind is Kind.ACCEPT else None
        reason = self._choice(CancelReason, value.get("reason"), "reason") if kind is Kind.CANCEL else None
        if kind is None or answer_id is None or sequence is None:
            return None
        return Answer(answer_id, sequence, kind, tuple(lines), tuple(added), ready_at, reason)

    # -- parts --------------------------------------------------------------------------------------------------

    def _change(self, value: Json, path: str) -> LineChange | None:
        if not isinstance(value, dict):
            self._wrong(path, "should be an object")
            return None
        self._check_names(value, LINE_FIELDS, path)
        named = [name for name in ("id", "sku") if value.get(name) is not None]
        if len(named) != 1:
            self._wrong(path, 'name the line by "id" or by "sku"')
        texts = {name: self._text(value[name], f"{path}.{name}") for name in named}
        not_found = self._flag(value.get("not_found"), f"{path}.not_found")
        quantity, weight = self._amounts(value, path, fewest=0)
        replaced_by = self._list(value, "replaced_by", path, MAX_NEW_LINES, self._new_line)
        said = [not_found, quantity is not None or weight is not None, bool(replaced_by)]
        if sum(said) > 1:
            self._wrong(path, "say one of: an amount, not_found, replaced_by")
        if not any(said) and not self._has_problem_within(path):
            self._wrong(path, "says nothing: give a quantity, a weight, not_found or replaced_by")
        return LineChange(texts.get("id"), texts.get("sku"), quantity, weight, not_found, tuple(replaced_by))

    def _new_line(self, value: Json, path: str) -> NewLine | None:
        if not isinstance(value, dict):
            self._wrong(path, "should be an object")
            return None
        self._check_names(value, NEW_LINE_FIELDS, path)
        sku = self._text(value.get("sku"), f"{path}.sku")
        price = self._number(value.get("unit_price"), f"{path}.unit_price", MAX_PRICE, PRICE_DECIMALS)
        if price is None and value.get("unit_price") is None:
            self._wrong(f"{path}.unit_price", "is required")
        quantity, weight = self._amounts(value, path, fewest=1)
        if quantity is None and weight is None and not self._has_problem_within(path):
            self._wrong(path, "give a quantity, or a weight for a product sold by weight")
        name = None if value.get("name") is None else self._text(value["name"], f"{path}.name")
        if sku is None or price is None or (quantity is None and weight is None):
            return None
        return NewLine(sku, quantity or 1, price, weight, name)

    def _amounts(self, value: dict[str, Json], path: str, fewest: int) -> tuple[int | None, Decimal | None]:
        quantity = weight = None
        if value.get("quantity") is not None:
            quantity = self._whole(value["quantity"], f"{path}.quantity", fewest, MAX_PIECES)
        if value.get("weight") is not None:
            weight = self._number(value["weight"], f"{path}.weight", MAX_KILOGRAMS, WEIGHT_DECIMALS)
        if quantity == 0 or weight == 0:
            self._wrong(path, "0 is no amount: give not_found of an ordered line, and leave a new one out")
        return quantity, weight

    def _list[T](
        self, value: dict[str, Json], name: str, path: str, most: int, read: Callable[[Json, str], T | None]
    ) -> list[T]:
        entries, path = value.get(name), f"{path}.{name}" if path else name
        if entries is None:
            return []
        if not isinstance(entries, list):
            self._wrong(path, "should be a list")
            return []
        if len(entries) > most:
            self._wrong(path, f"should have at most {most} entries")
            return []
        return [*self._read_each(entries, path, read)]

    @staticmethod
    def _read_each[T](entries: list[Json], path: str, read: Callable[[Json, str], T | None]) -> Iterator[T]:
        for number, entry in enumerate(entries):
            if (content := read(entry, f"{path}[{number}]")) is not None:
                yield content

    # -- values -------------------------------------------------------------------------------------------------

    def _answer_id(self, value: Json) -> str | None:
        if isinstance(value, str) and _ANSWER_ID.fullmatch(value):
            return value
        self._wrong("answer_id", "should be 1 to 80 of the characters A-Z a-z 0-9 . _ : -")
        return None

    def _choice[T: (Kind, CancelReason)](self, choices: type[T], value: Json, path: str) -> T | None:
        if isinstance(value, str) and value in {choice.value for choice in choices}:
            return choices(value)
        self._wrong(path, f"should be one of {', '.join(choice.value for choice in choices)}")
        return None

    def _text(self, value: Json, path: str) -> str | None:
        if isinstance(value, str) and value.strip() and len(value) <= MAX_TEXT and value.isprintable():
            return value
        self._wrong(path, f"should be a text of 1 to {MAX_TEXT} printable characters")
        return None

    def _whole(self, value: Json, path: str, least: int, most: int) -> int | None:
        # Some programs write 2.0 for 2.
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and least <= value <= most:
            number = int(value)
            if number == value:
                return number
        self._wrong(path, f"should be a whole number from {least} to {most}")
        return None

    def _number(self, value: Json, path: str, most: Decimal, decimals: int) -> Decimal | None:
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if 0 <= number <= most and number == round(number, decimals):
                return number
        self._wrong(path, f"should be a number from 0 to {most} with at most {decimals} decimals")
        return None

    def _flag(self, value: Json, path: str) -> bool:
        if value is not None and not isinstance(value, bool):
            self._wrong(path, "should be true or false")
        return value is True

    def _ready_at(self, value: Json) -> datetime | None:
        try:
            instant = parse_instant(value) if isinstance(value, str) else None
        except ValueError:
            instant = None
        if instant is None:
            self._wrong("ready_at", "should be a time in ISO 8601, such as 2026-05-04T10:20:00Z")
        return instant

    # -- problems -----------------------------------------------------------------------------------------------

    def _check_names(self, value: dict[str, Json], known: set[str], path: str) -> None:
        unknown = sorted(value.keys() - known)
        if unknown:
            said = ", ".join(sorted(known))
            self._wrong(
                path,
                f"{len(unknown)} unknown or unsuitable {'field' if len(unknown) == 1 else 'fields'}; known are {said}",
            )

    def _has_problem_within(self, path: str) -> bool:
        return any(problem.path.startswith(path) for problem in self.problems)

    def _wrong(self, path: str, text: str) -> None:
        self.problems.append(Problem(path or "body", text))
