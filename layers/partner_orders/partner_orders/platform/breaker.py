"""Tells what befalls every store from one store's own trouble, so that a run ends instead of requesting all in turn."""

from partner_orders.platform.failures import Failure, PartnerApiError

# One store's trouble is its own, and two may have the same. More is taken for everyone's; the next run begins with the
# stores that were not requested. So many stores in a row without a usable response: each takes minutes.
SILENT_STORES = 3
# So many ids refused. Of a store one or both may be tried.
REFUSED_IDS = 4


class Breaker:
    """What the stores of one run got so far. ``path`` names a store by one of its ids."""

    def __init__(self) -> None:
        self.has_worked = False
        self._refused: set[str] = set()
        self._silent_in_a_row: set[str] = set()

    def worked(self) -> None:
        """A store got what it asked for."""
        self.has_worked = True
        self._silent_in_a_row.clear()

    def failed(self, path: str, error: PartnerApiError) -> bool:
        """Note what a store got instead of orders; whether any other would get the same.

        It would if SILENT_STORES in a row got nothing that can be read, however often they were tried: 5xx, no
        response, no JSON. And if REFUSED_IDS were refused, by 403 or a 4xx like 400, and none has worked in this run.
        """
        if error.retry_after is not None:
            self._silent_in_a_row.add(path)
            return len(self._silent_in_a_row) >= SILENT_STORES
        self._silent_in_a_row.clear()
        if error.failure not in {Failure.FORBIDDEN, Failure.REFUSED}:
            return False
        self._refused.add(path)
        return len(self._refused) >= REFUSED_IDS and not self.has_worked
