"""Planted bugs in the queue that every event passes."""

from tools.simulation.mutants.bugs.complaints import UNREAD
from tools.simulation.mutants.planting import Mutant, one_edit

_PART = "layers/partner_orders/partner_orders/order_events"
_QUEUE = f"{_PART}/queue.py"

MUTANTS: list[Mutant] = [
    one_edit(
        "failed-entries-unread",
        "What the queue refused of a batch is not noticed.",
        _QUEUE,
        "OrderEventsQueue._send_batch",
        'if refused := answer.get("Failed", []):',
        "if refused := []:",
        UNREAD,
    ),
    one_edit(
        "the-last-batch-unsent",
        "What does not fill a batch is not sent.",
        _QUEUE,
        "OrderEventsQueue.send_all",
        "        if batch:\n            self._send_batch(batch)",
        "        return",
        UNREAD,
    ),
]
