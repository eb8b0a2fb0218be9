"""What a run of the mutants shows: a line for each module and group, and the survivors that have no reason yet."""

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.parts import LEAST

SURVIVORS = Path(__file__).with_name("survivors.toml")
# In place of the test that noticed a mutant: none did, they did not end, or their process died, mostly of a loop that
# takes all memory before the time is up.
NONE = ""
LATE = "(the tests do not end)"
DIED = "(the process died)"
# This has noticed it.
NOT_COLLECTED = "(the tests cannot be collected)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one mutant ended. ``noticed``: the test that noticed it. ``tests``: how many could have. ``seconds``: what it
    took."""

    group: str
    module: str
    mutant: str
    noticed: str
    tests: int
    seconds: float

    @classmethod
    def of_json(cls, group: str, line: str) -> "Outcome":
        return cls(group, **json.loads(line))

    @property
    def survives(self) -> bool:
        return self.noticed in (NONE, LATE, DIED)


def known_survivors() -> dict[str, dict[str, str]]:
    """The reasons of survivors.toml, by module and mutant."""
    with SURVIVORS.open("rb") as file:
        return tomllib.load(file)


class Report:
    def __init__(self, outcomes: Iterable[Outcome], known: dict[str, dict[str, str]]) -> None:
        self._groups: dict[str, list[Outcome]] = defaultdict(list)
        self._modules: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            self._groups[outcome.group].append(outcome)
            self._modules[outcome.module].append(outcome)
        self._known = known

    @property
    def new(self) -> list[Outcome]:
        """Survivors without a reason."""
        return [
            outcome
            for outcomes in self._modules.values()
            for outcome in outcomes
            if outcome.survives and outcome.mutant not in self._known.get(outcome.module, {})
        ]

    @property
    def gone(self) -> list[tuple[str, str]]:
        """Reasons without a survivor, of the modules that were tried: module and mutant."""
        survivors = {(it.module, it.mutant) for all_ in self._modules.values() for it in all_ if it.survives}
        known = ((module, mutant) for module in self._modules for mutant in self._known.get(module, {}))
        return [entry for entry in known if entry not in survivors]

    @property
    def below(self) -> list[str]:
        """Groups of which too few mutants are noticed."""
        return [group for group, outcomes in self._groups.items() if _share(outcomes) < LEAST[group]]

    def text(self) -> str:
        lines = [_line(module, outcomes) for module, outcomes in sorted(self._modules.items())]
        lines += ["", *(_line(group, outcomes, LEAST[group]) for group, outcomes in self._groups.items())]
        if new := self.new:
            lines += ["", f"new survivors, {len(new)}: write a test, or a reason into survivors.toml"]
            for module in sorted({outcome.module for outcome in new}):
                lines += ["", f"[{json.dumps(module)}]"]
                lines += [f'{json.dumps(it.mutant)} = "{_remark(it)}"' for it in new if it.module == module]
        if gone := self.gone:
            lines += ["", f"no longer survivors, {len(gone)}: delete them in survivors.toml"]
            lines += [f"{module} {json.dumps(mutant)}" for module, mutant in gone]
        return "\n".join(lines)


def _share(outcomes: list[Outcome]) -> float:
    return sum(not outcome.survives for outcome in outcomes) / len(outcomes)


def _line(name: str, outcomes: list[Outcome], least: float | None = None) -> str:
    survivors = sum(outcome.survives for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    line = f"{name:32} {len(outcomes):5} mutants {survivors:4} survive {_share(outcomes):7.1%} {seconds:6.0f} s"
    return line if least is None else f"{line}   at least {least:.0%}{'' if _share(outcomes) >= least else ': FAILED'}"


def _remark(outcome: Outcome) -> str:
    return outcome.noticed or ("" if outcome.tests else "(no test executes it)")
