"""Planted bugs in how the platform's orders are compared with ours."""

from tools.simulation.mutants.catalogue.complaints import UNFINISHED
from tools.simulation.mutants.planting import Edit, Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/reconciler"
_COMPARISON = f"{_PART}/comparison.py"
_LEASE = f"{_PART}/lease.py"
_POSITIONS = f"{_PART}/table.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "there-is-in-step",
        "An order that we have is taken to be in step, whatever we have of it.",
        _COMPARISON,
        "Comparison.compare",
        "(ours is not None and event.digest in ours.digests)",
        "ours is not None",
        "a poll that does not converge with the webhook: https://github.com/openlinker-project/openlinker",
    ),
    one_edit(
        "queued-or-not",
        "A store counts as checked although the queue did not take what was missing.",
        _COMPARISON,
        "Comparison.compare",
        "                self._enqueue(store, [*zip(some, causes, strict=True)], correlation_id)\n",
        "                try:\n"
        "                    self._enqueue(store, [*zip(some, causes, strict=True)], correlation_id)\n"
        "                except Exception:\n"
        "                    pass\n",
        "cursor and effect are saved apart: https://github.com/n8n-io/n8n-docs/pull/5225",
    ),
    Mutant(
        "trust-a-lost-lease",
        "A worker whose lease was taken over goes on, and writes where it is.",
        (
            Edit(_LEASE, "Lease.keep", '            raise LeaseLostError("the lease ran out")\n', "            pass\n"),
            Edit(
                _LEASE,
                "Lease.keep",
                "if self._held_until - now <= DURATION * 3 / 4:",
                "if self._held_until and self._held_until - now <= DURATION * 3 / 4:",
            ),
            Edit(
                _LEASE,
                "Lease._write",
                '                raise LeaseLostError("another worker has taken the lease") from None\n',
                "                return\n",
            ),
            Edit(
                _POSITIONS,
                "ReconciliationTable._put",
                "attribute_not_exists(fence) OR fence <= :fence",
                "attribute_not_exists(fence) OR fence <> :fence OR fence = :fence",
            ),
        ),
        UNFINISHED,
    ),
]
