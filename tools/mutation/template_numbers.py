"""What can be changed in a template: its numbers and its switches, one at a time.

Numbers of texts for people (descriptions, dashboards) and of versions are no settings, so they stay.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# From here on a number is doubled and halved; a smaller one gets one more and one less.
LARGE = 10
SWITCHES = {"ENABLED": "DISABLED", "Enabled": "Disabled", "enabled": "disabled", "ON": "OFF"}
SWITCHES |= {off: on for on, off in SWITCHES.items()}
TEXTS = frozenset(
    {"Description", "ConstraintDescription", "AlarmDescription", "AllowedPattern", "DashboardBody", "Version",
     "AWSTemplateFormatVersion", "Transform", "openapi", "version", "DefinitionString", "InlineCode"}
)  # fmt: skip
# Texts with numbers in them that are settings.
CALCULATED = frozenset({"Expression", "ScheduleExpression"})
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


@dataclass(frozen=True, slots=True)
class NumberMutant:
    """One change. ``name`` says where it is and what it does. ``plant`` changes the tree that it came from."""

    name: str
    resource: str
    plant: Callable[[], None]


def mutants_of(template: dict[str, Any]) -> list[NumberMutant]:
    """Every change of a template, as it is written."""
    return list(_mutants(template, ()))


def _mutants(node: Any, place: tuple[str, ...]) -> Iterator[NumberMutant]:
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in entries:
        inner = (*place, str(key))
        if key in TEXTS:
            continue
        if isinstance(value, dict | list):
            yield from _mutants(value, inner)
            continue
        for other in _others(str(key), value):
            yield NumberMutant(
                f"{'.'.join(inner)} [{value} => {other}]", ".".join(inner[:2]), _planting(node, key, other)
            )


def _planting(node: Any, key: Any, value: Any) -> Callable[[], None]:
    def plant() -> None:
        node[key] = value

    return plant


def _others(key: str, value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from numbers(value)
        case str() if value in SWITCHES:
            yield SWITCHES[value]
        case str() if value.isdecimal():
            yield from map(str, numbers(int(value)))
        case str() if key in CALCULATED or value.startswith("rate("):
            for number in _NUMBER.finditer(value):
                for other in numbers(int(number[0])):
                    yield f"{value[: number.start()]}{other}{value[number.end() :]}"


def numbers(number: float) -> tuple[float, ...]:
    """What a number becomes."""
    if number < LARGE:
        return (number + 1, number - 1) if number > 0 else (number + 1,)
    half = number / 2
    return number * 2, int(half) if isinstance(number, int) else half
