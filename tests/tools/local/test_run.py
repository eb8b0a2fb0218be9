"""What `make run` plays is what the README says, and anything wrong at its end fails the command."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from partner_orders.clock import now
from partner_orders.orders.rejected import digest_of
from tools.local import emulator, morning, run
from tools.local.chain import Chain
from tools.local.figures import Figures, last_line
from tools.local.hour import Hour
from tools.local.morning import Morning
from tools.local.morning_outcome import CatalogueFigures
from tools.local.picking import Answers

README = " ".join((Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").split())
NUMERALS = {4: "four"}


def test_hour_is_what_the_readme_says() -> None:
    """So many brands are played, each with the faults that the README names, beside a store with so many products."""
    assert f"a busy hour for each of {NUMERALS.get(len(run.MIX))} brands" in README
    assert len({played["profile"] for played in run.MIX}) == len(run.MIX)
    assert "Events arrive twice, late, out of order or not at all, and there is garbage among them." in README
    for played in run.MIX:
        assert played["faults"].keys() >= {"duplicate", "delay", "reorder", "drop", "garbage"}
        assert all(share > 0 for share in played["faults"].values())
    assert f"a store with {morning.PRODUCTS:,} products, by files and by messages, and makes mistakes" in README
    assert any(wrong > 0 for _, _, wrong in morning.CHANGES)


def test_emulator_enforces_iam() -> None:
    """The local AWS refuses what a role does not allow."""
    assert emulator._environment(1, "/nowhere")["AUTH"] == "true"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How `make run` ends with figures and what is wrong."""

    @contextlib.contextmanager
    def running(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(catalogue_name="c")

    monkeypatch.setattr(run, "running_stack", running)
    monkeypatch.setattr(run, "switch_schedules", lambda *_: None)
    monkeypatch.setattr(run, "end_on_signals", lambda: None)

    def end(*wrong: str) -> int:
        monkeypatch.setattr(run, "play_all", lambda *_: (Figures(), Answers(), CatalogueFigures(), [*wrong]))
        return run.main()

    return end


def test_last_lines_are_for_programs(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines have the figures of the catalogue and of the orders, and nothing wrong is status 0."""
    assert ends() == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()[-2:]] == ["catalogue", "run"]


def test_figures_are_plain_numbers() -> None:
    """The last lines write large figures as digits alone."""
    figures = CatalogueFigures()
    figures.rows, figures.changed, figures.drift = 2149, 2007, 1000
    answers = Answers()
    answers.accepted = 1234
    lines = [answers.line(), figures.line(), last_line(Figures(orders=1200, events=3310))]
    numbers = [word.partition("=")[2] for line in lines for word in line.split()[1:]]
    assert [number for number in numbers if len(number) > 1] == ["1234", "2149", "2007", "1000", "1200", "3310"]
    assert all(number.isdecimal() for number in numbers)


def test_anything_wrong_fails_the_command(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One thing that is lost, or sums that do not add up, is status 1, and is named."""
    assert ends("order o-1: missing") == 1
    assert "order o-1: missing" in capsys.readouterr().out


class Drifted(Morning):
    """A morning at whose end products drift."""

    def __init__(self, drift: int) -> None:
        self._drift, self._wrong = drift, []
        self.chain = Chain("s", [], now, 1)

    def _end(self) -> Any:
        return None

    def _wrong_of_files(self) -> list[str]:
        return []

    def _wrong_of_messages(self) -> list[str]:
        return []


def test_drift_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that still drifts after the repair is a figure, and something wrong."""
    monkeypatch.setattr(morning, "compared", lambda *_: CatalogueFigures())
    found = {drift: Drifted(drift).result() for drift in (0, 2)}
    assert {drift: (figures.drift, figures.wrong) for drift, figures in found.items()} == {
        0: (0, []),
        2: (2, ["2 products still drift after the repair"]),
    }


class Platform(Hour):
    """An hour whose platform and table are given."""

    def __init__(self, truth: dict[str, Any], stored: dict[str, Any], rejected: set[str]) -> None:
        self._truth, self._kept = truth, rejected
        self._screen: Any = SimpleNamespace(phase=lambda _: None, update=lambda: None)
        self._figures = Figures()
        self._table: Any = SimpleNamespace(get=stored.get)
        self._rejected_before = set()

    def _platform(self, *_: object) -> Any:
        return self._truth

    def _rejected_now(self) -> set[str]:
        return self._kept


def test_missing_orders_and_garbage_are_lost() -> None:
    """An order of the platform that is not stored, and garbage that was accepted and is not there, count as lost."""
    garbage = {"body_hex": b"{".hex(), "status_code": 200, "kind": "cut"}
    truth = {"orders": [{"order_id": "o-1", "status": "RECEIVED"}], "events": [], "garbage": [garbage]}
    played = Platform(truth, {}, set())
    lines = played.compare()
    assert (played._figures.lost, played._figures.wrong, played._figures.garbage_lost) == (2, 1, 1)
    assert (played._figures.orders, played._figures.stored) == (1, 0)
    assert [line.split()[0] for line in lines] == ["order", "rejected"]
    kept = Platform({**truth, "orders": []}, {}, {digest_of(b"{")})
    assert (kept.compare(), kept._figures.rejected, kept._figures.lost) == ([], 1, 0)
