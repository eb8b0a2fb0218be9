"""What a write changes, and under which condition, as DynamoDB's expressions.

An expression holds placeholders only. So no name of ours can be a reserved word, and long names do not make an
expression longer than the 4 KB that DynamoDB takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from partner_orders.aws.attribute_values import to_attribute

SCHEMA_VERSION = "schema_version"


@dataclass
class _Places:
    """The placeholders of one request."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def name(self, name: str) -> str:
        return self.names.setdefault(name, f"#{len(self.names)}")

    def value(self, value: Any) -> str:
        place = f":{len(self.values)}"
        self.values[place] = to_attribute(value)
        return place

    def copy(self) -> "_Places":
        return _Places(self.names.copy(), self.values.copy())

    def arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if self.names:
            arguments["ExpressionAttributeNames"] = {place: name for name, place in self.names.items()}
        if self.values:
            arguments["ExpressionAttributeValues"] = self.values
        return arguments


type Condition = Callable[[_Places], str]


def absent(name: str) -> Condition:
    return lambda places: f"attribute_not_exists({places.name(name)})"


def present(name: str) -> Condition:
    return lambda places: f"attribute_exists({places.name(name)})"


def equals(name: str, value: Any) -> Condition:
    return lambda places: f"{places.name(name)} = {places.value(value)}"


def less(name: str, value: Any) -> Condition:
    return lambda places: f"{places.name(name)} < {places.value(value)}"


def at_most(name: str, value: Any) -> Condition:
    return lambda places: f"{places.name(name)} <= {places.value(value)}"


def any_of(*conditions: Condition) -> Condition:
    return lambda places: f"({' OR '.join(condition(places) for condition in conditions)})"


def all_of(*conditions: Condition) -> Condition:
    return lambda places: " AND ".join(condition(places) for condition in conditions)


def render(condition: Condition | None) -> dict[str, Any]:
    """The arguments of a write that has only a condition."""
    if condition is None:
        return {}
    places = _Places()
    return {"ConditionExpression": condition(places), **places.arguments()}


class Update:
    """The changes of one row, made together."""

    def __init__(self) -> None:
        self._places = _Places()
        self._sets: list[str] = []
        self._removes: list[str] = []
        self._condition: Condition | None = None

    def set(self, name: str, value: Any) -> Self:
        return self.set_in((name,), value)

    def set_in(self, path: tuple[str, ...], value: Any) -> Self:
        """Set an entry of a map that is there, by its path."""
        self._sets.append(f"{'.'.join(map(self._places.name, path))} = {self._places.value(value)}")
        return self

    def set_all(self, attributes: dict[str, Any]) -> Self:
        """Set each attribute; None removes one."""
        for name, value in attributes.items():
            if value is None:
                self.remove(name)
            else:
                self.set(name, value)
        return self

    def default(self, name: str, value: Any) -> Self:
        """Set an attribute unless it is there."""
        place = self._places.name(name)
        self._sets.append(f"{place} = if_not_exists({place}, {self._places.value(value)})")
        return self

    def increment(self, name: str, by: int = 1, start: int = 0) -> Self:
        """Add to a number, which is ``start`` where it is not there."""
        place = self._places.name(name)
        self._sets.append(f"{place} = if_not_exists({place}, {self._places.value(start)}) + {self._places.value(by)}")
        return self

    def set_to_next(self, name: str, of: str) -> Self:
        """Set an attribute to one more than the number ``of``, as that was before this update."""
        self._sets.append(f"{self._places.name(name)} = {self._places.name(of)} + {self._places.value(1)}")
        return self

    def remove(self, *path: str) -> Self:
        """Remove an attribute, or an entry of a map by its path."""
        self._removes.append(".".join(map(self._places.name, path)))
        return self

    def only_if(self, condition: Condition | None) -> Self:
        """Make the changes only under a condition; None for none."""
        self._condition = condition
        return self

    def expression(self, schema_version: int | None = None) -> dict[str, Any]:
        """The arguments of UpdateItem, the same every time, so that a write can be repeated. The row gets a
        ``schema_version`` if the update sets none itself."""
        places = self._places.copy()
        sets = self._sets
        if schema_version is not None and SCHEMA_VERSION not in places.names:
            sets = [*sets, f"{places.name(SCHEMA_VERSION)} = {places.value(schema_version)}"]
        clauses = [f"SET {', '.join(sets)}"] if sets else []
        clauses += [f"REMOVE {', '.join(self._removes)}"] if self._removes else []
        condition = {"ConditionExpression": self._condition(places)} if self._condition else {}
        return {"UpdateExpression": " ".join(clauses), **condition, **places.arguments()}
