"""What a function reads from its environment. Each handler names its own settings; the template sets every one."""

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from typing import Self

# The template's parameters allow no longer one.
LONGEST_RETENTION_DAYS = 3_650


def retention_of(days: int) -> timedelta:
    """How long rows are kept: so many days, and at most ten years. A stack that was given more has to go on: times far
    enough ahead do not exist."""
    return timedelta(days=min(days, LONGEST_RETENTION_DAYS))


class MissingSettingError(RuntimeError):
    """A variable that the template sets is missing or not what it should be."""


@dataclass(frozen=True)
class Settings:
    """The fields of a function's settings are variables of its environment, in upper case."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the fields of this class, in upper case. One with a default may be empty, or not be set. Raises
        MissingSettingError."""
        values: dict[str, str | int] = {}
        for setting in fields(cls):
            name = setting.name.upper()
            text = environment.get(name, "")
            if not text and setting.default is not MISSING:
                continue
            if not text:
                raise MissingSettingError(f"the environment variable {name} is not set; template.yaml sets it")
            if setting.type is int and not text.isdecimal():
                raise MissingSettingError(f"the environment variable {name} should be a whole number")
            values[setting.name] = int(text) if setting.type is int else text
        return cls(**values)
