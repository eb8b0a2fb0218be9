"""Planted bugs in what a run looks at, and in which differences wait."""

from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders"
_COMPARISON = f"{_PART}/reconciler/comparison.py"
_DAMPING = f"{_PART}/reconciler/damping.py"
_WINDOWS = f"{_PART}/reconciler/windows.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "one-state-of-each-order",
        "Of an order that a page lists twice, the later listing hides the earlier one.",
        _COMPARISON,
        "Comparison._parse",
        "parsed.events[event.digest] = event",
        "parsed.events[event.order_id] = event",
    ),
    one_edit(
        "missing-twice",
        "An order that a page lists in two states counts as missing twice.",
        _COMPARISON,
        "Comparison._note_and_enqueue",
        "            statuses[event.digest] = event.status\n",
        "",
    ),
    one_edit(
        "damped-for-ever",
        "An order that differed at some looks is never enqueued again with that status and clock.",
        _DAMPING,
        "is_damped",
        "return now - times[-1] < min(max(GROWTH * last_pause, SHORTEST_PAUSE), LONGEST_PAUSE)",
        "return now >= times[-1] + 0 * last_pause",
    ),
    one_edit(
        "damping-holds-back-a-change",
        "A new clock of an unsteady order waits like one more state of the old clock.",
        _DAMPING,
        "is_damped",
        "(each.status, each.occurred_at) == (shown.status, shown.occurred_at)",
        "each.status == shown.status",
    ),
    one_edit(
        "states-that-alternate-are-steady",
        "Two states that the platform shows in turn are enqueued at every look.",
        _DAMPING,
        "is_damped",
        "is_back = any(each.digest == event.digest for each in same)",
        "is_back = False",
    ),
    one_edit(
        "no-older-look",
        "An order that the list shows late is found by the daily check only.",
        _WINDOWS,
        "is_older_look_due",
        "return position.older_look_at is None or now - position.older_look_at >= OLDER_LOOK_EVERY",
        "return position.older_look_at == now",
    ),
    one_edit(
        "older-look-done-by-half",
        "An older look counts as done although its end was not read.",
        _WINDOWS,
        "Position.read_until",
        "start + OLDER_LOOK_REACH <= until == checked_until",
        "start + OLDER_LOOK_REACH <= checked_until",
    ),
    one_edit(
        "follow-what-never-ends",
        "Orders of an unknown status are followed as if they were open, and accumulate.",
        f"{_PART}/orders/stored.py",
        "open_partition",
        "OPEN_UNDER if lifecycle.is_known(status) else OPEN_UNKNOWN_UNDER",
        "OPEN_UNDER",
    ),
    one_edit(
        "the-newest-is-of-tomorrow",
        "An order dated ahead is a store's newest one.",
        f"{_PART}/orders/queries.py",
        "OrderQueries.newest_of_store",
        "Range(to_text(since), to_text(until))",
        "Range(to_text(since))",
    ),
]
