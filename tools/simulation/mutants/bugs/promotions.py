"""Planted bugs in promotions: what is sent, sent again, asked for and ended."""

from tools.simulation.mutants.planting import Mutant, one_edit

_PACKAGE = "layers/partner_orders/partner_orders"
_PROMOTIONS = f"{_PACKAGE}/promotions"
_PUSHER = f"{_PACKAGE}/pusher/promotions.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "a-stale-promotion-is-written",
        "A promotion is written over what came since it was read, so a newer wish is lost.",
        f"{_PROMOTIONS}/table.py",
        "PromotionsTable.write",
        "attributes, as_read)",
        "attributes)",
    ),
    one_edit(
        "an-older-body-stays",
        "A body that the platform works off after a newer one stays.",
        f"{_PROMOTIONS}/next_step.py",
        "_put_due",
        "return min(filter(None, (due, after_older)), default=None)",
        "return due",
    ),
    one_edit(
        "a-lost-response-is-forgotten",
        "A body whose effect nobody knows is not sent again.",
        f"{_PROMOTIONS}/next_step.py",
        "_put_due",
        "due: datetime | None = state.put_at + _doubled(_MINUTE, state.puts, LONGEST_ASKING)",
        "due: datetime | None = None",
    ),
    one_edit(
        "an-end-is-tried-once",
        "An end whose job failed, or that was refused, is not sent again.",
        f"{_PROMOTIONS}/next_step.py",
        "_retry_due",
        "is_endless = state.wish.is_end and",
        "is_endless = not state.wish.is_end and",
    ),
    one_edit(
        "switched-off-and-sent",
        "A promotion is sent while one of its stores is switched off.",
        f"{_PROMOTIONS}/sending.py",
        "are_switched_on",
        "settings[name].is_promoting for name",
        "settings[name] is not None for name",
    ),
    one_edit(
        "an-end-waits-for-the-switch",
        "While its stores are switched off a promotion cannot be ended.",
        f"{_PROMOTIONS}/next_step.py",
        "next_step",
        "may_be_sent or state.wish.is_end",
        "may_be_sent",
    ),
    one_edit(
        "the-new-before-the-end",
        "A promotion that takes another's place is sent while that one runs.",
        f"{_PROMOTIONS}/sending.py",
        "is_free",
        "earlier is None or earlier.has_ended",
        "earlier is None or earlier.wish.is_end",
    ),
    one_edit(
        "an-end-for-later-comes-at-once",
        "An end that was set for a later time overtakes the wish that is not sent yet.",
        f"{_PROMOTIONS}/state.py",
        "wished",
        "if wish.is_end and wish.due > now:",
        "if wish.is_end and wish.due < now:",
    ),
    one_edit(
        "a-promotion-is-sent-unnoted",
        "A promotion is sent by whoever has read it, also where somebody else sends it or a newer wish came.",
        _PUSHER,
        "Promotions._put",
        "claim = self._table.write(after.claimed(state, secrets.token_hex(4), self._platform.now()))",
        "claim = after.claimed(state, secrets.token_hex(4), self._platform.now())",
    ),
    one_edit(
        "a-2xx-is-an-outcome",
        "A 2xx without a job counts as completed.",
        f"{_PACKAGE}/platform/promotions.py",
        "PlatformPromotions.put",
        'raise EffectUnknownError(Failure.NOT_JSON, "job_id", retry_after=0.0)',
        'return JobAnswer("", "COMPLETED")',
    ),
    one_edit(
        "the-lists-are-not-read",
        "What the platform left out of a promotion is not told.",
        f"{_PROMOTIONS}/state.py",
        "_completed",
        "Outcome.DONE_IN_PART if result.count else Outcome.DONE",
        "Outcome.DONE",
    ),
]
