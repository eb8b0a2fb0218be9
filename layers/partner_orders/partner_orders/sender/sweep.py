"""The sweep: wakes the sender for every order with an answer that should have been taken up by now."""

from partner_orders.answers.table import AnswersTable
from partner_orders.answers.wake_ups import WakeUps
from partner_orders.clock import Clock

# What one sweep wakes; the next one, a minute later, wakes the rest.
MOST = 500


class Sweep:
    def __init__(self, answers: AnswersTable, wake_ups: WakeUps, clock: Clock) -> None:
        self._answers = answers
        self._wake_ups = wake_ups
        self._clock = clock

    def run(self) -> int:
        """Wake the sender; for how many orders. Raises botocore's errors."""
        return self._wake_ups.send_all(self._answers.due(self._clock(), MOST))
