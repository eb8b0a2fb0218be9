"""The fault simulator: what it finds in our code, and that it can be relied on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.stories import fingerprint
from tools.local.simulated_platform.bad_orders import BAD_ORDERS
from tools.simulation import __main__ as simulation
from tools.simulation import dynamodb_local
from tools.simulation.faults import AROUND_CATALOGUE, CATALOGUE_FAULTS, HOSTILE, OFF, PUT_FAULTS
from tools.simulation.mutants import __main__ as mutants
from tools.simulation.mutants.bugs import MUTANTS
from tools.simulation.mutants.copied import NotProvenError, copy_to
from tools.simulation.mutants.planting import AnchorLostError, Edit, Mutant
from tools.simulation.story import ANSWERS, CATALOGUE, Plan, Told, tell
from tools.simulation.table import DynamoDB

pytestmark = pytest.mark.crash

ROOT = Path(__file__).resolve().parents[3]
FINGERPRINT = """
from tests.support.stories import fingerprint
from tools.simulation.story import ANSWERS, CATALOGUE, Plan, tell
from tools.simulation.table import DynamoDB
print(fingerprint(tell(Plan(7, at_most=150, only=frozenset({-1, 0, 1, 2})), DynamoDB())))
print(fingerprint(tell(Plan(7, at_most=150, only=frozenset({0, 100, 101, 102}), part=ANSWERS), DynamoDB())))
print(fingerprint(tell(Plan(7, part=CATALOGUE), DynamoDB())))
"""


def simulate(*arguments: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """``make simulate`` with arguments, of the code in a folder."""
    paths = f"{root / 'layers/partner_orders'}{os.pathsep}{root}"
    return subprocess.run(
        [sys.executable, "-m", "tools.simulation", *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def dynamodb() -> Iterator[DynamoDB]:
    made = DynamoDB()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("seed", "part"),
    [
        ("1", ["--part", "intake"]),
        pytest.param("1", [], marks=pytest.mark.slow),
        pytest.param("2", [], marks=pytest.mark.slow),
    ],
    ids=["1-intake", "1", "2"],
)
def test_seed_holds(seed: str, part: list[str]) -> None:
    """No event is lost or doubled in a seed, whatever breaks."""
    done = simulate("--seeds", "1", "--from", seed, *part)
    assert done.returncode == 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("simulate: seeds=1 events=")
    assert last.endswith(" violations=0")


@pytest.mark.slow
def test_seed_is_the_same_in_every_process() -> None:
    """A seed tells the same story in every process."""
    told = [
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1]


@pytest.mark.slow
def test_other_seed_tells_another_story(dynamodb: DynamoDB) -> None:
    """Another seed tells another story."""
    one, other = (tell(Plan(seed, at_most=10, only=frozenset({0})), dynamodb) for seed in (1, 2))
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.slow
def test_shortened_story_has_only_the_rest(dynamodb: DynamoDB) -> None:
    """A shortened story has only the orders and faults that are left in it."""
    told = tell(Plan(5, frozenset({"killed", "hung"}), at_most=9, only=frozenset({3})), dynamodb)
    assert told.violation == ""
    assert 1 <= told.faults.total() - told.faults["out_of_time"] <= 9
    assert not {"killed", "hung"} & told.faults.keys()
    assert told.account["in step"] <= 1


@pytest.mark.slow
def test_planted_bug_is_found_with_replay(tmp_path: Path) -> None:
    """A planted bug is found, and the command that replays it is printed."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "skip-history-on-a-stale-event")
    copy_to(tmp_path)
    mutant.plant(tmp_path)
    found = simulate("--seed", "1", "--stop", root=tmp_path)
    assert found.returncode == 1
    assert "seed 1: acknowledged and lost: " in found.stdout
    assert 'replay: make simulate SEED=1 ARGS="--part intake"' in found.stdout
    assert found.stdout.splitlines()[-1].endswith(" violations=1")


@pytest.mark.slow
def test_copy_has_what_its_tests_need(tmp_path: Path) -> None:
    """Every property can be collected in a copy: else no bug could be said to be caught."""
    copy_to(tmp_path)
    assert mutants._run(tmp_path, "pytest", "--collect-only", "-q", "tests/property").returncode == 0


def test_replay_command_names_what_is_left() -> None:
    """The replay command of a shortened story names what is left in it."""
    plan = Plan(12, frozenset({"killed", "hung"}), at_most=40, only=frozenset({3, -1}))
    left = "--part intake --without hung,killed --at-most 40 --only=-1,3"
    assert plan.command() == f'make simulate SEED=12 ARGS="{left}"'
    assert Plan(12, part=ANSWERS).command() == 'make simulate SEED=12 ARGS="--part answers"'
    assert Plan(12, part=CATALOGUE, only=frozenset({3})).command() == (
        'make simulate SEED=12 ARGS="--part catalogue --only=3"'
    )


