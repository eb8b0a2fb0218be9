"""What `make run` plays is what the README says, and anything wrong at its end fails the command."""

import contextlib
import io
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from partner_orders.clock import now
from partner_orders.order_events.message import RECONCILIATION, WEBHOOK
from partner_orders.orders.event import Arrival, parse_event
from partner_orders.orders.rejected import digest_of
from partner_orders.orders.table import OrdersTable
from tests.support.contracts import simulated_orders_table
from tests.support.fixed_clock import NOW
from tests.support.orders import as_bytes, order
from tests.support.orders_table import RETENTION, TABLE
from tools.local import emulator, morning, run
from tools.local.chain import Chain
from tools.local.figures import Figures, last_line, mismatches
from tools.local.hour import Hour, NotFinishedError
from tools.local.morning import Morning
from tools.local.morning_outcome import CatalogueFigures
from tools.local.picking import Answers
from tools.local.simulated_platform import courier
from tools.local.simulated_platform.courier import Courier
from tools.local.simulated_platform.server import Platform as SimulatedPlatform

ROOT = Path(__file__).parents[3]
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
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
    def running(_: Console, __: object, of_catalogue: Mapping[str, str]) -> Iterator[Any]:
        assert int(of_catalogue["DriftRepairPercent"]) > 0  # A price that somebody edits is to be repaired.
        yield SimpleNamespace(catalogue_name="c")

    monkeypatch.setattr(run, "running_stack", running)
    monkeypatch.setattr(run, "switch_schedules", lambda *_: None)
    monkeypatch.setattr(run, "end_on_signals", lambda: None)

    def end(*wrong: str, orders: Figures | None = None, catalogue: CatalogueFigures | None = None) -> int:
        figures = orders or Figures(), Answers(), catalogue or CatalogueFigures(), [*wrong]
        monkeypatch.setattr(run, "play_all", lambda *_: figures)
        return run.main()

    return end


