"""The request budget of a worker that does not wait long: what does not fit in goes in its next run."""

from collections.abc import Callable

from partner_orders.platform.budgeted_requests import BudgetedRequests
from partner_orders.platform.rate_limit import nothing


class PatientRequests(BudgetedRequests):
    """Waits at most ``most_seconds`` for a permit, whatever time the caller has."""

    most_seconds = 5.0

    def wait(self, remaining_seconds: float, keep_alive: Callable[[], None] = nothing) -> bool:
        return super().wait(min(remaining_seconds, self.most_seconds), keep_alive)
