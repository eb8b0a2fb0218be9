"""One seed of the catalogue from beginning to end."""

from collections import Counter
from dataclasses import dataclass, field

from tools.simulation.catalogue.checks import check_catalogue
from tools.simulation.catalogue.drifting import let_days_pass
from tools.simulation.catalogue.world import CatalogueWorld
from tools.simulation.violation import Violation

SAYINGS = range(36)


@dataclass
class Course:
    """How a story went; ``violation`` is empty if all went well."""

    violation: str = ""
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    account: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)


def play(seed: int, without: frozenset[str], at_most: int | None, only: frozenset[int] | None) -> Course:
    """Two stores begin in calm weather; then half an hour of trouble; then calm, until nothing waits,
    and two more days."""
    world, course = CatalogueWorld(seed, SAYINGS, without, at_most, only), Course()
    try:
        world.begin()
        world.trouble()
        world.come_to_rest()
        course.account = let_days_pass(world)
        course.account += check_catalogue(world)
    except Violation as violation:
        course.violation = str(violation)
    except Exception as error:
        course.violation = f"{type(error).__name__}: {error}"
    finally:
        world.close()
    course.events, course.story = len(world.said) + world.posted, world.faults.story
    course.faults = world.faults.counts + world.deaths
    return course
