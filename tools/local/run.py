"""`make run`: a busy trading hour of each brand through both stacks, in seconds, with everything that goes wrong.

At the end each order of the platform is compared with the stored one, and each product of a store with what the chain
said of it. The command fails if anything is missing or different.
"""

import sys
import time

from rich.console import Console

from tools.local.figures import Figures, last_line, mismatches, summary
from tools.local.hour import HOUR, Hour, NotFinishedError
from tools.local.morning import Morning
from tools.local.morning_outcome import CatalogueFigures
from tools.local.picking import Answers, Picking
from tools.local.process import ProcessFailedError, end_on_signals
from tools.local.screen import Screen
from tools.local.simulated_platform.profiles import PROFILES
from tools.local.stack import Stack, switch_schedules
from tools.local.up import running_stack

# A chain is on one platform, so the brands are played one after another. The catalogue stays with one of them.
MIX = [
    {**HOUR, "profile": profile.name, "seed": 20 + number, "orders": 30, "stores": 1, "wall_seconds": 5}
    | {"adopts_catalogue": False}
    for number, profile in enumerate(PROFILES)
]


def _played(hour: Hour, screen: Screen) -> list[str]:
    """Play one hour of one brand; gives what is wrong afterwards, a line for each."""
    wrong: list[str] = []
    with screen.shown():
        try:
            hour.play()
            hour.wait_until_stored()
            hour.reconcile()
        except NotFinishedError as error:
            wrong.append(str(error))
        wrong += hour.compare()
    return wrong


def play_all(console: Console, stack: Stack) -> tuple[Figures, Answers, CatalogueFigures, list[str]]:
    """Play one hour of each brand, one after the other, while a till answers the orders of one more store, and another
    one's prices and stock are sent: the figures of all, and what is wrong, a line for each."""
    figures, wrong, picking, morning = Figures(), [], Picking(stack), Morning(stack)
    answering, sending = picking.begin(), morning.begin()
    for played in MIX:
        screen = Screen(console, brand=played["profile"])
        wrong += _played(Hour(stack, screen, played, picking.store_id), screen)
        figures += screen.figures
    answering.join()
    sending.join()
    answers, catalogue = picking.result(), morning.result()
    return figures, answers, catalogue, wrong + mismatches(figures) + answers.wrong + catalogue.problems()


def main() -> int:
    end_on_signals()
    console = Console(soft_wrap=True, highlight=False)
    begun = time.monotonic()
    try:
        # This command calls reconciler, loader and pusher itself.
        with running_stack(console, {"ReconciliationState": "DISABLED"}, {"DriftRepairPercent": "20"}) as stack:
            switch_schedules(stack, "DISABLED", stack.catalogue_name)
            figures, answers, catalogue, wrong = play_all(console, stack)
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 130
    except ProcessFailedError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print(summary(figures, len(MIX), time.monotonic() - begun), markup=False)
    for line in wrong:
        console.print(line, style="red", markup=False)
    print(answers.line())
    print(catalogue.line())
    print(last_line(figures))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