def test_last_lines_are_for_programs(ends: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines have the figures as the README shows them, and nothing wrong is status 0."""
    outcomes = Counter(shown=1472, processed=530, refused=1, held=4)
    catalogue = CatalogueFigures(2149, 2007, outcomes, drift=0)
    orders = Figures(orders=120, events=331, stored=120, rejected=12, never_arrived=3, shown_only=72)
    assert ends(orders=orders, catalogue=catalogue) == 0
    example = re.findall(r"^ +((?:catalogue|run): .*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert capsys.readouterr().out.splitlines()[-2:] == example == [catalogue.line(), last_line(orders)]


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
    """One thing that is lost, or sums that do not add up, is status 1, and is named above the last lines."""
    assert ends("order o-1: missing") == 1
    lines = capsys.readouterr().out.splitlines()
    assert "order o-1: missing" in lines[:-3]
    assert [line.partition(" ")[0] for line in lines[-3:]] == ["answers:", "catalogue:", "run:"]


class PlayedHour:
    """An hour of one brand with an order more than the brand before had, and one that differs."""

    order: list[str]

    def __init__(self, _stack: Any, screen: Any, played: Mapping[str, Any], apart: str) -> None:
        self._brand, self._figures = played["profile"], screen.figures
        assert (played["orders"], apart) == (30, "picked")

    def play(self) -> None:
        self.order.append(self._brand)

    def wait_until_stored(self) -> None:
        if self._brand == "foodpanda":
            raise NotFinishedError("events still wait in the queue")

    def reconcile(self) -> None:
        self.order.append("reconciled")

    def compare(self) -> list[str]:
        self._figures.orders = self._figures.events = self._figures.wrong = 1
        return [f"an order of {self._brand} differs"]


class Beside:
    """A till, or a chain's morning: plays beside the hours, from its begin to its end."""

    store_id = "picked"

    def __init__(self, name: str, played: list[str], result: object) -> None:
        self._name, self._played, self._result = name, played, result

    def begin(self) -> "Beside":
        self._played.append(f"{self._name} begins")
        return self

    def join(self) -> None:
        self._played.append(f"{self._name} ends")

    def result(self) -> object:
        return self._result


def test_everything_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each brand's hour is played while a till answers and a chain sends prices, and all that is wrong is told."""
    played: list[str] = []
    monkeypatch.setattr(PlayedHour, "order", played, raising=False)
    monkeypatch.setattr(run, "Hour", PlayedHour)
    answers, catalogue = Answers(wrong=["an answer differs"]), CatalogueFigures(changed=1, wrong=["a product differs"])
    monkeypatch.setattr(run, "Picking", lambda _: Beside("till", played, answers))
    monkeypatch.setattr(run, "Morning", lambda _: Beside("morning", played, catalogue))
    stack: Any = None
    figures, *results, wrong = run.play_all(Console(file=io.StringIO()), stack)
    hours = ["pedidosya", "reconciled", "foodpanda", "glovo", "reconciled", "yemeksepeti", "reconciled"]
    assert played == ["till begins", "morning begins", *hours, "till ends", "morning ends"]
    assert results == [answers, catalogue]
    assert (figures.orders, figures.events, figures.wrong) == (4, 4, 4)
    assert wrong == [
        "an order of pedidosya differs",
        "events still wait in the queue",
        "an order of foodpanda differs",
        "an order of glovo differs",
        "an order of yemeksepeti differs",
        *mismatches(figures),
        "an answer differs",
        *catalogue.problems(),
    ]
    assert "events 4 is not" in wrong[5]
    assert wrong[-1] == "a product differs"
    assert wrong[-2].startswith("the counts do not add up: changed 1 is")


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


class PlatformAndTable(Platform):
    """An hour whose platform is given, with a table that holds what is put into it."""

    def __init__(self) -> None:
        super().__init__({"orders": [], "events": [], "garbage": []}, {}, set())
        self._table = OrdersTable(simulated_orders_table(), TABLE, RETENTION)

    def show(self, order_id: str, status: str, **fields: Any) -> dict[str, Any]:
        """The platform shows an order in a state; gives its body."""
        body = order(order_id=order_id, status=status, **fields)
        self._truth["orders"].append({"order_id": order_id, "status": status, "body": body})
        return body

    def post(self, body: dict[str, Any], outcome: str = "acknowledged", is_stored: bool | None = None) -> None:
        """The platform posts an event; the table gets it if it was acknowledged, or as ``is_stored`` says."""
        told = {"order_id": body["order_id"], "status": body["status"], "outcome": outcome}
        self._truth["events"].append(told | {"body_text": as_bytes(body).decode()})
        if outcome == "acknowledged" if is_stored is None else is_stored:
            self.store(body, WEBHOOK)

    def store(self, body: dict[str, Any], source: str) -> None:
        shown_at = NOW if source == RECONCILIATION else None
        self._table.write([(parse_event(as_bytes(body)), Arrival(source, NOW, "", shown_at))])


class Watched(Hour):
    """An hour that a simulated platform plays, and a table with given numbers of rows."""

    def __init__(self, platform: SimulatedPlatform, stored: int, rejected: set[str]) -> None:
        self._simulated, self._stored, self._kept = platform, stored, rejected
        self._screen: Any = SimpleNamespace(update=lambda: None)
        self._figures = Figures()
        counted = {f"ApproximateNumberOfMessages{name}": "1" for name in ("", "NotVisible", "Delayed")}
        self._sqs: Any = SimpleNamespace(get_queue_attributes=lambda **_: {"Attributes": counted})
        self._stack: Any = SimpleNamespace(outputs={"OrderEventsQueueUrl": "q"})
        self._rejected_before, self._stored_before = {"before"}, 40

    def _platform(self, *_: object) -> Any:
        return self._simulated.progress()

    def _rejected_now(self) -> set[str]:
        return self._kept

    def _orders_now(self) -> int:
        return self._stored


def test_figures_are_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures count orders, their events by outcome, and requests, as the platform played them."""
    posted: list[bytes] = []

    def answer(_: Courier, body: bytes) -> int:
        posted.append(body)
        return 503 if body == posted[0] else 200

    monkeypatch.setattr(courier, "RETRIES", 2)
    monkeypatch.setattr(courier, "SENDERS", 1)
    monkeypatch.setattr(Courier, "_send", answer)
    platform = SimulatedPlatform("chain", "token", 1000, {})
    platform.configure({"retry_delay_seconds": 0.0})
    platform.play({"orders": 30, "wall_seconds": 0.05, "faults": {"drop": 0.3, "duplicate": 0.2, "garbage": 0.2}})
    while platform.progress()["state"] != "done":
        time.sleep(0.01)
    postings = platform._courier.postings
    platform._courier.counts["attempts"] = len(posted)
    watched = Watched(platform, 67, {"before", "new"})
    watched._look()
    figures = watched._figures
    assert figures.orders == len({posting.order_id for posting in postings}) == 30
    assert figures.events == len(postings) == len({posting.body_text for posting in postings}) > figures.acknowledged
    assert (figures.given_up, figures.retries, figures.requests) == (1, 2, len(posted))
    assert min(figures.dropped, figures.duplicates, figures.garbage) > 0
    figures.ignored, figures.by_webhook = figures.garbage - 1, 30
    assert mismatches(figures) == []
    assert (figures.stored, figures.rejected, figures.waiting) == (27, 1, 3)


@pytest.fixture
def hour() -> PlatformAndTable:
    return PlatformAndTable()


MASKED = {"customer": {"first_name": "A***", "phone_number": "+92***41"}}


def test_every_order_is_compared(hour: PlatformAndTable) -> None:
    """Each order of the platform is compared with the stored one in full, and counts by how its latest state came."""
    received = {name: order(order_id=name, minute=1) for name in ("w", "once", "lost", "shown", "masked", "late")}
    for name in ("w", "lost", "shown", "masked", "late"):
        hour.post(received[name])
    hour.post(hour.show("once", "RECEIVED", sys=received["once"]["sys"]))
    hour.post(hour.show("w", "DISPATCHED"))
    # The reconciler brings what webhooks do not, and a masked copy of what they do.
    hour.post(lost := hour.show("lost", "DISPATCHED"), "gave_up")
    hour.post(never := hour.show("never", "CANCELLED"), "never_sent")
    shown = hour.show("shown", "PICKED_UP")
    for body in (lost, never, shown):
        hour.store(body, RECONCILIATION)
    hour.post(order(order_id="masked", status="DELIVERED"))
    hour.store(hour.show("masked", "DELIVERED", **MASKED), RECONCILIATION)
    assert hour.compare() == []
    figures = hour._figures
    assert (figures.orders, figures.stored, figures.lost) == (6, 6, 0)
    assert (figures.by_webhook, figures.never_arrived, figures.shown_only, figures.wrong) == (3, 2, 1, 0)
    # Now things go wrong, order by order, the last one, too.
    hour.show("missing", "RECEIVED")
    for status in ("RECEIVED", "DELIVERED"):
        hour.post(order(order_id=f"other-{status}", status=status))
        hour.show(f"other-{status}", status, comment="another one", items=[])
        hour.post(order(order_id=f"masked-{status}", status=status))
        hour.show(f"masked-{status}", status, comment="another one", **MASKED)
    hour.post(order(order_id="behind", status="DISPATCHED"))
    hour.show("behind", "DELIVERED")
    hour.post(hour.show("forgotten", "CANCELLED"))
    hour.post(order(order_id="forgotten", minute=1), is_stored=False)
    hour.show("late", "DISPATCHED")
    wrong = hour.compare()
    assert wrong == [
        "order missing: lost",
        "order other-RECEIVED: differs from the platform in comment, items",
        "order masked-RECEIVED: differs from the platform in comment",
        "order other-DELIVERED: differs from the platform in comment, items",
        "order masked-DELIVERED: differs from the platform in comment",
        "order behind: stored as DISPATCHED, is DELIVERED",
        "order forgotten: 1 of its acknowledged events are not in its history",
        "order late: stored as RECEIVED, is DISPATCHED",
    ]
    assert (figures.orders, figures.stored, figures.wrong, figures.lost) == (14, 13, 8, 8)


def test_garbage_counts_by_what_became_of_it(hour: PlatformAndTable) -> None:
    """Garbage is stored as rejected, once, or lost where it was accepted and means anything."""
    sent = [("cut_short", 200), ("deep", 200), ("not_json", 200), ("no_object", 200), ("cut_short", 200)]
    sent += [("empty", 200), ("catalogue_callback", 200), ("wrong_types", 401), ("not_a_number", 503)]
    hour._truth["garbage"] = [
        {"kind": kind, "status_code": status, "body_hex": kind.encode().hex()} for kind, status in sent
    ]
    digests = {kind: digest_of(kind.encode()) for kind in ("cut_short", "deep", "not_json", "no_object", "an order")}
    hour._kept = {digests["cut_short"], digests["not_json"], digests["an order"]}
    assert hour.compare() == [
        f"rejected event {digests['deep']}: deep, acknowledged and not stored",
        f"rejected event {digests['no_object']}: no_object, acknowledged and not stored",
        f"rejected event {digests['an order']}: it is an order event",
    ]
    figures = hour._figures
    assert (figures.rejected, figures.repeated, figures.ignored, figures.refused) == (2, 1, 2, 2)
    assert (figures.garbage_lost, figures.lost) == (2, 3)
