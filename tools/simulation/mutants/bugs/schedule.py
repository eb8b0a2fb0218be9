"""Planted bugs in which store is visited when, and in what a failure costs."""

from tools.simulation.mutants.bugs.complaints import UNFINISHED
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/reconciler"

MUTANTS: list[Mutant] = [
    one_edit(
        "visit-without-a-beginning",
        "A visit is noted only once it has ended, so nobody knows at which store a worker was killed.",
        f"{_PART}/store_check.py",
        "StoreCheck.check",
        "        self._move(position)\n",
        "",
        UNFINISHED,
    ),
    one_edit(
        "killer-in-a-backfill",
        "A backfill serves the store at which its worker was killed first again, for ever.",
        f"{_PART}/backfill.py",
        "Backfills.serve",
        "if backfill.is_begun:",
        "if False:",
        UNFINISHED,
    ),
    one_edit(
        "cancel-undone",
        "The progress of a running worker undoes the cancelling of its backfill.",
        f"{_PART}/table.py",
        "ReconciliationTable.save",
        ', absent("cancelled"))',
        ")",
        UNFINISHED,
    ),
    one_edit(
        "one-order-stops-a-store",
        "A failure that one order causes is taken for one of the whole window.",
        f"{_PART}/narrowing.py",
        "may_be_narrowed",
        "return error.failure.may_be_of_one_order or",
        "return False and error.failure.may_be_of_one_order or",
        UNFINISHED,
    ),
    one_edit(
        "left-out-for-ever",
        "A minute that was left out is not tried again.",
        f"{_PART}/windows.py",
        "LeftOut.is_due",
        "return not self.is_narrow or now - self.tried_at >= LEFT_OUT_FOR",
        "return not self.is_narrow",
        UNFINISHED,
    ),
    one_edit(
        "first-looks-before-all",
        "First looks of new stores come before the stores that trade.",
        f"{_PART}/schedule.py",
        "DueStore.is_first_look",
        "return self.position.daily_check_at is None and not self.position.unended_visits",
        "return False",
        UNFINISHED,
    ),
]
