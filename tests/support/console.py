"""What a command of the console did, and the stack that a test of the console runs on."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.contracts import MOTO

# For tests of what the simulated DynamoDB lacks: streams, backups and restored tables.
on_moto = pytest.mark.parametrize("stack", [MOTO], indirect=True)


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit status, and what it printed for programs and for people."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)
