"""Planted bugs in how the platform's orders are compared with ours."""

from tools.simulation.mutants.bugs.complaints import UNFINISHED
from tools.simulation.mutants.planting import Edit, Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/reconciler"
_COMPARISON = f"{_PART}/comparison.py"
_LEASE = f"{_PART}/lease.py"
_POSITIONS = f"{_PART}/table.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "there-is-in-step",
        "An order that we have is taken to be in sync, whatever we have of it.",
        _COMPARISON,
        "Comparison._has",
        "(stored is not None and event.digest in stored.digests)",
        "stored is not None",
        "a poll that does not converge with the webhook: https://github.com/openlinker-project/openlinker",
    ),
    one_edit(
        "queued-or-not",
        "A store counts as checked although the queue did not take what was missing.",
        _COMPARISON,
        "Comparison._note_and_enqueue",
        "            self._enqueue(batch, repairs, scope, shown_at)\n",
        "            try:\n"
        "                self._enqueue(batch, repairs, scope, shown_at)\n"
        "            except Exception:\n"
        "                pass\n",
        "cursor and effect are saved apart: https://github.com/n8n-io/n8n-docs/pull/5225",
    ),
    Mutant(
        "trust-a-lost-lease",
        "A worker whose lease was taken over goes on, and writes where it is.",
        (
            Edit(_LEASE, "Lease.renew", "            raise LeaseLostError\n", "            pass\n"),
            Edit(
                _LEASE,
                "Lease.renew",
                "if self._held_until - now <= DURATION * 3 / 4:",
                "if self._held_until and self._held_until - now <= DURATION * 3 / 4:",
            ),
            Edit(
                _LEASE,
                "Lease._write",
                "            raise LeaseLostError from None\n",
                "            return\n",
            ),
            Edit(
                _POSITIONS,
                "ReconciliationTable._put",
                'any_of(absent("fence"), at_most("fence", fencing_token))',
                "None",
            ),
        ),
        UNFINISHED,
    ),
]