@pytest.mark.parametrize(
    ("given", "replayed"),
    [
        ([], 'make simulate SEED=12 ARGS="--part intake"'),
        (["--dynamodb-local"], 'make simulate SEED=12 ARGS="--part intake --dynamodb-local"'),
        (
            ["--dynamodb-local", "http://localhost:8000", "--only=3"],
            'make simulate SEED=12 ARGS="--part intake --only=3 --dynamodb-local=http://localhost:8000"',
        ),
    ],
)
def test_replay_uses_the_same_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str], replayed: str
) -> None:
    """The printed command replays a violation on the database where it was seen."""
    monkeypatch.setattr(simulation, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(simulation, "tell", lambda plan, _: Told(plan, "something"))
    monkeypatch.setattr(simulation, "_dynamodb", lambda _: None)
    monkeypatch.setattr(dynamodb_local, "started", lambda: nullcontext("http://localhost:49152"))
    monkeypatch.setattr(sys, "argv", ["simulation", "--seed", "12", *given])
    assert simulation.main() == 1
    assert f"  replay: {replayed}\n" in capsys.readouterr().out


def test_every_bug_can_be_planted() -> None:
    """Every bug of the catalogue can still be planted, and has its own name."""
    assert mutants.lost_anchors(MUTANTS) == []
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 24


def test_edit_needs_a_unique_anchor() -> None:
    """An edit applies only if its text occurs once in the function it names."""
    source = "def one():\n    return 1\n\n\nclass Two:\n    def two(self):\n        return 1 + 1\n"
    assert "return 3" in Edit("f.py", "one", "return 1", "return 3").apply(source)
    assert Edit("f.py", "Two.two", "1 + 1", "3").apply(source).startswith("def one():\n    return 1\n")
    for lost in (Edit("f.py", "Two.two", "1", "2"), Edit("f.py", "one", "2", "3"), Edit("f.py", "Two.one", "1", "2")):
        with pytest.raises(AnchorLostError):
            lost.apply(source)


def test_edit_of_the_template_is_anchored() -> None:
    """An edit of a YAML file applies only within the key of the second level that it names."""
    source = "Resources:\n\n  One:\n    Type: A\n\n    Period: 60\n\n  Two:\n    Type: A\n\nOutputs:\n  Three: 60\n"
    changed = Edit("template.yaml", "One", "Period: 60", "Period: 1").apply(source)
    assert changed == source.replace("Period: 60", "Period: 1")
    assert Edit("template.yaml", "Two", "Type: A", "Type: B").apply(source).count("Type: A") == 1
    for lost in (Edit("t.yaml", "Two", "Period", ""), Edit("t.yaml", "Two", "60", ""), Edit("t.yaml", "Type", "A", "")):
        with pytest.raises(AnchorLostError):
            lost.apply(source)


_A_COPY = "layers/partner_orders/partner_orders/orders/history.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "instead",
    ["import nothing_of_this_name", "raise ImportError", "def never_called() -> object:\n    return not_defined"],
)
def test_broken_copy_is_not_a_caught_bug(instead: str) -> None:
    """A copy that cannot run does not count as a caught bug."""
    broken = Mutant("broken", "", (Edit(_A_COPY, "merge", "def merge(", f"{instead}\n\n\ndef merge("),))
    with pytest.raises(NotProvenError, match="cannot run"):
        mutants.what_kills(broken, seeds=1)


@pytest.mark.slow
def test_endless_tests_catch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that do not end do not count as a caught bug."""
    monkeypatch.setattr(mutants, "SECONDS", 0.1)
    with pytest.raises(NotProvenError, match="did not end"):
        mutants.what_kills(mutants.UNTOUCHED, seeds=1)


def test_uncollected_tests_catch_nothing(tmp_path: Path) -> None:
    """A property that cannot be collected does not count as a caught bug."""
    (tmp_path / "tests" / "property").mkdir(parents=True)
    (tmp_path / "tests" / "property" / "test_a_law.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(NotProvenError, match="the properties did not run"):
        mutants._properties(tmp_path, "tests/property")


@pytest.mark.slow
def test_sixty_seeds_hold() -> None:
    """No event is lost or doubled in sixty seeds, which have every hostile kind."""
    done = simulate("--seeds", "60", "--from", "1001")
    assert done.returncode == 0, done.stdout
    [hostile] = [line for line in done.stdout.splitlines() if line.startswith("hostile: ")]
    met = {kind for kind, count in (pair.split("=") for pair in hostile.split()[1:]) if count != "0"}
    assert met >= HOSTILE.keys() - OFF
    assert met >= {f"bad_order_{kind}" for kind in BAD_ORDERS}
    [faults] = [line for line in done.stdout.splitlines() if line.startswith("faults: ")]
    assert {pair.split("=")[0] for pair in faults.split()[1:]} >= {
        *PUT_FAULTS,
        "platform_adds_line",
        # Two jobs of one store rarely wait together; the pusher's own property tests have them swapped each time.
        *(CATALOGUE_FAULTS.keys() - {"catalogue_jobs_swapped"}),
        *AROUND_CATALOGUE,
    }
    [account] = [line for line in done.stdout.splitlines() if line.startswith("accounting: ")]
    assert {
        *("answers_applied", "answers_overtaken", "answers_refused"),
        *("products_processed", "products_refused", "values_held"),
    } <= {pair.split("=")[0] for pair in account.split()[1:]}


@pytest.mark.slow
@pytest.mark.skipif(bool(dynamodb_local.missing()), reason="DynamoDB Local needs npm and Java")
def test_seeds_hold_on_dynamodb_local() -> None:
    """Five seeds hold on DynamoDB Local."""
    done = simulate("--seeds", "5", "--dynamodb-local")
    assert done.returncode == 0, done.stdout + done.stderr
