"""One seed from beginning to end, and the shortest form of a story that went wrong."""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial

from tools.simulation.answer_checks import check_answers, have_ended
from tools.simulation.catalogue.story import SAYINGS, play
from tools.simulation.checks import Checks
from tools.simulation.faults import HOSTILE, KINDS
from tools.simulation.picked import FIRST_NUMBER
from tools.simulation.table import DynamoDB
from tools.simulation.violation import Violation
from tools.simulation.world import World

INTAKE, ANSWERS, CATALOGUE = PARTS = ("intake", "answers", "catalogue")
ORDERS = 12
# Of a story that is about answers: orders that others pick, and orders that the chain answers.
OTHERS, PICKED = 4, 6
# Of all that a story can be without.
_NUMBERS = {
    INTAKE: [*range(-1, ORDERS)],
    ANSWERS: [*range(-1, OTHERS), *range(FIRST_NUMBER, FIRST_NUMBER + PICKED)],
    CATALOGUE: [*SAYINGS],
}


@dataclass(frozen=True)
class Plan:
    """Which story to tell: all of a seed's, or what was left of it when it was shortened. Each seed has three: of
    taking orders in, of answers to orders, and of the catalogue. ``only`` are numbers of orders, or of what a chain
    says of its catalogue."""

    seed: int
    without: frozenset[str] = frozenset()
    at_most: int | None = None
    only: frozenset[int] | None = None
    part: str = INTAKE

    def command(self, *where: str) -> str:
        """What to type to have this story told again; ``where`` are options that say on which DynamoDB."""
        left_out = [f"--part {self.part}"]
        if self.without:
            left_out.append(f"--without {','.join(sorted(self.without))}")
        if self.at_most is not None:
            left_out.append(f"--at-most {self.at_most}")
        if self.only is not None:
            left_out.append(f"--only={','.join(map(str, sorted(self.only)))}")
        return f'make simulate SEED={self.seed} ARGS="{" ".join([*left_out, *where])}"'


@dataclass
class Told:
    """``violation`` is empty if all went well."""

    plan: Plan
    violation: str = ""
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    account: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)


def tell(plan: Plan, dynamodb: DynamoDB) -> Told:
    """Run one story: an hour of trouble, the accounting; then calm, reconciliation, and everything in step. The
    catalogue's is told by itself, on a DynamoDB of its own."""
    if plan.part == CATALOGUE:
        return _told_of_catalogue(plan)
    orders, picked = (OTHERS, PICKED) if plan.part == ANSWERS else (ORDERS, 0)
    world = World(plan.seed, dynamodb, orders, plan.without, plan.at_most, plan.only, picked=picked)
    told, look = Told(plan), Checks(world)
    try:
        world.trade()
        told.account += look.at_any_time()
        world.calm_down()
        look.at_any_time()
        if world.picked:
            world.answers_end(partial(have_ended, world))
            world.calm_down()
            told.account += check_answers(world)
        world.besiege(look.has_all_of_the_others)
        world.tick_until(look.has_all)
        look.after_a_tick()
        world.reconcile_until_in_step()
        world.calm_down()
        told.account["in step"] += look.after_reconciliation()["in step"]
    except Violation as violation:
        told.violation = str(violation)
    except Exception as error:
        told.violation = f"{type(error).__name__}: {error}"
    finally:
        world.close()
    told.events, told.story = world.requests, world.faults.story
    told.faults = world.faults.counts + world.deaths
    told.shown = Counter({kind: world.faults.counts[kind] for kind in HOSTILE}) | world.faults.shown
    return told


def _told_of_catalogue(plan: Plan) -> Told:
    course = play(plan.seed, plan.without, plan.at_most, plan.only)
    return Told(plan, course.violation, course.events, course.faults, account=course.account, story=course.story)


def shortest(told: Told, dynamodb: DynamoDB, tries: int = 60) -> Told:
    """The same seed with as little in it as still ends in a violation: kinds of faults dropped, then orders, then
    the faults after the last one that matters."""
    best = told

    def attempt(plan: Plan) -> bool:
        nonlocal best, tries
        if tries <= 0:
            return False
        tries -= 1
        again = tell(plan, dynamodb)
        if again.violation:
            best = again
        return bool(again.violation)

    attempt(replace(best.plan, without=frozenset(KINDS)))
    numbers = _NUMBERS[told.plan.part]
    while len(numbers) > 1:
        half = len(numbers) // 2
        if attempt(replace(best.plan, only=frozenset(numbers[:half]))):
            numbers = numbers[:half]
        elif attempt(replace(best.plan, only=frozenset(numbers[half:]))):
            numbers = numbers[half:]
        else:
            break
    for kind in KINDS:
        if best.faults[kind]:
            attempt(replace(best.plan, without=best.plan.without | {kind}))
    low, high = 0, best.faults.total()
    while low < high:
        middle = (low + high) // 2
        if attempt(replace(best.plan, at_most=middle)):
            high = min(middle, best.faults.total())
        else:
            low = middle + 1
    return best
