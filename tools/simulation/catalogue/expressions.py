"""DynamoDB's expressions, as far as our code writes them: conditions, key conditions and updates."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

type Attribute = dict[str, Any]
type Item = dict[str, Attribute]
type Places = tuple[dict[str, str], dict[str, Attribute]]
type Test = Callable[[Item, Places], bool]
type Path = tuple[str, ...]
type Operand = Callable[[Item, Places], Attribute | None]

_TOKEN = re.compile(r"\s*([#:][A-Za-z0-9_]+|[A-Za-z_]+|<=|>=|<>|[(),.=<>+-])")
_WORDS = re.compile(r"[#:][A-Za-z0-9_]+")


class ExpressionError(ValueError):
    """What DynamoDB would refuse, or this does not know."""


def placeholders(*expressions: str) -> set[str]:
    return {word for expression in expressions for word in _WORDS.findall(expression)}


def first_value(expression: str) -> str:
    """The placeholder of the first value in an expression: in a key condition, the partition's."""
    return next(word for word in map(str, _WORDS.findall(expression)) if word.startswith(":"))


def comparable(attribute: Attribute | None) -> Any:
    """A value by which two attributes of one type compare as DynamoDB compares them."""
    if attribute is None:
        return None
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return (kind, Decimal(value))
        case "S":
            return (kind, value.encode())
        case "L":
            return (kind, [comparable(entry) for entry in value])
        case "M":
            return (kind, {name: comparable(entry) for name, entry in value.items()})
        case _:
            return (kind, value)


class Assignment(NamedTuple):
    path: Path
    value: Operand


class Changes(NamedTuple):
    """An update: what is set, and what is removed."""

    sets: tuple[Assignment, ...]
    removes: tuple[Path, ...]


@cache
def condition(text: str) -> Test:
    parser = _Parser(text)
    found = parser.any_of()
    parser.end()
    return found


@cache
def update(text: str) -> Changes:
    parser = _Parser(text)
    found = parser.changes()
    parser.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            if not (match := _TOKEN.match(text, at)):
                raise ExpressionError(f"not an expression: {text[at:]!r}")
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ExpressionError(f"more than an expression: {self._tokens[self._at :]}")

    # -- conditions ---------------------------------------------------------------------------------------------

    def any_of(self) -> Test:
        tests = [self._all_of()]
        while self._take("OR"):
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else lambda item, places: any(test(item, places) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._test()]
        while self._take("AND"):
            tests.append(self._test())
        return tests[0] if len(tests) == 1 else lambda item, places: all(test(item, places) for test in tests)

    def _test(self) -> Test:
        if self._take("NOT"):
            inner = self._test()
            return lambda item, places: not inner(item, places)
        if self._take("("):
            inner = self.any_of()
            self._need(")")
            return inner
        match self._peek():
            case "attribute_exists" | "attribute_not_exists" as function:
                [path] = self._arguments(self._path)
                wanted = function == "attribute_exists"
                return lambda item, places: (_at_path(item, _named(path, places)) is not None) is wanted
            case "begins_with":
                whole, prefix = self._arguments(self._operand)
                return lambda item, places: _begins(whole(item, places), prefix(item, places))
        left = self._operand()
        if self._take("BETWEEN"):
            low = self._operand()
            self._need("AND")
            high = self._operand()
            return lambda item, places: (
                _compares("<=", low(item, places), left(item, places))
                and _compares("<=", left(item, places), high(item, places))
            )
        sign = self._next()
        right = self._operand()
        return lambda item, places: _compares(sign, left(item, places), right(item, places))

    # -- updates ------------------------------------------------------------------------------------------------

    def changes(self) -> Changes:
        sets: list[Assignment] = []
        removes: list[Path] = []
        while self._at < len(self._tokens):
            match self._next():
                case "SET":
                    sets += self._list(self._assignment)
                case "REMOVE":
                    removes += self._list(self._path)
                case other:
                    raise ExpressionError(f"no clause of an update: {other}")
        if not sets and not removes:
            raise ExpressionError("an update that changes nothing")
        return Changes(tuple(sets), tuple(removes))

    def _assignment(self) -> Assignment:
        path = self._path()
        self._need("=")
        first = self._operand()
        if not (sign := self._take("+") or self._take("-")):
            return Assignment(path, first)
        second = self._operand()
        return Assignment(path, lambda item, places: _sum(sign, first(item, places), second(item, places)))

    # -- parts --------------------------------------------------------------------------------------------------

    def _operand(self) -> Operand:
        if self._peek() == "if_not_exists":
            self._next()
            self._need("(")
            path = self._path()
            self._need(",")
            other = self._operand()
            self._need(")")
            return lambda item, places: _at_path(item, _named(path, places)) or other(item, places)
        if self._peek().startswith(":"):
            name = self._next()
            return lambda _, places: places[1][name]
        path = self._path()
        return lambda item, places: _at_path(item, _named(path, places))

    def _path(self) -> Path:
        parts = [self._next()]
        while self._take("."):
            parts.append(self._next())
        return tuple(parts)

    def _arguments[T](self, read: Callable[[], T]) -> list[T]:
        self._next()
        self._need("(")
        found = self._list(read)
        self._need(")")
        return found

    def _list[T](self, read: Callable[[], T]) -> list[T]:
        found = [read()]
        while self._take(","):
            found.append(read())
        return found

    def _peek(self) -> str:
        if self._at == len(self._tokens):
            raise ExpressionError("half an expression")
        return self._tokens[self._at]

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, token: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return token
        return ""

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise ExpressionError(f"no {token} where one has to be")


def named(path: Path, names: dict[str, str]) -> Path:
    """A path by the names of its attributes."""
    return tuple(names[part] if part.startswith("#") else part for part in path)


def _named(path: Path, places: Places) -> Path:
    return named(path, places[0])


def _at_path(item: Item, path: Path) -> Attribute | None:
    found = item.get(path[0])
    for part in path[1:]:
        found = found["M"].get(part) if found and "M" in found else None
    return found


def _begins(whole: Attribute | None, prefix: Attribute | None) -> bool:
    return bool(whole and prefix and "S" in whole and "S" in prefix and whole["S"].startswith(prefix["S"]))


def _compares(sign: str, left: Attribute | None, right: Attribute | None) -> bool:
    one, other = comparable(left), comparable(right)
    if one is None or other is None:
        return False
    if sign in {"=", "<>"}:
        return (one == other) is (sign == "=")
    if one[0] != other[0]:
        return False
    match sign:
        case "<":
            return bool(one[1] < other[1])
        case "<=":
            return bool(one[1] <= other[1])
        case ">":
            return bool(one[1] > other[1])
        case ">=":
            return bool(one[1] >= other[1])
    raise ExpressionError(f"no comparison: {sign}")


def _sum(sign: str, one: Attribute | None, other: Attribute | None) -> Attribute:
    if one is None or other is None or "N" not in one or "N" not in other:
        raise ExpressionError("a sum of what is no number")
    by = Decimal(other["N"]) * (1 if sign == "+" else -1)
    return {"N": str(Decimal(one["N"]) + by)}
