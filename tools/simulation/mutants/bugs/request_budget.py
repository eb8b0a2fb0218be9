"""Planted bugs in the request budget that the chain's functions and commands share."""

from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/platform"
_BUDGET = f"{_PART}/request_budget.py"
_REQUESTS = f"{_PART}/budgeted_requests.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "a-budget-per-process",
        "Each process counts only the requests that it has made itself.",
        _REQUESTS,
        "RequestBudgetTable.take",
        "blocks = settled(present, share, ended, now)",
        "blocks = tuple(block for block in settled(present, share, ended, now) if block.block_id in ended)",
    ),
    one_edit(
        "a-permit-counts-from-its-grant",
        "A permit counts for a minute from when it was granted, though its request may be made and seen later.",
        _REQUESTS,
        "RequestBudgetTable.take",
        "Block(block_id, share, granted.permits, now + COUNTS)",
        "Block(block_id, share, granted.permits, now + WINDOW)",
    ),
    one_edit(
        "a-request-counts-from-its-grant",
        "A request whose response comes late no longer counts a minute after its permit was granted.",
        _REQUESTS,
        "BudgetedRequests.record",
        "then + passed + CLOCK_MARGIN",
        "then + CLOCK_MARGIN",
    ),
    one_edit(
        "lent-down",
        "The catalogue gets what is kept for answers.",
        _BUDGET,
        "grant",
        "if urgent <= share",
        "if urgent is Share.ANSWERS",
    ),
    one_edit(
        "time-of-a-laptop",
        "A worker's own clock says when its requests ended, however wrong it is.",
        _REQUESTS,
        "BudgetedRequests.record",
        "then + passed + CLOCK_MARGIN",
        "datetime.fromtimestamp(self._seconds(), then.tzinfo)",
    ),
    one_edit(
        "a-permit-outlives-a-freeze",
        "A permit that was left in a frozen sandbox is used when the sandbox goes on.",
        "layers/partner_orders/partner_orders/clock.py",
        "PassedSeconds.__call__",
        "self._passed += max(",
        "self._passed += min(",
    ),
    one_edit(
        "an-unreadable-row-is-empty",
        "A damaged row counts as nothing, so the whole budget is granted once more.",
        _REQUESTS,
        "RequestBudgetTable.take",
        "(nothing_left(self.limit_per_minute, now),) if stored is None else counting(stored, now)",
        "counting(stored or (), now)",
    ),
    one_edit(
        "permits-kept-to-the-end",
        "Permits that a worker hands back count as if they were used.",
        _BUDGET,
        "settled",
        "if block.block_id not in ended",
        "if True",
    ),
]
